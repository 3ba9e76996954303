/* SPDX-License-Identifier: BSD-2-Clause */
/* gettext(3) without catalogues: every text is given as it is. */
#pragma once

#ifdef __cplusplus
extern "C" {
#endif

/* gettext's own macro for configure scripts: the interface of revision 0 is all there. */
#define __USE_GNU_GETTEXT 1
#define __GNU_GETTEXT_SUPPORTED_REVISION(major) ((major) == 0 ? 1 : -1)

char *gettext(const char *text) __attribute__((__format_arg__(1)));
char *dgettext(const char *domain, const char *text) __attribute__((__format_arg__(2)));
char *dcgettext(const char *domain, const char *text, int category)
    __attribute__((__format_arg__(2)));
char *ngettext(const char *one, const char *many, unsigned long n)
    __attribute__((__format_arg__(1), __format_arg__(2)));
char *dngettext(const char *domain, const char *one, const char *many, unsigned long n)
    __attribute__((__format_arg__(2), __format_arg__(3)));
char *dcngettext(const char *domain, const char *one, const char *many, unsigned long n,
                 int category) __attribute__((__format_arg__(2), __format_arg__(3)));
char *textdomain(const char *domain);
char *bindtextdomain(const char *domain, const char *folder);
char *bind_textdomain_codeset(const char *domain, const char *codeset);

#ifdef __cplusplus
}
#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/* gettext(3) without catalogues. What the domains are called is kept for those who ask. */
#include <libintl.h>
#include <limits.h>
#include <stddef.h>
#include <string.h>

char *gettext(const char *text)
{
    return (char *)text;
}

char *dgettext(const char *domain, const char *text)
{
    (void)domain;
    return (char *)text;
}

char *dcgettext(const char *domain, const char *text, int category)
{
    (void)domain;
    (void)category;
    return (char *)text;
}

char *ngettext(const char *one, const char *many, unsigned long n)
{
    return (char *)(n == 1 ? one : many);
}

char *dngettext(const char *domain, const char *one, const char *many, unsigned long n)
{
    (void)domain;
    return ngettext(one, many, n);
}

char *dcngettext(const char *domain, const char *one, const char *many, unsigned long n,
                 int category)
{
    (void)domain;
    (void)category;
    return ngettext(one, many, n);
}

/* Set when the program starts, by one thread. */
char *textdomain(const char *domain)
{
    static char current[NAME_MAX + 1] = "messages";
    if (domain != NULL) {
        strlcpy(current, *domain != '\0' ? domain : "messages", sizeof(current));
    }
    return current;
}

/* Of the folder only the caller's own word is known: nothing is looked up there. */
char *bindtextdomain(const char *domain, const char *folder)
{
    if (domain == NULL || *domain == '\0') {
        return NULL;
    }
    return (char *)(folder != NULL ? folder : "/usr/share/locale");
}

char *bind_textdomain_codeset(const char *domain, const char *codeset)
{
    return domain == NULL || *domain == '\0' ? NULL : (char *)codeset;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* strtol() and its kin by the names that newlib itself calls; no locale writes numbers differently. */
#define _GNU_SOURCE
#include <inttypes.h>
#include <reent.h>
#include <stdlib.h>

/* Functions of newlib that no header of its own declares. */
intmax_t _strtoimax_r(struct _reent *, const char *restrict, char **restrict, int);
uintmax_t _strtoumax_r(struct _reent *, const char *restrict, char **restrict, int);

#define READER(type, name)                                                                          \
    type name##_l(const char *restrict s, char **restrict end, int base, locale_t locale)           \
    {                                                                                               \
        (void)locale;                                                                               \
        return name(s, end, base);                                                                  \
    }                                                                                               \
    type _##name##_r(struct _reent *unused, const char *restrict s, char **restrict end, int base)  \
    {                                                                                               \
        (void)unused;                                                                               \
        return name(s, end, base);                                                                  \
    }

READER(long, strtol)
READER(unsigned long, strtoul)
READER(long long, strtoll)
READER(unsigned long long, strtoull)
READER(intmax_t, strtoimax)
READER(uintmax_t, strtoumax)

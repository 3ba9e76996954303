/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fnmatch(): a name against a shell's pattern (POSIX, XCU 2.13). newlib's knows no [[:alpha:]].
 * Characters are bytes. Of two stars only the last one is ever tried again: what the one before has
 * matched can't be better.
 */
#define _GNU_SOURCE
#include <ctype.h>
#include <fnmatch.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <wctype.h>

struct match {
    const char *text; /* the whole of it */
    int flags;
};

static unsigned char fold(char c, int flags)
{
    unsigned char u = (unsigned char)c;
    return (unsigned char)(flags & FNM_CASEFOLD ? tolower(u) : u);
}

/* A '.' that only a '.' of the pattern matches. */
static bool is_leading_period(const struct match *m, const char *s)
{
    return *s == '.' && (m->flags & FNM_PERIOD) &&
           (s == m->text || ((m->flags & FNM_PATHNAME) && s[-1] == '/'));
}

/* [:class:], [=c=] or [.c.] at p, behind the bracket: its end, or NULL when it is none. */
static const char *special(const char *p, char c, int flags, bool *found, int *single)
{
    char name[16];
    const char kind = *p;
    const char close[3] = { kind, ']', '\0' };
    const char *end = strstr(p + 1, close);
    *single = -1;
    if (end == NULL || (size_t)(end - p - 1) >= sizeof(name)) {
        return NULL;
    }
    memcpy(name, p + 1, (size_t)(end - p - 1));
    name[end - p - 1] = '\0';
    if (kind == ':') {
        wctype_t class = wctype(name);
        if (class == 0) {
            return NULL;
        }
        *found |= iswctype((wint_t)(unsigned char)c, class) != 0;
        if ((flags & FNM_CASEFOLD) && isalpha((unsigned char)c)) {
            *found |= strcmp(name, "upper") == 0 || strcmp(name, "lower") == 0;
        }
    } else if (name[0] != '\0' && name[1] == '\0') {
        *single = (unsigned char)name[0];
    } else {
        return NULL;
    }
    return end + 2;
}

/*
 * A bracket expression, p behind its '['. Returns what is behind it, with *matches set; NULL when it
 * is none and the bracket stands for itself.
 */
static const char *bracket(const char *p, char c, int flags, bool *matches)
{
    bool found = false, inverted = *p == '!' || *p == '^';
    unsigned char want = fold(c, flags);
    p += inverted;
    for (bool first = true; *p != ']' || first; first = false) {
        int low = -1, high;
        if (*p == '\0' || (*p == '/' && (flags & FNM_PATHNAME))) {
            return NULL;
        }
        if (*p == '[' && p[1] != '\0' && strchr(":=.", p[1]) != NULL) {
            const char *end = special(p + 1, c, flags, &found, &low);
            if (end == NULL) {
                low = '[';
                end = p + 1;
            }
            p = end;
            if (low < 0) {
                continue;
            }
        } else {
            p += *p == '\\' && !(flags & FNM_NOESCAPE) && p[1] != '\0';
            low = (unsigned char)*p++;
        }
        high = low;
        if (*p == '-' && p[1] != ']' && p[1] != '\0') {
            p++;
            p += *p == '\\' && !(flags & FNM_NOESCAPE) && p[1] != '\0';
            high = (unsigned char)*p++;
        }
        found |= want >= fold((char)low, flags) && want <= fold((char)high, flags);
    }
    *matches = found != inverted;
    return p + 1;
}

/* One character against one part of the pattern that is no star: what is behind the part, or NULL. */
static const char *one(const struct match *m, const char *p, const char *s)
{
    int flags = m->flags;
    bool open = !(*s == '/' && (flags & FNM_PATHNAME)) && !is_leading_period(m, s); /* to ? and [ */
    if (*p == '?') {
        return open ? p + 1 : NULL;
    }
    if (*p == '[') {
        bool matches = false;
        const char *end = bracket(p + 1, *s, flags, &matches);
        if (end != NULL) {
            return matches && open ? end : NULL;
        }
    }
    if (*p == '\\' && !(flags & FNM_NOESCAPE)) {
        p++;
    }
    return *p != '\0' && fold(*p, flags) == fold(*s, flags) ? p + 1 : NULL;
}

int fnmatch(const char *pattern, const char *text, int flags)
{
    struct match m = { text, flags };
    const char *p = pattern, *s = text, *star = NULL, *star_text = NULL;
    for (;;) {
        if (*p == '*') {
            if (is_leading_period(&m, s)) {
                return FNM_NOMATCH;
            }
            star = ++p;
            star_text = s;
            continue;
        }
        if (*p == '\0' && (*s == '\0' || (*s == '/' && (flags & FNM_LEADING_DIR)))) {
            return 0;
        }
        const char *next = *s != '\0' && *p != '\0' ? one(&m, p, s) : NULL;
        if (next != NULL) {
            p = next;
            s++;
            continue;
        }
        /* The last star takes one character more. */
        if (star == NULL || *star_text == '\0' || (*star_text == '/' && (flags & FNM_PATHNAME))) {
            return FNM_NOMATCH;
        }
        s = ++star_text;
        p = star;
    }
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* Pieces of text that somebody else owns: a pointer and a length, no terminating zero. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

struct slice {
    const char *p; /* NULL: not there */
    size_t n;
};

static inline struct slice slice_of(const char *s)
{
    return (struct slice){ s, strlen(s) };
}

static inline bool slice_is(struct slice s, const char *text)
{
    return s.n == strlen(text) && memcmp(s.p, text, s.n) == 0;
}

/* The same without regard to the case of ASCII letters. */
static inline bool slice_is_nocase(struct slice s, const char *text)
{
    return s.n == strlen(text) && strncasecmp(s.p, text, s.n) == 0;
}

static inline bool slice_starts_nocase(struct slice s, const char *text)
{
    size_t n = strlen(text);
    return s.n >= n && strncasecmp(s.p, text, n) == 0;
}

static inline struct slice slice_skip(struct slice s, size_t n)
{
    return (struct slice){ s.p + n, s.n - n };
}

/* Without spaces and tabs at both ends. */
static inline struct slice slice_trim(struct slice s)
{
    while (s.n > 0 && (s.p[0] == ' ' || s.p[0] == '\t')) {
        s = slice_skip(s, 1);
    }
    while (s.n > 0 && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t')) {
        s.n--;
    }
    return s;
}

/* Cut the next element off a list with commas; false at its end. Empty elements are passed over. */
static inline bool slice_next(struct slice *list, struct slice *element)
{
    while (list->n > 0) {
        const char *comma = memchr(list->p, ',', list->n);
        size_t n = comma != NULL ? (size_t)(comma - list->p) : list->n;
        *element = slice_trim((struct slice){ list->p, n });
        *list = slice_skip(*list, comma != NULL ? n + 1 : n);
        if (element->n > 0) {
            return true;
        }
    }
    return false;
}

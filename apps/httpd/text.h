/* SPDX-License-Identifier: BSD-2-Clause */
/* Text that grows while it is written: in a buffer of fixed size, or on the heap up to a limit. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct text {
    char *p;
    size_t len;   /* without a terminating zero; there is one behind it */
    size_t cap;
    size_t limit; /* on the heap, how far cap may grow; 0: p is somebody's fixed buffer */
    bool failed;  /* something did not fit, or there was no memory: the text is incomplete */
};

/* Write into p[0..cap). */
void text_fixed(struct text *t, char *p, size_t cap);

/* Write on the heap, at most `limit` bytes; whoever takes t->p frees it. */
void text_heap(struct text *t, size_t limit);

void text_add(struct text *t, const char *s);
void text_add_bytes(struct text *t, const void *p, size_t n);

/*
 * As printf(), as far as it is needed here: %s %.*s %c %d %u %x, with l, ll, z, a width, and 0. The
 * library's own has floating point and wide characters in tow, 40 KB of them.
 */
__attribute__((format(printf, 2, 3))) void text_printf(struct text *t, const char *format, ...);

/* A message on stderr, in one piece, for people: the program's name comes before it. */
extern const char text_program[];
__attribute__((format(printf, 1, 2))) void text_say(const char *format, ...);

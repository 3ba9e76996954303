/* sources: libos/fs/console_input.c */
/* SPDX-License-Identifier: BSD-2-Clause */
/* The decoder of console input: escapes cut at every place, the end, line ends. */
#include "libos/fs/console_input.h"

#include "unit.h"

/* Decode `raw` in pieces of `step` bytes; the result as a string. */
static const char *decode(struct console_decoder *d, const char *raw, size_t n, size_t step)
{
    static char out[100];
    size_t have = 0;
    for (size_t at = 0; at < n; at += step) {
        char piece[100];
        size_t len = n - at < step ? n - at : step;
        memcpy(piece, raw + at, len);
        size_t got = console_decode(d, piece, len);
        memcpy(out + have, piece, got);
        have += got;
    }
    out[have] = '\0';
    return out;
}

static void test_framed(void)
{
    static const char raw[] = "ab\x10\x10" "c\r\x04\n\x10\x04zz";
    for (size_t step = 1; step < sizeof(raw); step++) {
        struct console_decoder d = { .framed = true };
        EXPECT_STR(decode(&d, raw, sizeof(raw) - 1, step), "ab\x10" "c\r\x04\n");
        EXPECT(d.eof);
        EXPECT(d.bad == 0);
        EXPECT_STR(decode(&d, "more", 4, 4), ""); /* nothing after the end */
    }
}

/* Bytes above 0x7f over a line of seven bits; the byte after DC1 is never an escape itself. */
static void test_seven_bits(void)
{
    static const char raw[] = "a\x10\x11\x10\x10\x11\x04\x10\x11\x7f" "b\x10\x10\x11\x10\x04";
    for (size_t step = 1; step < sizeof(raw); step++) {
        struct console_decoder d = { .framed = true };
        EXPECT_STR(decode(&d, raw, sizeof(raw) - 1, step), "a\x90\x84\xff" "b\x10\x11");
        EXPECT(d.eof);
        EXPECT(d.bad == 0);
    }
}

static void test_bad_escapes(void)
{
    struct console_decoder d = { .framed = true };
    EXPECT_STR(decode(&d, "a\x10qb\x10\x10\x10zc", 9, 2), "ab\x10" "c");
    EXPECT(d.bad == 2);
    EXPECT(!d.eof);
    EXPECT_STR(decode(&d, "\x10", 1, 1), "");
    EXPECT(d.escape != 0 && !d.eof);
}

static void test_terminal(void)
{
    struct console_decoder d = { .framed = false };
    EXPECT_STR(decode(&d, "hi\r", 3, 3), "hi\n");
    EXPECT_STR(decode(&d, "a\x04" "b\n", 4, 4), "ab\n");
    EXPECT(!d.eof);
    EXPECT_STR(decode(&d, "\x10\x10", 2, 2), "\x10\x10");
    EXPECT_STR(decode(&d, "\x04", 1, 1), "");
    EXPECT(d.eof);
}

int main(void)
{
    test_framed();
    test_seven_bits();
    test_bad_escapes();
    test_terminal();
    return unit_done();
}

/* sources: libos/core/log_format.c */
/* SPDX-License-Identifier: BSD-2-Clause */
/* The formatter against the host's printf, and where it cuts. */
#include <limits.h>

#include <pith/log.h>

#include "unit.h"

#define SAME(...)                                                                                 \
    do {                                                                                          \
        char got[128], want[128];                                                                 \
        int got_len = log_format(got, sizeof(got), __VA_ARGS__);                                  \
        int want_len = snprintf(want, sizeof(want), __VA_ARGS__);                                 \
        EXPECT_STR(got, want);                                                                    \
        EXPECT(got_len == want_len);                                                              \
    } while (0)

static void test_like_printf(void)
{
    SAME("plain");
    SAME("%d %d %d", 0, INT_MAX, INT_MIN);
    SAME("%ld %lld %zd", LONG_MIN, LLONG_MAX, (ssize_t)-1);
    SAME("%u %lu %llu %zu", UINT_MAX, ULONG_MAX, ULLONG_MAX, (size_t)7);
    SAME("%x %lx %08x %016lx", 0xdeadbeefu, ULONG_MAX, 0x12u, 0x1234ul);
    SAME("[%5d] [%-5d] [%05d]", 42, 42, 42);
    SAME("[%5d] [%-5d] [%05d] [%2d]", -42, -42, -42, -4242);
    SAME("[%5s] [%-5s] [%.2s] [%5.1s] [%s]", "abc", "abc", "abc", "abc", "");
    SAME("[%*d] [%.*s]", 6, 12, 3, "abcdef");
    SAME("%c%c%%", 'a', 'z');
    SAME("[%3c] [%-3c]", 'x', 'y');
    SAME("%p", (void *)0x1234);
}

static void test_edges(void)
{
    char buf[8];

    memset(buf, 'x', sizeof(buf));
    EXPECT(log_format(buf, sizeof(buf), "%s", "0123456789") == 10);
    EXPECT_STR(buf, "0123456");
    buf[0] = 'x';
    EXPECT(log_format(buf, 1, "%d", 123) == 3);
    EXPECT_STR(buf, "");
    buf[0] = 'x';
    EXPECT(log_format(buf, 0, "%d", 123) == 3);
    EXPECT(buf[0] == 'x');
    EXPECT(log_format(NULL, 0, "%s", "abc") == 3);
    const char *volatile nothing = NULL; /* volatile: GCC would warn */
    EXPECT(log_format(buf, sizeof(buf), "%s", nothing) == 6);
    EXPECT_STR(buf, "(null)");
}

static int format_unchecked(char *buf, size_t size, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    int len = log_vformat(buf, size, fmt, ap);
    va_end(ap);
    return len;
}

static void test_bad_formats(void)
{
    char buf[64];

    format_unchecked(buf, sizeof(buf), "a%", 0);
    EXPECT_STR(buf, "a");
    format_unchecked(buf, sizeof(buf), "a%-08", 0);
    EXPECT_STR(buf, "a");
    format_unchecked(buf, sizeof(buf), "[%-05d]", 42);
    EXPECT_STR(buf, "[42   ]");
    format_unchecked(buf, sizeof(buf), "%q %d", 5);
    EXPECT_STR(buf, "%q 5");
    EXPECT(format_unchecked(buf, sizeof(buf), "%99999999999d", 5) > 0);
}

int main(void)
{
    test_like_printf();
    test_edges();
    test_bad_formats();
    return unit_done();
}

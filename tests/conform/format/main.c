/* SPDX-License-Identifier: BSD-2-Clause */
/* The printf family: each conversion with its flags, widths and precisions, and what it returns. */
#define _GNU_SOURCE
#include "../conform.h"

#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <stdarg.h>
#include <stddef.h>
#include <wchar.h>

static char out[512];

/* What is written and what is returned. */
static void show(int line, const char *format, ...)
{
    va_list ap;
    memset(out, '#', sizeof(out));
    va_start(ap, format);
    errno = 0;
    int n = vsnprintf(out, sizeof(out), format, ap);
    va_end(ap);
    printf("%d: ", line);
    print_bytes(format, strlen(format));
    printf(" = %d %s ", n, n < 0 ? error_name(errno) : "");
    if (n >= 0) {
        print_bytes(out, strlen(out));
    }
    putchar('\n');
}

#define F(...) show(__LINE__, __VA_ARGS__)

static void integers(void)
{
    static const char *const formats[] = {"%d", "%5d", "%-5d|", "%05d", "%+d", "% d", "%+ d", "%.0d",
        "%.3d", "%8.3d", "%-8.3d|", "%08.3d", "%+.3d", "%i", "%u", "%5u", "%.5u", "%x", "%#x", "%#X",
        "%08x", "%#08x", "%#.3x", "%o", "%#o", "%#.0o", "%-#8o|", "%#.5o", "%hd", "%hhd", "%hu", "%hhx",
        "%'d", "%.d", "%+u", "%-05d|", "%0-5d|"};
    static const int values[] = {0, 1, -1, 42, -12345, INT_MAX, INT_MIN};
    for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
        for (size_t k = 0; k < sizeof(values) / sizeof(values[0]); k++) {
            show(__LINE__, formats[i], values[k]);
        }
    }
    F("%ld %lu %lx", LONG_MIN, ULONG_MAX, LONG_MAX);
    F("%lld %llu", LLONG_MIN, ULLONG_MAX);
    F("%jd %ju", INTMAX_MIN, UINTMAX_MAX);
    F("%zu %zd %td", (size_t)-1, (ssize_t)-1, (ptrdiff_t)-7);
    CALL(snprintf(out, sizeof(out), "%" PRId64 " %" PRIx16 " %" PRIu8, INT64_MIN, (uint16_t)65535, (uint8_t)255));
    STR(out);
    F("%*d|%-*d|%*d|", 6, 42, 6, 42, -6, 42);
    F("%.*d|%.*d|", 4, 42, -1, 42);
    F("%*.*f|", 10, 2, 3.14159);
    F("%2$s %1$s %2$s", "a", "b");
    F("%2$*1$d|%2$-*1$d|", 6, 7);
    F("%1$d %1$x %1$o", 255);
    F("%%|%c|%5c|%-5c|", 'a', 'b', 'c');
    F("%c%c", 'x', 0);
    F("%p %p", (void *)0x1234, (void *)0xffffffffffffffff);
    F("%20p|%-20p|", (void *)0xab, (void *)0xab);
    F("%p", NULL);
}

static void strings(void)
{
    F("%s|%10s|%-10s|%.2s|%10.2s|%-10.2s|", "abc", "abc", "abc", "abc", "abc", "abc");
    F("%.0s|%.s|%5s|", "abc", "abc", "");
    F("%s", "");
    char bare[3] = {'x', 'y', 'z'};
    F("%.3s", bare);
    F("%.*s|%.*s", 2, "abc", -1, "abc");
    F("%ls|%.1ls|%5ls|", L"wide", L"wide", L"w");
    F("%S %C", L"wide", L'c');
    F("%lc", (wint_t)L'w');
    int n = -1;
    long ln = -1;
    signed char hhn = -1;
    F("abc%ndef%ln%hhn", &n, &ln, &hhn);
    SHOW(n);
    SHOW(ln);
    SHOW(hhn);
    errno = ENOENT;
    F("%m");
    F("no conversions");
    F("");
    F("100%%");
}

static void reals(void)
{
    static const char *const formats[] = {"%f", "%.0f", "%#.0f", "%.1f", "%10.3f", "%-10.3f|", "%010.3f",
        "%+f", "% f", "%e", "%.0e", "%#.0e", "%.3e", "%E", "%12.2e", "%g", "%.0g", "%.3g", "%#g", "%G",
        "%.10g", "%.17g", "%a", "%.2a", "%A", "%.0a", "%15a", "%F", "%'.2f"};
    static const double values[] = {0.0, -0.0, 1.0, -1.5, 0.5, 2.5, 3.5, 0.1, 123456789.0, 1e-5, 1e-4, 99999.5,
        999999.5, 1e15, 1e16, 1e22, 1e23, 1e100, 1.7976931348623157e308, 2.2250738585072014e-308,
        4.9406564584124654e-324, 0.3, 1.0 / 3.0, 1234.5678, 9.995, 0.045};
    for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
        for (size_t k = 0; k < sizeof(values) / sizeof(values[0]); k++) {
            show(__LINE__, formats[i], values[k]);
        }
        show(__LINE__, formats[i], (double)INFINITY);
        show(__LINE__, formats[i], -(double)INFINITY);
        show(__LINE__, formats[i], (double)NAN);
    }
    F("%.40f", 0.1);
    F("%.100f", 1e-50);
    F("%.60e", 1e-300);
    F("%Lf %Lg %Le", 1.5L, 1e10L, -2.5L);
    F("%05f|%05f", (double)INFINITY, (double)NAN);
    F("%-8f|%+f", (double)INFINITY, (double)INFINITY);
}

static void bounds(void)
{
    char small[4];
    SAY("room");
    memset(small, '#', sizeof(small));
    CALL(snprintf(small, sizeof(small), "%s", "abcdef"));
    BYTES(small, 4);
    CALL(snprintf(small, 1, "%d", 12345));
    BYTES(small, 4);
    CALL(snprintf(NULL, 0, "%d", 12345));
    memset(small, '#', sizeof(small));
    CALL(snprintf(small, 0, "abc"));
    BYTES(small, 4);
    volatile int wide = INT_MAX; /* one more than int can tell, with the rest */
    CALL(snprintf(small, sizeof(small), "%d%*d", 1, wide, 1));
    CALL(sprintf(out, "%d%s", 1, "x"));
    STR(out);
    char *made = NULL;
    CALL(asprintf(&made, "%0*d", 300, 7));
    SHOW((long)strlen(made));
    free(made);
    F("%300d|", 1);
    F("%.300d", 1);
    F("%s|%10s|%.6s", NULL, NULL, NULL);
    SAY("streams");
    CALL(printf("one %d\n", 1));
    CALL(printf("%s", ""));
    CALL(fprintf(stdout, "%s %c\n", "two", '2'));
    fflush(stdout);
    CALL(dprintf(1, "three %x\n", 0xabc));
    CALL(dprintf(-1, "x"));
    FILE *f = fopen("/dev/null", "r");
    if (f != NULL) {
        CALL(fprintf(f, "x"));
        IS(ferror(f) != 0);
        fclose(f);
    }
    wchar_t wide_out[32];
    CALL(swprintf(wide_out, 32, L"%d %ls %s %c", 42, L"wide", "narrow", 'c'));
    IS(wcscmp(wide_out, L"42 wide narrow c") == 0);
    CALL(swprintf(wide_out, 3, L"%d", 12345) < 0);
}

int main(void)
{
    begin();
    SAY("integers");
    integers();
    SAY("strings");
    strings();
    SAY("reals");
    reals();
    bounds();
    return end();
}

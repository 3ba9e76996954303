/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The C library as it is configured and patched for Pith, run by host.c on the build machine.
 * Each check here is about something that our configuration or one of our patches decides.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <inttypes.h>
#include <locale.h>
#include <math.h>
#include <regex.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <wchar.h>

static int failures;
static int checks;

static void check(int ok, const char *what, int line)
{
    checks++;
    if (!ok) {
        failures++;
        printf("newlib.c:%d: %s\n", line, what);
    }
}

#define CHECK(x) check((x) != 0, #x, __LINE__)

static const char *format(const char *text, ...)
{
    static char buffer[256];
    va_list args;

    va_start(args, text);
    vsnprintf(buffer, sizeof(buffer), text, args);
    va_end(args);
    return buffer;
}

static void test_printf(void)
{
    CHECK(strcmp(format("%d %s %c %%", -7, "text", 'x'), "-7 text x %") == 0);
    CHECK(strcmp(format("%zu %td %jd %hhd", (size_t)-1, (ptrdiff_t)-2, INTMAX_MIN, 257),
                 "18446744073709551615 -2 -9223372036854775808 1") == 0);
    CHECK(strcmp(format("%lld %" PRIu64 " %p", 1LL << 62, UINT64_MAX, (void *)0x10),
                 "4611686018427387904 18446744073709551615 0x10") == 0);
    CHECK(strcmp(format("%.3f %g %e %a", 3.14159, 1e100, 0.5, 1.0),
                 "3.142 1e+100 5.000000e-01 0x1p+0") == 0);
    CHECK(strcmp(format("%5.1f|%-6d|%06d|%+d", 2.25, 5, -42, 3), "  2.2|5     |-00042|+3") == 0);
    CHECK(strcmp(format("%Lf", 1.5L), "1.500000") == 0);
    CHECK(strcmp(format("%2$s %1$d %2$s", 5, "b"), "b 5 b") == 0);
    CHECK(strcmp(format("%3$*1$d|%2$.*1$f", 6, 2.0, 9), "     9|2.000000") == 0);
    CHECK(strcmp(format("%1$s %2$d %3$f %4$ld %5$d %6$d %7$d %8$s", "a", 1, 2.5, 3L, 4, 5, 6, "h"),
                 "a 1 2.500000 3 4 5 6 h") == 0);
    CHECK(strcmp(format("%s|%8s|%.2s|%.6s", NULL, NULL, NULL, NULL), "(null)|  (null)||(null)") == 0);
    wchar_t wide[32];
    CHECK(swprintf(wide, 32, L"%2$d-%1$d", 1, 2) == 3 && wcscmp(wide, L"2-1") == 0);
}

static void test_scanf(void)
{
    int a = 0;
    int b = 0;
    long long c = 0;
    double d = 0;

    CHECK(sscanf("12 0x1f 99999999999 2.5", "%d %i %lld %lf", &a, &b, &c, &d) == 4);
    CHECK(a == 12 && b == 31 && c == 99999999999 && d == 2.5);
    CHECK(sscanf("1 2", "%2$d %1$d", &a, &b) == 2 && a == 2 && b == 1);
    CHECK(strtod("1e-320", NULL) > 0 && strtod("nan", NULL) != strtod("nan", NULL));
    CHECK(strtoll("9223372036854775808", NULL, 10) == INT64_MAX && errno == ERANGE);
}

static void test_jumps(void)
{
    static volatile int passes;
    jmp_buf here;

    passes = 0;
    int value = setjmp(here);
    if (passes++ == 0) {
        longjmp(here, 0);
    }
    CHECK(passes == 2 && value == 1);
    value = setjmp(here);
    if (passes++ == 2) {
        longjmp(here, -5);
    }
    CHECK(value == -5);
}

static void test_signal_sets(void)
{
    CHECK(sizeof(sigset_t) == 8); /* the functions on it are the libOS's */
    struct sigaction action = { .sa_flags = SA_SIGINFO };
    action.sa_sigaction = NULL;
    CHECK(action.sa_handler == NULL);
}

static void test_others(void)
{
    regex_t regex;
    regmatch_t match;
    struct tm when = { .tm_year = 126, .tm_mon = 1, .tm_mday = 29 };

    CHECK(regcomp(&regex, "b+(c|d)", REG_EXTENDED) == 0);
    CHECK(regexec(&regex, "aabbbd", 1, &match, 0) == 0 && match.rm_so == 2 && match.rm_eo == 6);
    regfree(&regex);
    CHECK(mktime(&when) == 1772323200 && when.tm_mday == 1); /* 2026-02-29 is March 1st; needs 64 bits later */
    when = (struct tm){ .tm_year = 200, .tm_mday = 1 };
    CHECK(mktime(&when) == 4102444800);
    CHECK(fabs(sin(1) - 0.8414709848078965) < 1e-15 && sqrt(2) == 1.4142135623730951);
    CHECK(fabsl(powl(2.0L, 0.5L) - 1.41421356237309504880L) < 1e-15L);
    setlocale(LC_ALL, "C.UTF-8");
    wchar_t wide = 0;
    CHECK(mbtowc(&wide, "\xe2\x82\xac", 3) == 3 && wide == 0x20ac);
    errno = 0;
    CHECK(setenv("NAME", "value", 1) == 0 && strcmp(getenv("NAME"), "value") == 0 && errno == 0);
    char *text = NULL;
    CHECK(asprintf(&text, "%d", 12345) == 5 && strcmp(text, "12345") == 0);
    CHECK(strlen("0123456789abcdef") == 16 && strchr("abc", 'c') != NULL && memcmp("a", "b", 1) < 0);
}

static void at_exit_1(void)
{
    puts("handler 1");
}

static void at_exit_2(void)
{
    puts("handler 2");
}

/* exit() runs it after the handlers and before stdio is flushed. */
__attribute__((destructor)) static void destructor(void)
{
    printf("destructor, ");
}

int main(void)
{
    test_printf();
    test_scanf();
    test_jumps();
    test_signal_sets();
    test_others();
    atexit(at_exit_1);
    atexit(at_exit_2);
    printf("%d checks, %d failures\n", checks, failures);
    return failures != 0;
}

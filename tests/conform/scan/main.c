/* SPDX-License-Identifier: BSD-2-Clause */
/* The scanf family and the numbers of <stdlib.h>: what is taken, where it ends, what is out of range. */
#define _GNU_SOURCE
#include "../conform.h"

#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <wchar.h>

static const char *const integers[] = {"", " ", "0", "1", "-1", "+5", "  42", "\t\n\v\f\r7", "42abc", "abc", "-", "+",
    "--1", "0x", "0x1F", "0X1f", "0xg", "-0x10", "010", "08", "0b101", "9223372036854775807", "9223372036854775808",
    "-9223372036854775808", "-9223372036854775809", "18446744073709551615", "18446744073709551616",
    "-18446744073709551615", "-18446744073709551616", "99999999999999999999999999", "2147483648", "zz", "Zz", "1 2",
    "00012", "7fffffffffffffff", "-8000000000000000", "1777777777777777777777"};

static const int bases[] = {0, 2, 8, 10, 16, 36, 1, 37, -1};

#define SIGNED_(f)                                                                            \
    for (size_t i = 0; i < sizeof(integers) / sizeof(integers[0]); i++) {                     \
        for (size_t b = 0; b < sizeof(bases) / sizeof(bases[0]); b++) {                       \
            char *end_ = NULL;                                                                \
            errno = 0;                                                                        \
            long long v = (long long)f(integers[i], &end_, bases[b]);                         \
            int e = errno;                                                                    \
            print_bytes(integers[i], strlen(integers[i]));                                    \
            printf(" base %d: %lld at %ld %s\n", bases[b], v, end_ ? (long)(end_ - integers[i]) : -1L, \
                   e == EINVAL && bases[b] >= 0 && bases[b] <= 36 && bases[b] != 1 ? "0" : error_name(e)); \
        }                                                                                     \
    }

static void whole(void)
{
    SAY("strtol");
    SIGNED_(strtol)
    SAY("strtoul");
    SIGNED_(strtoul)
    SAY("strtoll and others");
    SHOW(strtoll("-9223372036854775808", NULL, 10) == LLONG_MIN);
    SHOW(strtoull("ffffffffffffffff", NULL, 16) == ULLONG_MAX);
    SHOW(strtoimax("-77", NULL, 8));
    SHOW((long)strtoumax("77", NULL, 8));
    SHOW(atoi("  -12x"));
    SHOW(atoi(""));
    SHOW(atol("99999999999"));
    SHOW(atoll("-99999999999"));
    wchar_t *we;
    SHOW(wcstol(L" 0x20 ", &we, 0));
    SHOW((long)wcstoul(L"777", &we, 8));
    SHOW((long)wcstoll(L"-5", NULL, 10));
    SHOW((long)wcstoull(L"5", NULL, 10));
    REAL(wcstod(L"1.5e3x", &we));
    IS(*we == L'x');
}

static void real(void)
{
    static const char *const texts[] = {"", " ", "0", "-0", "1", "1.", ".5", ".", "-.5", "+1.5", "1e", "1e+", "1e5", "1e-5",
        "1E5", "1e5x", "  3.25", "1e308", "1e309", "-1e309", "1e-308", "1e-320", "1e-400", "1e99999999999999", "inf",
        "INF", "infinity", "infinit", "-inf", "nan", "NaN", "nan(123)", "nan(", "nan(x!)", "0x1p3", "0x.8p1", "0x1.8",
        "0x", "0xg", "0x1p", "0x1p+", "0x1p-1074", "0x1p-1075", "0x1.fffffffffffffp1023", "0x2p1023", "1,5", "1d5",
        "123456789012345678901234567890", "0.000000000000000000000000000001",
        "2.2250738585072011e-308", "179769313486231580793728971405303415079934132710037826936173778980444968292764750946649017977587207096330286416692887910946555547851940402630657488671505820681908902000708383676273854845817711531764475730270069855571366959622842914819860834936475292719074168444365510704342711559699508093042880",
        "9007199254740993", "9007199254740993.0000000000000000000000000000000000000000000000000001",
        "0.1", "0.3", "8.5", "1.7976931348623158e308", "1.7976931348623159e308", "4.9406564584124654e-324",
        "2.4703282292062327e-324", "2.4703282292062328e-324"};
    SAY("strtod");
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        char *end_ = NULL;
        errno = 0;
        double v = strtod(texts[i], &end_);
        int e = errno;
        printf("%.40s: %.17g at %ld %s\n", texts[i], v != v ? fabs(v) : v, (long)(end_ - texts[i]), error_name(e));
    }
    SAY("strtof");
    static const char *const floats[] = {"1e38", "1e39", "1e-38", "1e-45", "1e-46", "0.1", "16777217", "nan", "-inf", "x"};
    for (size_t i = 0; i < sizeof(floats) / sizeof(floats[0]); i++) {
        char *end_ = NULL;
        errno = 0;
        float v = strtof(floats[i], &end_);
        int e = errno;
        printf("%s: %.9g at %ld %s\n", floats[i], v != v ? fabs((double)v) : (double)v, (long)(end_ - floats[i]), error_name(e));
    }
    REAL(strtold("2.5", NULL));
    REAL(atof(" 12.5e1z"));
    REAL(atof("x"));
}

/* One text and format with two integers, or two strings. */
static void ints(int line, const char *text, const char *format)
{
    int a = -77, b = -77;
    errno = 0;
    int n = sscanf(text, format, &a, &b);
    printf("%d: ", line);
    print_bytes(text, strlen(text));
    printf(" %s: %d, %d %d\n", format, n, a, b);
}

static void strs(int line, const char *text, const char *format)
{
    char a[40] = "~", b[40] = "~";
    int n = sscanf(text, format, a, b);
    printf("%d: ", line);
    print_bytes(text, strlen(text));
    printf(" %s: %d, ", format, n);
    print_bytes(a, strlen(a));
    putchar(' ');
    print_bytes(b, strlen(b));
    putchar('\n');
}

#define I(...) ints(__LINE__, __VA_ARGS__)
#define S(...) strs(__LINE__, __VA_ARGS__)

static void scanning(void)
{
    SAY("sscanf: integers");
    I("1 2", "%d%d");
    I("1,2", "%d,%d");
    I("1 , 2", "%d,%d");
    I("1 , 2", "%d ,%d");
    I("", "%d%d");
    I("   ", "%d");
    I("x", "%d");
    I("5x", "%dy%d");
    I("12345", "%2d%2d");
    I("12345", "%2d%*d%d");
    I("-", "%d");
    I("-5 +6", "%d%d");
    I("0x1f 010", "%i%i");
    I("0x", "%i");
    I("0x1f 0x", "%x%x");
    I("777 8", "%o%o");
    I("4294967295", "%u");
    I("99999999999999999999", "%d");
    I("50%", "%d%%%n");
    I("abc", "abc%n%n");
    I("12 ab", "%d %n");
    I("%5", "%%%d");
    I("300 -1", "%hhd %hd");
    I("7 8", "%2$d %1$d");
    S("hello world", "%s%s");
    S("hello world", "%3s%s");
    S("  lead", "%s");
    S("abc", "%c%c");
    S(" ab", " %c%c");
    S("abcdef", "%3c%2c");
    S("abc123", "%[a-z]%[0-9]");
    S("123abc", "%[^a-z]%s");
    S("]x", "%[]]%s");
    S("^-a", "%[-^]%s");
    S("a-z", "%[a-]%s");
    S("123", "%[a-z]");
    S("", "%s");
    S("key=value", "%[^=]=%s");
    S("one two", "%*s%s");
    S("x", "x%s");
    S("line\nnext", "%[^\n]%*c%s");
    char *made = NULL, *more = NULL;
    CALL(sscanf("dynamic text", "%ms %m[a-z]", &made, &more));
    STR(made);
    STR(more);
    free(made);
    free(more);
    long l = 0;
    long long ll = 0;
    short h = 0;
    size_t z = 0;
    intmax_t j = 0;
    signed char hh = 0;
    CALL(sscanf("1 2 3 4 5 6", "%ld %lld %hd %zu %jd %hhd", &l, &ll, &h, &z, &j, &hh));
    SHOW(l * 100000 + ll * 10000 + h * 1000 + (long)z * 100 + j * 10 + hh);
    void *p = NULL;
    CALL(sscanf("0x1234", "%p", &p));
    SHOW((long)p);
    wchar_t w[20] = {0};
    CALL(sscanf("wide", "%ls", w));
    IS(wcscmp(w, L"wide") == 0);
    CALL(swscanf(L"42 text", L"%d %ls", &hh, w) == 2);
    SAY("sscanf: reals");
    static const char *const reals[] = {"1.5", "-2e3", ".5", "1e", "1e+x", "nan", "inf", "infinity1", "infx", "0x1p4", "0x",
                                        "x", "", "1.2.3", "+.e1", "100ergs"};
    for (size_t i = 0; i < sizeof(reals) / sizeof(reals[0]); i++) {
        double d = -77;
        float f = -77;
        int at = -1;
        int n = sscanf(reals[i], "%lf%n", &d, &at), m = sscanf(reals[i], "%f", &f);
        printf("%s: %d %g at %d; %d %g\n", reals[i], n, d != d ? fabs(d) : d, at, m, f != f ? fabs((double)f) : (double)f);
    }
}

int main(void)
{
    begin();
    whole();
    real();
    scanning();
    return end();
}

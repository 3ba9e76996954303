/* SPDX-License-Identifier: BSD-2-Clause */
/* Numbers that programs print wrongly unseen: long double, whose 64 bits of fraction all count; the time zone. */
#define _GNU_SOURCE
#include "../conform.h"

#include <float.h>
#include <math.h>
#include <wchar.h>

static void prints(long double x)
{
    printf("%Lf %.17Lf %.20Lg %.30Le %Lg %+012.3Lf %.0Lf\n", x, x, x, x, x, x, x);
}

static void reads(const char *text)
{
    long double scanned = -7, converted;
    char *end;
    errno = 0;
    converted = strtold(text, &end);
    printf("strtold(\"%s\") = %.20Le, %s, %d bytes; ", text, converted, error_name(errno), (int)(end - text));
    SHOW(sscanf(text, "%Lf", &scanned));
    printf("%.20Le\n", scanned);
}

/* The zone that gettimeofday() can be asked for, long obsolete: programs read it. */
static void zone(void)
{
    struct timezone tz = {77, 77};
    struct timeval tv;
    CALL(gettimeofday(&tv, (void *)&tz));
    SHOW(tz.tz_minuteswest);
    SHOW(tz.tz_dsttime);
}

int main(void)
{
    zone();
    static const long double values[] = {
        0.0L, -0.0L, 1.0L, 0.1L, 0.1L + 0.2L, -1.0L / 3, 2.5L, 3.5L, 0.5L, 1e15L, 123456789012345678.5L, LDBL_EPSILON,
        1 + LDBL_EPSILON, 18446744073709551615.0L, 1e-20L, 9.9999999999999999999L,
    };
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        prints(values[i]);
    }
    printf("%.25Le %.25Le %.25Le %Lg\n", LDBL_MAX, LDBL_MIN, LDBL_MIN / 1024, 1e4000L);
    printf("%Lf %LF %Lg %Le\n", (long double)INFINITY, -(long double)INFINITY, (long double)NAN, -(long double)INFINITY);
    SHOW(snprintf(NULL, 0, "%Lf", LDBL_MAX));
    printf("%f %.17g %.25f %e %g %a\n", 0.1, 0.1, 0.1, DBL_MAX, DBL_MIN, 0.1); /* beside them, a double's */
    wchar_t wide[64];
    SHOW(swprintf(wide, 64, L"%.19Lf", 0.1L));
    printf("%ls\n", wide);
    reads("0.1");
    reads("1.00000000000000000005");
    reads("18446744073709551615");
    reads("1e4932");
    reads("1e5000");
    reads("-1e-4960");
    reads("0x1.8p3");
    reads("inf");
    reads("x");
    return end();
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fma(): x * y + z, rounded once (C11 7.12.13.1); newlib rounds twice.
 *
 * The exact sum is cut to 64 bits "to odd": what is cut off sets the lowest bit. That many bits are a
 * long double, and its conversion is the one rounding, in the mode that is set, denormals included.
 */
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

typedef unsigned __int128 u128;

#define TOP 124 /* the highest bit of an operand: room for a carry, and below for what is shifted out */

/* m * 2^e */
struct number {
    u128 m;
    int e;
    bool negative;
};

static struct number split(double x)
{
    uint64_t bits;
    memcpy(&bits, &x, sizeof(bits));
    int e = bits >> 52 & 0x7ff;
    uint64_t m = bits & ((1ull << 52) - 1);
    return (struct number){ .m = e != 0 ? m | 1ull << 52 : m, .e = (e != 0 ? e : 1) - 1075, .negative = bits >> 63 };
}

static int bits_of(u128 m)
{
    uint64_t high = (uint64_t)(m >> 64);
    return high != 0 ? 128 - __builtin_clzll(high) : 64 - __builtin_clzll((uint64_t)m);
}

static void normalise(struct number *n)
{
    int shift = TOP + 1 - bits_of(n->m);
    n->m <<= shift;
    n->e -= shift;
}

/* a + b, of normalised ones; the lowest bit stands for whatever is below it. */
static struct number add(struct number a, struct number b)
{
    if (b.e > a.e || (b.e == a.e && b.m > a.m)) {
        struct number swap = a;
        a = b;
        b = swap;
    }
    int shift = a.e - b.e;
    u128 small = shift <= TOP ? b.m >> shift : 0;
    bool lost = shift > TOP || (small << shift) != b.m;
    if (a.negative == b.negative) {
        a.m += small;
    } else {
        a.m -= small + lost;
    }
    a.m |= lost;
    return a;
}

/* A number that is not 0, as a long double (Intel SDM vol 1, "Double Extended-Precision"). */
static long double join(const struct number *n)
{
    struct {
        uint64_t m;
        uint16_t sign_exponent;
    } out = { 0, 0 };
    int shift = bits_of(n->m) - 64;
    if (shift > 0) {
        out.m = (uint64_t)(n->m >> shift) | ((n->m & (((u128)1 << shift) - 1)) != 0);
    } else {
        out.m = (uint64_t)n->m << -shift;
    }
    out.sign_exponent = (uint16_t)(n->e + shift + 63 + 16383) | (uint16_t)(n->negative << 15);
    long double x = 0;
    memcpy(&x, &out, 10);
    return x;
}

/* Whether the exact sum is in *out; where it is not, x * y + z is right as the processor does it. */
static bool exact(double x, double y, double z, long double *out)
{
    if (!isfinite(x) || !isfinite(y) || x == 0 || y == 0 || z == 0) {
        return false;
    }
    struct number p = split(x), q = split(y), s = split(z);
    p = (struct number){ .m = p.m * q.m, .e = p.e + q.e, .negative = p.negative != q.negative };
    normalise(&p);
    normalise(&s);
    s = add(p, s);
    if (s.m == 0) {
        return false;
    }
    *out = join(&s);
    return true;
}

double fma(double x, double y, double z)
{
    long double sum;
    if (isfinite(x) && isfinite(y) && !isfinite(z)) {
        return z + 0.0;
    }
    return exact(x, y, z, &sum) ? (double)sum : x * y + z;
}

float fmaf(float x, float y, float z)
{
    long double sum;
    if (isfinite(x) && isfinite(y) && !isfinite(z)) {
        return z + 0.0f;
    }
    return exact((double)x, (double)y, (double)z, &sum) ? (float)sum : x * y + z;
}

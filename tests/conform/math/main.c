/* SPDX-License-Identifier: BSD-2-Clause */
/* <math.h>, <complex.h>, <fenv.h>: values at the edges, errno, and the flags that are raised. */
#define _GNU_SOURCE
#include "../conform.h"

#include <complex.h>
#include <fenv.h>
#include <float.h>
#include <limits.h>
#include <math.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const double edges[] = {0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 2.0, -2.0, 1.5, 2.5, -2.5, 3.7, -3.7, 10.0, 0.1, 1e-10, 1e10, 100.0,
    -100.0, 709.0, 710.0, -745.0, -746.0, 1e300, -1e300, 1e-300, 4.9e-324, DBL_MAX, -DBL_MAX, DBL_MIN, INFINITY, -INFINITY, NAN,
    3.14159265358979312, 0.999999999999, 171.0, 172.0, 9007199254740993.0, 4503599627370495.5};

static const char *flags(void)
{
    static char text[40];
    sprintf(text, "%s%s%s", fetestexcept(FE_DIVBYZERO) ? " divbyzero" : "", fetestexcept(FE_INVALID) ? " invalid" : "",
            fetestexcept(FE_OVERFLOW) ? " overflow" : "");
    return text;
}

static void one(const char *name, double (*f)(double))
{
    for (size_t i = 0; i < COUNT(edges); i++) {
        feclearexcept(FE_ALL_EXCEPT);
        errno = 0;
        double y = f(edges[i]);
        const char *raised = flags();
        printf("%s(%g) = %.11g %s%s\n", name, edges[i], y != y ? fabs(y) : y, error_name(errno), raised);
    }
}

static void two(const char *name, double (*f)(double, double))
{
    static const double xs[] = {0.0, -0.0, 1.0, -1.0, 2.0, -2.0, 0.5, -3.0, 1e300, -1e300, 1e-300, INFINITY, -INFINITY, NAN, 5.5, 1025.0};
    for (size_t i = 0; i < COUNT(xs); i++) {
        for (size_t k = 0; k < COUNT(xs); k++) {
            feclearexcept(FE_ALL_EXCEPT);
            errno = 0;
            double y = f(xs[i], xs[k]);
            const char *raised = flags();
            printf("%s(%g, %g) = %.11g %s%s\n", name, xs[i], xs[k], y != y ? fabs(y) : y, error_name(errno), raised);
        }
    }
}

#define ONE(f) one(#f, f)
#define TWO(f) two(#f, f)

static void functions(void)
{
    ONE(acos), ONE(asin), ONE(atan), ONE(cos), ONE(sin), ONE(tan), ONE(acosh), ONE(asinh), ONE(atanh), ONE(cosh), ONE(sinh),
    ONE(tanh), ONE(exp), ONE(exp2), ONE(expm1), ONE(log), ONE(log10), ONE(log1p), ONE(log2), ONE(logb), ONE(sqrt), ONE(cbrt),
    ONE(erf), ONE(erfc), ONE(lgamma), ONE(tgamma), ONE(ceil), ONE(floor), ONE(trunc), ONE(round), ONE(rint), ONE(nearbyint),
    ONE(fabs), ONE(j0), ONE(j1), ONE(y0), ONE(y1);
    TWO(atan2), TWO(pow), TWO(fmod), TWO(remainder), TWO(hypot), TWO(copysign), TWO(nextafter), TWO(fdim), TWO(fmax), TWO(fmin);
}

static void parts(void)
{
    SAY("parts and integers");
    for (size_t i = 0; i < COUNT(edges); i++) {
        int e = 0, q = 0;
        double whole = 0, x = edges[i];
        double m = frexp(x, &e);
        printf("%g: frexp %.12g %d, ", x, m != m ? fabs(m) : m, isfinite(x) ? e : 0);
        m = modf(x, &whole);
        printf("modf %.12g %.12g, ", m != m ? fabs(m) : m, whole != whole ? fabs(whole) : whole);
        printf("ilogb %d, ", isfinite(x) && x != 0 ? ilogb(x) : 0); /* of others: FP_ILOGB0, FP_ILOGBNAN */
        m = remquo(x, 3.0, &q);
        printf("remquo %.12g %d, ", m != m ? fabs(m) : m, isfinite(x) ? q & 7 : 0);
        printf("class %d%d%d%d%d %d\n", fpclassify(x) == FP_NAN, fpclassify(x) == FP_INFINITE, fpclassify(x) == FP_ZERO,
               fpclassify(x) == FP_SUBNORMAL, fpclassify(x) == FP_NORMAL, x == x ? signbit(x) != 0 : 0);
        if (fabs(x) < 1e15) {
            printf("  %ld %lld %ld %lld\n", lrint(x), llrint(x), lround(x), llround(x));
        }
    }
    feclearexcept(FE_ALL_EXCEPT);
    SHOW(lround(1e300) == LONG_MIN || lround(1e300) == LONG_MAX);
    IS(fetestexcept(FE_INVALID) != 0);
    REAL(ldexp(1.0, 1023));
    REAL(ldexp(1.0, 1024));
    REAL(ldexp(1.0, -1074));
    REAL(ldexp(1.0, -1080));
    REAL(ldexp(0.0, 5000));
    REAL(scalbn(1.5, 4));
    REAL(scalbn(1.5, INT_MAX));
    REAL(scalbln(1.5, LONG_MIN));
    REAL(fma(2.0, 3.0, 4.0));
    REAL(fma(0.1, 10.0, -1.0));
    REAL(fma(1e308, 10, -INFINITY));
    REAL(nan(""));
    REAL(nexttoward(1.0, 2.0L) - 1.0);
    REAL(jn(2, 1.5));
    REAL(yn(2, 1.5));
    int sign = 7;
    REAL(lgamma_r(-0.5, &sign));
    SHOW(sign);
    lgamma(-1.5);
    SHOW(signgam);
    double s, c;
    sincos(1.0, &s, &c);
    REAL(s + c);
    REAL(exp10(3));
    REAL(drem(10, 3));
    SAY("float");
    REAL(sqrtf(2.0f));
    REAL(powf(2.0f, 200.0f));
    REAL(expf(100.0f));
    REAL(logf(-1.0f));
    REAL(fmodf(5.5f, 2.0f));
    REAL(roundf(-2.5f));
    REAL(floorf(-0.5f));
    REAL(ceilf(0.5f));
    REAL(truncf(-1.7f));
    REAL(fabsf(-3.5f));
    REAL(nextafterf(1.0f, 2.0f));
    REAL(ldexpf(1.0f, 10));
    REAL(hypotf(3.0f, 4.0f));
    SHOW(lrintf(2.5f));
    SHOW(lroundf(2.5f));
    SAY("long double");
    REAL(sqrtl(2.0L));
    REAL(fabsl(-2.0L));
    REAL(floorl(-2.5L));
    REAL(fmodl(7.5L, 2.0L));
    REAL(powl(2.0L, 0.5L));
    REAL(expl(1.0L));
    REAL(logl(10.0L));
    REAL(ldexpl(1.0L, 3));
    REAL(roundl(2.5L));
    SHOW(lrintl(3.5L));
    IS(isgreater(2.0, 1.0) && !isless(NAN, 1.0) && isunordered(NAN, 1.0) && !islessgreater(1.0, 1.0));
}

static void environment(void)
{
    static const int modes[] = {FE_TONEAREST, FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO};
    static const char *const names[] = {"nearest", "upward", "downward", "zero"};
    fenv_t saved;
    fexcept_t raised;
    SAY("rounding");
    for (int i = 0; i < 4; i++) {
        CALL(fesetround(modes[i]));
        IS(fegetround() == modes[i]);
        volatile double third = 1.0, three = 3.0;
        printf("%s: %.0f %.0f %.0f %.0f %a %ld\n", names[i], rint(2.5), nearbyint(-2.5), rint(-0.2), rint(3.2), third / three,
               lrint(1.5));
    }
    CALL(fesetround(FE_TONEAREST));
    IS(fesetround(12345) != 0);
    SAY("flags");
    CALL(feclearexcept(FE_ALL_EXCEPT));
    CALL(feraiseexcept(FE_DIVBYZERO | FE_INVALID));
    IS(fetestexcept(FE_ALL_EXCEPT) == (FE_DIVBYZERO | FE_INVALID));
    CALL(fegetexceptflag(&raised, FE_ALL_EXCEPT));
    CALL(feholdexcept(&saved));
    SHOW(fetestexcept(FE_ALL_EXCEPT));
    CALL(feraiseexcept(FE_OVERFLOW));
    CALL(feupdateenv(&saved));
    IS((fetestexcept(FE_ALL_EXCEPT) & (FE_DIVBYZERO | FE_INVALID | FE_OVERFLOW)) == (FE_DIVBYZERO | FE_INVALID | FE_OVERFLOW));
    CALL(fesetenv(FE_DFL_ENV));
    SHOW(fetestexcept(FE_ALL_EXCEPT));
    CALL(fesetexceptflag(&raised, FE_INVALID));
    IS(fetestexcept(FE_ALL_EXCEPT) == FE_INVALID);
    CALL(fegetenv(&saved));
    CALL(fesetenv(&saved));
    CALL(feclearexcept(FE_ALL_EXCEPT));
    SAY("complex");
#define CPLX(z) complex_((z), #z)
    double complex z = 3.0 + 4.0 * I, w;
    REAL(cabs(z));
    REAL(carg(z));
    REAL(creal(conj(z)));
    REAL(cimag(conj(z)));
    w = csqrt(z);
    REAL(creal(w)), REAL(cimag(w));
    w = cexp(z);
    REAL(creal(w)), REAL(cimag(w));
    w = clog(z);
    REAL(creal(w)), REAL(cimag(w));
    w = cpow(z, 0.5 + 1.0 * I);
    REAL(creal(w)), REAL(cimag(w));
    w = csin(z);
    REAL(creal(w)), REAL(cimag(w));
    w = ccos(z);
    REAL(creal(w)), REAL(cimag(w));
    w = ctan(z);
    REAL(creal(w)), REAL(cimag(w));
    w = casin(z);
    REAL(creal(w)), REAL(cimag(w));
    w = catanh(z);
    REAL(creal(w)), REAL(cimag(w));
    REAL(creal(cproj(INFINITY + 1.0 * I)));
}

int main(void)
{
    begin();
    setvbuf(stdout, NULL, _IOFBF, 4096);
    functions();
    parts();
    environment();
    return end();
}

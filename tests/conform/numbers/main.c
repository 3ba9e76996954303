/* SPDX-License-Identifier: BSD-2-Clause */
/* <stdlib.h> and kin: sorting, random sequences that POSIX fixes, the environment, memory, small things. */
#define _GNU_SOURCE
#include "../conform.h"

#include <inttypes.h>
#include <limits.h>
#include <malloc.h>
#include <pthread.h>
#include <setjmp.h>
#include <sys/random.h>

static char buf[300];

static int by_value(const void *a, const void *b)
{
    int x = *(const int *)a, y = *(const int *)b;
    return (x > y) - (x < y);
}

static int by_value_r(const void *a, const void *b, void *arg)
{
    ++*(int *)arg;
    return by_value(b, a);
}

static void sorting(void)
{
    int v[1000], n = 0;
    uint32_t x = 12345;
    SAY("sorting");
    for (int i = 0; i < 1000; i++) {
        x = x * 1664525 + 1013904223;
        v[i] = (int)(x >> 8) % 500;
    }
    qsort(v, 1000, sizeof(v[0]), by_value);
    for (int i = 1; i < 1000; i++) {
        n += v[i - 1] > v[i];
    }
    SHOW(n);
    SHOW(v[0] * 1000 + v[999]);
    qsort(v, 0, sizeof(v[0]), by_value);
    qsort(v, 1, sizeof(v[0]), by_value);
    int key = v[500], calls = 0;
    int *found = bsearch(&key, v, 1000, sizeof(v[0]), by_value);
    IS(found != NULL && *found == key);
    key = 100000;
    IS(bsearch(&key, v, 1000, sizeof(v[0]), by_value) == NULL);
    IS(bsearch(&key, v, 0, sizeof(v[0]), by_value) == NULL);
    qsort_r(v, 1000, sizeof(v[0]), by_value_r, &calls);
    IS(calls > 1000 && v[0] >= v[999]);
    struct {
        char text[7];
    } odd[] = {{"pear"}, {"apple"}, {"fig"}, {"plum"}};
    qsort(odd, 4, sizeof(odd[0]), (int (*)(const void *, const void *))strcmp);
    printf("%s %s %s %s\n", odd[0].text, odd[1].text, odd[2].text, odd[3].text);
}

static void arithmetic(void)
{
    SAY("arithmetic");
    div_t d = div(-7, 2);
    SHOW(d.quot * 100 + d.rem);
    ldiv_t l = ldiv(7, -2);
    SHOW(l.quot * 100 + l.rem);
    lldiv_t ll = lldiv(-7, -2);
    SHOW(ll.quot * 100 + ll.rem);
    imaxdiv_t im = imaxdiv(INTMAX_MAX, 10);
    SHOW(im.rem);
    SHOW(abs(-5) + labs(-6L) + llabs(-7LL) + imaxabs(-8));
    STR(l64a(0));
    STR(l64a(1));
    STR(l64a(123456789));
    SHOW(a64l("./0A"));
    SHOW(a64l(""));
    SHOW(a64l("zzzzz"));
    char opts[] = "ro,size=10,bad,=,rw=", *at = opts, *value, *const names[] = {"ro", "rw", "size", NULL};
    while (*at) {
        SHOW(getsubopt(&at, names, &value));
        STR(value);
    }
}

static void randoms(void)
{
    unsigned short x[3] = {1, 2, 3}, lc[7] = {1, 2, 3, 4, 5, 6, 7};
    SAY("the 48 bit generators");
    srand48(42);
    REAL(drand48());
    SHOW(lrand48());
    SHOW(mrand48());
    REAL(erand48(x));
    SHOW(nrand48(x));
    SHOW(jrand48(x));
    unsigned short *before = seed48(x);
    IS(before != NULL);
    SHOW(lrand48());
    lcong48(lc);
    SHOW(lrand48());
    SAY("others");
    srand(1);
    int a = rand();
    srand(1);
    IS(a == rand() && a >= 0);
    unsigned seed = 7;
    a = rand_r(&seed);
    IS(a >= 0 && seed != 7);
    srandom(5);
    long r = random();
    srandom(5);
    IS(r == random() && r >= 0);
    IS(getrandom(buf, 16, 0) == 16);
    CALL(getrandom(buf, 16, 0xff00));
    CALL(getentropy(buf, 256));
    CALL(getentropy(buf, 257));
    IS(arc4random_uniform(10) < 10);
}

static void environment(void)
{
    static char mine[] = "MINE=1";
    SAY("environment");
    STR(getenv("NO_SUCH_THING"));
    CALL(setenv("A", "one", 0));
    CALL(setenv("A", "two", 0));
    STR(getenv("A"));
    CALL(setenv("A", "two", 1));
    STR(getenv("A"));
    CALL(setenv("", "x", 1));
    CALL(setenv("a=b", "x", 1));
    CALL(setenv("EMPTY", "", 1));
    STR(getenv("EMPTY"));
    STR(getenv("A="));
    STR(getenv(""));
    CALL(putenv(mine));
    STR(getenv("MINE"));
    mine[5] = '2';
    STR(getenv("MINE"));
    CALL(unsetenv("A"));
    STR(getenv("A"));
    CALL(unsetenv("A"));
    CALL(unsetenv(""));
    CALL(unsetenv("x=y"));
    CALL(putenv((char *)"MINE"));
    STR(getenv("MINE"));
    STR(secure_getenv("EMPTY"));
    for (int i = 0; i < 200; i++) {
        snprintf(buf, sizeof(buf), "VAR%d", i);
        MUST(setenv(buf, buf, 1));
    }
    STR(getenv("VAR0"));
    STR(getenv("VAR199"));
    CALL(clearenv());
    STR(getenv("VAR0"));
    IS(environ == NULL || *environ == NULL);
    CALL(setenv("AGAIN", "yes", 1));
    STR(getenv("AGAIN"));
}

static void memory(void)
{
    void *p = NULL;
    volatile size_t huge = SIZE_MAX / 2;
    SAY("memory");
    p = malloc(0);
    IS(p != NULL);
    free(p);
    free(NULL);
    errno = 0;
    IS(malloc(huge) == NULL && errno == ENOMEM);
    errno = 0;
    IS(calloc(huge, 4) == NULL && errno == ENOMEM);
    p = calloc(10, 10);
    int sum = 0;
    for (int i = 0; i < 100; i++) {
        sum += ((char *)p)[i];
    }
    SHOW(sum);
    memcpy(p, "kept", 5);
    p = realloc(p, 100000);
    STR((char *)p);
    errno = 0;
    IS(realloc(p, huge) == NULL && errno == ENOMEM);
    STR((char *)p);
    errno = 0;
    IS(reallocarray(p, huge, 16) == NULL && errno == ENOMEM);
    free(p);
    p = realloc(NULL, 10);
    IS(p != NULL && malloc_usable_size(p) >= 10);
    free(p);
    p = NULL;
    SHOW(posix_memalign(&p, 3, 10) == EINVAL);
    SHOW(posix_memalign(&p, 4, 10) == EINVAL);
    SHOW(posix_memalign(&p, 4096, 10));
    IS(((uintptr_t)p & 4095) == 0);
    free(p);
    SHOW(posix_memalign(&p, 64, huge) == ENOMEM);
    p = aligned_alloc(64, 128);
    IS(((uintptr_t)p & 63) == 0);
    free(p);
    p = memalign(256, 1);
    IS(((uintptr_t)p & 255) == 0);
    free(p);
    p = valloc(1);
    IS(((uintptr_t)p & 4095) == 0);
    free(p);
}

static jmp_buf where;
static sigjmp_buf swhere;

static void jumps(void)
{
    volatile int n = 0;
    sigset_t s, now;
    SAY("jumps");
    int r = setjmp(where);
    printf("setjmp %d\n", r);
    if (n++ < 2) {
        longjmp(where, n == 1 ? 5 : 0);
    }
    r = _setjmp(where);
    printf("_setjmp %d\n", r);
    if (r == 0) {
        _longjmp(where, 3);
    }
    r = sigsetjmp(swhere, 1);
    sigprocmask(SIG_BLOCK, NULL, &now);
    printf("sigsetjmp %d, blocked %d\n", r, sigismember(&now, SIGUSR1));
    if (r == 0) {
        sigemptyset(&s);
        sigaddset(&s, SIGUSR1);
        sigprocmask(SIG_BLOCK, &s, NULL);
        siglongjmp(swhere, 4);
    }
}

static void first(void)
{
    printf("atexit: first in, last out\n");
}

static void second(void)
{
    printf("atexit: last in, first out\n");
}

static void told(int status, void *arg)
{
    printf("on_exit: %d %s\n", status, (char *)arg);
    end();
}

int main(void)
{
    begin();
    sorting();
    arithmetic();
    randoms();
    environment();
    memory();
    jumps();
    CALL(on_exit(told, (void *)(uintptr_t)"argument"));
    CALL(atexit(first));
    CALL(atexit(second));
    return 0; /* told() is the last that is called */
}

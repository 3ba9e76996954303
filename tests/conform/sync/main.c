/* SPDX-License-Identifier: BSD-2-Clause */
/* Threads' objects, each with its kinds and errors: mutexes, conditions, locks, barriers, keys, semaphores. */
#define _GNU_SOURCE
#include "../threads.h"

#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>

static struct timespec in_ms(clockid_t clock, long ms)
{
    struct timespec t;
    clock_gettime(clock, &t);
    t.tv_nsec += ms * 1000000;
    t.tv_sec += t.tv_nsec / 1000000000;
    t.tv_nsec %= 1000000000;
    return t;
}

static void *try_lock(void *m)
{
    int r = pthread_mutex_trylock(m);
    if (r == 0) {
        pthread_mutex_unlock(m);
    }
    return (void *)(intptr_t)r;
}

static void *unlock(void *m)
{
    return (void *)(intptr_t)pthread_mutex_unlock(m);
}

#define THREAD(f, arg) printf("%d: in a thread: %s: %s\n", __LINE__, #f, error_name((int)(intptr_t)run_in_thread(f, arg)))

static void mutexes(void)
{
    static const struct {
        const char *name;
        int type;
    } kinds[] = {{"normal", PTHREAD_MUTEX_NORMAL}, {"recursive", PTHREAD_MUTEX_RECURSIVE}, {"errorcheck", PTHREAD_MUTEX_ERRORCHECK},
                 {"default", PTHREAD_MUTEX_DEFAULT}};
    pthread_mutexattr_t a;
    pthread_mutex_t m;
    int v;
    for (size_t i = 0; i < 4; i++) {
        SAY("mutex: %s", kinds[i].name);
        struct timespec soon = in_ms(CLOCK_REALTIME, 10), bad = {0, 1000000000};
        ERR(pthread_mutexattr_init(&a));
        ERR(pthread_mutexattr_settype(&a, kinds[i].type));
        ERR(pthread_mutexattr_gettype(&a, &v));
        IS(v == kinds[i].type);
        ERR(pthread_mutex_init(&m, &a));
        ERR(pthread_mutex_lock(&m));
        ERR(pthread_mutex_trylock(&m));
        THREAD(try_lock, &m);
        if (kinds[i].type == PTHREAD_MUTEX_RECURSIVE || kinds[i].type == PTHREAD_MUTEX_ERRORCHECK) {
            ERR(pthread_mutex_lock(&m));
            THREAD(unlock, &m);
        } else {
            ERR(pthread_mutex_timedlock(&m, &soon));
            ERR(pthread_mutex_timedlock(&m, &bad));
        }
        while (kinds[i].type == PTHREAD_MUTEX_RECURSIVE && pthread_mutex_unlock(&m) == 0) {
            printf("unlocked\n");
        }
        if (kinds[i].type != PTHREAD_MUTEX_RECURSIVE) {
            ERR(pthread_mutex_unlock(&m));
        }
        if (kinds[i].type == PTHREAD_MUTEX_ERRORCHECK) {
            ERR(pthread_mutex_unlock(&m));
        }
        ERR(pthread_mutex_timedlock(&m, &bad)); /* free: the time is not looked at */
        ERR(pthread_mutex_unlock(&m));
        ERR(pthread_mutex_destroy(&m));
        ERR(pthread_mutexattr_destroy(&a));
    }
    SAY("attributes of mutexes");
    pthread_mutexattr_init(&a);
    ERR(pthread_mutexattr_settype(&a, 77));
    ERR(pthread_mutexattr_setpshared(&a, PTHREAD_PROCESS_SHARED));
    ERR(pthread_mutexattr_getpshared(&a, &v));
    IS(v == PTHREAD_PROCESS_SHARED);
    ERR(pthread_mutexattr_setpshared(&a, 77));
    ERR(pthread_mutexattr_getprotocol(&a, &v));
    IS(v == PTHREAD_PRIO_NONE);
    ERR(pthread_mutexattr_setprotocol(&a, 77));
    ERR(pthread_mutexattr_getrobust(&a, &v));
    IS(v == PTHREAD_MUTEX_STALLED);
    ERR(pthread_mutexattr_setrobust(&a, 77));
    pthread_mutexattr_destroy(&a);
}

static void conditions(void)
{
    pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;
    pthread_condattr_t a;
    pthread_cond_t c = PTHREAD_COND_INITIALIZER;
    clockid_t clock;
    struct timespec bad = {0, -1}, past = {1, 0}, soon;
    int v;
    SAY("conditions");
    ERR(pthread_cond_signal(&c));
    ERR(pthread_cond_broadcast(&c));
    pthread_mutex_lock(&m);
    ERR(pthread_cond_timedwait(&c, &m, &past));
    ERR(pthread_cond_timedwait(&c, &m, &bad));
    soon = in_ms(CLOCK_REALTIME, 5);
    ERR(pthread_cond_timedwait(&c, &m, &soon));
    soon = in_ms(CLOCK_MONOTONIC, 5);
    ERR(pthread_cond_clockwait(&c, &m, CLOCK_MONOTONIC, &soon));
    pthread_mutex_unlock(&m);
    ERR(pthread_cond_destroy(&c));
    ERR(pthread_condattr_init(&a));
    ERR(pthread_condattr_getclock(&a, &clock));
    IS(clock == CLOCK_REALTIME);
    ERR(pthread_condattr_setclock(&a, CLOCK_MONOTONIC));
    ERR(pthread_condattr_setclock(&a, CLOCK_PROCESS_CPUTIME_ID));
    ERR(pthread_condattr_setpshared(&a, PTHREAD_PROCESS_PRIVATE));
    ERR(pthread_condattr_getpshared(&a, &v));
    IS(v == PTHREAD_PROCESS_PRIVATE);
    ERR(pthread_cond_init(&c, &a));
    pthread_mutex_lock(&m);
    soon = in_ms(CLOCK_MONOTONIC, 5);
    ERR(pthread_cond_timedwait(&c, &m, &soon));
    pthread_mutex_unlock(&m);
    ERR(pthread_cond_destroy(&c));
    ERR(pthread_condattr_destroy(&a));
    ERR(pthread_mutex_destroy(&m));
}

static void *read_lock(void *l)
{
    int r = pthread_rwlock_tryrdlock(l);
    if (r == 0) {
        pthread_rwlock_unlock(l);
    }
    return (void *)(intptr_t)r;
}

static void *write_lock(void *l)
{
    int r = pthread_rwlock_trywrlock(l);
    if (r == 0) {
        pthread_rwlock_unlock(l);
    }
    return (void *)(intptr_t)r;
}

static pthread_barrier_t barrier;

static void *meet(void *unused)
{
    (void)unused;
    int r = pthread_barrier_wait(&barrier);
    return (void *)(intptr_t)(r == PTHREAD_BARRIER_SERIAL_THREAD);
}

static void locks(void)
{
    pthread_rwlock_t l;
    pthread_rwlockattr_t a;
    pthread_spinlock_t s;
    struct timespec past = {1, 0};
    int v;
    SAY("read-write locks");
    ERR(pthread_rwlockattr_init(&a));
    ERR(pthread_rwlockattr_setpshared(&a, PTHREAD_PROCESS_SHARED));
    ERR(pthread_rwlockattr_getpshared(&a, &v));
    ERR(pthread_rwlock_init(&l, &a));
    ERR(pthread_rwlockattr_destroy(&a));
    ERR(pthread_rwlock_rdlock(&l));
    ERR(pthread_rwlock_rdlock(&l));
    THREAD(read_lock, &l);
    THREAD(write_lock, &l);
    ERR(pthread_rwlock_timedwrlock(&l, &past));
    ERR(pthread_rwlock_unlock(&l));
    THREAD(write_lock, &l);
    ERR(pthread_rwlock_unlock(&l));
    ERR(pthread_rwlock_wrlock(&l));
    ERR(pthread_rwlock_wrlock(&l));
    ERR(pthread_rwlock_tryrdlock(&l));
    ERR(pthread_rwlock_timedrdlock(&l, &past));
    THREAD(read_lock, &l);
    THREAD(write_lock, &l);
    ERR(pthread_rwlock_unlock(&l));
    THREAD(write_lock, &l);
    ERR(pthread_rwlock_destroy(&l));
    SAY("spin locks");
    ERR(pthread_spin_init(&s, PTHREAD_PROCESS_PRIVATE));
    ERR(pthread_spin_lock(&s));
    ERR(pthread_spin_trylock(&s));
    ERR(pthread_spin_unlock(&s));
    ERR(pthread_spin_trylock(&s));
    ERR(pthread_spin_unlock(&s));
    ERR(pthread_spin_destroy(&s));
    SAY("barriers");
    pthread_barrierattr_t ba;
    ERR(pthread_barrierattr_init(&ba));
    ERR(pthread_barrierattr_setpshared(&ba, PTHREAD_PROCESS_PRIVATE));
    ERR(pthread_barrierattr_getpshared(&ba, &v));
    ERR(pthread_barrier_init(&barrier, NULL, 0));
    ERR(pthread_barrier_init(&barrier, &ba, 3));
    ERR(pthread_barrierattr_destroy(&ba));
    for (int round = 0; round < 2; round++) {
        pthread_t t[3];
        void *serial;
        long n = 0;
        for (int i = 0; i < 3; i++) {
            MUST(-pthread_create(&t[i], NULL, meet, NULL));
        }
        for (int i = 0; i < 3; i++) {
            MUST(-pthread_join(t[i], &serial));
            n += (intptr_t)serial;
        }
        SHOW(n);
    }
    ERR(pthread_barrier_destroy(&barrier));
}

static int destroyed, initialised;

static void destroy_value(void *v)
{
    (void)v;
    destroyed++;
}

static void initialise(void)
{
    initialised++;
}

static pthread_key_t key;

static void *use_key(void *unused)
{
    (void)unused;
    IS(pthread_getspecific(key) == NULL);
    ERR(pthread_setspecific(key, "x"));
    return NULL;
}

static void keys(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    static pthread_key_t all[PTHREAD_KEYS_MAX + 1];
    SAY("keys, once");
    ERR(pthread_key_create(&key, destroy_value));
    run_in_thread(use_key, NULL);
    SHOW(destroyed);
    IS(pthread_getspecific(key) == NULL);
    ERR(pthread_setspecific(key, "main"));
    STR(pthread_getspecific(key));
    ERR(pthread_key_delete(key));
    ERR(pthread_key_delete(key));
    ERR(pthread_setspecific(key, "x"));
    ERR(pthread_setspecific(100000, "x"));
    int n = 0;
    while (n <= PTHREAD_KEYS_MAX && pthread_key_create(&all[n], NULL) == 0) {
        n++;
    }
    IS(n > 900 && n <= PTHREAD_KEYS_MAX);
    ERR(pthread_key_create(&key, NULL));
    while (n > 0) {
        pthread_key_delete(all[--n]);
    }
    ERR(pthread_once(&once, initialise));
    ERR(pthread_once(&once, initialise));
    SHOW(initialised);
}

static void semaphores(void)
{
    sem_t s;
    int v;
    struct timespec past = {1, 0}, bad = {0, -1}, soon;
    SAY("semaphores");
    CALL(sem_init(&s, 0, (unsigned)SEM_VALUE_MAX + 1u));
    CALL(sem_init(&s, 0, 2));
    CALL(sem_wait(&s));
    CALL(sem_trywait(&s));
    CALL(sem_trywait(&s));
    CALL(sem_getvalue(&s, &v));
    SHOW(v);
    CALL(sem_timedwait(&s, &past));
    CALL(sem_timedwait(&s, &bad));
    soon = in_ms(CLOCK_REALTIME, 5);
    CALL(sem_timedwait(&s, &soon));
    CALL(sem_post(&s));
    CALL(sem_timedwait(&s, &bad));
    CALL(sem_destroy(&s));
    CALL(sem_init(&s, 0, SEM_VALUE_MAX));
    CALL(sem_post(&s));
    CALL(sem_destroy(&s));
}

static void *told_size(void *unused)
{
    (void)unused;
    return NULL;
}

static void attributes(void)
{
    pthread_attr_t a;
    size_t size = 0;
    void *stack = NULL;
    int v;
    struct sched_param p;
    SAY("attributes of threads");
    ERR(pthread_attr_init(&a));
    ERR(pthread_attr_getdetachstate(&a, &v));
    IS(v == PTHREAD_CREATE_JOINABLE);
    ERR(pthread_attr_setdetachstate(&a, 77));
    ERR(pthread_attr_setdetachstate(&a, PTHREAD_CREATE_DETACHED));
    ERR(pthread_attr_setstacksize(&a, 1));
    ERR(pthread_attr_setstacksize(&a, 1 << 20));
    ERR(pthread_attr_getstacksize(&a, &size));
    SHOW((long)size);
    ERR(pthread_attr_setguardsize(&a, 4096));
    ERR(pthread_attr_getguardsize(&a, &size));
    SHOW((long)size);
    ERR(pthread_attr_getschedpolicy(&a, &v));
    IS(v == SCHED_OTHER);
    ERR(pthread_attr_getschedparam(&a, &p));
    SHOW(p.sched_priority);
    ERR(pthread_attr_getinheritsched(&a, &v));
    IS(v == PTHREAD_INHERIT_SCHED);
    ERR(pthread_attr_setinheritsched(&a, 77));
    ERR(pthread_attr_getscope(&a, &v));
    IS(v == PTHREAD_SCOPE_SYSTEM);
    ERR(pthread_attr_setscope(&a, 77));
    static char mine[1 << 17] __attribute__((aligned(4096)));
    ERR(pthread_attr_setstack(&a, mine, 1));
    ERR(pthread_attr_setdetachstate(&a, PTHREAD_CREATE_JOINABLE));
    ERR(pthread_attr_setstack(&a, mine, sizeof(mine)));
    ERR(pthread_attr_getstack(&a, &stack, &size));
    IS(stack == mine && size == sizeof(mine));
    pthread_t t;
    ERR(pthread_create(&t, &a, told_size, NULL));
    ERR(pthread_join(t, NULL));
    ERR(pthread_attr_destroy(&a));
    IS(pthread_equal(pthread_self(), pthread_self()) != 0);
    ERR(pthread_join(pthread_self(), NULL));
    ERR(pthread_setcancelstate(77, &v));
    ERR(pthread_setcanceltype(77, &v));
    ERR(pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &v));
    IS(v == PTHREAD_CANCEL_ENABLE);
    ERR(pthread_setcanceltype(PTHREAD_CANCEL_DEFERRED, &v));
    IS(v == PTHREAD_CANCEL_DEFERRED);
    pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, NULL);
    ERR(pthread_kill(pthread_self(), 0));
    ERR(pthread_kill(pthread_self(), 77));
    ERR(pthread_atfork(NULL, NULL, NULL));
    int old, policy;
    ERR(pthread_getschedparam(pthread_self(), &policy, &p));
    IS(policy == SCHED_OTHER && p.sched_priority == 0);
    IS(sched_get_priority_min(SCHED_OTHER) == 0 && sched_get_priority_max(SCHED_OTHER) == 0);
    CALL(sched_get_priority_max(77));
    (void)old;
}

static void leave(void *text)
{
    printf("cleanup: %s\n", (char *)text);
}

static sem_t started;

static void *wait_for_ever(void *unused)
{
    (void)unused;
    pthread_cleanup_push(leave, "outer");
    pthread_cleanup_push(leave, "inner");
    sem_post(&started);
    for (;;) {
        pause();
    }
    pthread_cleanup_pop(0);
    pthread_cleanup_pop(0);
    return NULL;
}

static void *ends_itself(void *unused)
{
    (void)unused;
    pthread_cleanup_push(leave, "exit");
    pthread_cleanup_push(leave, "popped");
    pthread_cleanup_pop(1);
    pthread_exit((void *)7);
    pthread_cleanup_pop(0);
}

static void *not_now(void *unused)
{
    (void)unused;
    int old;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &old);
    pthread_cancel(pthread_self());
    pthread_testcancel();
    printf("not cancelled yet\n");
    pthread_setcancelstate(old, NULL);
    pthread_testcancel();
    printf("not reached\n");
    return NULL;
}

/* One call each, by a thread that is to end: whether it does. */
static int a_file;
static char a_page[4096] __attribute__((aligned(4096)));

static void by_open(void) { open("/dev/null", O_RDONLY); }
static void by_creat(void) { creat("/tmp/cancelled", 0600); }
static void by_close(void) { close(-1); }
static void by_read(void) { (void)!read(a_file, a_page, 1); }
static void by_write(void) { (void)!write(a_file, a_page, 1); }
static void by_pread(void) { (void)!pread(a_file, a_page, 1, 0); }
static void by_pwrite(void) { (void)!pwrite(a_file, a_page, 1, 0); }
static void by_preadv(void) { (void)!preadv(a_file, &(struct iovec){ a_page, 1 }, 1, 0); }
static void by_fsync(void) { fsync(a_file); }
static void by_fdatasync(void) { fdatasync(a_file); }
static void by_msync(void) { msync(a_page, sizeof(a_page), MS_SYNC); }
static void by_usleep(void) { usleep(0); }
static void by_lseek(void) { lseek(a_file, 0, SEEK_SET); }
static void by_fstat(void) { struct stat st; fstat(a_file, &st); }

static void *calls_as_ending(void *call)
{
    pthread_cancel(pthread_self());
    ((void (*)(void))(uintptr_t)call)();
    return NULL;
}

#define POINT(call) \
    printf(#call " %d\n", run_in_thread(calls_as_ending, (void *)(uintptr_t)by_##call) == PTHREAD_CANCELED)

static void cancellation_points(void)
{
    SAY("cancellation points");
    a_file = open("/tmp/points", O_CREAT | O_RDWR, 0600);
    POINT(open);
    POINT(creat);
    POINT(close);
    POINT(read);
    POINT(write);
    POINT(pread);
    POINT(pwrite);
    POINT(preadv);
    POINT(fsync);
    POINT(fdatasync);
    POINT(msync);
    POINT(usleep);
    POINT(lseek);
    POINT(fstat);
    MUST(close(a_file));
    unlink("/tmp/points");
}

static void cancellation(void)
{
    pthread_t t;
    void *result;
    SAY("cancellation");
    sem_init(&started, 0, 0);
    MUST(-pthread_create(&t, NULL, wait_for_ever, NULL));
    sem_wait(&started);
    int r = pthread_cancel(t);
    ERR(pthread_join(t, &result));
    ERR(r); /* told when the other one has said what it says */
    IS(result == PTHREAD_CANCELED);
    SHOW((intptr_t)run_in_thread(ends_itself, NULL));
    IS(run_in_thread(not_now, NULL) == PTHREAD_CANCELED);
}

int main(void)
{
    begin();
    mutexes();
    conditions();
    locks();
    keys();
    semaphores();
    attributes();
    cancellation();
    cancellation_points();
    return end();
}

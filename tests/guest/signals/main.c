/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Signals as programs use them: handlers on top of computing and of blocking calls, on every thread;
 * faults; timers; cancellation. What a call answers is compared with Linux by tests/conform/signals.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "check.h"

static volatile sig_atomic_t count;
static volatile int last_code;
static pthread_t ran_on;

static void note(int sig, siginfo_t *info, void *context)
{
    (void)sig;
    (void)context;
    last_code = info->si_code;
    ran_on = pthread_self();
    count++;
}

static void handle(int sig, int flags)
{
    struct sigaction a = {.sa_flags = flags | SA_SIGINFO};
    a.sa_sigaction = note;
    CHECK_EQ(sigaction(sig, &a, NULL), 0);
    count = 0;
}

static void restore(int sig)
{
    signal(sig, SIG_DFL);
}

/* An alarm that finds the program computing, with vector registers in use. */
static void computing(void)
{
    volatile double sum = 0;
    double x = 1;
    handle(SIGALRM, 0);
    struct itimerval often = {{0, 2000}, {0, 2000}};
    CHECK_EQ(setitimer(ITIMER_REAL, &often, NULL), 0);
    for (unsigned i = 0; count < 20; i++) {
        x = x * 1.0000001 + 0.5;
        if (i % 1000 == 0) {
            sum = sum + x * 0;
            x = 1;
        }
    }
    CHECK(sum == 0);
    CHECK_EQ(last_code, SI_KERNEL);
    CHECK_EQ(setitimer(ITIMER_REAL, &(struct itimerval){{0, 0}, {0, 0}}, &often), 0);
    CHECK_EQ(often.it_interval.tv_usec, 2000);
    restore(SIGALRM);
}

/* Handlers may leave a computation, and a blocking call, by siglongjmp(). */
static sigjmp_buf out;

static void jump(int sig)
{
    siglongjmp(out, sig);
}

static void jumping(void)
{
    int p[2];
    char byte;
    sigset_t mask;
    CHECK_EQ(pipe(p), 0);
    signal(SIGALRM, jump);
    for (volatile int round = 0; round < 50; round++) {
        if (sigsetjmp(out, 1) == 0) {
            ualarm(1000, 0);
            if (round % 2) {
                read(p[0], &byte, 1);
            }
            for (;;) {
            }
        }
        sigprocmask(SIG_BLOCK, NULL, &mask);
        CHECK_EQ(sigismember(&mask, SIGALRM), 0);
    }
    CHECK_EQ(write(p[1], "x", 1), 1);
    CHECK_EQ(read(p[0], &byte, 1), 1);
    close(p[0]);
    close(p[1]);
    restore(SIGALRM);
}

static sem_t ready;

struct reader {
    int fd;
    ssize_t result;
    int error;
};

static void *reads(void *arg)
{
    struct reader *r = arg;
    char byte;
    sem_post(&ready);
    r->result = read(r->fd, &byte, 1);
    r->error = errno;
    return NULL;
}

/* Another thread's blocking call: EINTR, or begun again; of a pipe, and of the console. */
static void blocking(void)
{
    int p[2];
    struct reader r;
    pthread_t t;
    void *result;
    CHECK_EQ(pipe(p), 0);
    for (int turn = 0; turn < 3; turn++) {
        int restart = turn == 1;
        r.fd = turn < 2 ? p[0] : 0;
        handle(SIGUSR1, restart ? SA_RESTART : 0);
        CHECK_EQ(pthread_create(&t, NULL, reads, &r), 0);
        sem_wait(&ready);
        while (count == 0) {
            usleep(1000);
            pthread_kill(t, SIGUSR1);
            usleep(1000);
        }
        CHECK(ran_on == t);
        if (restart) {
            CHECK_EQ(write(p[1], "x", 1), 1);
        }
        pthread_join(t, NULL);
        CHECK_EQ(r.result, restart ? 1 : -1);
        CHECK(restart || r.error == EINTR);
    }
    restore(SIGUSR1);
    CHECK_EQ(pthread_create(&t, NULL, reads, &r), 0);
    sem_wait(&ready);
    CHECK_EQ(pthread_cancel(t), 0);
    CHECK_EQ(pthread_join(t, &result), 0);
    CHECK(result == PTHREAD_CANCELED);
    close(p[0]);
    close(p[1]);
}

/* ---- faults ---- */

static volatile int fault_code;
static void *volatile fault_address;
static volatile int fault_trap;

static void skip(int sig, siginfo_t *info, void *context)
{
    ucontext_t *u = context;
    (void)sig;
    fault_code = info->si_code;
    fault_address = info->si_addr;
    fault_trap = (int)u->uc_mcontext.gregs[REG_TRAPNO];
    u->uc_mcontext.gregs[REG_RIP] = u->uc_mcontext.gregs[REG_RBX];
    u->uc_mcontext.gregs[REG_RAX] = 4711;
}

/* Run an instruction that faults; the handler goes on behind it and sets rax. */
#define FAULT(text, ...)                                               \
    ({                                                                 \
        long value = 0;                                                \
        __asm__ volatile("leaq 1f(%%rip), %%rbx\n\t" text "\n1:"       \
                         : "+a"(value) : __VA_ARGS__ : "rbx", "memory"); \
        value;                                                         \
    })

static const int constant = 1;

static void faults(void)
{
    static const int signals[] = {SIGSEGV, SIGFPE, SIGILL, SIGTRAP};
    struct sigaction a = {.sa_flags = SA_SIGINFO};
    a.sa_sigaction = skip;
    for (unsigned i = 0; i < 4; i++) {
        CHECK_EQ(sigaction(signals[i], &a, NULL), 0);
    }
    register double keep __asm__("xmm7") = 1.25;
    __asm__ volatile("" : "+x"(keep));
    for (int i = 0; i < 100; i++) {
        CHECK_EQ(FAULT("movb $1, (%1)", "r"(8ul)), 4711);
        CHECK_EQ(fault_code, SEGV_MAPERR);
        CHECK(fault_address == (void *)8);
        CHECK_EQ(fault_trap, 14);
        CHECK_EQ(FAULT("movb $1, (%1)", "r"(&constant)), 4711);
        CHECK_EQ(fault_code, SEGV_ACCERR);
        CHECK(fault_address == &constant);
        CHECK_EQ(FAULT("ud2", "r"(0)), 4711);
        CHECK_EQ(fault_code, ILL_ILLOPN);
        CHECK_EQ(FAULT("xorl %%edx, %%edx\n\tmovl %k1, %%ecx\n\tdivl %%ecx", "r"(0)), 4711);
        CHECK_EQ(fault_code, FPE_INTDIV);
        CHECK_EQ(FAULT("movb $1, (%1)", "r"(1ul << 63)), 4711);
        CHECK_EQ(fault_code, SI_KERNEL);
        CHECK(fault_address == NULL);
    }
    __asm__ volatile("" : "+x"(keep));
    CHECK(keep == 1.25);
    for (unsigned i = 0; i < 4; i++) {
        restore(signals[i]);
    }
}

/* A stack that has run over: the handler has one of its own. */
static void *handler_stack;

static void on_overflow(int sig)
{
    stack_t now;
    sigaltstack(NULL, &now);
    CHECK_EQ(now.ss_flags, SS_ONSTACK);
    handler_stack = &now;
    siglongjmp(out, sig);
}

static __attribute__((noinline)) int deeper(volatile int n)
{
    volatile char space[512];
    space[0] = (char)n;
    return n == 0 ? 0 : deeper(n - 1) + space[0];
}

static void *overflows(void *arg)
{
    static char alternate[32768];
    stack_t s = {.ss_sp = alternate, .ss_size = sizeof(alternate)};
    struct sigaction a = {.sa_flags = SA_ONSTACK};
    a.sa_handler = on_overflow;
    CHECK_EQ(sigaltstack(&s, NULL), 0);
    CHECK_EQ(sigaction(SIGSEGV, &a, NULL), 0);
    for (volatile int i = 0; i < 3; i++) {
        if (sigsetjmp(out, 1) == 0) {
            deeper(100000000);
            CHECK_FAIL("it came back");
        }
        CHECK((char *)handler_stack > alternate && (char *)handler_stack < alternate + sizeof(alternate));
    }
    restore(SIGSEGV);
    return arg;
}

static void overflow(void)
{
    pthread_t t;
    CHECK_EQ(pthread_create(&t, NULL, overflows, NULL), 0);
    pthread_join(t, NULL);
}

/* ---- timers ---- */

static void called(union sigval value)
{
    sem_post(value.sival_ptr);
}

static void timers(void)
{
    timer_t id;
    struct sigevent by_signal = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN + 1};
    struct sigevent by_thread = {.sigev_notify = SIGEV_THREAD};
    struct itimerspec often = {{0, 1000000}, {0, 1000000}}, left;
    struct timespec limit = {10, 0};
    sigset_t set;
    siginfo_t info;
    sem_t calls;
    sigemptyset(&set);
    sigaddset(&set, SIGRTMIN + 1);
    CHECK_EQ(pthread_sigmask(SIG_BLOCK, &set, NULL), 0);
    by_signal.sigev_value.sival_int = 77;
    CHECK_EQ(timer_create(CLOCK_MONOTONIC, &by_signal, &id), 0);
    CHECK_EQ(timer_settime(id, 0, &often, NULL), 0);
    for (int i = 0; i < 5; i++) {
        CHECK_EQ(sigtimedwait(&set, &info, &limit), SIGRTMIN + 1);
        CHECK_EQ(info.si_code, SI_TIMER);
        CHECK_EQ(info.si_value.sival_int, 77);
    }
    usleep(20000);
    CHECK_EQ(sigtimedwait(&set, &info, &limit), SIGRTMIN + 1);
    CHECK(info.si_overrun > 0);
    CHECK_EQ(timer_gettime(id, &left), 0);
    CHECK_EQ(left.it_interval.tv_nsec, 1000000);
    CHECK_EQ(timer_delete(id), 0);
    CHECK_EQ(timer_delete(id), -1);
    CHECK_EQ(errno, EINVAL);
    while (sigtimedwait(&set, NULL, &(struct timespec){0, 0}) > 0) {
    }
    sem_init(&calls, 0, 0);
    by_thread.sigev_value.sival_ptr = &calls;
    by_thread.sigev_notify_function = called;
    CHECK_EQ(timer_create(CLOCK_REALTIME, &by_thread, &id), 0);
    CHECK_EQ(timer_settime(id, 0, &often, NULL), 0);
    for (int i = 0; i < 5; i++) {
        CHECK_EQ(sem_wait(&calls), 0);
    }
    CHECK_EQ(timer_delete(id), 0);
    usleep(5000); /* its thread may be in called() */
}

static void descriptors(void)
{
    sigset_t set;
    struct signalfd_siginfo info;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    sigprocmask(SIG_BLOCK, &set, NULL);
    int fd = signalfd(-1, &set, SFD_NONBLOCK);
    CHECK(fd >= 0);
    CHECK_EQ(read(fd, &info, sizeof(info)), -1);
    CHECK_EQ(errno, EAGAIN);
    struct pollfd p = {fd, POLLIN, 0};
    CHECK_EQ(poll(&p, 1, 0), 0);
    timer_t id;
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR2};
    CHECK_EQ(timer_create(CLOCK_MONOTONIC, &event, &id), 0);
    CHECK_EQ(timer_settime(id, 0, &(struct itimerspec){{0, 0}, {0, 3000000}}, NULL), 0);
    CHECK_EQ(poll(&p, 1, 10000), 1);
    CHECK_EQ(read(fd, &info, sizeof(info)), sizeof(info));
    CHECK_EQ(info.ssi_signo, SIGUSR2);
    CHECK_EQ(info.ssi_code, SI_TIMER);
    timer_delete(id);
    close(fd);
    sigprocmask(SIG_UNBLOCK, &set, NULL);
}

/* ---- cancellation ---- */

static int cleaned;
static int some_pipe[2];
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;

static void clean(void *arg)
{
    if (arg != NULL) {
        CHECK_EQ(pthread_mutex_trylock(arg), EBUSY); /* held again */
        pthread_mutex_unlock(arg);
    }
    cleaned++;
}

static void *waits_in(void *arg)
{
    char byte;
    long how = (long)(intptr_t)arg;
    if (how == 1) {
        pthread_mutex_lock(&mutex);
    }
    pthread_cleanup_push(clean, how == 1 ? &mutex : NULL);
    sem_post(&ready);
    switch (how) {
    case 0: read(some_pipe[0], &byte, 1); break;
    case 1: pthread_cond_wait(&cond, &mutex); break;
    case 2: sleep(1000); break;
    case 3: poll(NULL, 0, -1); break;
    case 4:
        for (;;) {
            pthread_testcancel();
        }
    default: pause(); break;
    }
    pthread_cleanup_pop(0);
    return NULL;
}

static void cancellation(void)
{
    void *result;
    pthread_t t;
    CHECK_EQ(pipe(some_pipe), 0);
    for (long how = 0; how < 6; how++) {
        for (int late = 0; late < 2; late++) {
            cleaned = 0;
            CHECK_EQ(pthread_create(&t, NULL, waits_in, (void *)(intptr_t)how), 0);
            sem_wait(&ready);
            usleep(late ? 3000 : 0);
            CHECK_EQ(pthread_cancel(t), 0);
            CHECK_EQ(pthread_join(t, &result), 0);
            CHECK(result == PTHREAD_CANCELED);
            CHECK_EQ(cleaned, 1);
        }
    }
}

/* A cancelled thread leaves no stream locked. */
static FILE *stream;

static void *prints(void *arg)
{
    sem_post(&ready);
    for (;;) {
        fputs("line\n", stream);
        fflush(stream);
    }
    return arg;
}

static void streams(void)
{
    int p[2];
    char text[100];
    pthread_t t;
    CHECK_EQ(pipe(p), 0);
    CHECK_EQ(fcntl(p[0], F_SETFL, O_NONBLOCK), 0);
    stream = fdopen(p[1], "w");
    for (int i = 0; i < 5; i++) {
        CHECK_EQ(pthread_create(&t, NULL, prints, NULL), 0);
        sem_wait(&ready);
        usleep(2000); /* the pipe is full by now, or not */
        CHECK_EQ(pthread_cancel(t), 0);
        while (pthread_tryjoin_np(t, NULL) == EBUSY) {
            (void)!read(p[0], text, sizeof(text));
        }
        CHECK_EQ(ftrylockfile(stream), 0);
        funlockfile(stream);
    }
    close(p[0]);
    signal(SIGPIPE, SIG_IGN);
    fclose(stream);
}

/* The mutex of a self-pipe is free when the handler writes to it. */
static void write_to_pipe(int sig)
{
    (void)sig;
    write(some_pipe[1], "s", 1);
}

static void self_pipe(void)
{
    char byte;
    struct itimerval often = {{0, 500}, {0, 500}};
    struct sigaction a = {.sa_flags = SA_RESTART};
    a.sa_handler = write_to_pipe;
    CHECK_EQ(sigaction(SIGALRM, &a, NULL), 0);
    CHECK_EQ(setitimer(ITIMER_REAL, &often, NULL), 0);
    for (int i = 0; i < 200; i++) {
        void *p = malloc((size_t)(i * 37 + 1)); /* library code, on which no handler runs */
        free(p);
        CHECK_EQ(read(some_pipe[0], &byte, 1), 1);
    }
    setitimer(ITIMER_REAL, &(struct itimerval){{0, 0}, {0, 0}}, NULL);
    restore(SIGALRM);
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "segv") == 0) {
        signal(SIGFPE, jump); /* another one's handler changes nothing */
        volatile uintptr_t address = 8;
        *(volatile int *)address = 1;
    } else if (argc > 1 && strcmp(argv[1], "overflow") == 0) {
        check_run("overflow", overflow);
        return check_done();
    } else if (argc > 1) {
        if (strcmp(argv[1], "usr1") == 0) {
            signal(SIGUSR2, SIG_IGN);
        }
        raise(strcmp(argv[1], "usr1") == 0 ? SIGUSR1 : atoi(argv[1]));
        return 0;
    }
    sem_init(&ready, 0, 0);
    check_run("computing", computing);
    check_run("blocking", blocking);
    check_run("jumping", jumping);
    check_run("faults", faults);
    check_run("timers", timers);
    check_run("descriptors", descriptors);
    check_run("cancellation", cancellation);
    check_run("self-pipe", self_pipe);
    check_run("streams", streams);
    return check_done();
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Signals: actions, masks, what is pending, the order of delivery, values, waits, alternate stacks,
 * timers, and what blocking calls answer when a handler has run.
 */
#define _GNU_SOURCE
#include "../conform.h"

#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <sys/signalfd.h>

static sigset_t set_of(int a, int b)
{
    sigset_t s;
    sigemptyset(&s);
    sigaddset(&s, a);
    if (b != 0) {
        sigaddset(&s, b);
    }
    return s;
}

static const char *code_name(int code)
{
    return code == SI_USER ? "USER" : code == SI_QUEUE ? "QUEUE" : code == SI_TIMER ? "TIMER"
           : code == SI_TKILL ? "TKILL" : code == SI_KERNEL ? "KERNEL" : "another";
}

static int handled;

static void plain(int sig)
{
    handled++;
    printf("handler %s\n", strsignal(sig));
}

static void told(int sig, siginfo_t *info, void *context)
{
    ucontext_t *u = context;
    sigset_t now;
    handled++;
    sigprocmask(SIG_BLOCK, NULL, &now);
    printf("handler %d: %s %s, mine %d, value %d, blocked %d, before %d\n", sig - SIGRTMIN >= 0 ? sig - SIGRTMIN : sig,
           info->si_signo == sig ? "same" : "other", code_name(info->si_code), info->si_pid == getpid(),
           info->si_code == SI_QUEUE ? info->si_value.sival_int : 0, sigismember(&now, sig),
           sigismember(&u->uc_sigmask, sig));
}

static int set_handler(int sig, int flags)
{
    struct sigaction a = {.sa_flags = flags};
    if (flags & SA_SIGINFO) {
        a.sa_sigaction = told;
    } else {
        a.sa_handler = plain;
    }
    return sigaction(sig, &a, NULL);
}

static void actions(void)
{
    struct sigaction a = {.sa_flags = 0}, old;
    SAY("actions");
    a.sa_handler = plain;
    CALL(sigaction(0, &a, NULL));
    CALL(sigaction(65, &a, NULL));
    CALL(sigaction(-1, &a, NULL));
    CALL(sigaction(SIGKILL, &a, NULL));
    CALL(sigaction(SIGSTOP, &a, NULL));
    CALL(sigaction(SIGKILL, NULL, &old));
    IS(signal(SIGKILL, SIG_DFL) == SIG_ERR);
    IS(signal(SIGUSR1, plain) == SIG_DFL);
    CALL(sigaction(SIGUSR1, NULL, &old));
    IS(old.sa_handler == plain);
    IS((old.sa_flags & SA_RESTART) != 0);
    CALL(raise(SIGUSR1));
    CALL(raise(SIGUSR1));
    CALL(set_handler(SIGUSR1, SA_RESETHAND | SA_SIGINFO));
    CALL(raise(SIGUSR1));
    CALL(sigaction(SIGUSR1, NULL, &old));
    IS(old.sa_handler == SIG_DFL);
    CALL(set_handler(SIGUSR1, SA_NODEFER | SA_SIGINFO));
    CALL(kill(getpid(), SIGUSR1));
    CALL(kill(0, 0));
    CALL(kill(getpid(), 0));
    CALL(kill(getpid(), 65));
    CALL(kill(getpid(), -1));
    CALL(raise(0));
    CALL(raise(65));
    IS(signal(SIGUSR1, SIG_IGN) != SIG_ERR);
    CALL(raise(SIGUSR1));
    CALL(raise(SIGCHLD));
    CALL(raise(SIGCONT));
    CALL(raise(SIGURG));
    CALL(raise(SIGWINCH));
    IS(signal(SIGUSR1, SIG_DFL) == SIG_IGN);
}

static void masks(void)
{
    sigset_t s = set_of(SIGUSR1, SIGUSR2), old, waiting;
    SAY("masks");
    CALL(sigaddset(&s, 0));
    CALL(sigaddset(&s, 65));
    CALL(sigdelset(&s, -1));
    CALL(sigismember(&s, 0));
    CALL(sigismember(&s, SIGUSR1));
    CALL(sigismember(&s, SIGHUP));
    CALL(set_handler(SIGUSR1, SA_SIGINFO));
    CALL(set_handler(SIGUSR2, SA_SIGINFO));
    CALL(sigprocmask(SIG_BLOCK, &s, &old));
    CALL(sigismember(&old, SIGUSR1));
    CALL(raise(SIGUSR1));
    CALL(raise(SIGUSR1));
    CALL(kill(getpid(), SIGUSR2));
    CALL(sigpending(&waiting));
    IS(sigismember(&waiting, SIGUSR1) && sigismember(&waiting, SIGUSR2));
    SAY("both at once");
    CALL(sigprocmask(SIG_UNBLOCK, &s, NULL));
    CALL(sigpending(&waiting));
    IS(sigisemptyset(&waiting));
    CALL(sigprocmask(77, &s, NULL));
    CALL(sigprocmask(77, NULL, NULL));
    CALL(pthread_sigmask(77, &s, NULL));
    SAY("ignored while it waits");
    CALL(sigprocmask(SIG_BLOCK, &s, NULL));
    CALL(raise(SIGUSR1));
    signal(SIGUSR1, SIG_IGN);
    CALL(sigpending(&waiting));
    IS(sigismember(&waiting, SIGUSR1));
    CALL(raise(SIGUSR1));
    CALL(sigpending(&waiting));
    IS(sigismember(&waiting, SIGUSR1));
    CALL(set_handler(SIGUSR1, SA_SIGINFO));
    CALL(sigprocmask(SIG_UNBLOCK, &s, NULL));
    sigfillset(&s);
    CALL(sigprocmask(SIG_SETMASK, &s, &old));
    CALL(sigprocmask(SIG_SETMASK, &old, &s));
    CALL(sigismember(&s, SIGKILL));
    CALL(sigismember(&s, SIGSTOP));
    CALL(sigismember(&s, SIGTERM));
}

static void queues(void)
{
    sigset_t s = set_of(SIGRTMIN, SIGRTMIN + 2);
    SAY("values, in order");
    CALL(set_handler(SIGRTMIN, SA_SIGINFO));
    CALL(set_handler(SIGRTMIN + 2, SA_SIGINFO));
    CALL(sigprocmask(SIG_BLOCK, &s, NULL));
    for (int i = 1; i <= 3; i++) {
        CALL(sigqueue(getpid(), SIGRTMIN + 2, (union sigval){.sival_int = 20 + i}));
        CALL(sigqueue(getpid(), SIGRTMIN, (union sigval){.sival_int = i}));
    }
    siginfo_t info;
    CALL(sigwaitinfo(&s, &info) - SIGRTMIN);
    SHOW(info.si_value.sival_int);
    CALL(sigtimedwait(&s, &info, &(struct timespec){0, 0}) - SIGRTMIN);
    SHOW(info.si_value.sival_int);
    CALL(sigprocmask(SIG_UNBLOCK, &s, NULL));
    CALL(sigqueue(getpid(), 0, (union sigval){.sival_int = 1}));
    CALL(sigqueue(getpid(), 65, (union sigval){.sival_int = 1}));
    CALL(sigqueue(getpid() + 100000, SIGRTMIN, (union sigval){.sival_int = 1}));
}

static void waits(void)
{
    sigset_t s = set_of(SIGUSR1, SIGCHLD);
    siginfo_t info;
    int sig = 0;
    SAY("waits");
    CALL(sigprocmask(SIG_BLOCK, &s, NULL));
    CALL(sigtimedwait(&s, &info, &(struct timespec){0, 1000000}));
    CALL(sigtimedwait(&s, &info, &(struct timespec){0, 1000000000}));
    CALL(sigtimedwait(&s, &info, &(struct timespec){-1, 0}));
    CALL(raise(SIGCHLD));
    CALL(kill(getpid(), SIGUSR1));
    CALL(sigwait(&s, &sig));
    IS(sig == SIGUSR1 || sig == SIGCHLD);
    CALL(sigwait(&s, &sig));
    IS(sig == SIGUSR1 || sig == SIGCHLD);
    CALL(sigtimedwait(&s, NULL, &(struct timespec){0, 0}));
    CALL(raise(SIGUSR1));
    handled = 0;
    sigset_t none;
    sigemptyset(&none);
    CALL(set_handler(SIGUSR1, SA_SIGINFO));
    CALL(raise(SIGUSR1));
    CALL(sigsuspend(&none));
    SHOW(handled);
    CALL(raise(SIGUSR1));
    CALL(ppoll(NULL, 0, &(struct timespec){10, 0}, &none));
    CALL(raise(SIGUSR1));
    CALL(ppoll(NULL, 0, &(struct timespec){0, 0}, &none));
    CALL(raise(SIGUSR1));
    CALL(pselect(0, NULL, NULL, NULL, &(struct timespec){10, 0}, &none));
    int p[2];
    MUST(pipe(p));
    MUST(write(p[1], "x", 1));
    struct pollfd f = {p[0], POLLIN, 0};
    CALL(raise(SIGUSR1));
    CALL(ppoll(&f, 1, NULL, &none));
    handled = 0;
    CALL(sigprocmask(SIG_UNBLOCK, &s, NULL));
    SHOW(handled);
    close(p[0]);
    close(p[1]);
}

/* ---- blocking calls ---- */

static sem_t ready;

static void *interrupts(void *arg)
{
    sem_wait(&ready);
    settle();
    pthread_kill(*(pthread_t *)arg, SIGUSR2);
    settle();
    settle();
    return NULL;
}

static pthread_t main_thread, helper;

static void soon(void)
{
    main_thread = pthread_self();
    MUST(-pthread_create(&helper, NULL, interrupts, &main_thread));
    sem_post(&ready);
}

static void *writes_later(void *arg)
{
    for (int i = 0; i < 4; i++) {
        settle();
    }
    MUST(write(*(int *)arg, "y", 1));
    return NULL;
}

static void quiet(int sig)
{
    (void)sig;
    handled++;
}

static void handle_quietly(int flags)
{
    struct sigaction a = {.sa_flags = flags};
    a.sa_handler = quiet;
    MUST(sigaction(SIGUSR2, &a, NULL));
    handled = 0;
}

#define INTERRUPTED(call) (soon(), CALL(call), pthread_join(helper, NULL), SHOW(handled), handled = 0)

static void blocking(void)
{
    int p[2], pair[2];
    char byte;
    sem_t sem;
    pthread_t writer;
    struct pollfd f;
    struct timeval limit = {5, 0};
    SAY("interrupted");
    sem_init(&sem, 0, 0);
    MUST(pipe(p));
    tcp_pair(pair);
    f = (struct pollfd){p[0], POLLIN, 0};
    for (int flags = 0; flags <= SA_RESTART; flags += SA_RESTART) {
        SAY(flags ? "SA_RESTART" : "plain");
        handle_quietly(flags);
        INTERRUPTED(poll(&f, 1, 10000));
        INTERRUPTED(nanosleep(&(struct timespec){5, 0}, NULL));
        INTERRUPTED(sleep(5) >= 4);
        INTERRUPTED(select(0, NULL, NULL, NULL, &limit));
        limit.tv_sec = 5;
        if (flags == 0) {
            INTERRUPTED(read(p[0], &byte, 1));
            INTERRUPTED(recv(pair[0], &byte, 1, 0));
            INTERRUPTED(sem_wait(&sem));
            INTERRUPTED(pause());
        } else {
            MUST(-pthread_create(&writer, NULL, writes_later, &p[1]));
            INTERRUPTED(read(p[0], &byte, 1));
            pthread_join(writer, NULL);
            MUST(-pthread_create(&writer, NULL, writes_later, &pair[1]));
            INTERRUPTED(recv(pair[0], &byte, 1, 0));
            pthread_join(writer, NULL);
        }
    }
    close(p[0]);
    close(p[1]);
    close(pair[0]);
    close(pair[1]);
}

/* ---- the rest ---- */

static void stacks(void)
{
    static char room[65536];
    stack_t s = {.ss_sp = room, .ss_size = sizeof(room)}, old;
    SAY("alternate stacks");
    CALL(sigaltstack(NULL, &old));
    IS(old.ss_flags == SS_DISABLE);
    CALL(sigaltstack(&(stack_t){.ss_sp = room, .ss_size = 100}, NULL));
    CALL(sigaltstack(&(stack_t){.ss_sp = room, .ss_size = sizeof(room), .ss_flags = 77}, NULL));
    CALL(sigaltstack(&s, &old));
    CALL(sigaltstack(NULL, &old));
    IS(old.ss_sp == room && old.ss_size == sizeof(room) && old.ss_flags == 0);
    CALL(sigaltstack(&(stack_t){.ss_flags = SS_DISABLE}, NULL));
}

static void descriptors(void)
{
    sigset_t s = set_of(SIGUSR1, SIGRTMIN);
    struct signalfd_siginfo info[4];
    SAY("signalfd");
    CALL(sigprocmask(SIG_BLOCK, &s, NULL));
    CALL(signalfd(-1, &s, 1 << 30));
    int fd = FD(signalfd(-1, &s, SFD_NONBLOCK));
    CALL(signalfd(0, &s, 0));
    CALL(signalfd(999, &s, 0));
    BITS(fd);
    CALL(read(fd, info, sizeof(info)));
    CALL(sigqueue(getpid(), SIGRTMIN, (union sigval){.sival_int = 5}));
    CALL(sigqueue(getpid(), SIGRTMIN, (union sigval){.sival_int = 6}));
    CALL(raise(SIGUSR1));
    BITS(fd);
    CALL(read(fd, info, 100));
    CALL(read(fd, info, sizeof(info)) / sizeof(info[0]));
    for (int i = 0; i < 3; i++) {
        printf("%s %d\n", code_name(info[i].ssi_code), info[i].ssi_int);
    }
    CALL(write(fd, info, sizeof(info)));
    BITS(fd);
    CALL(close(fd));
    CALL(sigprocmask(SIG_UNBLOCK, &s, NULL));
}

static void timers(void)
{
    struct itimerval v = {{0, 0}, {0, 1000000}}, old;
    timer_t id;
    struct sigevent e = {.sigev_notify = SIGEV_NONE};
    struct itimerspec t = {{0, 0}, {100, 0}}, left;
    sigset_t s = set_of(SIGALRM, 0);
    int sig;
    SAY("timers");
    CALL(setitimer(77, &v, NULL));
    CALL(setitimer(ITIMER_REAL, &v, NULL));
    CALL(getitimer(77, &old));
    CALL(alarm(100));
    CALL(alarm(0) >= 99);
    CALL(alarm(0));
    v.it_value.tv_usec = 1000;
    CALL(sigprocmask(SIG_BLOCK, &s, NULL));
    CALL(setitimer(ITIMER_REAL, &v, &old));
    CALL(sigwait(&s, &sig));
    IS(sig == SIGALRM);
    CALL(getitimer(ITIMER_REAL, &old));
    IS(old.it_value.tv_sec == 0 && old.it_value.tv_usec == 0);
    CALL(timer_create(CLOCK_MONOTONIC, &e, &id));
    CALL(timer_settime(id, 0, &t, &left));
    SHOW(left.it_value.tv_sec);
    CALL(timer_gettime(id, &left));
    IS(left.it_value.tv_sec == 99 || left.it_value.tv_sec == 100);
    CALL(timer_getoverrun(id));
    t.it_value.tv_nsec = 1000000000;
    CALL(timer_settime(id, 0, &t, NULL));
    t.it_value.tv_nsec = -1;
    CALL(timer_settime(id, 0, &t, NULL));
    CALL(timer_delete(id));
    e.sigev_notify = SIGEV_SIGNAL;
    e.sigev_signo = 65;
    CALL(timer_create(CLOCK_MONOTONIC, &e, &id));
    e.sigev_signo = SIGALRM;
    CALL(timer_create(12345, &e, &id));
    CALL(timer_create(CLOCK_REALTIME, &e, &id));
    t = (struct itimerspec){{0, 0}, {1, 0}}; /* long ago */
    CALL(timer_settime(id, TIMER_ABSTIME, &t, NULL));
    siginfo_t info;
    CALL(sigwaitinfo(&s, &info) == SIGALRM);
    IS(info.si_code == SI_TIMER);
    CALL(timer_delete(id));
    CALL(sigprocmask(SIG_UNBLOCK, &s, NULL));
}

static sigjmp_buf here;

static void leave(int sig)
{
    siglongjmp(here, sig);
}

static void jumps(void)
{
    sigset_t now;
    SAY("siglongjmp");
    signal(SIGUSR1, leave);
    for (int saved = 1; saved >= 0; saved--) {
        if (sigsetjmp(here, saved) == 0) {
            raise(SIGUSR1);
        }
        CALL(sigprocmask(SIG_BLOCK, NULL, &now));
        CALL(sigismember(&now, SIGUSR1));
    }
    now = set_of(SIGUSR1, 0);
    CALL(sigprocmask(SIG_UNBLOCK, &now, NULL));
    int p[2];
    MUST(pipe(p));
    close(p[0]);
    CALL(write(p[1], "x", 1));
    CALL(set_handler(SIGPIPE, SA_SIGINFO));
    CALL(write(p[1], "x", 1));
    signal(SIGPIPE, SIG_IGN);
    close(p[1]);
}

static void *inherits(void *arg)
{
    sigset_t now, waiting;
    pthread_sigmask(SIG_BLOCK, NULL, &now);
    sigpending(&waiting);
    printf("thread: blocked %d, pending %d\n", sigismember(&now, SIGUSR1), sigismember(&waiting, SIGUSR1));
    return arg;
}

static void threads(void)
{
    sigset_t s = set_of(SIGUSR1, 0);
    pthread_t t;
    SAY("threads");
    CALL(sigprocmask(SIG_BLOCK, &s, NULL));
    CALL(pthread_kill(pthread_self(), SIGUSR1));
    CALL(pthread_kill(pthread_self(), 65));
    CALL(pthread_kill(pthread_self(), 0));
    MUST(-pthread_create(&t, NULL, inherits, NULL));
    pthread_join(t, NULL);
    int sig;
    CALL(sigwait(&s, &sig));
    SAY("cancellation");
    int old = -1;
    CALL(pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &old));
    IS(old == PTHREAD_CANCEL_ENABLE);
    CALL(pthread_setcancelstate(77, NULL));
    CALL(pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &old));
    IS(old == PTHREAD_CANCEL_DISABLE);
    CALL(pthread_setcanceltype(PTHREAD_CANCEL_DEFERRED, &old));
    CALL(pthread_setcanceltype(77, NULL));
}

int main(void)
{
    begin();
    sem_init(&ready, 0, 0);
    actions();
    masks();
    queues();
    waits();
    blocking();
    stacks();
    descriptors();
    timers();
    jumps();
    threads();
    return end();
}

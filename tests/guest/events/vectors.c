/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What happens in an interrupt leaves the vector registers of the thread that it came to: a timer
 * that tells an epoll set, one that wakes a thread in poll(), one that sends a signal, one that
 * copies. So does a preemption by a thread that fills them, with their upper halves.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include <pith/irq.h>
#include <pith/platform.h>
#include <pith/timer.h>

#include "tests.h"

#define ROUNDS 50
#define LOW    ".irp r,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15\n\t"
#define END    "\n\t.endr\n\t"

static volatile sig_atomic_t arrived;

/* Fill the registers, wait for some 100,000 instructions, look at them; how many bytes are wrong? */
static unsigned hold(void)
{
    uint8_t in[16][16], out[16][16];
    unsigned wrong = 0;
    memset(out, 0, sizeof(out));
    for (unsigned i = 0; i < sizeof(in); i++) {
        in[i / 16][i % 16] = (uint8_t)(i * 7 + 1);
    }
    __asm__ volatile(LOW "movdqu 16*\\r(%0), %%xmm\\r" END
                     "movl $50000, %%ecx\n1:\tdecl %%ecx\n\tjnz 1b\n\t"
                     LOW "movdqu %%xmm\\r, 16*\\r(%1)" END
                     : : "r"(in), "r"(out)
                     : "rcx", "cc", "memory", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7",
                       "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15");
    for (unsigned i = 0; i < sizeof(in); i++) {
        wrong += in[i / 16][i % 16] != out[i / 16][i % 16];
    }
    return wrong;
}

static int timer(void)
{
    int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
    OK(fd >= 0);
    return fd;
}

static const struct itimerspec soon = { .it_value.tv_nsec = 20000 };

static int expired(int fd)
{
    uint64_t times;
    return read(fd, &times, sizeof(times)) == sizeof(times);
}

static void told_set(void)
{
    struct epoll_event event = { .events = EPOLLIN };
    int fd = timer(), set = epoll_create1(0);
    unsigned wrong = 0;
    EQ(epoll_ctl(set, EPOLL_CTL_ADD, fd, &event), 0);
    for (int i = 0; i < ROUNDS; i++) {
        EQ(timerfd_settime(fd, 0, &soon, NULL), 0);
        do {
            wrong += hold();
        } while (!expired(fd));
        epoll_wait(set, &event, 1, 0); /* no longer ready, so the next one is told anew */
    }
    EQ(wrong, 0);
    close(set);
    close(fd);
}

static volatile int over;

static void *poller(void *arg)
{
    struct pollfd p = { .fd = *(int *)arg, .events = POLLIN };
    while (!over) {
        poll(&p, 1, 100);
        sched_yield();
    }
    return NULL;
}

static void woken_thread(void)
{
    int fd = timer();
    unsigned wrong = 0;
    pthread_t other;
    over = 0;
    EQ(pthread_create(&other, NULL, poller, &fd), 0);
    for (int i = 0; i < ROUNDS; i++) {
        EQ(timerfd_settime(fd, 0, &soon, NULL), 0);
        do {
            wrong += hold();
        } while (!expired(fd));
        sched_yield();
    }
    over = 1;
    pthread_join(other, NULL);
    EQ(wrong, 0);
    close(fd);
}

static void on_signal(int sig)
{
    (void)sig;
    arrived++;
}

static void sent_signal(void)
{
    timer_t t;
    unsigned wrong = 0;
    signal(SIGALRM, on_signal);
    EQ(timer_create(CLOCK_MONOTONIC, NULL, &t), 0);
    for (int i = 0; i < ROUNDS; i++) {
        sig_atomic_t before = arrived;
        EQ(timer_settime(t, 0, &soon, NULL), 0);
        do {
            wrong += hold();
        } while (arrived == before);
    }
    EQ(wrong, 0);
    timer_delete(t);
}

/* ---- copies ---- */

static uint8_t copied[2][3000];
static volatile unsigned copies;

static PITH_INTERRUPT void copy(struct timer *t)
{
    (void)t;
    memcpy(copied[1], copied[0], sizeof(copied[0]));
    memmove(copied[1] + 100, copied[1], sizeof(copied[0]) - 100);
    memset(copied[1], (int)copies, 2000);
    copies++;
}

static void copied_in_interrupt(void)
{
    struct timer t;
    unsigned wrong = 0;
    timer_init(&t, copy);
    for (int i = 0; i < ROUNDS; i++) {
        unsigned before = copies;
        timer_arm(&t, platform_clock_ns() + 20000);
        do {
            wrong += hold();
        } while (copies == before);
    }
    EQ(wrong, 0);
}

/* Copies all the time, in vectors where the CPU has them. */
static void *copier(void *arg)
{
    static uint8_t area[2][20000];
    (void)arg;
    for (unsigned n = 0; !over; n++) {
        memset(area[0], (int)(n & 0xff), sizeof(area[0]));
        memcpy(area[1], area[0], sizeof(area[0]));
        OK(area[1][0] == (n & 0xff) && area[1][sizeof(area[1]) - 1] == (n & 0xff));
    }
    return NULL;
}

/* The same as hold() for 32 bytes a register. */
__attribute__((target("avx"))) static unsigned hold_wide(void)
{
    static uint8_t in[16][32], out[16][32];
    unsigned wrong = 0;
    memset(out, 0, sizeof(out));
    for (unsigned i = 0; i < sizeof(in); i++) {
        in[i / 32][i % 32] = (uint8_t)(i * 7 + 1);
    }
    __asm__ volatile(LOW "vmovdqu 32*\\r(%0), %%ymm\\r" END
                     "movl $200000, %%ecx\n1:\tdecl %%ecx\n\tjnz 1b\n\t"
                     LOW "vmovdqu %%ymm\\r, 32*\\r(%1)" END "vzeroupper"
                     : : "r"(in), "r"(out)
                     : "rcx", "cc", "memory", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7",
                       "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15");
    for (unsigned i = 0; i < sizeof(in); i++) {
        wrong += in[i / 32][i % 32] != out[i / 32][i % 32];
    }
    return wrong;
}

static void preempted_by_copies(void)
{
    bool wide = __builtin_cpu_supports("avx") != 0;
    unsigned wrong = 0;
    pthread_t other;
    over = 0;
    EQ(pthread_create(&other, NULL, copier, NULL), 0);
    for (int i = 0; i < 2 * ROUNDS; i++) {
        wrong += wide ? hold_wide() : hold();
    }
    over = 1;
    pthread_join(other, NULL);
    EQ(wrong, 0);
}

void vector_checks(void)
{
    run_check("vectors_copied_in_interrupt", copied_in_interrupt);
    run_check("vectors_preempted_by_copies", preempted_by_copies);
    run_check("vectors_told_set", told_set);
    run_check("vectors_woken_thread", woken_thread);
    run_check("vectors_sent_signal", sent_signal);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Timers that are files: timerfd(2) of Linux.
 *
 * One interrupt per read at most: after a periodic timer has fired it is only armed again when
 * somebody asks, and the periods that passed meanwhile are counted then. So a short interval that
 * nobody reads costs nothing.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>

#include <pith/anonfile.h>
#include <pith/heap.h>
#include <pith/iowait.h>
#include <pith/platform.h>
#include <pith/pollq.h>
#include <pith/spinlock.h>
#include <pith/timer.h>

struct timerfd {
    struct file file;
    bool realtime;
    struct spinlock lock; /* guards what follows up to q; order: before the timers' */
    struct timer timer;
    uint64_t deadline_ns; /* the next, or the one that has passed; 0: disarmed */
    uint64_t interval_ns;
    uint64_t expirations; /* not read yet */
    bool fired;           /* since the deadline was set, and not armed again */
    bool running;         /* armed, and fire() has not come to its end; atomic */
    struct pollq q;
};

static struct timerfd *of(struct file *f)
{
    return f->data;
}

/* Context: lock held. */
static void arm(struct timerfd *t)
{
    t->fired = false;
    __atomic_store_n(&t->running, true, __ATOMIC_RELAXED);
    timer_arm(&t->timer, t->deadline_ns);
}

/* Context: interrupt. */
static void fire(struct timer *timer)
{
    struct timerfd *t = LIST_ENTRY(timer, struct timerfd, timer);
    bool was = spin_lock(&t->lock);
    /* It may have been set anew while this was under way. */
    bool due = t->deadline_ns != 0 && !t->fired && t->deadline_ns <= platform_clock_ns();
    if (due) {
        t->fired = true;
        __atomic_store_n(&t->expirations, t->expirations + 1, __ATOMIC_RELAXED);
    }
    spin_unlock(&t->lock, was);
    if (due) {
        pollq_notify(&t->q, POLLIN);
    }
    /* The last access: timerfd_close() waits for it. Set anew meanwhile, it stays armed. */
    was = spin_lock(&t->lock);
    __atomic_store_n(&t->running, timer_armed(timer), __ATOMIC_RELEASE);
    spin_unlock(&t->lock, was);
}

/* Count the periods that have passed since a periodic timer fired, and arm it. Context: lock. */
static void go_on(struct timerfd *t)
{
    if (!t->fired || t->interval_ns == 0) {
        return;
    }
    uint64_t now = platform_clock_ns();
    uint64_t passed = now > t->deadline_ns ? (now - t->deadline_ns) / t->interval_ns : 0;
    __atomic_store_n(&t->expirations, t->expirations + passed, __ATOMIC_RELAXED);
    uint64_t ahead;
    if (__builtin_mul_overflow(passed + 1, t->interval_ns, &ahead) ||
        __builtin_add_overflow(t->deadline_ns, ahead, &t->deadline_ns)) {
        t->deadline_ns = UINT64_MAX;
    }
    arm(t);
}

static uint64_t take(struct timerfd *t)
{
    bool was = spin_lock(&t->lock);
    if (t->expirations != 0) {
        go_on(t);
    }
    uint64_t n = t->expirations;
    __atomic_store_n(&t->expirations, 0, __ATOMIC_RELAXED);
    spin_unlock(&t->lock, was);
    return n;
}

static ssize_t timerfd_read(struct file *f, void *buf, size_t len)
{
    uint64_t n;
    if (len < sizeof(n)) {
        return -EINVAL;
    }
    while ((n = take(of(f))) == 0) {
        int r = -EAGAIN;
        if ((__atomic_load_n(&f->flags, __ATOMIC_RELAXED) & O_NONBLOCK) == 0) {
            r = file_sleep(f, POLLIN, UINT64_MAX);
        }
        if (r < 0) {
            return r;
        }
    }
    memcpy(buf, &n, sizeof(n));
    return sizeof(n);
}

static int timerfd_ready(struct file *f, int events)
{
    bool some = __atomic_load_n(&of(f)->expirations, __ATOMIC_RELAXED) != 0;
    return some ? events & POLLIN : 0;
}

static struct pollq *timerfd_pollq(struct file *f)
{
    return &of(f)->q;
}

static void timerfd_close(struct file *f)
{
    struct timerfd *t = of(f);
    if (!timer_cancel(&t->timer)) {
        while (__atomic_load_n(&t->running, __ATOMIC_ACQUIRE)) {
            __builtin_ia32_pause(); /* it fires just now on another CPU */
        }
    }
    (void)spin_lock(&t->lock); /* ... and has left the lock */
    spin_unlock(&t->lock, false);
    pollq_close(&t->q);
    heap_free(t);
}

static const struct file_ops timerfd_ops = {
    .read = timerfd_read,
    .fstat = anonfile_fstat,
    .ready = timerfd_ready,
    .pollq = timerfd_pollq,
    .close = timerfd_close,
};

int timerfd_new(struct file **out, bool realtime, int flags)
{
    struct timerfd *t = heap_alloc(sizeof(*t));
    if (t == NULL) {
        return -ENOMEM;
    }
    memset(t, 0, sizeof(*t));
    file_init(&t->file, &timerfd_ops, O_RDWR | flags, t);
    t->realtime = realtime;
    timer_init(&t->timer, fire);
    pollq_init(&t->q);
    *out = &t->file;
    return 0;
}

/* Context: lock held. */
static void current(struct timerfd *t, struct timerfd_setting *out)
{
    go_on(t);
    out->interval_ns = t->interval_ns;
    out->realtime = t->realtime;
    out->deadline_ns = t->fired ? 0 : t->deadline_ns;
}

int timerfd_get(struct file *f, struct timerfd_setting *setting)
{
    if (f->ops != &timerfd_ops) {
        return -EINVAL;
    }
    bool was = spin_lock(&of(f)->lock);
    current(of(f), setting);
    spin_unlock(&of(f)->lock, was);
    return 0;
}

int timerfd_set(struct file *f, const struct timerfd_setting *setting, struct timerfd_setting *old)
{
    if (f->ops != &timerfd_ops) {
        return -EINVAL;
    }
    struct timerfd *t = of(f);
    bool was = spin_lock(&t->lock);
    current(t, old);
    if (timer_cancel(&t->timer)) {
        __atomic_store_n(&t->running, false, __ATOMIC_RELAXED);
    }
    t->deadline_ns = setting->deadline_ns;
    t->interval_ns = setting->interval_ns;
    __atomic_store_n(&t->expirations, 0, __ATOMIC_RELAXED);
    t->fired = false;
    if (t->deadline_ns != 0) {
        arm(t);
    }
    spin_unlock(&t->lock, was);
    return 0;
}

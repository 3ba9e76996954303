/*
 * sources: libos/fs/epoll.c libos/fs/epoll_items.c libos/fs/epoll_nest.c libos/fs/eventfd.c
 * libos/fs/pipe.c libos/fs/fifo.c libos/fs/anonfile.c libos/fs/file.c libos/core/pollq.c
 */
/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * epoll, event counters and pipes under AddressSanitizer: random calls compared with a model of what
 * is ready, files that are closed while sets watch them, sets that are closed while files live.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>

#include <pith/anonfile.h>
#include <pith/heap.h>
#include <pith/iowait.h>

#include "fake_cpu.h"
#include "unit.h"

#define FILES 24u
#define SETS  3u

/* ---- what the files stand on: nobody waits here ---- */

/* Nobody handles SIGPIPE here. */
void libc_broken_pipe(void)
{
}

static long blocks; /* of memory */

void *heap_alloc(size_t size)
{
    blocks++;
    return malloc(size);
}

void heap_free(void *p)
{
    blocks -= p != NULL;
    free(p);
}

void io_waiter_init(struct io_waiter *w)
{
    w->woken = false;
}

void io_wake(struct io_waiter *w)
{
    w->woken = true;
}

int io_wait(struct io_waiter *w, uint64_t deadline_ns)
{
    (void)deadline_ns;
    return w->woken ? 0 : -ETIMEDOUT;
}

void io_poll(void)
{
}

int file_sleep_locked(struct file *f, struct pollq *q, int events, uint64_t deadline_ns)
{
    (void)f;
    (void)q;
    (void)events;
    (void)deadline_ns;
    return -ETIMEDOUT;
}

int file_wait_until(struct file *f, int events, uint64_t deadline_ns, int (*done)(void *arg),
                    void *arg)
{
    (void)f;
    (void)events;
    (void)deadline_ns;
    return done(arg) ? 1 : -ETIMEDOUT;
}

void platform_irq_replay(void)
{
}

/* ---- the model ---- */

/* A file and, per set, how it is watched. */
struct model {
    struct file *f;
    bool pipe;              /* a pipe's read end; else a counter */
    struct file *write_end;
    unsigned full;          /* bytes in the pipe, or whether the counter has something */
    bool hung_up;
    bool in[SETS];
    bool one_shot[SETS], disabled[SETS], edge[SETS];
    bool news[SETS];        /* an edge that has not been told */
    unsigned data[SETS];
};

static struct model files[FILES];
static struct file *sets[SETS];
static uint64_t seed = 20240607;

static unsigned ready_bits(const struct model *m)
{
    return (m->full != 0 ? EPOLLIN : 0u) | (m->hung_up ? EPOLLHUP : 0u);
}

static void news(struct model *m)
{
    for (unsigned s = 0; s < SETS; s++) {
        m->news[s] = m->in[s];
    }
}

static void open_file(struct model *m)
{
    struct file *ends[2];
    *m = (struct model){ .pipe = unit_random(&seed) % 2 };
    if (m->pipe) {
        EXPECT(pipe_new(ends, O_NONBLOCK) == 0);
        m->f = ends[0];
        m->write_end = ends[1];
    } else {
        EXPECT(eventfd_new(&m->f, 0, false, O_NONBLOCK) == 0);
    }
}

static void close_file(struct model *m)
{
    file_unref(m->f);
    if (m->write_end != NULL) {
        file_unref(m->write_end);
    }
    *m = (struct model){ .f = NULL };
}

static void write_file(struct model *m)
{
    char c[3000] = { 0 };
    uint64_t one = 1;
    if (m->pipe && m->write_end != NULL) {
        ssize_t n = file_write(m->write_end, c, unit_random(&seed) % sizeof(c) + 1);
        EXPECT(n > 0 || n == -EAGAIN);
        m->full += n > 0 ? (unsigned)n : 0;
        if (n > 0) {
            news(m);
        }
    } else if (!m->pipe) {
        EXPECT(file_write(m->f, &one, 8) == 8);
        m->full = 1;
        news(m);
    }
}

static void read_file(struct model *m)
{
    char c[70000];
    ssize_t n = file_read(m->f, c, m->pipe ? unit_random(&seed) % sizeof(c) + 1 : 8);
    if (m->full == 0) {
        EXPECT(n == (m->pipe && m->hung_up ? 0 : -EAGAIN));
    } else if (m->pipe) {
        EXPECT(n > 0 && (unsigned)n <= m->full);
        m->full -= (unsigned)n;
    } else {
        EXPECT(n == 8);
        m->full = 0;
    }
}

static void hang_up(struct model *m)
{
    if (m->pipe && m->write_end != NULL) {
        file_unref(m->write_end);
        m->write_end = NULL;
        m->hung_up = true;
        news(m);
    }
}

static void control(struct model *m, unsigned s)
{
    static const int ops[] = { EPOLL_CTL_ADD, EPOLL_CTL_MOD, EPOLL_CTL_DEL };
    uint64_t r = unit_random(&seed);
    int op = ops[r % 3];
    unsigned flags = (r >> 8 & 1 ? EPOLLET : 0u) | (r >> 9 & 1 ? EPOLLONESHOT : 0u);
    struct epoll_event ev = { .events = EPOLLIN | flags, .data.u32 = (uint32_t)(r >> 16) };
    int want = op == EPOLL_CTL_ADD ? (m->in[s] ? -EEXIST : 0) : m->in[s] ? 0 : -ENOENT;
    EXPECT(epoll_control(sets[s], op, (int)(m - files), m->f, &ev) == want);
    if (want == 0) {
        m->in[s] = op != EPOLL_CTL_DEL;
        m->edge[s] = (flags & EPOLLET) != 0;
        m->one_shot[s] = (flags & EPOLLONESHOT) != 0;
        m->disabled[s] = false;
        m->news[s] = true;
        m->data[s] = ev.data.u32;
    }
}

/* Take everything that a set tells now, and compare. */
static void take(unsigned s)
{
    struct epoll_event ev[FILES];
    bool told[FILES] = { false };
    int n = epoll_take(sets[s], ev, FILES, 0);
    EXPECT(n >= 0);
    for (int i = 0; i < n; i++) {
        unsigned k = 0;
        while (k < FILES && !(files[k].f != NULL && files[k].in[s] && !told[k] &&
                              files[k].data[s] == ev[i].data.u32)) {
            k++;
        }
        EXPECT(k < FILES);
        if (k < FILES) {
            told[k] = true;
            EXPECT(ev[i].events == ready_bits(&files[k]));
        }
    }
    for (unsigned k = 0; k < FILES; k++) {
        struct model *m = &files[k];
        if (m->f == NULL || !m->in[s]) {
            continue;
        }
        bool due = !m->disabled[s] && ready_bits(m) != 0 && (!m->edge[s] || m->news[s]);
        EXPECT(told[k] == due);
        m->news[s] = false; /* told, or looked at and found empty */
        m->disabled[s] = m->disabled[s] || (told[k] && m->one_shot[s]);
    }
}

static void reopen_set(unsigned s)
{
    file_unref(sets[s]);
    EXPECT(epoll_new(&sets[s]) == 0);
    for (unsigned k = 0; k < FILES; k++) {
        files[k].in[s] = false;
    }
}

static void step(void)
{
    uint64_t r = unit_random(&seed);
    struct model *m = &files[r % FILES];
    unsigned s = (unsigned)(r >> 16) % SETS;
    if (m->f == NULL) {
        open_file(m);
        return;
    }
    switch (r >> 32 & 31) {
    case 0:
        close_file(m);
        break;
    case 1:
        hang_up(m);
        break;
    case 2 ... 6:
        read_file(m);
        break;
    case 7 ... 12:
        write_file(m);
        break;
    case 13 ... 21:
        control(m, s);
        break;
    case 22:
        if ((r >> 40) % 8 == 0) {
            reopen_set(s);
        }
        break;
    default:
        take(s);
    }
}

int main(void)
{
    fake_cpu_init();
    signal(SIGPIPE, SIG_IGN);
    for (unsigned s = 0; s < SETS; s++) {
        EXPECT(epoll_new(&sets[s]) == 0);
    }
    for (unsigned i = 0; i < 300000; i++) {
        step();
    }
    for (unsigned k = 0; k < FILES; k++) {
        if (files[k].f != NULL) {
            close_file(&files[k]);
        }
    }
    for (unsigned s = 0; s < SETS; s++) {
        file_unref(sets[s]);
    }
    EXPECT(blocks == 0);
    return unit_done();
}

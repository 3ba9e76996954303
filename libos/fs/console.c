/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The console as a file: standard input, output and error.
 *
 * Output goes straight to the platform. Input is taken from the platform only when somebody reads,
 * so nothing is lost in a buffer of ours that nobody empties; or when somebody asks whether there is
 * any, and then kept until it is read.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>

#include <pith/attention.h>
#include <pith/cmdline.h>
#include <pith/console.h>
#include <pith/exit.h>
#include <pith/file.h>
#include <pith/log.h>
#include <pith/platform.h>
#include <pith/pollq.h>
#include <pith/spinlock.h>
#include <pith/timer.h>
#include <pith/waitq.h>

#include "console_input.h"

#define CHUNK        256u            /* bytes taken with interrupts masked */
#define POLL_STEP_NS 10000000ull     /* where the platform has no interrupt for input */

/* All under `lock`, which comes before the timers'. */
static struct spinlock lock = SPINLOCK_INIT;
static struct waitq readers = WAITQ_INIT(readers);
static struct console_decoder decoder;
static bool listening;   /* platform_console_listen() has been called */
static bool must_poll;   /* ... and there is no interrupt */
static size_t credit;    /* bytes that the host was asked for and that have not come */
static char kept[64];    /* decoded input that a look took, from kept_at on */
static size_t kept_at, kept_end;

static struct pollq watchers = POLLQ_INIT(watchers);

/* Prepare the first read. Context: lock held. */
static void start_input(void)
{
    const char *mode = cmdline_get("stdin");
    decoder.framed = mode != NULL && __builtin_strcmp(mode, "framed") == 0;
    listening = true;
    must_poll = platform_console_listen() != 0;
}

/*
 * Tell `pith run` that input may come: it sends what it is asked for. Unasked, bytes would be lost
 * while the serial port is set up, and in Xen's short buffer. Context: lock held.
 */
static void ask_for_input(void)
{
    char bytes[24];
    if (decoder.framed && credit == 0) {
        credit = platform_console_window();
        log_format(bytes, sizeof(bytes), "%zu", credit);
        machine_tell("stdin", bytes);
    }
}

void console_input(void)
{
    bool was = spin_lock(&lock);
    waitq_wake_all(&readers);
    spin_unlock(&lock, was);
    pollq_notify(&watchers, POLLIN);
}

/* Where input has no interrupt, who waits for readiness looks again and again. */
static void look_again(struct timer *t)
{
    (void)t;
    pollq_notify(&watchers, POLLIN);
}

static struct timer look_timer = { .fn = look_again };

/* Take what has arrived, at most len bytes of it. Context: lock held. */
static size_t take_input(char *buf, size_t len)
{
    size_t have = kept_end - kept_at < len ? kept_end - kept_at : len;
    memcpy(buf, kept + kept_at, have);
    kept_at += have;
    while (have == 0 && len != 0 && !decoder.eof) {
        size_t n = platform_console_read(buf, len < CHUNK ? len : CHUNK);
        if (n == 0) {
            ask_for_input();
            break;
        }
        credit = credit > n ? credit - n : 0;
        have = console_decode(&decoder, buf, n);
    }
    return have;
}

static ssize_t console_read(struct file *f, void *buf, size_t len)
{
    size_t have = 0;
    bool was = spin_lock(&lock);
    if (!listening) {
        start_input();
    }
    while (len != 0 && (have = take_input(buf, len)) == 0 && !decoder.eof) {
        if (__atomic_load_n(&f->flags, __ATOMIC_RELAXED) & O_NONBLOCK) {
            spin_unlock(&lock, was);
            return -EAGAIN;
        }
        int r = waitq_wait_for(&readers, &lock, must_poll ? platform_clock_ns() + POLL_STEP_NS : UINT64_MAX,
                               ATTENTION_ALL);
        if (r == -EINTR) {
            spin_unlock(&lock, was);
            return r;
        }
    }
    unsigned bad = decoder.bad;
    decoder.bad = 0;
    spin_unlock(&lock, was);
    if (bad != 0) {
        klog(LOG_WARNING, "console: %u bad escapes in framed input", bad);
    }
    return (ssize_t)have;
}

static ssize_t console_write(struct file *f, const void *buf, size_t len)
{
    (void)f;
    platform_console_write(buf, len);
    return (ssize_t)len;
}

static int console_fstat(struct file *f, struct stat *st)
{
    (void)f;
    st->st_mode = S_IFCHR | 0620;
    st->st_rdev = 5 << 8 | 1; /* Linux Documentation/admin-guide/devices.txt: /dev/console */
    st->st_nlink = 1;
    st->st_blksize = 1024;
    return 0;
}

/* Whether a read would find something, or the end. Context: lock held. */
static bool input_waits(void)
{
    if (!listening) {
        start_input();
    }
    if (kept_at == kept_end && !decoder.eof) {
        kept_at = 0;
        kept_end = 0;
        kept_end = take_input(kept, sizeof(kept));
    }
    if (kept_at == kept_end && !decoder.eof && must_poll && !timer_armed(&look_timer)) {
        timer_arm(&look_timer, platform_clock_ns() + POLL_STEP_NS);
    }
    return kept_at != kept_end || decoder.eof;
}

static int console_ready(struct file *f, int events)
{
    int now = POLLOUT | POLLWRNORM;
    (void)f;
    if (events & (POLLIN | POLLRDNORM)) {
        bool was = spin_lock(&lock);
        now |= input_waits() ? POLLIN | POLLRDNORM : 0;
        spin_unlock(&lock, was);
    }
    return now & events;
}

static struct pollq *console_pollq(struct file *f)
{
    (void)f;
    return &watchers;
}

bool console_is_tty(int fd)
{
    const char *mode = fd == 0 ? cmdline_get("stdin") : NULL;
    return mode == NULL || __builtin_strcmp(mode, "framed") != 0;
}

static const struct file_ops console_ops = {
    .read = console_read,
    .write = console_write,
    .fstat = console_fstat,
    .ready = console_ready,
    .pollq = console_pollq,
};

/*
 * The first three references are those of the descriptors 0, 1 and 2, the fourth is nobody's: it
 * stays.
 */
struct file console_file = { .ops = &console_ops, .refs = 4, .flags = O_RDWR };

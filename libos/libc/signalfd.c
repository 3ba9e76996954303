/* SPDX-License-Identifier: BSD-2-Clause */
/* Signals that are read: signalfd(2) of Linux. Each read takes what waits for the thread that reads. */
#include <sys/signalfd.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stddef.h>

#include <pith/anonfile.h>
#include <pith/heap.h>
#include <pith/iowait.h>
#include <pith/pollq.h>

#include "fd.h"
#include "result.h"
#include "signal_impl.h"

_Static_assert(sizeof(struct signalfd_siginfo) == 128, "Linux, include/uapi/linux/signalfd.h");

struct signalfd {
    struct file file;
    sigset_t wanted; /* atomic */
};

/* All of them are told of every blocked signal: a hint, ready() knows. */
static struct pollq news = POLLQ_INIT(news);

static void tell(void)
{
    pollq_notify(&news, POLLIN);
}

static struct signalfd *of(struct file *f)
{
    return f->data;
}

static ssize_t signalfd_read(struct file *f, void *buf, size_t len)
{
    struct signalfd_siginfo *out = buf;
    size_t n = 0, max = len / sizeof(*out);
    siginfo_t info;
    if (max == 0) {
        return -EINVAL;
    }
    for (;;) {
        sigset_t wanted = __atomic_load_n(&of(f)->wanted, __ATOMIC_RELAXED);
        while (n < max && signal_accept(wanted, &info) != 0) {
            out[n++] = (struct signalfd_siginfo){
                .ssi_signo = (uint32_t)info.si_signo, .ssi_code = info.si_code,
                .ssi_pid = (uint32_t)info.si_pid, .ssi_uid = (uint32_t)info.si_uid,
                .ssi_int = info.si_value.sival_int, .ssi_overrun = (uint32_t)info.si_overrun,
                .ssi_ptr = (uint64_t)(uintptr_t)info.si_value.sival_ptr,
                .ssi_addr = (uint64_t)(uintptr_t)info.si_addr,
            };
        }
        if (n != 0) {
            return (ssize_t)(n * sizeof(*out));
        }
        if (__atomic_load_n(&f->flags, __ATOMIC_RELAXED) & O_NONBLOCK) {
            return -EAGAIN;
        }
        int r = file_sleep(f, POLLIN, UINT64_MAX);
        if (r < 0) {
            return r;
        }
    }
}

static int signalfd_ready(struct file *f, int events)
{
    sigset_t wanted = __atomic_load_n(&of(f)->wanted, __ATOMIC_RELAXED);
    sigset_t waiting = thread_data()->pending.bits | signal_process.bits;
    return (waiting & wanted) != 0 ? events & POLLIN : 0;
}

static struct pollq *signalfd_pollq(struct file *f)
{
    (void)f;
    return &news;
}

static void signalfd_close(struct file *f)
{
    heap_free(of(f));
}

static const struct file_ops signalfd_ops = {
    .read = signalfd_read,
    .fstat = anonfile_fstat,
    .ready = signalfd_ready,
    .pollq = signalfd_pollq,
    .close = signalfd_close,
};

static int change(int fd, sigset_t wanted)
{
    struct file *f = fd_get(fd);
    if (f == NULL) {
        return -EBADF;
    }
    bool is_one = f->ops == &signalfd_ops;
    if (is_one) {
        __atomic_store_n(&of(f)->wanted, wanted, __ATOMIC_RELAXED);
        tell();
    }
    file_unref(f);
    return is_one ? fd : -EINVAL;
}

int signalfd(int fd, const sigset_t *mask, int flags)
{
    if ((flags & ~(SFD_NONBLOCK | SFD_CLOEXEC)) != 0 || mask == NULL) {
        return (int)libc_result(-EINVAL);
    }
    signal_start();
    __atomic_store_n(&signal_tell_fd, tell, __ATOMIC_RELEASE);
    sigset_t wanted = *mask & ~SIGNALS_UNBLOCKABLE;
    if (wanted & signal_bit(SIGTERM)) {
        signal_from_host();
    }
    if (fd != -1) {
        return (int)libc_result(change(fd, wanted));
    }
    struct signalfd *s = heap_alloc(sizeof(*s));
    if (s == NULL) {
        return (int)libc_result(-ENOMEM);
    }
    *s = (struct signalfd){ .wanted = wanted };
    file_init(&s->file, &signalfd_ops, O_RDWR | (flags & SFD_NONBLOCK), s);
    return (int)libc_result(fd_give(&s->file, flags));
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Files without a name: pipes, pairs of sockets, event counters, timers, epoll sets.
 *
 * What libos/libc's calls are made of; each is an archive member of its own. A new file has one
 * reference, the caller's. `flags` is O_NONBLOCK or 0. Errors are -errno; those of reading and
 * writing are Linux's.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <pith/file.h>

struct epoll_event;

/* A new, ready struct file's part of every kind: fstat() as Linux has it for them. */
int anonfile_fstat(struct file *f, struct stat *st);

/* A pipe: ends[0] for reading, ends[1] for writing. Errors: -ENOMEM. */
int pipe_new(struct file *ends[2], int flags);

/*
 * Requests of file_ops.ioctl that a program's ioctl() can't make, only fcntl(): the capacity of a pipe in bytes. Set: rounded
 * up to pages and to a power of two; `arg` is the number itself. Both return the capacity. Errors
 * of setting: -EINVAL, -EBUSY (more data is in it), -EPERM (over PIPE_SIZE_MAX).
 */
#define FILE_IOCTL_PRIVATE       0xfffful /* their upper half */
#define FILE_IOCTL_GET_PIPE_SIZE 0xffff0001ul
#define FILE_IOCTL_SET_PIPE_SIZE 0xffff0002ul
#define PIPE_SIZE_MAX            (1024u * 1024)

/* A pair of connected sockets of type SOCK_STREAM, SOCK_DGRAM or SOCK_SEQPACKET. */
int socketpair_new(struct file *ends[2], int type, int flags);

/* An event counter, eventfd(2). */
int eventfd_new(struct file **out, uint64_t count, bool semaphore, int flags);

/* A timer, timerfd(2), disarmed. `realtime` is kept for timerfd_get(): the creator's clock. */
int timerfd_new(struct file **out, bool realtime, int flags);

/* When a timer fires: monotonic time, 0 for never; then each interval_ns, 0 for once. */
struct timerfd_setting {
    uint64_t deadline_ns;
    uint64_t interval_ns;
    bool realtime; /* told, not set */
};

/*
 * Set a timer; what it was before in *old, with its deadline as it stands (also in the past).
 * Errors: -EINVAL (f is none).
 */
int timerfd_set(struct file *f, const struct timerfd_setting *setting, struct timerfd_setting *old);
int timerfd_get(struct file *f, struct timerfd_setting *setting);

/* An empty epoll set. */
int epoll_new(struct file **out);

/*
 * epoll_ctl(): `f` is what `fd` refers to; the set keeps no reference to it. Errors: -EINVAL,
 * -EEXIST, -ENOENT, -EPERM (f is always ready), -ELOOP, -ENOMEM.
 */
int epoll_control(struct file *ep, int op, int fd, struct file *f, struct epoll_event *event);

/*
 * Up to `max` events, waiting for the first until the deadline; 0 when it has passed (one in the
 * past only looks). Errors: -EINVAL (ep is none, max < 1), -EINTR.
 */
int epoll_take(struct file *ep, struct epoll_event *events, int max, uint64_t deadline_ns);

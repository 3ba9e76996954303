/* SPDX-License-Identifier: BSD-2-Clause */
/* Socket pairs as files: socketpair(AF_UNIX, ...). Each end's queue of messages is its peer's. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include <pith/anonfile.h>
#include <pith/heap.h>

#include "pair.h"

static ssize_t pair_readv(struct file *f, const struct iovec *v, int n)
{
    struct msghdr msg = { .msg_iov = (struct iovec *)(uintptr_t)v, .msg_iovlen = (size_t)n };
    return pair_recvmsg(f, &msg, 0);
}

static ssize_t pair_writev(struct file *f, const struct iovec *v, int n)
{
    struct msghdr msg = { .msg_iov = (struct iovec *)(uintptr_t)v, .msg_iovlen = (size_t)n };
    return pair_sendmsg(f, &msg, 0);
}

static ssize_t pair_read(struct file *f, void *buf, size_t len)
{
    struct iovec v = { buf, len };
    return pair_readv(f, &v, 1);
}

static ssize_t pair_write(struct file *f, const void *buf, size_t len)
{
    struct iovec v = { (void *)(uintptr_t)buf, len };
    return pair_writev(f, &v, 1);
}

/* Linux net/unix/af_unix.c, unix_poll() and unix_dgram_poll(). */
static int pair_ready(struct file *f, int events)
{
    struct pair_end *e = pair_of(f), *peer = pair_peer(e);
    int now = 0;
    libc_mutex_lock(&e->pair->lock);
    now |= e->error != 0 ? POLLERR : 0;
    now |= e->shut == (PAIR_SHUT_READ | PAIR_SHUT_WRITE) ? POLLHUP : 0;
    now |= e->shut & PAIR_SHUT_READ ? POLLRDHUP | POLLIN | POLLRDNORM : 0;
    now |= e->first != NULL ? POLLIN | POLLRDNORM : 0;
    now |= peer->charge * 4 <= e->sndbuf ? POLLOUT | POLLWRNORM | POLLWRBAND : 0;
    pthread_mutex_unlock(&e->pair->lock);
    return now & (events | POLLERR | POLLHUP);
}

static struct pollq *pair_pollq(struct file *f)
{
    return &pair_of(f)->q;
}

static int pair_fstat(struct file *f, struct stat *st)
{
    (void)f;
    st->st_mode = S_IFSOCK | 0777;
    st->st_nlink = 1;
    st->st_blksize = 4096;
    return 0;
}

static int pair_ioctl(struct file *f, unsigned long request, void *arg)
{
    struct pair_end *e = pair_of(f);
    size_t bytes = 0;
    if (request != FIONREAD) {
        return -ENOTTY;
    }
    if (arg == NULL) {
        return -EFAULT;
    }
    libc_mutex_lock(&e->pair->lock);
    for (struct pair_message *m = e->first; m != NULL; m = m->next) {
        bytes += m->len - m->at;
        if (e->pair->type == SOCK_DGRAM) {
            break; /* what one read gives */
        }
    }
    pthread_mutex_unlock(&e->pair->lock);
    *(int *)arg = (int)bytes;
    return 0;
}

void pair_notify(struct pair_end *e, int events)
{
    pollq_notify(&e->q, events);
    libc_mutex_lock(&e->pair->lock);
    if (e->outer != NULL) {
        pollq_notify(e->outer, events);
    }
    pthread_mutex_unlock(&e->pair->lock);
}

/* Take all messages out. Context: lock held, or nobody else there. */
static struct pair_message *take_all(struct pair_end *e)
{
    struct pair_message *first = e->first;
    e->first = e->last = NULL;
    e->charge = 0;
    return first;
}

/* Context: no lock held, since the last reference to a file may be in one of them. */
static void free_messages(struct pair_message *m)
{
    while (m != NULL) {
        struct pair_message *next = m->next;
        rights_free(m->rights);
        heap_free(m);
        m = next;
    }
}

static void pair_close(struct file *f)
{
    struct pair_end *e = pair_of(f), *peer = pair_peer(e);
    struct pair *p = e->pair;
    libc_mutex_lock(&p->lock);
    p->closed[e - p->end] = true;
    if (pair_connected(p)) {
        peer->shut = PAIR_SHUT_READ | PAIR_SHUT_WRITE;
        peer->error = e->first != NULL ? ECONNRESET : peer->error; /* it wasn't read */
    }
    struct pair_message *unread = take_all(e);
    pthread_mutex_unlock(&p->lock);
    free_messages(unread);
    pollq_close(&e->q);
    pair_notify(peer, POLLIN | POLLOUT | POLLHUP);
    if (__atomic_sub_fetch(&p->refs, 1, __ATOMIC_ACQ_REL) == 0) {
        free_messages(take_all(peer));
        heap_free(p);
    }
}

static const struct file_ops pair_ops = {
    .read = pair_read,
    .write = pair_write,
    .readv = pair_readv,
    .writev = pair_writev,
    .fstat = pair_fstat,
    .ioctl = pair_ioctl,
    .ready = pair_ready,
    .pollq = pair_pollq,
    .socket = &pair_socket_ops,
    .close = pair_close,
};

int socketpair_new(struct file *ends[2], int type, int flags)
{
    struct pair *p = heap_alloc(sizeof(*p));
    if (p == NULL) {
        return -ENOMEM;
    }
    *p = (struct pair){ .type = type, .refs = 2, .lock = PTHREAD_MUTEX_INITIALIZER };
    for (int i = 0; i < 2; i++) {
        struct pair_end *e = &p->end[i];
        e->pair = p;
        e->sndbuf = PAIR_BUFFER;
        e->rcvbuf = PAIR_BUFFER;
        pollq_init(&e->q);
        file_init(&e->file, &pair_ops, O_RDWR | flags, e);
        ends[i] = &e->file;
    }
    return 0;
}

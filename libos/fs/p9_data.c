/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * 9P: contents. Data goes straight between the caller's memory and the transport, in as many messages
 * as it takes; a long read has several under way.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>

#include <pith/heap.h>

#include "iovec.h"
#include "p9.h"

#define PARALLEL   4u
#define GATHER_MAX (64u * 1024) /* small pieces of writev() go in one message */
#define ZEROES     4096u

/* What is open already, or opened now; the flags are ours. Context: n->lock held. */
static int open_fid(struct p9_node *n, enum p9_which which, uint32_t flags)
{
    struct p9_client *c = n->c;
    struct p9_call unused;
    uint32_t fid;
    unsigned tries = 0;
    int r;
    if (n->fid[which] != P9_NOFID) {
        return 0;
    }
    do {
        r = p9_start(&unused, n, P9_NODE, P9_TWALK); /* so that the node is of this connection */
        unsigned generation = n->generation;
        if (r != 0) {
            continue;
        }
        r = p9_fid_alloc(c, &fid);
        if (r != 0) {
            break;
        }
        r = p9_walk(c, generation, n->fid[P9_NODE], fid, (struct name){ "", 0 }, NULL);
        if (r != 0) {
            p9_fid_free(c, fid);
            continue;
        }
        r = p9_lopen(c, generation, fid, flags);
        if (r != 0) {
            p9_clunk(c, fid, generation);
        }
    } while (p9_again(r, &tries));
    if (r == 0) {
        n->fid[which] = fid;
        n->open_flags[which] = flags;
    }
    return p9_once(r);
}

int p9_open(struct vnode *v, int flags, struct file **out)
{
    struct p9_node *n = p9_node(v);
    int mode = flags & O_ACCMODE;
    uint32_t more = flags & O_SYNC ? P9_SYNC : 0;
    int r;
    if (!S_ISREG(v->type) && !S_ISDIR(v->type)) {
        return -ENXIO; /* a device or pipe of the host's is not ours to use */
    }
    if (mode != O_RDONLY && n->c->readonly) {
        return -EROFS;
    }
    libc_mutex_lock(&n->lock);
    __atomic_store_n(&n->fresh, false, __ATOMIC_RELEASE);
    if (S_ISDIR(v->type)) {
        r = open_fid(n, P9_READ, P9_RDONLY | P9_DIRECTORY);
    } else if (mode == O_RDONLY) {
        r = open_fid(n, P9_READ, P9_RDONLY | more);
    } else if (mode == O_WRONLY) {
        r = open_fid(n, P9_WRITE, P9_WRONLY | more);
    } else {
        r = open_fid(n, P9_WRITE, P9_RDWR | more);
        if (r == 0 && n->fid[P9_READ] == P9_NOFID) {
            n->fid[P9_READ] = n->fid[P9_WRITE];
            n->open_flags[P9_READ] = n->open_flags[P9_WRITE];
        }
    }
    /* The fid that made the file does not know yet how it is opened. */
    n->sync = more != 0 && !(n->open_flags[P9_WRITE] & P9_SYNC);
    pthread_mutex_unlock(&n->lock);
    return r != 0 ? r : vnode_file_open(v, flags, out);
}

/* Send a Tread of up to one message. */
static int send_read(struct p9_call *call, struct p9_node *n, void *buf, size_t len, off_t pos)
{
    int r = p9_start(call, n, P9_READ, P9_TREAD);
    if (r != 0) {
        return r;
    }
    p9_put64(&call->out, (uint64_t)pos);
    p9_put32(&call->out, (uint32_t)len);
    call->data = buf;
    call->data_len = len;
    return p9_send(call);
}

/* One message's worth, made again where the connection has gone. */
static ssize_t read_one(struct p9_node *n, void *buf, size_t len, off_t pos)
{
    struct p9_call call;
    unsigned tries = 0;
    int r;
    do {
        r = send_read(&call, n, buf, len, pos);
        r = r != 0 ? r : p9_finish(&call);
    } while (p9_again(r, &tries));
    return r != 0 ? p9_once(r) : (ssize_t)call.data_len;
}

static size_t min_size(size_t a, size_t b)
{
    return a < b ? a : b;
}

/*
 * Several messages at once. Returns what came without a gap, or the error of the first. The calls
 * are too large for the stack together.
 */
static ssize_t read_many(struct p9_node *n, char *buf, size_t len, off_t pos)
{
    size_t chunk = n->c->chunk;
    struct p9_call *calls = heap_alloc(PARALLEL * sizeof(*calls));
    size_t asked[PARALLEL];
    unsigned sent = 0;
    size_t at = 0;
    if (calls == NULL) {
        return read_one(n, buf, min_size(len, chunk), pos);
    }
    int r = 0;
    while (sent < PARALLEL && at < len && r == 0) {
        asked[sent] = min_size(len - at, chunk);
        r = send_read(&calls[sent], n, buf + at, asked[sent], pos + (off_t)at);
        at += asked[sent];
        sent += r == 0;
    }
    ssize_t got = sent == 0 ? r : 0;
    bool whole = true;
    for (unsigned i = 0; i < sent; i++) {
        r = p9_finish(&calls[i]); /* of all, whatever the first says: they have our buffers */
        if (!whole) {
            continue;
        }
        whole = r == 0 && calls[i].data_len == asked[i];
        got = r == 0 ? got + (ssize_t)calls[i].data_len : got != 0 ? got : r;
    }
    heap_free(calls);
    return got == -EPIPE ? read_one(n, buf, min_size(len, chunk), pos) : got;
}

static ssize_t read_all(struct p9_node *n, char *buf, size_t len, off_t pos)
{
    size_t chunk = n->c->chunk;
    size_t done = 0;
    ssize_t r = 0;
    while (done < len) {
        size_t want = min_size(len - done, PARALLEL * chunk);
        off_t at = pos + (off_t)done;
        r = want <= chunk ? read_one(n, buf + done, want, at)
                          : read_many(n, buf + done, want, at);
        if (r <= 0) {
            break;
        }
        done += (size_t)r;
        if ((size_t)r < want) {
            /* The end, or a server that gives less than it has: only nothing is the end. */
            r = read_one(n, buf + done, min_size(len - done, chunk), pos + (off_t)done);
            if (r <= 0) {
                break;
            }
            done += (size_t)r;
        }
    }
    return done != 0 ? (ssize_t)done : r;
}

/* The size of a file without a name, which only we change. */
static off_t removed_size(struct p9_node *n)
{
    libc_mutex_lock(&n->lock);
    off_t size = n->st.st_size;
    pthread_mutex_unlock(&n->lock);
    return size;
}

ssize_t p9_read(struct vnode *v, void *buf, size_t len, off_t pos)
{
    struct p9_node *n = p9_node(v);
    off_t end;
    if (__builtin_add_overflow(pos, (off_t)len, &end)) {
        len = (size_t)(INT64_MAX - pos);
    }
    if (!__atomic_load_n(&n->removed, __ATOMIC_ACQUIRE)) {
        return read_all(n, buf, len, pos);
    }
    off_t size = removed_size(n);
    len = pos >= size ? 0 : min_size(len, (size_t)(size - pos));
    ssize_t got = len != 0 ? read_all(n, buf, len, pos) : 0;
    if (got >= 0 && (size_t)got < len) {
        memset((char *)buf + got, 0, len - (size_t)got); /* it was made longer */
        got = (ssize_t)len;
    }
    return got;
}

/* One buffer, message by message. Returns what was written, or the first one's error. */
static ssize_t write_all(struct p9_node *n, const char *buf, size_t len, off_t pos)
{
    size_t done = 0;
    int r = 0;
    while (done < len && r == 0) {
        struct p9_call call;
        unsigned tries = 0;
        size_t part = min_size(len - done, n->c->chunk);
        do {
            r = p9_start(&call, n, P9_WRITE, P9_TWRITE);
            if (r == 0) {
                p9_put64(&call.out, (uint64_t)(pos + (off_t)done));
                p9_put32(&call.out, (uint32_t)part);
                call.more = buf + done;
                call.more_len = part;
                r = p9_do(&call);
            }
        } while (p9_again(r, &tries));
        if (r != 0) {
            break;
        }
        size_t count = p9_get32(&call.in);
        r = p9_check(&call);
        if (r == 0 && count > part) {
            r = p9_lie(n->c, "more written than sent");
        }
        if (r == 0) {
            done += count;
            if (count < part) {
                break;
            }
        }
    }
    return done != 0 ? (ssize_t)done : p9_once(r);
}

/* The file without a name is now at least that long. */
static void removed_grew(struct p9_node *n, off_t end)
{
    libc_mutex_lock(&n->lock);
    if (end > n->st.st_size) {
        n->st.st_size = end;
    }
    clock_gettime(CLOCK_REALTIME, &n->st.st_mtim);
    pthread_mutex_unlock(&n->lock);
}

/* A list of buffers at one place: short ones in one message, so that it is one step for others. */
static ssize_t write_list(struct p9_node *n, const struct iovec *iov, int count, off_t pos)
{
    size_t total = iov_total(iov, count);
    char *together = count > 1 && total <= GATHER_MAX ? heap_alloc(total) : NULL;
    if (together != NULL) {
        struct iov_cursor from = iov_begin(iov, count);
        iov_take(&from, together, total);
        ssize_t r = write_all(n, together, total, pos);
        heap_free(together);
        return r;
    }
    ssize_t done = 0;
    for (int i = 0; i < count; i++) {
        ssize_t r = write_all(n, iov[i].iov_base, iov[i].iov_len, pos + done);
        if (r < 0) {
            return done != 0 ? done : r;
        }
        done += r;
        if ((size_t)r < iov[i].iov_len) {
            break;
        }
    }
    return done;
}

ssize_t p9_write(struct vnode *v, const struct iovec *iov, int count, off_t pos, off_t *end)
{
    struct p9_node *n = p9_node(v);
    bool append = pos < 0;
    off_t last;
    if (append) {
        libc_mutex_lock(&n->c->append);
        pos = p9_size(v);
    }
    ssize_t r = pos;
    if (pos >= 0) {
        bool beyond = __builtin_add_overflow(pos, (off_t)iov_total(iov, count), &last);
        r = beyond ? -EFBIG : write_list(n, iov, count, pos);
    }
    if (append) {
        pthread_mutex_unlock(&n->c->append);
    }
    if (r >= 0) {
        *end = pos + r;
        if (r > 0 && __atomic_load_n(&n->removed, __ATOMIC_ACQUIRE)) {
            removed_grew(n, *end);
        }
        int synced = r > 0 && n->sync ? p9_sync(v) : 0;
        r = synced != 0 ? synced : r;
    }
    return r;
}

int p9_sync(struct vnode *v)
{
    struct p9_node *n = p9_node(v);
    struct p9_call call;
    unsigned tries = 0;
    enum p9_which which = n->fid[P9_WRITE] != P9_NOFID ? P9_WRITE : P9_READ;
    int r;
    if (n->c->readonly) {
        return 0;
    }
    do {
        r = p9_start(&call, n, which, P9_TFSYNC);
        if (r == 0) {
            p9_put32(&call.out, 0); /* data and attributes */
            r = p9_do(&call);
        }
    } while (p9_again(r, &tries));
    return p9_once(r);
}

off_t p9_size(struct vnode *v)
{
    struct stat st;
    memset(&st, 0, sizeof(st));
    int r = p9_getattr(v, &st);
    return r != 0 ? r : st.st_size;
}

/*
 * Cut a file without a name: the server would look for it by its path. What lies behind the new end
 * becomes zeroes, as if it had been cut and made longer again, and the size is kept here.
 */
static int truncate_removed(struct p9_node *n, off_t size)
{
    static const char zeroes[ZEROES];
    off_t old = removed_size(n);
    if (n->fid[P9_WRITE] == P9_NOFID) {
        return -EINVAL;
    }
    if (n->st.st_nlink != 0) {
        return -EIO; /* another name of it shows the contents: that size isn't ours to keep */
    }
    for (off_t at = size; at < old;) {
        ssize_t r = write_all(n, zeroes, min_size((size_t)(old - at), ZEROES), at);
        if (r <= 0) {
            return r < 0 ? (int)r : -EIO;
        }
        at += r;
    }
    libc_mutex_lock(&n->lock);
    n->st.st_size = size;
    clock_gettime(CLOCK_REALTIME, &n->st.st_mtim);
    pthread_mutex_unlock(&n->lock);
    return 0;
}

int p9_truncate(struct vnode *v, off_t size)
{
    struct p9_node *n = p9_node(v);
    return __atomic_load_n(&n->removed, __ATOMIC_ACQUIRE) ? truncate_removed(n, size)
                                                          : p9_set_size(n, size);
}

int p9_allocate(struct vnode *v, off_t pos, off_t len)
{
    (void)v;
    (void)pos;
    (void)len;
    return -EOPNOTSUPP; /* the protocol has no such message */
}

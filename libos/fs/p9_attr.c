/* SPDX-License-Identifier: BSD-2-Clause */
/* 9P: attributes, targets of symbolic links, and what the host's file system has left. */
#include <errno.h>
#include <limits.h>
#include <string.h>

#include <pith/heap.h>

#include "p9.h"

/* A number of the server's as the type that stat() has for it. */
static off_t to_off(uint64_t value)
{
    return value <= INT64_MAX ? (off_t)value : INT64_MAX;
}

static struct timespec get_time(struct p9_in *in)
{
    uint64_t sec = p9_get64(in);
    uint64_t nsec = p9_get64(in);
    return (struct timespec){ .tv_sec = (time_t)sec,
                              .tv_nsec = nsec < 1000000000u ? (long)nsec : 0 };
}

/* The fields of an Rgetattr. */
static int read_attr(struct p9_call *call, struct p9_node *n, struct stat *st)
{
    struct p9_in *in = &call->in;
    (void)p9_get64(in); /* which fields are valid: a server that lacks one has sent 0 */
    struct p9_qid qid = p9_get_qid(in);
    uint32_t mode = p9_get32(in);
    uint32_t uid = p9_get32(in);
    uint32_t gid = p9_get32(in);
    uint64_t nlink = p9_get64(in);
    st->st_dev = n->v.mount->dev;
    st->st_ino = (ino_t)qid.path;
    st->st_mode = mode & (S_IFMT | 07777);
    st->st_nlink = (nlink_t)(nlink < UINT16_MAX ? nlink : UINT16_MAX);
    st->st_uid = (uid_t)uid;
    st->st_gid = (gid_t)gid;
    st->st_rdev = (dev_t)p9_get64(in);
    st->st_size = to_off(p9_get64(in));
    uint64_t block = p9_get64(in);
    st->st_blksize = block > 0 && block <= 1u << 30 ? (blksize_t)block : 4096;
    st->st_blocks = (blkcnt_t)to_off(p9_get64(in));
    st->st_atim = get_time(in);
    st->st_mtim = get_time(in);
    st->st_ctim = get_time(in);
    return p9_check(call);
}

int p9_fetch_attr(struct p9_node *n, struct stat *st)
{
    struct p9_call call;
    unsigned tries = 0;
    int r;
    do {
        r = p9_start(&call, n, P9_NODE, P9_TGETATTR);
        if (r == 0) {
            p9_put64(&call.out, P9_GETATTR_BASIC);
            r = p9_do(&call);
        }
    } while (p9_again(r, &tries));
    return r != 0 ? p9_once(r) : read_attr(&call, n, st);
}

int p9_getattr(struct vnode *v, struct stat *st)
{
    struct p9_node *n = p9_node(v);
    if (__atomic_load_n(&n->removed, __ATOMIC_ACQUIRE)) {
        libc_mutex_lock(&n->lock);
        *st = n->st;
        pthread_mutex_unlock(&n->lock);
        return 0;
    }
    if (__atomic_exchange_n(&n->fresh, false, __ATOMIC_ACQUIRE)) {
        *st = n->st;
        return 0;
    }
    int r = p9_fetch_attr(n, st);
    if (r == 0 && (st->st_mode & S_IFMT) != v->type) {
        /* The host has put something else in its place since the look-up. */
        r = S_ISLNK(v->type) || S_ISDIR(v->type) || S_ISREG(v->type) ? -ESTALE : r;
    }
    return r;
}

/* The body of Tsetattr behind the fid. */
static void put_attr(struct p9_out *out, uint32_t valid, const struct attr *attr, off_t size)
{
    p9_put32(out, valid);
    p9_put32(out, valid & P9_SET_MODE ? attr->mode & 07777 : 0);
    p9_put32(out, valid & P9_SET_UID ? (uint32_t)attr->uid : 0);
    p9_put32(out, valid & P9_SET_GID ? (uint32_t)attr->gid : 0);
    p9_put64(out, (uint64_t)size);
    p9_put64(out, valid & P9_SET_ATIME ? (uint64_t)attr->atime.tv_sec : 0);
    p9_put64(out, valid & P9_SET_ATIME ? (uint64_t)attr->atime.tv_nsec : 0);
    p9_put64(out, valid & P9_SET_MTIME ? (uint64_t)attr->mtime.tv_sec : 0);
    p9_put64(out, valid & P9_SET_MTIME ? (uint64_t)attr->mtime.tv_nsec : 0);
}

static int send_attr(struct p9_node *n, uint32_t valid, const struct attr *attr, off_t size)
{
    struct p9_call call;
    unsigned tries = 0;
    int r;
    if (n->c->readonly) {
        return -EROFS;
    }
    do {
        r = p9_start(&call, n, P9_NODE, P9_TSETATTR);
        if (r == 0) {
            put_attr(&call.out, valid, attr, size);
            r = p9_do(&call);
        }
    } while (p9_again(r, &tries));
    __atomic_store_n(&n->fresh, false, __ATOMIC_RELEASE);
    return p9_once(r);
}

int p9_set_size(struct p9_node *n, off_t size)
{
    static const struct attr none;
    return send_attr(n, P9_SET_SIZE, &none, size);
}

/* Of a file that has no name any more: kept here, it ends with the file. */
static void set_removed(struct p9_node *n, const struct attr *attr)
{
    libc_mutex_lock(&n->lock);
    if (attr->set & ATTR_MODE) {
        n->st.st_mode = n->v.type | attr->mode;
    }
    if (attr->set & ATTR_UID) {
        n->st.st_uid = attr->uid;
    }
    if (attr->set & ATTR_GID) {
        n->st.st_gid = attr->gid;
    }
    if (attr->set & ATTR_ATIME) {
        n->st.st_atim = attr->atime;
    }
    if (attr->set & ATTR_MTIME) {
        n->st.st_mtim = attr->mtime;
    }
    pthread_mutex_unlock(&n->lock);
}

int p9_setattr(struct vnode *v, const struct attr *attr)
{
    struct p9_node *n = p9_node(v);
    uint32_t valid = 0;
    if (__atomic_load_n(&n->removed, __ATOMIC_ACQUIRE)) {
        set_removed(n, attr);
        return 0;
    }
    valid |= attr->set & ATTR_MODE ? P9_SET_MODE : 0;
    valid |= attr->set & ATTR_UID ? P9_SET_UID : 0;
    valid |= attr->set & ATTR_GID ? P9_SET_GID : 0;
    valid |= attr->set & ATTR_ATIME ? P9_SET_ATIME | P9_SET_ATIME_TO : 0;
    valid |= attr->set & ATTR_MTIME ? P9_SET_MTIME | P9_SET_MTIME_TO : 0;
    return send_attr(n, valid, attr, 0);
}

ssize_t p9_readlink(struct vnode *v, char *buf, size_t size)
{
    struct p9_node *n = p9_node(v);
    struct p9_call call;
    unsigned tries = 0;
    size_t cap = P9_HEADER + 2 + PATH_MAX;
    uint8_t *reply = heap_alloc(cap);
    if (reply == NULL) {
        return -ENOMEM;
    }
    int r;
    do {
        r = p9_start(&call, n, P9_NODE, P9_TREADLINK);
        if (r == 0) {
            call.reply = reply;
            call.reply_len = cap;
            r = p9_do(&call);
        }
    } while (p9_again(r, &tries));
    ssize_t done = p9_once(r);
    if (r == 0) {
        size_t len;
        const char *text = p9_get_text(&call.in, &len);
        done = p9_check(&call);
        if (done == 0 && memchr(text, '\0', len) != NULL) {
            done = p9_lie(n->c, "the target of a symbolic link");
        }
        if (done == 0) {
            len = len < size ? len : size;
            memcpy(buf, text, len);
            done = (ssize_t)len;
        }
    }
    heap_free(reply);
    return done;
}

int p9_statvfs(struct mount *m, struct statvfs *out)
{
    struct p9_client *c = m->data;
    struct p9_call call;
    unsigned tries = 0;
    int r;
    do {
        r = p9_start(&call, p9_node(m->root), P9_NODE, P9_TSTATFS);
        r = r != 0 ? r : p9_do(&call);
    } while (p9_again(r, &tries));
    if (r != 0) {
        return p9_once(r);
    }
    *out = (struct statvfs){ .f_flag = c->readonly ? ST_RDONLY : 0 };
    (void)p9_get32(&call.in); /* the type's magic number */
    uint32_t bsize = p9_get32(&call.in);
    out->f_bsize = out->f_frsize = bsize != 0 ? bsize : 4096;
    out->f_blocks = (fsblkcnt_t)p9_get64(&call.in);
    out->f_bfree = (fsblkcnt_t)p9_get64(&call.in);
    out->f_bavail = (fsblkcnt_t)p9_get64(&call.in);
    out->f_files = (fsfilcnt_t)p9_get64(&call.in);
    out->f_ffree = out->f_favail = (fsfilcnt_t)p9_get64(&call.in);
    (void)p9_get64(&call.in);
    out->f_fsid = m->dev;
    uint32_t longest = p9_get32(&call.in);
    out->f_namemax = longest != 0 && longest < NAME_MAX ? longest : NAME_MAX;
    return p9_check(&call);
}

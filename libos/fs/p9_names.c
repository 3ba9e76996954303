/* SPDX-License-Identifier: BSD-2-Clause */
/* 9P: directories. All functions run with mount.names held, so our own changes come one by one. */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <string.h>

#include <pith/heap.h>

#include "p9.h"

#define DIR_BYTES    16384u
#define LEFT_OUT_MAX 1000u /* names in a row that can't be: the server makes fun of us */

/* A block of entries as the server sent it, and where reading it has got to. */
struct p9_dirbuf {
    off_t cookie; /* of the entry at in.at */
    struct p9_in in;
    uint8_t data[DIR_BYTES];
};

static bool gone(const struct p9_node *dir)
{
    return __atomic_load_n(&dir->removed, __ATOMIC_ACQUIRE);
}

/* What a look-up needs to know of the type: the qid tells directories and links from the rest. */
static int find_type(struct p9_node *n)
{
    if (n->qid.type & P9_QTDIR) {
        n->v.type = S_IFDIR;
        return 0;
    }
    if (n->qid.type & P9_QTSYMLINK) {
        n->v.type = S_IFLNK;
        return 0;
    }
    memset(&n->st, 0, sizeof(n->st));
    int r = p9_fetch_attr(n, &n->st);
    if (r != 0) {
        return r;
    }
    n->v.type = n->st.st_mode & S_IFMT;
    if (n->v.type == 0 || S_ISDIR(n->v.type) || S_ISLNK(n->v.type)) {
        return p9_lie(n->c, "a mode that does not fit the qid");
    }
    __atomic_store_n(&n->fresh, true, __ATOMIC_RELEASE);
    return 0;
}

int p9_lookup(struct vnode *v, struct name name, struct vnode **out)
{
    struct p9_node *dir = p9_node(v);
    struct p9_client *c = dir->c;
    struct p9_node *n;
    struct p9_call unused;
    struct p9_qid qid;
    unsigned generation, tries = 0;
    uint32_t fid = P9_NOFID;
    int r;
    if (gone(dir)) {
        return -ENOENT;
    }
    do {
        r = p9_start(&unused, dir, P9_NODE, P9_TWALK);
        generation = dir->generation;
        if (r == 0) {
            r = p9_fid_alloc(c, &fid);
        }
        if (r == 0) {
            r = p9_walk(c, generation, dir->fid[P9_NODE], fid, name, &qid);
            if (r != 0 && r != -EPIPE) {
                p9_fid_free(c, fid);
            }
        }
    } while (p9_again(r, &tries));
    if (r != 0) {
        return p9_once(r);
    }
    r = p9_node_new(c, dir, name, fid, generation, qid, 0, &n);
    if (r != 0) {
        return r;
    }
    r = find_type(n);
    if (r != 0) {
        vnode_unref(&n->v);
        return r;
    }
    *out = &n->v;
    return 0;
}

/* A regular file: made and opened in one step, so that its mode does not stand in the way. */
static int create_file(struct p9_node *dir, struct name name, const struct new_node *what,
                       uint32_t *open, unsigned *generation)
{
    struct p9_client *c = dir->c;
    struct p9_call call;
    int r = p9_start(&call, dir, P9_NODE, P9_TWALK);
    if (r == 0) {
        r = p9_fid_alloc(c, open);
    }
    if (r != 0) {
        return r;
    }
    *generation = dir->generation;
    r = p9_walk(c, *generation, dir->fid[P9_NODE], *open, (struct name){ "", 0 }, NULL);
    if (r != 0) {
        p9_fid_free(c, *open);
        return r;
    }
    p9_begin(&call, c, *generation, P9_TLCREATE);
    p9_put32(&call.out, *open);
    p9_put_text(&call.out, name.text, name.len);
    p9_put32(&call.out, P9_RDWR | P9_EXCL);
    p9_put32(&call.out, what->mode & 07777);
    p9_put32(&call.out, 0); /* group */
    r = p9_do(&call);
    if (r != 0) {
        p9_clunk(c, *open, *generation);
    }
    return r;
}

static int create_other(struct p9_node *dir, struct name name, const struct new_node *what)
{
    struct p9_call call;
    bool directory = S_ISDIR(what->mode);
    int r = p9_start(&call, dir, P9_NODE, directory ? P9_TMKDIR : P9_TSYMLINK);
    if (r != 0) {
        return r;
    }
    p9_put_text(&call.out, name.text, name.len);
    if (directory) {
        p9_put32(&call.out, what->mode & 07777);
    } else {
        if (what->len > UINT16_MAX) {
            return -ENAMETOOLONG;
        }
        p9_put16(&call.out, (uint16_t)what->len);
        call.more = what->target;
        call.more_len = what->len;
        call.tail = 4;
    }
    p9_put32(&call.out, 0); /* group */
    return p9_do(&call);
}

int p9_create(struct vnode *v, struct name name, const struct new_node *what, struct vnode **out)
{
    struct p9_node *dir = p9_node(v);
    unsigned generation = 0;
    uint32_t open = P9_NOFID;
    int r;
    if (dir->c->readonly) {
        return -EROFS;
    }
    if (gone(dir)) {
        return -ENOENT;
    }
    bool file = S_ISREG(what->mode);
    r = file ? create_file(dir, name, what, &open, &generation) : create_other(dir, name, what);
    if (r != 0) {
        return p9_once(r);
    }
    r = p9_lookup(v, name, out);
    struct p9_node *n = r == 0 ? p9_node(*out) : NULL;
    if (file && r == 0 && n->generation == generation && S_ISREG(n->v.type)) {
        n->fid[P9_READ] = n->fid[P9_WRITE] = open;
        n->open_flags[P9_READ] = n->open_flags[P9_WRITE] = P9_RDWR;
    } else if (file) {
        p9_clunk(dir->c, open, generation);
    }
    return r;
}

int p9_link(struct vnode *v, struct name name, struct vnode *node)
{
    struct p9_node *dir = p9_node(v);
    struct p9_node *n = p9_node(node);
    struct p9_call call;
    if (dir->c->readonly) {
        return -EROFS;
    }
    if (gone(dir) || gone(n)) {
        return -ENOENT;
    }
    int r = p9_start(&call, n, P9_NODE, P9_TLINK); /* so that both are of this connection */
    if (r == 0) {
        r = p9_start(&call, dir, P9_NODE, P9_TLINK);
    }
    if (r == 0) {
        p9_put32(&call.out, n->fid[P9_NODE]);
        p9_put_text(&call.out, name.text, name.len);
        r = p9_do(&call);
    }
    return p9_once(r);
}

int p9_unlink(struct vnode *v, struct name name, bool directory, struct vnode **unused)
{
    struct p9_node *dir = p9_node(v);
    struct p9_call call;
    (void)unused; /* the list of nodes knows who has lost the name */
    if (dir->c->readonly) {
        return -EROFS;
    }
    if (gone(dir)) {
        return -ENOENT;
    }
    int r = p9_will_vanish(dir, name);
    if (r == 0) {
        r = p9_start(&call, dir, P9_NODE, P9_TUNLINKAT);
    }
    if (r == 0) {
        p9_put_text(&call.out, name.text, name.len);
        p9_put32(&call.out, directory ? P9_AT_REMOVEDIR : 0);
        r = p9_do(&call);
    }
    if (r == 0) {
        p9_vanished(dir, name);
    }
    return p9_once(r);
}

/* What is under a name now. *there false: nothing. */
static int look(struct p9_node *dir, struct name name, bool *there, struct p9_qid *qid)
{
    struct vnode *found;
    int r = p9_lookup(&dir->v, name, &found);
    *there = r == 0;
    if (r == 0) {
        *qid = p9_node(found)->qid;
        vnode_unref(found);
    }
    return r == -ENOENT ? 0 : r;
}

int p9_rename(struct vnode *from_v, struct name from, struct vnode *to_v, struct name to,
              bool replace, struct vnode **unused)
{
    struct p9_node *from_dir = p9_node(from_v);
    struct p9_node *to_dir = p9_node(to_v);
    struct p9_qid old, qid;
    bool there, source;
    struct p9_call call;
    (void)unused;
    if (from_dir->c->readonly) {
        return -EROFS;
    }
    if (gone(from_dir) || gone(to_dir)) {
        return -ENOENT;
    }
    int r = look(to_dir, to, &there, &old);
    if (r == 0) {
        r = look(from_dir, from, &source, &qid);
    }
    if (r == 0 && there && !replace) {
        r = -EEXIST; /* the protocol can't say "only if there is none" */
    }
    if (r == 0 && source && there && old.path == qid.path) {
        return 0; /* two names of one file, or the same: POSIX says that nothing happens */
    }
    if (r == 0 && there) {
        r = p9_will_vanish(to_dir, to);
    }
    if (r == 0) {
        r = p9_start(&call, to_dir, P9_NODE, P9_TRENAMEAT);
    }
    if (r == 0) {
        r = p9_start(&call, from_dir, P9_NODE, P9_TRENAMEAT);
    }
    if (r == 0) {
        p9_put_text(&call.out, from.text, from.len);
        p9_put32(&call.out, to_dir->fid[P9_NODE]);
        p9_put_text(&call.out, to.text, to.len);
        r = p9_do(&call);
    }
    if (r == 0) {
        p9_vanished(to_dir, to);
        p9_moved(from_dir, from, to_dir, to);
    }
    return p9_once(r);
}

int p9_parent(struct vnode *v, struct vnode **out, char *name)
{
    struct p9_node *parent;
    int r = p9_place(p9_node(v), &parent, name);
    if (r == 0 && parent == NULL) {
        return -EIO; /* the root, which is not asked for here */
    }
    if (r == 0) {
        *out = &parent->v;
    }
    return r;
}

/* ---- reading a directory ---- */

/*
 * Positions are the server's, which are 63 bits wide with ext4, whose end is at 2^63 - 1. The open
 * directory counts two of its own on top of ours, so the last two of all share a number; behind it
 * there is nothing.
 */
#define LAST_COOKIE (INT64_MAX - 2)

static int fetch(struct p9_node *dir, struct p9_dirbuf *b, off_t cookie)
{
    struct p9_call call;
    unsigned tries = 0;
    int r;
    b->in = (struct p9_in){ .at = b->data };
    b->cookie = cookie;
    do {
        r = p9_start(&call, dir, P9_READ, P9_TREADDIR);
        if (r == 0) {
            size_t most = dir->c->chunk < DIR_BYTES ? dir->c->chunk : DIR_BYTES;
            p9_put64(&call.out, (uint64_t)cookie);
            p9_put32(&call.out, (uint32_t)most);
            call.data = b->data;
            call.data_len = most;
            r = p9_do(&call);
        }
    } while (p9_again(r, &tries));
    if (r == 0) {
        b->in.left = call.data_len;
    }
    return p9_once(r);
}

/* One entry of the block. 1; 0: one that is left out. */
static int take_entry(struct p9_client *c, struct p9_dirbuf *b, struct fs_entry *out)
{
    size_t len;
    struct p9_qid qid = p9_get_qid(&b->in);
    uint64_t next = p9_get64(&b->in);
    uint8_t type = p9_get8(&b->in);
    const char *text = p9_get_text(&b->in, &len);
    if (b->in.bad || next == 0) {
        b->in.left = 0;
        return p9_lie(c, "an entry of a directory");
    }
    b->cookie = next < (uint64_t)LAST_COOKIE ? (off_t)next : LAST_COOKIE;
    if (len == 0 || len > NAME_MAX || memchr(text, '/', len) != NULL ||
        memchr(text, '\0', len) != NULL) {
        p9_lie(c, "a name in a directory");
        return 0;
    }
    if (text[0] == '.' && (len == 1 || (len == 2 && text[1] == '.'))) {
        return 0;
    }
    memcpy(out->name, text, len);
    out->name[len] = '\0';
    out->ino = (ino_t)qid.path;
    out->type = type <= 14 ? type : DT_UNKNOWN;
    if (out->type == DT_UNKNOWN && (qid.type & (P9_QTDIR | P9_QTSYMLINK))) {
        out->type = qid.type & P9_QTDIR ? DT_DIR : DT_LNK;
    }
    return 1;
}

int p9_readdir(struct vnode *v, off_t *cookie, struct fs_entry *out)
{
    struct p9_node *dir = p9_node(v);
    int r = 0;
    unsigned left_out = 0;
    if (gone(dir)) {
        return 0;
    }
    if (dir->dirbuf == NULL) {
        dir->dirbuf = heap_alloc(sizeof(*dir->dirbuf));
        if (dir->dirbuf == NULL) {
            return -ENOMEM;
        }
        dir->dirbuf->in = (struct p9_in){ 0 };
    }
    struct p9_dirbuf *b = dir->dirbuf;
    if (*cookie == 0 || *cookie != b->cookie) {
        b->in.left = 0; /* from the start it is read anew, and elsewhere, too */
    }
    while (r == 0) {
        if (b->in.left == 0) {
            if (*cookie >= LAST_COOKIE) {
                return 0;
            }
            r = fetch(dir, b, *cookie);
            if (r != 0 || b->in.left == 0) {
                return r;
            }
        }
        r = left_out++ < LEFT_OUT_MAX ? take_entry(dir->c, b, out)
                                      : p9_lie(dir->c, "a directory without end");
        if (r >= 0) {
            *cookie = b->cookie;
        }
    }
    return r;
}

void p9_dirbuf_free(struct p9_dirbuf *b)
{
    heap_free(b);
}

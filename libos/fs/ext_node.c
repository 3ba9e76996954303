/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ext4: inodes in memory. There is one node for an inode, however many names it has; it stays some
 * time after its last reference has gone.
 */
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <time.h>

#include <pith/heap.h>

#include "ext.h"

#define IDLE_MAX 64u

#define GOOD_OLD 128u

bool ext_has_room_for(const struct ext_node *n, size_t end)
{
    return EXT2_INODE_SIZE(n->x->fs->super) > GOOD_OLD &&
           end <= GOOD_OLD + (size_t)n->inode.i_extra_isize;
}

struct timespec ext_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return now;
}

void ext_touch(struct ext_node *n, unsigned which)
{
    struct timespec now = ext_now();
    struct ext2_inode_large *i = &n->inode;
    uint32_t sec = (uint32_t)now.tv_sec;
    /* 34 bits of seconds, 30 of nanoseconds: Linux, Documentation/filesystems/ext4/inodes.rst. */
    uint32_t extra = ((uint32_t)((now.tv_sec - (int32_t)sec) >> 32) & 3) |
                     (uint32_t)now.tv_nsec << 2;
    bool large = ext_has_room_for(n, offsetof(struct ext2_inode_large, i_crtime));
    if (which & EXT_ATIME) {
        i->i_atime = sec;
        i->i_atime_extra = large ? extra : i->i_atime_extra;
    }
    if (which & EXT_MTIME) {
        i->i_mtime = sec;
        i->i_mtime_extra = large ? extra : i->i_mtime_extra;
    }
    if (which & EXT_CTIME) {
        i->i_ctime = sec;
        i->i_ctime_extra = large ? extra : i->i_ctime_extra;
    }
}

void ext_node_mark(struct ext_node *n)
{
    n->changed = n->x->running;
}

int ext_node_store(struct ext_node *n)
{
    n->x->touched = true;
    return ext_errno(n->x, ext2fs_write_inode_full(n->x->fs, n->ino, ext_small(n),
                                                   sizeof(n->inode)));
}

static struct list *chain(struct ext_fs *x, uint32_t ino)
{
    return &x->nodes[ino % 64];
}

static struct ext_node *make(struct ext_fs *x, uint32_t ino)
{
    struct ext_node *n = ext_mem_resize(NULL, sizeof(*n));
    if (n != NULL) {
        memset(n, 0, sizeof(*n));
        n->v = (struct vnode){ .ops = &ext_ops, .mount = &x->mount, .refs = 1 };
        n->x = x;
        n->ino = ino;
        list_init(&n->idle_link);
    }
    return n;
}

static void destroy(struct ext_node *n)
{
    list_remove(&n->hash);
    list_remove(&n->idle_link);
    ext_index_free(n);
    heap_free(n);
}

/* Is the inode one that a name may lead to? */
static bool is_usable(struct ext_fs *x, struct ext_node *n)
{
    mode_t type = n->inode.i_mode & S_IFMT;
    bool known = S_ISREG(type) || S_ISDIR(type) || S_ISLNK(type) || S_ISCHR(type) ||
                 S_ISBLK(type) || S_ISFIFO(type) || S_ISSOCK(type);
    bool used = x->fs->inode_map == NULL || ext2fs_test_inode_bitmap2(x->fs->inode_map, n->ino);
    bool size = ext_size(n) <= INT64_MAX && (!S_ISDIR(type) || ext_size(n) % x->block_size == 0);
    return known && used && size && n->inode.i_links_count != 0 &&
           (n->ino == EXT2_ROOT_INO) <= S_ISDIR(type) &&
           !(n->inode.i_flags & (EXT4_INLINE_DATA_FL | EXT4_ENCRYPT_FL));
}

int ext_node_get(struct ext_fs *x, uint32_t ino, struct ext_node **out)
{
    struct list *l = chain(x, ino);
    for (struct list *i = l->next; i != l; i = i->next) {
        struct ext_node *n = LIST_ENTRY(i, struct ext_node, hash);
        if (n->ino == ino && n->inode.i_links_count == 0 && !n->idle &&
            __atomic_load_n(&n->v.refs, __ATOMIC_ACQUIRE) == 0) {
            return -ENOENT; /* it is being freed, which may be done in steps */
        }
        if (n->ino == ino) {
            /* From none to one again: the release that is under way, if there is one, is void. */
            if (__atomic_fetch_add(&n->v.refs, 1, __ATOMIC_ACQUIRE) == 0) {
                n->revived += !n->idle;
                x->nidle -= n->idle;
                n->idle = false;
                list_remove(&n->idle_link);
            }
            *out = n;
            return 0;
        }
    }
    if (ino != EXT2_ROOT_INO &&
        (ino < EXT2_FIRST_INODE(x->fs->super) || ino > x->fs->super->s_inodes_count)) {
        return ext_damaged(x, "an entry's inode", ino);
    }
    struct ext_node *n = make(x, ino);
    if (n == NULL) {
        return -ENOMEM;
    }
    errcode_t e = ext2fs_read_inode_full(x->fs, ino, ext_small(n), sizeof(n->inode));
    int r = e != 0 ? ext_errno(x, e) : is_usable(x, n) ? 0 : ext_damaged(x, "an inode", ino);
    if (r != 0) {
        heap_free(n);
        return r;
    }
    if (n->inode.i_extra_isize > EXT2_INODE_SIZE(x->fs->super) - GOOD_OLD) {
        n->inode.i_extra_isize = 0;
    }
    n->v.type = n->inode.i_mode & S_IFMT;
    list_insert(l, &n->hash);
    *out = n;
    return 0;
}

int ext_node_new(struct ext_fs *x, uint32_t ino, mode_t mode, struct ext_node **out)
{
    struct ext_node *n = make(x, ino);
    if (n == NULL) {
        return -ENOMEM;
    }
    struct ext2_super_block *s = x->fs->super;
    uint32_t size = EXT2_INODE_SIZE(s);
    n->v.type = mode & S_IFMT;
    n->inode.i_mode = (uint16_t)mode;
    n->inode.i_links_count = S_ISDIR(mode) ? 2 : 1;
    n->inode.i_generation = (uint32_t)ext_now().tv_nsec ^ ino << 12;
    if (size > GOOD_OLD) {
        uint32_t want = s->s_want_extra_isize;
        n->inode.i_extra_isize = (uint16_t)(want != 0 && want <= size - GOOD_OLD && want % 4 == 0
                                                ? want : sizeof(n->inode) - GOOD_OLD);
    }
    ext_touch(n, EXT_ATIME | EXT_MTIME | EXT_CTIME);
    if (ext_has_room_for(n, offsetof(struct ext2_inode_large, i_version_hi))) {
        n->inode.i_crtime = n->inode.i_mtime;
        n->inode.i_crtime_extra = n->inode.i_mtime_extra;
    }
    ext_node_mark(n);
    list_insert(chain(x, ino), &n->hash);
    if (ext2fs_has_feature_extents(s) && !S_ISLNK(mode)) {
        ext2_extent_handle_t h; /* writes the header of an empty tree */
        n->inode.i_flags |= EXT4_EXTENTS_FL;
        if (ext2fs_extent_open2(x->fs, ino, ext_small(n), &h) == 0) {
            ext2fs_extent_free(h);
        }
    }
    /* All of it: what an earlier file has left in the inode's end must not be taken for attributes. */
    uint8_t *whole = ext_mem_resize(NULL, size);
    int r = -ENOMEM;
    if (whole != NULL) {
        memset(whole, 0, size);
        memcpy(whole, &n->inode, size < sizeof(n->inode) ? size : sizeof(n->inode));
        r = ext_errno(x, ext2fs_write_inode_full(x->fs, ino, (void *)whole, (int)size));
        heap_free(whole);
    }
    if (r != 0) {
        destroy(n);
        return r;
    }
    *out = n;
    return 0;
}

void ext_node_undo(struct ext_node *n)
{
    n->inode.i_links_count = 0;
    n->inode.i_dtime = (uint32_t)ext_now().tv_sec;
    (void)ext_node_store(n);
    ext_inode_give_back(n->x, n->ino, S_ISDIR(n->v.type));
    destroy(n);
}

/* Make room among those that nobody uses. */
static void trim_idle(struct ext_fs *x)
{
    while (x->nidle > IDLE_MAX) {
        x->nidle--;
        destroy(LIST_ENTRY(x->idle.next, struct ext_node, idle_link));
    }
}

/* Nobody uses it: it stays for a while. */
static void make_idle(struct ext_node *n)
{
    struct ext_fs *x = n->x;
    n->idle = true;
    n->sync = false;
    list_insert(&x->idle, &n->idle_link);
    x->nidle++;
    trim_idle(x);
}

void ext_node_put(struct ext_node *n)
{
    if (__atomic_sub_fetch(&n->v.refs, 1, __ATOMIC_ACQ_REL) != 0) {
        return;
    }
    if (n->revived != 0) {
        n->revived--; /* the release that is under way takes this one's place */
    } else {
        make_idle(n);
    }
}

/*
 * The last reference has gone; but between that and the lock, a look-up may have found the node, and
 * its reference may have gone, too, with a release of its own. Each such look-up has counted one
 * release as void, whichever of them comes first.
 */
void ext_release(struct vnode *v)
{
    struct ext_node *n = ext_node(v);
    struct ext_fs *x = n->x;
    int r = n->inode.i_links_count == 0 ? ext_begin(x) : -EROFS;
    if (r == 0) {
        if (n->revived != 0) {
            n->revived--;
        } else {
            r = ext_node_delete(n);
            if (r == 0) {
                destroy(n);
            } /* else it stays on the list of those without a name: the end of the program tries again */
        }
        ext_end(x, r);
        return;
    }
    libc_mutex_lock(&x->lock);
    if (n->revived != 0) {
        n->revived--;
    } else if (n->inode.i_links_count == 0) {
        /* Nothing can be changed now. It stays on the list; who mounts the disk next frees it. */
    } else {
        make_idle(n);
    }
    pthread_mutex_unlock(&x->lock);
}

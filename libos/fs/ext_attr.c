/* SPDX-License-Identifier: BSD-2-Clause */
/* ext4: attributes, targets of symbolic links, and what is left. */
#include <errno.h>
#include <limits.h>
#include <string.h>

#include "ext.h"

static struct timespec get_time(const struct ext_node *n, uint32_t sec, uint32_t extra)
{
    struct timespec t = { .tv_sec = (int32_t)sec };
    if (ext_has_room_for(n, offsetof(struct ext2_inode_large, i_crtime))) {
        t.tv_sec += (int64_t)(extra & 3) << 32;
        t.tv_nsec = extra >> 2 < 1000000000u ? (long)(extra >> 2) : 0;
    }
    return t;
}

int ext_getattr(struct vnode *v, struct stat *st)
{
    struct ext_node *n = ext_node(v);
    struct ext_fs *x = n->x;
    const struct ext2_inode_large *i = &n->inode;
    libc_mutex_lock(&x->lock);
    st->st_dev = x->mount.dev;
    st->st_ino = n->ino;
    st->st_mode = i->i_mode;
    st->st_nlink = i->i_links_count;
    st->st_uid = (uid_t)(i->i_uid | (uint32_t)i->osd2.linux2.l_i_uid_high << 16);
    st->st_gid = (gid_t)(i->i_gid | (uint32_t)i->osd2.linux2.l_i_gid_high << 16);
    st->st_size = (off_t)ext_size(n);
    st->st_blksize = (blksize_t)x->block_size;
    st->st_blocks = (blkcnt_t)ext2fs_get_stat_i_blocks(x->fs, ext_small(n));
    if (S_ISCHR(v->type) || S_ISBLK(v->type)) {
        /* In the old form or the new one: Linux, fs/ext4/inode.c ext4_iget(). */
        st->st_rdev = i->i_block[0] != 0 ? i->i_block[0] : i->i_block[1];
    }
    st->st_atim = get_time(n, i->i_atime, i->i_atime_extra);
    st->st_mtim = get_time(n, i->i_mtime, i->i_mtime_extra);
    st->st_ctim = get_time(n, i->i_ctime, i->i_ctime_extra);
    pthread_mutex_unlock(&x->lock);
    return 0;
}

/* A time as the disk has it: 1901 to 2446, cut at the ends. */
static void put_time(const struct ext_node *n, struct timespec t, uint32_t *sec, uint32_t *extra)
{
    bool large = ext_has_room_for(n, offsetof(struct ext2_inode_large, i_crtime));
    int64_t most = large ? (3ll << 32) + INT32_MAX : INT32_MAX, s = t.tv_sec;
    s = s < INT32_MIN ? INT32_MIN : s > most ? most : s;
    *sec = (uint32_t)s;
    if (large) {
        *extra = ((uint32_t)((s - (int32_t)*sec) >> 32) & 3) | (uint32_t)t.tv_nsec << 2;
    }
}

int ext_setattr(struct vnode *v, const struct attr *attr)
{
    struct ext_node *n = ext_node(v);
    struct ext2_inode_large *i = &n->inode;
    int r = ext_begin(n->x);
    if (r != 0) {
        return r;
    }
    if (attr->set & ATTR_MODE) {
        i->i_mode = (uint16_t)(v->type | (attr->mode & 07777));
    }
    if (attr->set & ATTR_UID) {
        i->i_uid = (uint16_t)attr->uid;
        i->osd2.linux2.l_i_uid_high = (uint16_t)((uint32_t)attr->uid >> 16);
    }
    if (attr->set & ATTR_GID) {
        i->i_gid = (uint16_t)attr->gid;
        i->osd2.linux2.l_i_gid_high = (uint16_t)((uint32_t)attr->gid >> 16);
    }
    if (attr->set & ATTR_ATIME) {
        put_time(n, attr->atime, &i->i_atime, &i->i_atime_extra);
    }
    if (attr->set & ATTR_MTIME) {
        put_time(n, attr->mtime, &i->i_mtime, &i->i_mtime_extra);
    }
    ext_touch(n, EXT_CTIME);
    ext_node_mark(n);
    return ext_end(n->x, ext_node_store(n));
}

ssize_t ext_readlink(struct vnode *v, char *buf, size_t size)
{
    struct ext_node *n = ext_node(v);
    struct ext_fs *x = n->x;
    struct ext_block *b = NULL;
    libc_mutex_lock(&x->lock);
    size_t len = ext_size(n);
    const char *text = (const char *)n->inode.i_block;
    int r = len == 0 || len >= PATH_MAX || len >= x->block_size
                ? ext_damaged(x, "a symbolic link", n->ino) : 0;
    if (r == 0 && !ext2fs_is_fast_symlink(ext_small(n))) {
        struct ext_run run;
        bool unwritten;
        r = ext_map(n, 0, &run, &unwritten);
        if (r == 0 && (run.first == 0 || unwritten)) {
            r = ext_damaged(x, "a symbolic link", n->ino);
        }
        r = r != 0 ? r : ext_block_read(x, run.first, &b);
        text = r == 0 ? (const char *)b->data : NULL;
    }
    ssize_t done = r;
    if (r == 0) {
        len = len < size ? len : size;
        memcpy(buf, text, len);
        done = (ssize_t)len;
    }
    ext_block_put(b);
    pthread_mutex_unlock(&x->lock);
    return done;
}

int ext_statvfs(struct mount *m, struct statvfs *out)
{
    struct ext_fs *x = m->data;
    libc_mutex_lock(&x->lock);
    struct ext2_super_block *s = x->fs->super;
    uint64_t overhead = s->s_overhead_clusters, free = ext2fs_free_blocks_count(s);
    uint64_t reserved = ext2fs_r_blocks_count(s), all = ext2fs_blocks_count(s);
    *out = (struct statvfs){
        .f_bsize = x->block_size,
        .f_frsize = x->block_size,
        .f_blocks = (fsblkcnt_t)(all > overhead ? all - overhead : all),
        .f_bfree = (fsblkcnt_t)free,
        .f_bavail = (fsblkcnt_t)(free > reserved ? free - reserved : 0),
        .f_files = s->s_inodes_count,
        .f_ffree = s->s_free_inodes_count,
        .f_favail = s->s_free_inodes_count,
        .f_fsid = (unsigned long)m->dev,
        .f_flag = x->readonly || x->failed ? ST_RDONLY : 0,
        .f_namemax = NAME_MAX,
    };
    pthread_mutex_unlock(&x->lock);
    return 0;
}

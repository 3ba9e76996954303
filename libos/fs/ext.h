/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The inside of the ext4 file system: libext2fs knows the format, these files do everything around it.
 *
 *   ext_mount.c   the option's words, start and end    ext_feature.c, ext_part.c  what it may be
 *   ext_cache.c   blocks in memory                               ext_dev.c     blocks at the device
 *   ext_journal.c transactions on the disk                       ext_recover.c replaying them
 *   ext_meta.c    bitmaps, descriptors and superblock            ext_lib.c     what the library calls
 *   ext_step.c    beginning and ending a change                  ext_node.c    inodes in memory
 *   ext_attr.c    attributes     ext_data.c  contents            ext_map.c     blocks of a file
 *   ext_dir.c     entries        ext_index.c finding them        ext_names.c, ext_rename.c  changing them
 *   ext_orphan.c  files without a name
 *
 * All changes since the last commit are one transaction. Its metadata stays in memory until the
 * commit has written it to the journal, behind the contents that it names; so whatever moment the
 * power goes at, the disk has the state of one commit, and what is mounted next puts it in place.
 * Blocks that are freed are not used again before the journal has been emptied: neither can old
 * contents be overwritten while a crash could bring them back, nor can the journal's old copies
 * come over something new, and revoke records are not needed.
 *
 * Locks: mount.names (vfs.h), then ext_fs.lock, which everything here is under. It is given up while
 * the device works where nothing is half done: by who writes the transaction (`committing`, during
 * which others look and read, and who wants to change something waits), and by who reads contents
 * (ext_node.reading, for whose end those wait who write to the file or cut it). Else, for metadata that
 * is not in memory and when there is too much in it, it is held.
 */
#pragma once

#include "ext2fs/config.h" /* before the library's headers */

#include <pthread.h>

#include <ext2fs/ext2_fs.h>
#include <ext2fs/ext2fs.h>

#include <pith/blkdev.h>
#include <pith/libc.h>
#include <pith/list.h>

#include "ext_format.h"
#include "vfs.h"

#define EXT_BOUNCE (128u * 1024) /* bytes of one transfer that is put together from blocks */

/* ---- blocks ---- */

enum ext_state {
    EXT_CLEAN,      /* as on the disk; on the list of those that may be dropped */
    EXT_DATA,       /* contents, to be written before the next commit */
    EXT_CHANGED,    /* metadata of the running transaction: must not reach its place */
    EXT_COMMITTED,  /* metadata that the journal has: to be written before that is emptied */
    EXT_STATES
};

struct ext_block {
    struct list link;       /* on ext_cache.list[state], the oldest first */
    struct ext_block *next; /* of the same hash */
    uint64_t no;
    uint8_t *data;
    uint32_t ino;           /* whose contents; 0: metadata */
    uint16_t pins;
    uint8_t state;
    bool verified;          /* its checksum was found right */
    bool loading;           /* the device is still writing to it, without the lock */
};

struct ext_cache {
    struct list list[EXT_STATES];
    size_t count[EXT_STATES];
    size_t total, limit;     /* blocks that there are, and may be */
    struct ext_block **hash; /* 1 << hash_bits of them */
    unsigned hash_bits;
    struct ext_block **sort; /* room for EXT_SORT pointers */
};

#define EXT_SORT 1024u

/* ---- the journal ---- */

struct ext_run { /* of consecutive blocks of a file */
    uint64_t first;
    uint32_t at, len;
};

struct ext_journal {
    struct ext_run *run; /* where its blocks are; NULL: the file system has none */
    unsigned nruns;
    uint32_t blocks;     /* of the file */
    uint32_t first;      /* block of the log in it */
    uint32_t head;       /* the next one to be written */
    uint32_t sequence;   /* of the running transaction */
    uint32_t incompat;   /* JBD2_INCOMPAT_* */
    uint32_t seed;       /* of checksums */
    bool active;         /* the disk says that the journal, or without one that it is in use */
    uint8_t *super;      /* its superblock, one block */
    uint8_t *block;      /* for a descriptor or commit block */
};

/* ---- the file system ---- */

struct ext_stats { /* what was done, for tests and the log */
    uint64_t commits, checkpoints, replayed;
};

struct ext_fs {
    struct mount mount;
    struct ext_fs *next;     /* all that are mounted; never leaves */
    struct blkdev *dev;
    char name[BLKDEV_NAME_MAX + 4];
    uint64_t start, bytes;   /* of the device: a partition or all of it */
    bool readonly;           /* asked for, or all that can be done */
    bool discard;
    bool failed;             /* gave up writing: read-only from then on, fsync() answers EIO */
    bool told;               /* of damage, once */
    bool torn;               /* the superblock's sum is wrong: a write of it may have been cut */
    bool stop;               /* the program ends: nothing is changed any more */

    pthread_mutex_t lock;    /* guards all below */
    pthread_cond_t changes;  /* oldest_ns is set: for the thread that writes what nobody syncs */
    pthread_cond_t done;     /* with the device: `committing`, `loading` or `reading` has ended */
    bool committing;         /* a transaction is being written: nothing may be changed */
    unsigned tickets, turn;  /* of those who want to change something, in the order in which they came */
    bool filling;            /* somebody uses `fill` */
    ext2_filsys fs;
    uint32_t block_size;
    struct ext_cache cache;
    struct ext_journal journal;
    struct ext_stats stats;
    uint8_t *bounce, *fill;  /* EXT_BOUNCE bytes: for writing, and for reading */
    uint8_t *scratch;        /* one block, for ext_meta.c */
    uint64_t committed;      /* number of the last transaction that is safe */
    uint64_t running;        /* number of the running one */
    uint64_t oldest_ns;      /* when its first change was made; 0: there is none */
    bool touched;            /* the step under way has changed metadata */
    bool unflushed;          /* the device may have completed writes that aren't durable */
    uint8_t *dirty_group;    /* EXT_GROUP_* for each group */
    ext2fs_block_bitmap held; /* freed since the journal was last emptied */
    uint64_t nheld;

    struct list nodes[64];   /* struct ext_node by inode number */
    struct list idle;        /* those without a reference, the oldest first */
    unsigned nidle;
    struct ext_node *orphans; /* as on the disk, the newest first */
};

#define EXT_GROUP_BLOCKS 1u
#define EXT_GROUP_INODES 2u

struct ext_index;

#define EXT_ROOMS 8u /* sizes of entries: see ext_dir.c */

struct ext_node {
    struct vnode v;
    struct ext_fs *x;
    uint32_t ino;
    struct list hash;
    struct list idle_link;
    bool idle;
    unsigned revived;        /* releases under way that came too late: see ext_release() */
    unsigned reading;        /* how many read its contents from the device without the lock */
    unsigned changing;       /* how many change its contents, or wait to: nobody begins to read so */
    bool sync;               /* O_SYNC: each write is followed by an fsync() */
    bool orphan;
    struct ext_node *next_orphan;
    uint64_t changed;        /* the transaction that fsync() has to wait for */
    struct ext2_inode_large inode;
    struct ext_run map;      /* what was last looked up; len 0: nothing */
    bool map_unwritten;
    uint64_t next_read;      /* where a sequential reader goes on */
    struct ext_index *index; /* of a directory */
    uint32_t room_at[EXT_ROOMS]; /* no block of the directory below has room for such an entry */
};

static inline struct ext_node *ext_node(struct vnode *v)
{
    return (struct ext_node *)(void *)v; /* v is its first member */
}

static inline struct ext2_inode *ext_small(struct ext_node *n)
{
    return (struct ext2_inode *)(void *)&n->inode; /* the first 128 bytes of it */
}

static inline uint64_t ext_size(const struct ext_node *n)
{
    return EXT2_I_SIZE(&n->inode);
}

static inline void ext_set_size(struct ext_node *n, uint64_t size)
{
    n->inode.i_size = (uint32_t)size;
    n->inode.i_size_high = (uint32_t)(size >> 32);
}

/* ---- errors: ext_step.c ---- */

/*
 * Begin a change: takes the lock; ext_end() has to follow after 0. Errors: -EROFS, -ENOMEM there is
 * too little memory to be sure to come to the end, -EIO.
 */
int ext_begin(struct ext_fs *x);
/* The same for a file's contents, which nobody reads without the lock then; ext_end_contents() is its end. */
int ext_begin_contents(struct ext_node *n);
int ext_end_contents(struct ext_node *n, int r);
/* The lock, with no transaction being written. */
void ext_lock_still(struct ext_fs *x);
/* The end of it with result r, which it returns. A step that failed half way is taken back for good. */
int ext_end(struct ext_fs *x, int r);
/* Between two halves of a long change, each of which leaves all in order. */
int ext_pause(struct ext_fs *x);
/* Can `blocks` more be taken? Empties the journal where that brings enough. Errors: -ENOSPC, -EIO. */
int ext_room(struct ext_fs *x, uint64_t blocks);
/* No writing any more, because of that error. Returns -EIO. */
int ext_fail(struct ext_fs *x, const char *what, int error);
/* The library's error as -errno; damage is told once and ends writing. */
int ext_errno(struct ext_fs *x, errcode_t e);
int ext_damaged(struct ext_fs *x, const char *what, uint64_t where);

/* ---- the device: ext_dev.c ---- */

int ext_dev_rw(struct ext_fs *x, bool write, uint64_t block, uint32_t n, void *buf);
/* Read contents of a file; without the lock where nobody is about to change them. */
int ext_dev_read_file(struct ext_node *file, uint64_t block, uint32_t n, void *buf);
int ext_dev_flush(struct ext_fs *x);
/* Bytes of the partition, for what comes before the block size is known. */
int ext_dev_bytes(struct ext_fs *x, bool write, uint64_t off, size_t len, void *buf);

struct ext_gather { /* blocks on their way to the device, put together */
    struct ext_fs *x;
    uint64_t first;
    uint32_t n;
};

/* Add a block; what does not follow on is written first. */
int ext_gather_add(struct ext_gather *g, uint64_t no, const uint8_t *data);
int ext_gather_end(struct ext_gather *g);

/* ---- the cache: ext_cache.c ---- */

int ext_cache_init(struct ext_fs *x, uint64_t bytes);
void ext_cache_free(struct ext_fs *x);
/* Forget all; nothing may be changed or pinned. */
void ext_cache_drop(struct ext_fs *x);
/* The block, read or (ext_block_new()) with undefined contents; pinned until ext_block_put(). */
int ext_block_read(struct ext_fs *x, uint64_t no, struct ext_block **out);
int ext_block_new(struct ext_fs *x, uint64_t no, struct ext_block **out);
struct ext_block *ext_block_peek(struct ext_fs *x, uint64_t no); /* NULL: not in memory; not pinned */
void ext_block_put(struct ext_block *b);
/* It was changed: metadata, or contents of file `ino`. */
void ext_block_changed(struct ext_fs *x, struct ext_block *b);
int ext_block_changed_data(struct ext_fs *x, struct ext_block *b, uint32_t ino);
/* Freed: what it holds is of no interest any more. */
void ext_block_forget(struct ext_fs *x, uint64_t no);
/*
 * Bring in up to n blocks from `no` on that aren't there, by one request: contents of a file, which
 * is read without the lock where that can be, or (NULL) a directory's, with it. Returns how many.
 */
int ext_cache_fill(struct ext_fs *x, struct ext_node *file, uint64_t no, uint32_t n);
/* Write contents, of one file or (0) all. */
int ext_cache_write_data(struct ext_fs *x, uint32_t ino);
/* Write all committed metadata to its place. */
int ext_cache_write_committed(struct ext_fs *x);
/* Give memory back; returns how many blocks. Context: any thread, with or without the lock. */
size_t ext_cache_reclaim(struct ext_fs *x);
/* Put it on another list. */
void ext_block_state(struct ext_fs *x, struct ext_block *b, enum ext_state state);

/* ---- the journal: ext_journal.c, ext_recover.c ---- */

int ext_journal_open(struct ext_fs *x);
/* All that has been done is safe after it. Gives the lock up meanwhile; nothing may be half done. */
int ext_commit(struct ext_fs *x);
/* The same where contents alone were changed: of file `ino`, or (0) all. */
int ext_commit_data(struct ext_fs *x, uint32_t ino);
/* The same, and the journal is empty; freed blocks may be used again. */
int ext_checkpoint(struct ext_fs *x);
/* How many blocks of metadata a transaction may have. */
size_t ext_journal_limit(const struct ext_fs *x);
/* At the end: a disk that needs no replaying. */
int ext_journal_close(struct ext_fs *x);
/* Put what the journal has in place. */
int ext_recover(struct ext_fs *x);
uint64_t ext_journal_place(const struct ext_journal *j, uint32_t block); /* 0: out of range */
int ext_journal_write_super(struct ext_fs *x, uint32_t start);
uint32_t ext_crc32c(uint32_t crc, const void *data, size_t len);

/* ---- ext_meta.c ---- */

int ext_meta_start(struct ext_fs *x); /* reads bitmaps */
/* Bitmaps, descriptors and the superblock into the cache, where they changed. */
int ext_meta_collect(struct ext_fs *x);
/* The superblock to its place, now. */
int ext_super_write(struct ext_fs *x);
/* A write of it was cut, and it said nothing but that the journal is in use, or isn't: mend it. Errors: -EBADMSG. */
int ext_super_mend(struct ext_fs *x);
/* Free blocks may be used again. */
int ext_held_release(struct ext_fs *x);
uint64_t ext_free_blocks(struct ext_fs *x);
/* A run of up to `want` free blocks near goal, taken. Errors: -ENOSPC. */
int ext_blocks_take(struct ext_fs *x, uint64_t goal, uint32_t want, uint64_t *first, uint32_t *got);
void ext_blocks_give_back(struct ext_fs *x, uint64_t first, uint32_t n);
int ext_inode_take(struct ext_fs *x, uint32_t near, bool directory, uint32_t *ino);
void ext_inode_give_back(struct ext_fs *x, uint32_t ino, bool directory);

/* ---- ext_lib.c ---- */

extern struct struct_io_manager ext_io_manager;
/* Memory for the library that is there even when the heap is empty. */
int ext_mem_reserve(void);
void *ext_mem_resize(void *old, size_t size);

/* ---- nodes ---- */

int ext_node_get(struct ext_fs *x, uint32_t ino, struct ext_node **out);
/* A new one in memory for an inode number that was just taken. */
int ext_node_new(struct ext_fs *x, uint32_t ino, mode_t mode, struct ext_node **out);
int ext_node_store(struct ext_node *n); /* the inode to the cache */
/* One reference less, with the lock held: vnode_unref() can't be called then. Not of an unlinked one. */
void ext_node_put(struct ext_node *n);
/* Give up a node whose making failed. */
void ext_node_undo(struct ext_node *n);
void ext_release(struct vnode *v);
struct timespec ext_now(void);
#define EXT_ATIME 1u
#define EXT_MTIME 2u
#define EXT_CTIME 4u
void ext_touch(struct ext_node *n, unsigned which);
bool ext_has_room_for(const struct ext_node *n, size_t end); /* is that part of the inode there? */
/* Its names or links have changed: fsync() has to see to it. */
void ext_node_mark(struct ext_node *n);
extern const struct vnode_ops ext_ops;

int ext_orphan_add(struct ext_node *n);
int ext_orphan_remove(struct ext_node *n);
int ext_orphans_finish(struct ext_fs *x); /* those that a crash has left */
/* Those that are open when the program ends: nobody changes anything any more. What was done before is safe. */
int ext_orphans_end(struct ext_fs *x);
/* The last reference to a node without links has gone: free what it has. */
int ext_node_delete(struct ext_node *n);

/* ---- blocks of a file: ext_map.c ---- */

/* Where block `at` of the file is: *run begins there; first 0: a hole. *unwritten: reads as zeroes. */
int ext_map(struct ext_node *n, uint64_t at, struct ext_run *run, bool *unwritten);
/*
 * Give blocks to a hole or turn what is unwritten into written, up to run->len. Errors: -ENOSPC, and
 * nothing was changed: EXT_MAP_ROOM blocks are kept for what the mapping itself takes.
 */
#define EXT_MAP_ROOM 12u
int ext_map_fill(struct ext_node *n, uint64_t at, uint32_t want, bool unwritten, struct ext_run *run);
/* Free all blocks from `from` on, in steps. */
int ext_map_cut(struct ext_node *n, uint64_t from);

/* ---- directories ---- */

struct ext_entry { /* where an entry is */
    uint64_t pos;  /* bytes from the beginning of the directory */
    uint32_t ino;
    uint8_t type;  /* EXT2_FT_* */
};

int ext_dir_find(struct ext_node *dir, struct name name, struct ext_entry *e);
int ext_dir_add(struct ext_node *dir, struct name name, uint32_t ino, mode_t mode);
int ext_dir_remove(struct ext_node *dir, struct name name, const struct ext_entry *e);
int ext_dir_change(struct ext_node *dir, const struct ext_entry *e, uint32_t ino, mode_t mode);
int ext_dir_make(struct ext_node *dir, uint32_t parent); /* the first block of a new one */
int ext_dir_is_empty(struct ext_node *dir);              /* 1, 0, or an error */
int ext_dir_name_of(struct ext_node *dir, uint32_t ino, char *name);
/* A block of it, checked. */
int ext_dir_block(struct ext_node *dir, uint64_t at, struct ext_block **out);
static inline struct ext_dirent *ext_dirent(uint8_t *data, uint32_t at)
{
    return (struct ext_dirent *)(void *)(data + at); /* multiples of 4 */
}
/* Is it the name? */
static inline bool ext_dirent_is(const struct ext_dirent *e, struct name name)
{
    return e->ino != 0 && e->name_len == name.len && memcmp(e->name, name.text, name.len) == 0;
}

struct ext_index *ext_index_get(struct ext_node *dir); /* NULL: none, look through the blocks */
/*
 * The next place where the name may be: *slot is UINT32_MAX at first. False: there is none.
 */
bool ext_index_next(const struct ext_index *i, struct name name, uint32_t *slot, uint64_t *pos);
void ext_index_add(struct ext_node *dir, struct name name, uint64_t pos);
void ext_index_remove(struct ext_node *dir, struct name name, uint64_t pos);
void ext_index_free(struct ext_node *dir);

int ext_dir_parent(struct ext_node *dir, struct ext_node **out);
int ext_dir_touch(struct ext_node *dir, int subdirectories); /* entries have changed */
int ext_lose_name(struct ext_node *n);
int ext_may_go(struct ext_node *n, bool directory); /* -ENOTEMPTY, -ENOTDIR, -EISDIR */

/* ---- operations ---- */

int ext_lookup(struct vnode *dir, struct name name, struct vnode **out);
int ext_create(struct vnode *dir, struct name name, const struct new_node *what,
               struct vnode **out);
int ext_link(struct vnode *dir, struct name name, struct vnode *node);
int ext_unlink(struct vnode *dir, struct name name, bool directory, struct vnode **gone);
int ext_rename(struct vnode *from_dir, struct name from, struct vnode *to_dir, struct name to,
               bool replace, struct vnode **gone);
int ext_parent(struct vnode *dir, struct vnode **out, char *name);
int ext_readdir(struct vnode *dir, off_t *cookie, struct fs_entry *out);
int ext_getattr(struct vnode *v, struct stat *st);
int ext_setattr(struct vnode *v, const struct attr *attr);
ssize_t ext_readlink(struct vnode *v, char *buf, size_t size);
int ext_statvfs(struct mount *m, struct statvfs *out);
int ext_open(struct vnode *v, int flags, struct file **out);
ssize_t ext_read(struct vnode *v, void *buf, size_t len, off_t pos);
ssize_t ext_write(struct vnode *v, const struct iovec *iov, int n, off_t pos, off_t *end);
off_t ext_size_of(struct vnode *v);
int ext_truncate(struct vnode *v, off_t size);
int ext_allocate(struct vnode *v, off_t pos, off_t len);
int ext_sync(struct vnode *v);

int ext_mount(const char *source, const char *options, struct mount **out);
/* Can it be used? Errors: -EINVAL no ext4, -ENOTSUP a feature; told in the log. ext_feature.c */
int ext_feature_check(struct ext_fs *x, const struct ext2_super_block *s);
/* Why it can only be read, or NULL. */
const char *ext_feature_readonly(const struct ext2_super_block *s);
/* Where a name such as vda1 lies on its disk. Errors: -ENODEV, -EINVAL, -EIO. */
int ext_part_find(struct ext_fs *x, const char *source);

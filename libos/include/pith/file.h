/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Open files: what a file descriptor refers to, and what a kind of file offers.
 *
 * A file is counted: one reference per descriptor and per call that is under way, so that a close()
 * while another thread reads takes effect when the read is over.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define FILE_MAX_FDS 65536 /* what sysconf(_SC_OPEN_MAX) says; FD_SETSIZE is 1024 */

struct file;
struct stat;
struct iovec;
struct pollq;
struct socket_ops; /* pith/socket.h */

/*
 * All calls are made in thread context and may sleep. Results are counts or 0, errors -errno.
 * A NULL entry means that the kind of file does not have the operation; the call then answers
 * what POSIX says of it (-ESPIPE, -EINVAL, -ENOTTY, -EBADF).
 *
 * A kind with pread and pwrite is seekable: read() and write() use them at the file's position.
 */
struct file_ops {
    ssize_t (*read)(struct file *f, void *buf, size_t len);
    ssize_t (*write)(struct file *f, const void *buf, size_t len);
    ssize_t (*readv)(struct file *f, const struct iovec *iov, int n);  /* NULL: one by one */
    ssize_t (*writev)(struct file *f, const struct iovec *iov, int n); /* NULL: one by one */
    ssize_t (*pread)(struct file *f, void *buf, size_t len, off_t pos);
    ssize_t (*pwrite)(struct file *f, const void *buf, size_t len, off_t pos);
    /*
     * Write at the end of a seekable file in one step; *end is the position behind what was
     * written. Where it is NULL, O_APPEND writes at what size() says.
     */
    ssize_t (*append)(struct file *f, const void *buf, size_t len, off_t *end);
    off_t (*size)(struct file *f); /* end of a seekable file, for SEEK_END */
    int (*fstat)(struct file *f, struct stat *st); /* *st has been zeroed */
    int (*fsync)(struct file *f);
    int (*ioctl)(struct file *f, unsigned long request, void *arg);

    /*
     * Which of the POLLIN, POLLOUT, ... of `events` hold now, POLLERR and POLLHUP always included.
     * Never sleeps.
     */
    int (*ready)(struct file *f, int events);
    bool ready_reads; /* it does nothing but read memory: it may be called masked and under any lock */

    /*
     * The queue that is notified when ready() may answer more than before; NULL (the entry or its
     * result): the file is always ready. It lives as long as the file.
     */
    struct pollq *(*pollq)(struct file *f);

    /* Give the file another size, for ftruncate(). */
    int (*truncate)(struct file *f, off_t size);

    /*
     * The file's contents at `pos` as memory that stays as it is until `close`: *len bytes, for
     * sendfile() and mmap() without a copy. -ENOTSUP where it has none.
     */
    int (*extent)(struct file *f, off_t pos, const void **data, size_t *len);

    /*
     * The file's own n pages from page `first` on, for a shared mapping: their home addresses, made
     * where there are none, NULL behind the end of the file. They stay the file's, whatever happens
     * to it, until unpin, which is called once for each pin that succeeded. NULL or -ENOTSUP: it
     * has none, and a mapping is a copy.
     */
    int (*pin)(struct file *f, uint64_t first, size_t n, void **pages);
    void (*unpin)(struct file *f);

    const struct socket_ops *socket; /* of a socket, else NULL */

    /* The last reference is gone; frees the file where it was allocated. */
    void (*close)(struct file *f);
};

struct file {
    const struct file_ops *ops;
    unsigned refs;      /* atomic */
    int flags;          /* O_ACCMODE, O_APPEND, O_NONBLOCK; atomic, F_SETFL changes it */
    off_t pos;          /* of a seekable file, under pos_lock */
    pthread_mutex_t pos_lock; /* held while a read or write at `pos` is under way */
    void *data;         /* the kind's */
    void (*on_close)(struct file *f); /* called before ops->close; NULL: nothing; atomic */
};

/* Make *f ready with one reference. */
void file_init(struct file *f, const struct file_ops *ops, int flags, void *data);

/* One reference more; returns f. Context: any. */
struct file *file_ref(struct file *f);

/*
 * One reference more if there is any; false: it is being closed. The caller sees to it that the
 * memory is still a file's. Context: any.
 */
bool file_ref_live(struct file *f);

/* One less; the last one closes it. */
void file_unref(struct file *f);

/*
 * Put f, with the caller's reference, at the lowest free descriptor from `from` on. O_CLOEXEC of
 * `flags` is remembered for F_GETFD; the rest of them is nothing to it.
 * Returns the descriptor; -EMFILE, -ENOMEM: the reference stays the caller's.
 */
int fd_install(struct file *f, int from, int flags);

/* The file of a descriptor with a reference for the caller, or NULL. */
struct file *fd_get(int fd);

/* The console: stdin, stdout and stderr from the start. It is static and never goes away. */
extern struct file console_file;

/* What read(), write(), ... do with an open file; see those for the errors. */
ssize_t file_read(struct file *f, void *buf, size_t len);
ssize_t file_write(struct file *f, const void *buf, size_t len);
ssize_t file_pread(struct file *f, void *buf, size_t len, off_t pos);
ssize_t file_pwrite(struct file *f, const void *buf, size_t len, off_t pos);
off_t file_seek(struct file *f, off_t offset, int whence);

/*
 * Open a path for open(): the namespaces that exist are tried in turn. Returns a file with one
 * reference in *out. Errors: -ENOENT, -EACCES, -ENOMEM, -EROFS, ...
 */
int file_open(const char *path, int flags, struct file **out);

/* SPDX-License-Identifier: BSD-2-Clause */
/* What the load does with files, and what it knows of their contents. */
#define _GNU_SOURCE
#include "load.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static unsigned draw(struct worker *w, unsigned n)
{
    w->rng ^= w->rng << 13;
    w->rng ^= w->rng >> 7;
    w->rng ^= w->rng << 17;
    return (unsigned)((w->rng >> 16) % n);
}

/* Is it so? The first time that it isn't is kept. */
static bool expect(struct worker *w, bool holds, const char *what, const struct load_file *f)
{
    if (!holds && w->why[0] == '\0') {
        snprintf(w->why, sizeof(w->why), "worker %u: %s, file %u of %u pieces, errno %d", w->id, what,
                 f != NULL ? f->name : 0, f != NULL ? f->pieces : 0, errno);
    }
    return holds;
}

static const char *path_of(const struct worker *w, unsigned name, char *buf, size_t size)
{
    snprintf(buf, size, "/data/load/%u/%u", w->id, name);
    return buf;
}

/* The bytes of a piece of that version. */
static void put_piece(uint8_t *to, uint32_t version)
{
    uint32_t x = version * 2654435761u;
    for (unsigned i = 0; i < PIECE; i += 4, x = x * 1664525u + 1013904223u) {
        memcpy(to + i, version != 0 ? &x : &version, 4);
    }
}

static void put_pieces(const struct load_file *f, unsigned at, unsigned n, uint8_t *to)
{
    for (unsigned i = 0; i < n; i++) {
        put_piece(to + (size_t)i * PIECE, f->version[at + i]);
    }
}

static int open_file(struct worker *w, const struct load_file *f, int flags)
{
    char path[64];
    return open(path_of(w, f->name, path, sizeof(path)), flags, 0644);
}

/* No room: what was to be written is cut off. */
static bool had_no_room(struct worker *w, struct load_file *f, int fd, unsigned at)
{
    w->full++;
    f->pieces = at < f->pieces ? at : f->pieces;
    return expect(w, ftruncate(fd, (off_t)f->pieces * PIECE) == 0, "cutting what had no room", f);
}

/* New contents for n pieces from `at` on, which may be behind the end. */
static bool write_pieces(struct worker *w, struct load_file *f, int fd, unsigned at, unsigned n)
{
    for (unsigned i = f->pieces; i < at; i++) {
        f->version[i] = 0;
    }
    for (unsigned i = 0; i < n; i++) {
        f->version[at + i] = ++w->versions;
    }
    put_pieces(f, at, n, w->buf);
    ssize_t got = pwrite(fd, w->buf, (size_t)n * PIECE, (off_t)at * PIECE);
    if (got == (ssize_t)n * PIECE) {
        f->pieces = at + n > f->pieces ? at + n : f->pieces;
        return true;
    }
    return expect(w, got >= 0 || errno == ENOSPC, "writing", f) && had_no_room(w, f, fd, at);
}

/* Are they the contents that the file has from piece `at` on, which are in w->want? */
static bool same(struct worker *w, const struct load_file *f, unsigned at, const uint8_t *have, size_t len)
{
    size_t i = 0;
    while (i < len && have[i] == w->want[i]) {
        i++;
    }
    if (i < len && w->why[0] == '\0') {
        snprintf(w->why, sizeof(w->why), "worker %u: file %u of %u pieces, byte %zu of them: %02x, not %02x", w->id,
                 f->name, f->pieces, (size_t)at * PIECE + i, have[i], w->want[i]);
    }
    return i == len;
}

static bool read_pieces(struct worker *w, const struct load_file *f, int fd, unsigned at, unsigned n)
{
    put_pieces(f, at, n, w->want);
    ssize_t got = pread(fd, w->buf, (size_t)n * PIECE, (off_t)at * PIECE);
    return expect(w, got == (ssize_t)n * PIECE, "reading", f) &&
           same(w, f, at, w->buf, (size_t)n * PIECE);
}

static bool create(struct worker *w, struct load_file *f)
{
    memset(f, 0, sizeof(*f));
    f->name = ++w->names;
    int fd = open_file(w, f, O_CREAT | O_EXCL | O_RDWR);
    if (fd < 0) {
        w->full++;
        return expect(w, errno == ENOSPC, "creating", f);
    }
    f->there = true;
    bool good = write_pieces(w, f, fd, 0, 1 + draw(w, PIECES / 4));
    return expect(w, close(fd) == 0, "closing", f) && good;
}

/* ---- operations on an open file ---- */

static bool do_write(struct worker *w, struct load_file *f, int fd)
{
    unsigned at = draw(w, PIECES), n = 1 + draw(w, 40);
    return write_pieces(w, f, fd, at, at + n < PIECES ? n : PIECES - at);
}

static bool do_append(struct worker *w, struct load_file *f, int fd)
{
    unsigned n = 1 + draw(w, 10);
    return f->pieces + n > PIECES || write_pieces(w, f, fd, f->pieces, n);
}

static bool do_read(struct worker *w, struct load_file *f, int fd)
{
    unsigned at = f->pieces != 0 ? draw(w, f->pieces) : 0;
    return f->pieces == 0 || read_pieces(w, f, fd, at, 1 + draw(w, f->pieces - at));
}

static bool do_cut(struct worker *w, struct load_file *f, int fd)
{
    f->pieces = draw(w, f->pieces + 1);
    return expect(w, ftruncate(fd, (off_t)f->pieces * PIECE) == 0, "cutting", f);
}

static bool do_grow(struct worker *w, struct load_file *f, int fd)
{
    unsigned to = f->pieces + draw(w, PIECES - f->pieces + 1);
    if (ftruncate(fd, (off_t)to * PIECE) != 0) {
        return expect(w, errno == ENOSPC, "growing", f);
    }
    for (; f->pieces < to; f->pieces++) {
        f->version[f->pieces] = 0;
    }
    return true;
}

static bool do_promise(struct worker *w, struct load_file *f, int fd)
{
    unsigned to = f->pieces + draw(w, PIECES - f->pieces + 1);
    int r = to > f->pieces ? posix_fallocate(fd, 0, (off_t)to * PIECE) : 0;
    if (r != 0) {
        w->full++;
        errno = r;
        return expect(w, r == ENOSPC, "promising", f);
    }
    for (; f->pieces < to; f->pieces++) {
        f->version[f->pieces] = 0;
    }
    return true;
}

/* A shared mapping: read it, change a piece. Its page may have holes beside it, which need room. */
static bool do_map(struct worker *w, struct load_file *f, int fd)
{
    if (f->pieces == 0) {
        return true;
    }
    size_t len = (size_t)f->pieces * PIECE;
    unsigned at = draw(w, f->pieces);
    bool change = f->version[at] != 0;
    uint8_t *p = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (p == MAP_FAILED) {
        return expect(w, errno == ENOMEM, "mapping", f);
    }
    put_pieces(f, 0, f->pieces, w->want);
    bool good = same(w, f, 0, p, len);
    if (change) {
        f->version[at] = ++w->versions;
        put_piece(p + (size_t)at * PIECE, f->version[at]);
    }
    int r = draw(w, 2) && change ? msync(p, len, MS_SYNC) : 0;
    bool full = r != 0 && errno == ENOSPC;
    good = expect(w, r == 0 || full, "syncing a mapping", f) && good;
    r = munmap(p, len);
    full = full || (r != 0 && errno == ENOSPC);
    good = expect(w, r == 0 || full, "unmapping", f) && good;
    return full ? had_no_room(w, f, fd, at) && good : good;
}

static bool do_sync(struct worker *w, struct load_file *f, int fd)
{
    int r = draw(w, 2) ? fsync(fd) : fdatasync(fd);
    if (draw(w, 20) == 0) {
        sync();
    }
    return expect(w, r == 0, "syncing", f);
}

/* ---- operations on names ---- */

static bool do_rename(struct worker *w, struct load_file *f)
{
    char from[64], to[64];
    path_of(w, f->name, from, sizeof(from));
    struct load_file *other = &w->file[draw(w, FILES)];
    bool over = other != f && other->there && draw(w, 2);
    unsigned name = over ? other->name : ++w->names;
    if (rename(from, path_of(w, name, to, sizeof(to))) != 0) {
        return expect(w, errno == ENOSPC, "renaming", f);
    }
    other->there = other->there && !over;
    f->name = name;
    return true;
}

static bool do_remove(struct worker *w, struct load_file *f, bool open)
{
    char path[64];
    int fd = open ? open_file(w, f, O_RDWR) : -1;
    bool good = expect(w, unlink(path_of(w, f->name, path, sizeof(path))) == 0, "removing", f);
    f->there = false;
    if (open) {
        good = expect(w, fd >= 0, "opening", f) && do_read(w, f, fd) && do_write(w, f, fd) &&
               do_read(w, f, fd) && expect(w, close(fd) == 0, "closing", f) && good;
    }
    return good;
}

static bool do_link(struct worker *w, struct load_file *f)
{
    char from[64], to[64];
    struct stat st;
    path_of(w, f->name, from, sizeof(from));
    unsigned name = ++w->names;
    if (link(from, path_of(w, name, to, sizeof(to))) != 0) {
        return expect(w, errno == ENOSPC, "linking", f);
    }
    bool good = expect(w, stat(to, &st) == 0 && st.st_nlink == 2, "a link's count", f) &&
                expect(w, unlink(from) == 0, "removing a link", f);
    f->name = name;
    return good;
}

/* The folder has our names, and no others. */
static bool do_list(struct worker *w)
{
    char path[64];
    snprintf(path, sizeof(path), "/data/load/%u", w->id);
    unsigned there = 0, seen = 0;
    for (unsigned i = 0; i < FILES; i++) {
        there += w->file[i].there;
    }
    DIR *d = opendir(path);
    for (struct dirent *e; d != NULL && (e = readdir(d)) != NULL;) {
        for (unsigned i = 0; i < FILES; i++) {
            seen += w->file[i].there && e->d_name[0] != '.' && strtoul(e->d_name, NULL, 10) == w->file[i].name;
        }
    }
    closedir(d);
    return expect(w, seen == there, "the names", NULL);
}

/* All that is free, for a moment. */
static bool do_fill(struct worker *w)
{
    char path[64];
    int fd = open(path_of(w, 0, path, sizeof(path)), O_CREAT | O_WRONLY, 0644);
    if (fd < 0) {
        return expect(w, errno == ENOSPC, "creating the filler", NULL);
    }
    memset(w->buf, 'f', (size_t)PIECE * PIECES);
    ssize_t got;
    do {
        got = write(fd, w->buf, (size_t)PIECE * PIECES);
    } while (got == (ssize_t)PIECE * PIECES);
    bool good = expect(w, got >= 0 || errno == ENOSPC, "filling", NULL);
    w->full++;
    good = expect(w, close(fd) == 0, "closing the filler", NULL) && good;
    return expect(w, unlink(path) == 0, "removing the filler", NULL) && good;
}

static bool do_file(struct worker *w, struct load_file *f, enum load_op op)
{
    static bool (*const does[LOAD_OPS])(struct worker *, struct load_file *, int) = {
        [LOAD_WRITE] = do_write, [LOAD_APPEND] = do_append, [LOAD_READ] = do_read, [LOAD_CUT] = do_cut,
        [LOAD_GROW] = do_grow, [LOAD_MAP] = do_map, [LOAD_SYNC] = do_sync, [LOAD_PROMISE] = do_promise,
    };
    int fd = open_file(w, f, O_RDWR);
    return expect(w, fd >= 0, "opening", f) && (does[op](w, f, fd) & expect(w, close(fd) == 0, "closing", f));
}

bool load_step(struct worker *w)
{
    struct load_file *f = &w->file[draw(w, FILES)];
    enum load_op op = draw(w, 400) == 0 ? LOAD_FILL : (enum load_op)draw(w, LOAD_FILL);
    if (op == LOAD_FILL) {
        w->done[op]++;
        return do_fill(w);
    }
    if (!f->there) {
        return create(w, f);
    }
    w->done[op]++;
    switch (op) {
    case LOAD_RENAME:
        return do_rename(w, f);
    case LOAD_LINK:
        return do_link(w, f);
    case LOAD_LIST:
        return do_list(w);
    case LOAD_REMOVE:
    case LOAD_OPEN_REMOVE:
        return do_remove(w, f, op == LOAD_OPEN_REMOVE);
    default:
        return do_file(w, f, op);
    }
}

bool load_begin(struct worker *w, unsigned id)
{
    char path[64];
    memset(w, 0, sizeof(*w));
    w->id = id;
    w->rng = 0x9e3779b97f4a7c15u * (id + 1);
    w->buf = malloc((size_t)PIECE * PIECES);
    w->want = malloc((size_t)PIECE * PIECES);
    snprintf(path, sizeof(path), "/data/load/%u", id);
    return expect(w, w->buf != NULL && w->want != NULL && mkdir(path, 0755) == 0, "beginning", NULL);
}

bool load_check(struct worker *w)
{
    bool good = do_list(w);
    for (unsigned i = 0; i < FILES && good; i++) {
        struct load_file *f = &w->file[i];
        int fd = f->there ? open_file(w, f, O_RDONLY) : -1;
        if (f->there) {
            good = expect(w, fd >= 0, "opening", f) && read_pieces(w, f, fd, 0, f->pieces) &&
                   expect(w, close(fd) == 0, "closing", f);
        }
    }
    return good;
}

bool load_end(struct worker *w)
{
    char path[64];
    bool good = true;
    for (unsigned i = 0; i < FILES; i++) {
        good = !w->file[i].there || (do_remove(w, &w->file[i], false) && good);
    }
    snprintf(path, sizeof(path), "/data/load/%u", w->id);
    good = expect(w, rmdir(path) == 0, "removing the folder", NULL) && good;
    free(w->buf);
    free(w->want);
    return good;
}

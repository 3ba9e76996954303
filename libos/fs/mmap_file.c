/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Mappings of files that have no pages of their own to show: a copy is read, and of a shared one
 * what differs from what was read is written back, page by page from the first byte that differs to
 * the last: what others changed elsewhere meanwhile stays.
 */
#include <errno.h>
#include <string.h>

#include <pith/file.h>
#include <pith/page.h>

#include "mmap.h"

int mapping_read(struct mapping *m, size_t first, size_t n)
{
    char *to = m->start + first * PAGE_SIZE;
    size_t len = n * PAGE_SIZE, done = 0;
    off_t pos = m->pos + (off_t)(first * PAGE_SIZE);
    while (done < len) {
        ssize_t r = m->file->ops->pread(m->file, to + done, len - done, pos + (off_t)done);
        if (r < 0) {
            return (int)r;
        }
        if (r == 0) {
            break;
        }
        done += (size_t)r;
    }
    memset(to + done, 0, len - done);
    return 0;
}

static int write_all(struct mapping *m, size_t at, size_t len)
{
    while (len != 0) {
        ssize_t r = m->file->ops->pwrite(m->file, m->start + at, len, m->pos + (off_t)at);
        if (r <= 0) {
            return r < 0 ? (int)r : -EIO;
        }
        memcpy(m->before + at, m->start + at, (size_t)r);
        at += (size_t)r;
        len -= (size_t)r;
    }
    return 0;
}

int mapping_write(struct mapping *m, size_t first, size_t n)
{
    off_t size = m->file->ops->size != NULL ? m->file->ops->size(m->file) : 0;
    off_t have = size - m->pos; /* POSIX, mmap(): nothing behind the end is written */
    size_t at = first * PAGE_SIZE, end = (first + n) * PAGE_SIZE;
    if (size < 0) {
        return (int)size;
    }
    end = have <= 0 ? 0 : (size_t)have < end ? (size_t)have : end;
    while (at < end) {
        size_t next = at + PAGE_SIZE < end ? at + PAGE_SIZE : end, last = next;
        if (memcmp(m->start + at, m->before + at, next - at) != 0) {
            while (m->start[at] == m->before[at]) {
                at++;
            }
            while (m->start[last - 1] == m->before[last - 1]) {
                last--;
            }
            int r = write_all(m, at, last - at);
            if (r != 0) {
                return r;
            }
        }
        at = next;
    }
    return 0;
}

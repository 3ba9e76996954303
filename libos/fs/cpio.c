/* SPDX-License-Identifier: BSD-2-Clause */
/* Reading cpio archives: pure code over memory that may hold anything. */
#include "cpio.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>

#define HEADER   110u /* "070701" and 13 numbers of 8 hexadecimal digits */
#define MAGIC    6u
#define TRAILER  "TRAILER!!!"

/* The numbers of a header, in their order. */
enum field {
    INO, MODE, UID, GID, NLINK, MTIME, SIZE, DEV_MAJOR, DEV_MINOR, RDEV_MAJOR, RDEV_MINOR, NAME_SIZE,
    SUM, FIELDS
};

static size_t align4(size_t n)
{
    return (n + 3) & ~(size_t)3;
}

static int bad(struct cpio_reader *r, const char *why)
{
    r->error = why;
    return -EINVAL;
}

static int digit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool parse_header(const char *p, uint32_t out[FIELDS])
{
    p += MAGIC;
    for (unsigned i = 0; i < FIELDS; i++) {
        out[i] = 0;
        for (unsigned j = 0; j < 8; j++) {
            int d = digit(*p++);
            if (d < 0) {
                return false;
            }
            out[i] = out[i] << 4 | (uint32_t)d;
        }
    }
    return true;
}

/* Of the "070702" variant: the sum of all bytes of the contents. */
static bool sum_is(const char *data, size_t len, uint32_t want)
{
    uint32_t sum = 0;
    for (size_t i = 0; i < len; i++) {
        sum += (unsigned char)data[i];
    }
    return sum == want;
}

/* Zeros may stand before an archive and behind the last. */
static void skip_zeros(struct cpio_reader *r)
{
    while (r->at < r->len && r->data[r->at] == '\0') {
        r->at++;
    }
}

static int read_entry(struct cpio_reader *r, struct cpio_entry *e, bool with_sum)
{
    uint32_t field[FIELDS];
    size_t left = r->len - r->at;
    const char *p = r->data + r->at;
    if (left < HEADER) {
        return bad(r, "a header is cut off");
    }
    if (!parse_header(p, field)) {
        return bad(r, "a header has a digit that is none");
    }
    if (field[NAME_SIZE] < 2 || field[NAME_SIZE] > PATH_MAX) {
        return bad(r, "a name is empty or too long");
    }
    size_t data_at = align4(HEADER + (size_t)field[NAME_SIZE]);
    if (left < HEADER + (size_t)field[NAME_SIZE]) {
        return bad(r, "a name is cut off");
    }
    if (strnlen(p + HEADER, field[NAME_SIZE]) != field[NAME_SIZE] - 1) {
        return bad(r, "a name does not end where it should");
    }
    if (field[SIZE] != 0 && (left < data_at || left - data_at < field[SIZE])) {
        return bad(r, "contents are cut off");
    }
    *e = (struct cpio_entry){ .at = r->at, .ino = field[INO], .mode = field[MODE],
                              .uid = field[UID], .gid = field[GID], .nlink = field[NLINK],
                              .mtime = field[MTIME], .name = p + HEADER, .size = field[SIZE] };
    e->dev = (uint64_t)field[DEV_MAJOR] << 32 | field[DEV_MINOR];
    e->data = field[SIZE] != 0 ? p + data_at : p;
    if (with_sum && !sum_is(e->data, e->size, field[SUM])) {
        return bad(r, "contents do not add up to their sum");
    }
    size_t next = align4(data_at + field[SIZE]);
    r->at = next < left ? r->at + next : r->len;
    return 1;
}

int cpio_next(struct cpio_reader *r, struct cpio_entry *e)
{
    for (;;) {
        if (!r->inside) {
            skip_zeros(r);
            if (r->at == r->len) {
                return 0;
            }
        }
        const char *p = r->data + r->at;
        if (r->at == r->len) {
            return bad(r, "it ends without its last entry");
        }
        if (r->len - r->at < MAGIC || memcmp(p, "07070", 5) != 0 || (p[5] != '1' && p[5] != '2')) {
            return bad(r, "no header where one should be");
        }
        int n = read_entry(r, e, p[5] == '2');
        if (n < 0) {
            return n;
        }
        r->inside = strcmp(e->name, TRAILER) != 0;
        if (r->inside) {
            return 1;
        }
        r->archive++;
    }
}

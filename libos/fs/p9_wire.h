/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Messages of 9P2000.L: writing and reading them, field by field, with every length checked.
 *
 * The protocol: http://man.cat-v.org/plan_9/5/intro for the frame, diod's protocol.md ("9P2000.L
 * Protocol") and Linux include/net/9p/9p.h for the .L messages and their numbers. All numbers are
 * little-endian; a string is len[2] and its bytes.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Types of messages; the reply to T is T + 1. */
#define P9_RLERROR    7u
#define P9_TSTATFS    8u
#define P9_TLOPEN     12u
#define P9_TLCREATE   14u
#define P9_TSYMLINK   16u
#define P9_TREADLINK  22u
#define P9_TGETATTR   24u
#define P9_TSETATTR   26u
#define P9_TREADDIR   40u
#define P9_TFSYNC     50u
#define P9_TLINK      70u
#define P9_TMKDIR     72u
#define P9_TRENAMEAT  74u
#define P9_TUNLINKAT  76u
#define P9_TVERSION   100u
#define P9_TATTACH    104u
#define P9_TWALK      110u
#define P9_TREAD      116u
#define P9_TWRITE     118u
#define P9_TCLUNK     120u

#define P9_HEADER 7u          /* size[4] type[1] tag[2] */
#define P9_DATA_HEADER 11u    /* the same and count[4]; an Rlerror is as long */
#define P9_WRITE_HEADER 23u   /* of a Twrite: the same, fid[4] offset[8] */
#define P9_NOTAG  0xffffu
#define P9_NOFID  0xffffffffu

/* The type byte of a qid. */
#define P9_QTDIR     0x80u
#define P9_QTSYMLINK 0x02u

/* Flags of Tlopen and Tlcreate: Linux's, whatever the machine (include/net/9p/9p.h, P9_DOTL_). */
#define P9_RDONLY    00u
#define P9_WRONLY    01u
#define P9_RDWR      02u
#define P9_EXCL      0200u
#define P9_DIRECTORY 0200000u
#define P9_SYNC      04010000u

#define P9_AT_REMOVEDIR 0x200u

/* What Tsetattr sets. */
#define P9_SET_MODE      1u
#define P9_SET_UID       2u
#define P9_SET_GID       4u
#define P9_SET_SIZE      8u
#define P9_SET_ATIME     0x10u
#define P9_SET_MTIME     0x20u
#define P9_SET_ATIME_TO  0x80u
#define P9_SET_MTIME_TO  0x100u

#define P9_GETATTR_BASIC 0x7ffull /* everything that stat() shows */

struct p9_qid {
    uint8_t type;
    uint64_t path; /* one file of the share, as long as it exists */
};

/* A message that is being written. */
struct p9_out {
    uint8_t *buf;
    size_t cap, len;
    bool full; /* something did not fit */
};

void p9_put8(struct p9_out *o, uint8_t value);
void p9_put16(struct p9_out *o, uint16_t value);
void p9_put32(struct p9_out *o, uint32_t value);
void p9_put64(struct p9_out *o, uint64_t value);
void p9_put_text(struct p9_out *o, const char *text, size_t len);

/* A reply that is being read. `bad`: it is shorter than it should be; all further reads give 0. */
struct p9_in {
    const uint8_t *at;
    size_t left;
    bool bad;
};

uint8_t p9_get8(struct p9_in *in);
uint16_t p9_get16(struct p9_in *in);
uint32_t p9_get32(struct p9_in *in);
uint64_t p9_get64(struct p9_in *in);
struct p9_qid p9_get_qid(struct p9_in *in);

/* A string, which stays where it is in the reply. */
const char *p9_get_text(struct p9_in *in, size_t *len);

/* -errno for the number of an Rlerror, which is Linux's (asm-generic/errno.h); -EIO: unknown. */
int p9_errno(uint32_t ecode);

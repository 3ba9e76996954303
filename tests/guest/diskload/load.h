/* SPDX-License-Identifier: BSD-2-Clause */
/* Files whose contents are known, and what can be done with them. One thread per `struct worker`. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PIECE  1000u /* bytes that have one version: blocks and pages are cut by them */
#define PIECES 256u  /* of a file, at most */
#define FILES  24u   /* of a worker */

enum load_op { LOAD_WRITE, LOAD_APPEND, LOAD_READ, LOAD_CUT, LOAD_GROW, LOAD_RENAME, LOAD_REMOVE, LOAD_OPEN_REMOVE, LOAD_MAP,
               LOAD_SYNC, LOAD_LIST, LOAD_LINK, LOAD_PROMISE, LOAD_FILL, LOAD_OPS };

struct load_file {
    bool there;
    unsigned name;             /* number in its name: another after each rename */
    unsigned pieces;           /* its size in PIECE */
    uint32_t version[PIECES];  /* of each piece; 0: zeroes */
};

struct worker {
    unsigned id;
    uint64_t rng;
    uint32_t versions;         /* the last that was used */
    unsigned names;
    struct load_file file[FILES];
    uint8_t *buf, *want;       /* PIECE * PIECES bytes each */
    unsigned long done[LOAD_OPS], full; /* how often; how often there was no room */
    char why[160];             /* the first thing that was wrong */
};

/* Make its folder and buffers. */
bool load_begin(struct worker *w, unsigned id);

/* One random operation, checked; false: something was wrong, w->why tells. `only` < LOAD_OPS: that one. */
bool load_step(struct worker *w);

/* Look at the contents of all files. */
bool load_check(struct worker *w);

/* Remove all, with the folder. */
bool load_end(struct worker *w);

/* SPDX-License-Identifier: BSD-2-Clause */
/* The parts of the test of files; check.h lies in main.c, these are its ways in. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* main.c: what CHECK and CHECK_EQ of check.h do. */
bool part_true(const char *file, int line, const char *text, bool holds);
bool part_equal(const char *file, int line, const char *text, long long a, long long b);

#define CHECK(x) part_true(__FILE_NAME__, __LINE__, #x, (x))
#define CHECK_EQ(a, b) part_equal(__FILE_NAME__, __LINE__, #a " == " #b, (long long)(a), (long long)(b))

/* The call fails with that error. */
#define FAILS(error, call) \
    (errno = 0, CHECK_EQ((call), -1) && CHECK_EQ(errno, error))

/* main.c: a file with these contents; its size, or -1. */
void put_file(const char *path, const char *text);
off_t size_of(const char *path);
bool holds(const char *path, const char *text);

/* A small generator (xorshift64): failures repeat. */
static inline uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

void names_open(void);
void names_make(void);
void names_remove(void);
void names_rename(void);
void names_links(void);
void names_at(void);
void paths_resolve(void);
void paths_loops(void);
void paths_deep(void);
void paths_cwd(void);
void attr_stat(void);
void attr_times(void);
void attr_modes(void);
void dirs_read(void);
void dirs_change(void);
void dirs_many(void);
void dirs_reuse(void);
void dirs_walk(void);
void data_model(void);
void data_sparse(void);
void data_full(void);
void data_removed(void);
void calls_sendfile(void);
void calls_temporary(void);
void calls_stdio(void);
void calls_devices(void);
void threads_append(void);
void threads_names(void);
void threads_readers(void);

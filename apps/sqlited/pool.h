/* SPDX-License-Identifier: BSD-2-Clause */
/* The threads that make answers, each with a connection to the database of its own. */
#pragma once

#include <stddef.h>

#include "database.h"

struct conn;
struct server;

#define POOL_THREADS_MAX 64u

struct pool_options {
    const char *file;   /* the database */
    enum journal journal;
    unsigned threads;
    unsigned seconds;   /* that a request may work */
    size_t max_answer;  /* bytes of a body */
};

/*
 * Open the database and start the threads. Returns an eventfd that is readable when answers are
 * there to be collected, or -1 with a word on stderr.
 */
int pool_open(const struct pool_options *options);

/* Have the request of a connection answered. Called by the server's thread, as is what follows. */
void pool_submit(struct conn *c);

/* Send the answers that have been made. */
void pool_collect(struct server *s);

/* Interrupt what is under way, and close the database. */
void pool_close(void);

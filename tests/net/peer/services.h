/* SPDX-License-Identifier: BSD-2-Clause */
/* The TCP services of the test peer, as they are on their ports. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum service {
    SERVICE_ECHO = 7,    /* what comes in goes out */
    SERVICE_DISCARD = 9, /* what comes in is gone */
    SERVICE_SOURCE = 19, /* "SEED BYTES\n" is answered by that much of the pattern, then the end */
    SERVICE_SINK = 20,   /* "SEED BYTES\n", that much of the pattern: "ok" or "bad at OFFSET", the end */
};

struct conn;

/* Take over an accepted, non-blocking socket; the caller's epoll instance waits for it from now on.
 * NULL when memory is short: the socket is closed then. */
struct conn *conn_open(int epoll, int fd, enum service service);

/* Do what is possible now. False when the connection has ended and `conn` is gone. */
bool conn_run(struct conn *conn);

/* How many there are, and how many sources have sent all they were asked for. */
extern unsigned conn_count, sources_done;

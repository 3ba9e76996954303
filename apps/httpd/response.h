/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A response on its way: a head, and behind it a piece of memory or a part of a file, sent as the
 * socket takes them.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "text.h"

/* A Location may be three times as long as the path it names. */
#define RESPONSE_HEAD_MAX 4096u

struct response {
    int status;
    bool keep_alive;      /* the connection goes on behind it */
    bool head_only;       /* the answer to HEAD: the length without the body */
    struct text head;
    char head_room[RESPONSE_HEAD_MAX];
    size_t head_sent;
    char *body;           /* on the heap, or NULL */
    size_t body_len, body_sent;
    int fd;               /* a file's, or -1 */
    off_t at, end;        /* the part of it that is still to be sent */
    uint64_t sent;        /* bytes, head included */
};

enum response_progress {
    RESPONSE_DONE,
    RESPONSE_BLOCKED, /* the socket takes no more at the moment */
    RESPONSE_PAUSED,  /* it would, but others want their turn */
    RESPONSE_BROKEN,  /* the connection is gone, or the file has shrunk */
};

void response_init(struct response *r);

/* Begin the head: status line, Date, Server, Connection. r->keep_alive and head_only are set. */
void response_begin(struct response *r, int status);

/* Begin and finish one with a short page that says what the status means; `field`, or NULL, is a
 * header line of its own, with CR LF. */
void response_error(struct response *r, int status, const char *field);

/* End the head, for a body that has been attached with its type: memory or a part of a file. */
void response_finish_memory(struct response *r, const char *type, struct text *body);
void response_finish_file(struct response *r, int fd, off_t at, off_t end);

/* Send what the socket takes; *moved says whether that was anything. */
enum response_progress response_send(struct response *r, int sock, bool *moved);

/* Let go of the body. */
void response_free(struct response *r);

/* What a status is called: "Not Found". */
const char *response_reason(int status);

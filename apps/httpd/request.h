/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The head of an HTTP/1.1 request: where it ends, and what it says. Pure functions over bytes that
 * a stranger sent; they neither allocate nor change them.
 *
 * Source: RFC 9112 (HTTP/1.1), RFC 9110 (HTTP semantics).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "slice.h"

#define REQUEST_LINE_MAX   4096u /* bytes of the first line; a longer one is answered with 414 */
#define REQUEST_FIELDS_MAX 64u   /* header lines; more are answered with 431 */

enum method {
    METHOD_GET,
    METHOD_HEAD,
    METHOD_OPTIONS,
    METHOD_POST,
    METHOD_PUT,
    METHOD_DELETE,
    METHOD_OTHER,   /* another one that exists */
    METHOD_UNKNOWN, /* 501 */
};

/* All slices point into the head. */
struct request {
    enum method method;
    unsigned minor;          /* HTTP/1.minor */
    struct slice line;       /* the first one, for the log */
    struct slice target;
    struct slice host;
    struct slice range, if_range;
    struct slice if_match, if_none_match, if_modified_since, if_unmodified_since;
    bool keep_alive;         /* the client can go on after this request */
    bool expects_continue;   /* it waits before it sends the body */
    uint64_t body;           /* bytes that follow the head */
};

/*
 * Look for the end of a head in buf[0..len), of which the first `seen` bytes were looked at before.
 * Returns its length with the empty line, 0 when more bytes are needed, -1 when it can't become a
 * head any more (a control character, a line end that isn't CR LF).
 */
long request_find_end(const char *buf, size_t len, size_t seen);

/*
 * Understand a whole head. Returns 0, or the status to refuse it with (400, 411, 414, 417, 431,
 * 505); *r is then valid as far as it was read, `line` always.
 */
int request_parse(const char *head, size_t len, struct request *r);

/* SPDX-License-Identifier: BSD-2-Clause */
/* From the target of a request to the name of a file, and back. Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "slice.h"

#define TARGET_PATH_MAX 1024u /* bytes of a decoded path, with its zero */

struct target {
    char path[TARGET_PATH_MAX]; /* below the root, without a slash at either end; "." is the root */
    bool directory;             /* it ended with a slash */
    struct slice query;         /* behind the '?', as it came */
};

/*
 * Take the target apart (RFC 9112, 3.2: "/path?query" or "http://host/path?query"), decode it, and
 * bring the path into its plain form. Returns 0, 400 (malformed, "..", a zero or another control
 * character), 404 (a name that begins with a dot and isn't .well-known), or 414.
 */
int target_parse(struct slice raw, struct target *t);

/*
 * Write the path percent-encoded, with a slash in front and, for a directory, behind; cut at cap,
 * with a zero. Returns the whole length.
 */
size_t target_encode(const char *path, bool directory, char *out, size_t cap);

/* Text between tags or in an attribute: & < > " ' become references. As target_encode(). */
size_t text_escape(const char *text, char *out, size_t cap);

/* SPDX-License-Identifier: BSD-2-Clause */
/* sendfile() as Linux has it: from a file to anything that can be written. */
#pragma once

#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Up to len bytes of `in`, a file with a position, from *offset on (moved by what was sent) or, with
 * NULL, from its position on. Returns how many were written, which may be fewer.
 */
ssize_t sendfile(int out, int in, off_t *offset, size_t len);

#ifdef __cplusplus
}
#endif

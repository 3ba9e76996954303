/* SPDX-License-Identifier: BSD-2-Clause */
/* What bytes from the console mean: end of file, escapes, line ends. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct console_decoder {
    bool framed;   /* `stdin=framed`: DLE 0x04 is the end, DLE DLE one DLE; else a terminal */
    bool escaped;  /* the last byte was a DLE that waits for its second half */
    bool eof;      /* sticky */
    unsigned bad;  /* escapes that mean nothing */
};

/*
 * Decode n raw bytes in place; returns how many came out. Bytes after the end are dropped.
 *
 * A terminal's carriage return becomes a newline, and its Ctrl-D ends the input when it is the
 * first byte of a read (elsewhere it is dropped: what stands before it is delivered at once anyway).
 */
size_t console_decode(struct console_decoder *d, char *bytes, size_t n);

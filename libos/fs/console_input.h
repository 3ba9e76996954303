/* SPDX-License-Identifier: BSD-2-Clause */
/* What bytes from the console mean: end of file, escapes, line ends. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct console_decoder {
    bool framed;   /* `stdin=framed`, with the escapes below; else a terminal */
    unsigned char escape; /* an escape that waits for its next byte: 0, DLE, or DC1 after a DLE */
    bool eof;      /* sticky */
    unsigned bad;  /* escapes that mean nothing */
};

/*
 * Decode n raw bytes in place; returns how many came out. Bytes after the end are dropped.
 *
 * Framed input: DLE EOT is the end, DLE DLE one DLE byte, DLE DC1 c the byte c + 0x80, for lines
 * that carry seven bits (Xen strips the eighth from serial input, xen/drivers/char/serial.c).
 *
 * A terminal's carriage return becomes a newline, and its Ctrl-D ends the input when it is the
 * first byte of a read (elsewhere it is dropped: what stands before it is delivered at once
 * anyway).
 */
size_t console_decode(struct console_decoder *d, char *bytes, size_t n);

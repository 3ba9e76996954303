/* SPDX-License-Identifier: BSD-2-Clause */
/* The decoder of console input: pure, tested on the host by tests/unit/test_console_input.c. */
#include "console_input.h"

#define DLE 0x10 /* data link escape: begins an escape of framed input */
#define DC1 0x11 /* device control 1: the byte after it lost its highest bit */
#define EOT 0x04 /* end of transmission, Ctrl-D */

/* The byte that c completes, or -1 when there is none. */
static int decode_escape(struct console_decoder *d, unsigned char c)
{
    if (d->escape == DC1) {
        d->escape = 0;
        return c | 0x80;
    }
    d->escape = c == DC1 ? DC1 : 0;
    if (c == DLE) {
        return DLE;
    }
    if (c == EOT) {
        d->eof = true;
    } else if (c != DC1) {
        d->bad++;
    }
    return -1;
}

static size_t decode_framed(struct console_decoder *d, char *bytes, size_t n)
{
    size_t out = 0;
    for (size_t i = 0; i < n && !d->eof; i++) {
        int c = (unsigned char)bytes[i];
        if (d->escape != 0) {
            c = decode_escape(d, (unsigned char)c);
        } else if (c == DLE) {
            d->escape = DLE;
            c = -1;
        }
        if (c >= 0) {
            bytes[out++] = (char)c;
        }
    }
    return out;
}

static size_t decode_terminal(struct console_decoder *d, char *bytes, size_t n)
{
    size_t out = 0;
    if (n != 0 && bytes[0] == EOT) {
        d->eof = true;
        return 0;
    }
    for (size_t i = 0; i < n; i++) {
        if (bytes[i] != EOT) {
            bytes[out++] = bytes[i] == '\r' ? '\n' : bytes[i];
        }
    }
    return out;
}

size_t console_decode(struct console_decoder *d, char *bytes, size_t n)
{
    return d->framed ? decode_framed(d, bytes, n) : decode_terminal(d, bytes, n);
}

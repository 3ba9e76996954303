/* SPDX-License-Identifier: BSD-2-Clause */
/* The decoder of console input: pure, tested on the host by tests/unit/test_console_input.c. */
#include "console_input.h"

#define DLE 0x10 /* data link escape: the escape byte of framed input */
#define EOT 0x04 /* end of transmission, Ctrl-D */

static size_t decode_framed(struct console_decoder *d, char *bytes, size_t n)
{
    size_t out = 0;
    for (size_t i = 0; i < n && !d->eof; i++) {
        char c = bytes[i];
        if (!d->escaped) {
            if (c == DLE) {
                d->escaped = true;
            } else {
                bytes[out++] = c;
            }
            continue;
        }
        d->escaped = false;
        if (c == DLE) {
            bytes[out++] = DLE;
        } else if (c == EOT) {
            d->eof = true;
        } else {
            d->bad++;
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

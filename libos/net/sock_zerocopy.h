/* SPDX-License-Identifier: BSD-2-Clause */
/* Memory of the program in pbufs: the owner of each piece is told when the last use ends. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <lwip/opt.h>

#include <lwip/pbuf.h>

#include <pith/zerocopy.h>

/* Begin and end a call that sends b's memory. Context of all here: net_lock. */
void sock_zc_begin(struct zc_buffer *b, void *socket, struct list *of_socket);

/*
 * `taken`: something has been queued, so that done() will be called, maybe at once; `sent`: what
 * has no piece in any queue any more has got where it should.
 */
void sock_zc_end(struct zc_buffer *b, bool taken, bool sent);

/* Whose memory tcp_write() and sock_zc_pbuf() put into pbufs from now on; NULL: nobody's. */
void sock_zc_set_current(struct zc_buffer *b);

/* A pbuf for memory of the current buffer; lwIP or the caller sets payload. NULL: no memory. */
struct pbuf *sock_zc_pbuf(uint16_t len);

/* Does p refer to memory of the current buffer, so that it may be made longer? */
bool sock_zc_pbuf_is_current(const struct pbuf *p);

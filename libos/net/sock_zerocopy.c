/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory of the program in pbufs, and the life of a struct zc_buffer.
 *
 * Each piece is a custom pbuf that counts for its buffer. It is freed when the last queue lets go
 * of it, be that TCP's (acknowledged) or the device's (sent): an ACK alone says nothing of the copy
 * of a retransmission that the device is still to read.
 */
#include "sock_zerocopy.h"

#include <errno.h>

#include <lwip/priv/tcp_priv.h>

#include <pith/heap.h>

#include "sock_tcp.h"

struct piece {
    struct pbuf_custom custom; /* first */
    struct zc_buffer *owner;
};

static struct zc_buffer *current; /* under net_lock */

/* All acknowledged, as far as can be seen now? */
static bool acknowledged(const struct zc_buffer *b)
{
    const struct tcp_sock *t = b->socket;
    return b->acked || (t != NULL && t->s.type == SOCK_STREAM && t->pcb != NULL &&
                        TCP_SEQ_GEQ(t->pcb->lastack, b->end_seq));
}

static void drop(struct zc_buffer *b, bool sent)
{
    if (--b->refs == 0) {
        list_remove(&b->link);
        b->done(b, sent ? 0 : -ECANCELED);
    }
}

/* lwIP's custom_free_function. */
static void free_piece(struct pbuf *p)
{
    struct piece *piece = (struct piece *)p;
    struct zc_buffer *b = piece->owner;
    heap_free(piece);
    drop(b, acknowledged(b));
}

void sock_zc_begin(struct zc_buffer *b, void *socket, struct list *of_socket)
{
    b->socket = socket;
    b->refs = 1;
    b->end_seq = 0;
    b->acked = false;
    list_insert(of_socket, &b->link);
}

void sock_zc_end(struct zc_buffer *b, bool taken, bool sent)
{
    if (!taken) {
        list_remove(&b->link);
        return;
    }
    drop(b, sent);
}

void sock_zc_set_current(struct zc_buffer *b)
{
    current = b;
}

struct pbuf *sock_zc_pbuf(uint16_t len)
{
    struct piece *piece = current != NULL ? heap_alloc(sizeof(*piece)) : NULL;
    if (piece == NULL) {
        return NULL;
    }
    piece->owner = current;
    piece->custom.custom_free_function = free_piece;
    current->refs++;
    return pbuf_alloced_custom(PBUF_RAW, len, PBUF_ROM, &piece->custom, NULL, len);
}

bool sock_zc_pbuf_is_current(const struct pbuf *p)
{
    return (p->flags & PBUF_FLAG_IS_CUSTOM) != 0 &&
           ((const struct pbuf_custom *)p)->custom_free_function == free_piece &&
           ((const struct piece *)p)->owner == current;
}

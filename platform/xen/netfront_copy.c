/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sending what can't go as it lies: as a copy in pages that hold nothing else than frames of ours.
 */
#include "netfront.h"

#include <errno.h>
#include <string.h>

#include <pith/page.h>

#define COPY_PIECES (GSO_FRAME_MAX / PAGE_SIZE + 1)

_Static_assert(COPY_PIECES <= XEN_NETIF_NR_SLOTS_MIN, "a copy of any frame can be sent");

bool netfront_sum_is_plain(const struct netbuf *frame, const char *data, uint32_t len)
{
    struct netfront_place place;

    return netfront_find_sum(data, len, &place) && place.start == frame->csum_start &&
           place.offset == frame->csum_offset && !place.tagged;
}

void netfront_finish_sum(const struct netbuf *frame, const struct netfront_piece *piece, unsigned n)
{
    uint32_t sum = 0, at = 0, place = (uint32_t)frame->csum_start + frame->csum_offset;

    for (unsigned i = 0; i < n; i++) { /* all but the last are whole pages */
        uint32_t skip = frame->csum_start > at ? frame->csum_start - at : 0;
        skip = skip < piece[i].len ? skip : piece[i].len;
        sum = netfront_sum(piece[i].data + skip, piece[i].len - skip,
                           (at + skip - frame->csum_start) & 1, sum);
        at += piece[i].len;
    }
    uint16_t value = (uint16_t)~netfront_fold(sum);
    value = value == 0 ? 0xffff : value; /* RFC 768: zero means none; for TCP both are the same */
    for (uint32_t i = 0; i < 2; i++) {
        const struct netfront_piece *p = &piece[(place + i) / PAGE_SIZE];
        ((char *)(uintptr_t)p->data)[(place + i) % PAGE_SIZE] = (char)(value >> 8 * i);
    }
}

int netfront_copy(struct netfront *net, const struct netbuf *frame, uint32_t len,
                  struct netfront_piece *piece, unsigned *n)
{
    struct netfront_tx *tx = &net->tx;
    unsigned id = tx->free;
    const struct netbuf *nb = frame;
    uint32_t taken = 0; /* of nb */

    *n = (len + PAGE_SIZE - 1) / PAGE_SIZE;
    if (*n > tx->nfree) {
        return -ENOSPC;
    }
    for (unsigned i = 0; i < *n; i++, id = tx->slot[id].next) {
        struct netfront_tx_slot *slot = &tx->slot[id];
        if (slot->bounce == NULL && (slot->bounce = page_alloc(0)) != NULL) {
            memset(slot->bounce, 0, PAGE_SIZE);
        }
        if (slot->bounce == NULL) {
            return -ENOMEM;
        }
        piece[i] = (struct netfront_piece){ slot->bounce, 0 };
        while (nb != NULL && piece[i].len < PAGE_SIZE) {
            uint32_t room = (uint32_t)PAGE_SIZE - piece[i].len, left = nb->len - taken;
            uint32_t part = left < room ? left : room;
            memcpy(slot->bounce + piece[i].len, (const char *)nb->data + taken, part);
            piece[i].len += part;
            taken += part;
            if (taken == nb->len) {
                nb = nb->next;
                taken = 0;
            }
        }
    }
    return 0;
}

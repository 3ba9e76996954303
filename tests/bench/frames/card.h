/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A network card as `pith bench frames` uses it: pith.c by the device API, ../frames-linux/linux.c by
 * a packet socket. Frames have their Ethernet header first. One thread. Failures end the program.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define BATCH     64u
#define FRAME_MAX 1514u
#define SEND_BUFFERS 256u

struct frame {
    uint8_t *data;
    uint32_t len;
    void *card; /* the card's own */
};

/* Take the first card; its address goes to mac[]. */
void card_open(uint8_t mac[6]);

/*
 * Frames that have arrived, up to BATCH; waits for the first. Their bytes are the caller's to change
 * until card_drop() or card_return().
 */
unsigned card_receive(struct frame *frames);

/* Give received frames back. */
void card_drop(struct frame *frames, unsigned n);

/* Send received frames, as they are now; they are the card's again. Waits for room. */
void card_return(struct frame *frames, unsigned n);

/*
 * Send a frame n times, at most BATCH. Without `copy` the buffers that it is sent from hold it
 * already: the calls before have sent it SEND_BUFFERS times at least. Waits for room.
 */
void card_send(const uint8_t *frame, uint32_t len, unsigned n, bool copy);

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The guest's side of `pith bench frames`: raw Ethernet frames in and out, no sockets, no stack. The
 * same source runs on Linux, with another card behind card.h.
 *
 * Frames are of type 0x88b5 (IEEE's first "local experimental" one). The first byte behind the header
 * says what: D is counted, and each ACK_EVERY-th answered by A; E comes back; H is answered by h; S is
 * answered by frames of the size at 8 for as many ms as stand at 16, then by e. A, h and e have at 8
 * how many D and E have arrived, at 16 how many frames of data have been sent. Offsets are behind the
 * header, numbers little endian.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "card.h"

#define HEADER    14u
#define LEAST     60u
#define ACK_EVERY 128u

static uint8_t own[6], peer[6];
static uint64_t received, sent;

static uint64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000u + (uint64_t)t.tv_nsec / 1000000u;
}

static void head(uint8_t *frame, char what)
{
    memcpy(frame, peer, 6);
    memcpy(frame + 6, own, 6);
    frame[12] = 0x88;
    frame[13] = 0xb5;
    frame[HEADER] = (uint8_t)what;
}

static void answer(char what)
{
    uint8_t frame[LEAST] = { 0 };
    head(frame, what);
    memcpy(frame + HEADER + 8, &received, 8);
    memcpy(frame + HEADER + 16, &sent, 8);
    card_send(frame, sizeof(frame), 1, true);
}

static void send_many(const uint8_t *request)
{
    static uint8_t frame[FRAME_MAX];
    uint64_t size, ms, begin = now_ms();
    uint64_t before = sent;
    memcpy(&size, request + HEADER + 8, 8);
    memcpy(&ms, request + HEADER + 16, 8);
    if (size < LEAST || size > FRAME_MAX) {
        return;
    }
    head(frame, 'D');
    while (now_ms() - begin < ms) {
        for (unsigned i = 0; i < 8; i++) {
            card_send(frame, (uint32_t)size, BATCH, sent - before < SEND_BUFFERS);
            sent += BATCH;
        }
    }
    answer('e');
}

/* What a frame asks for; whether it goes back. */
static bool serve(struct frame *f)
{
    uint8_t *data = f->data;
    if (f->len < LEAST || data[12] != 0x88 || data[13] != 0xb5) {
        return false;
    }
    switch (data[HEADER]) {
    case 'D':
        received++;
        if (received % ACK_EVERY == 0) {
            answer('A');
        }
        return false;
    case 'E':
        memcpy(data, data + 6, 6);
        memcpy(data + 6, own, 6);
        received++;
        sent++;
        return true;
    case 'H':
        memcpy(peer, data + 6, 6);
        answer('h');
        return false;
    case 'S':
        send_many(data);
        return false;
    default:
        return false;
    }
}

int main(void)
{
    card_open(own);
    printf("frames: ready\n");
    for (;;) {
        struct frame frames[BATCH], back[BATCH];
        unsigned n = card_receive(frames), nback = 0, ndrop = 0;
        for (unsigned i = 0; i < n; i++) {
            if (serve(&frames[i])) {
                back[nback++] = frames[i];
            } else {
                frames[ndrop++] = frames[i];
            }
        }
        card_drop(frames, ndrop);
        card_return(back, nback);
    }
}

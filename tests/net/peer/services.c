/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The TCP services of the test peer: a small state machine for each connection.
 *
 * The pattern is a block of PERIOD pseudo-random bytes, repeated; the seed says where it begins. PERIOD
 * is prime, so that no lost, doubled or swapped run of whole segments falls onto itself.
 */
#include "services.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define PERIOD  65521u
#define PIECE   16384u
#define STRIDE  4099u /* from one seed's beginning to the next one's */
#define TURNS   8 /* pieces that one connection moves before the others have their turn */

struct conn {
    int epoll, fd;
    enum service service;
    bool waits_to_write;
    bool answered;       /* sink: the verdict is on its way, what still comes does not matter */
    char line[40];       /* source, sink: the request, then the verdict */
    unsigned line_len;
    bool asked;          /* the request is whole */
    uint64_t start;      /* where in the pattern */
    uint64_t at, want;   /* bytes of the pattern done, and in all */
    char *held;          /* echo: what could not be written yet */
    size_t held_len, held_at;
};

enum step { STEP_ON, STEP_BLOCKED, STEP_END };

unsigned conn_count, sources_done;
static char piece[PIECE];

/* The block, twice, so that a piece from any offset lies in one run. */
static const char *pattern_block(void)
{
    static char block[2 * PERIOD];
    static bool made;
    uint32_t x = 1;
    for (unsigned k = 0; !made && k < PERIOD; k++) {
        x = x * 1664525u + 1013904223u;
        block[k] = block[k + PERIOD] = (char)(x >> 24);
    }
    made = true;
    return block;
}

static enum step step_of(ssize_t n)
{
    if (n >= 0) {
        return STEP_ON;
    }
    return errno == EAGAIN || errno == EINTR ? STEP_BLOCKED : STEP_END;
}

static enum step echo(struct conn *c)
{
    if (!c->held) {
        ssize_t n = recv(c->fd, piece, sizeof(piece), 0);
        if (n <= 0) {
            return n == 0 ? STEP_END : step_of(n);
        }
        ssize_t sent = send(c->fd, piece, (size_t)n, MSG_NOSIGNAL);
        if (sent == n || step_of(sent) == STEP_END) {
            return sent == n ? STEP_ON : STEP_END;
        }
        sent = sent < 0 ? 0 : sent;
        c->held_len = (size_t)(n - sent);
        c->held_at = 0;
        c->held = malloc(c->held_len);
        if (!c->held) {
            return STEP_END;
        }
        memcpy(c->held, piece + sent, c->held_len);
    }
    c->waits_to_write = true;
    ssize_t sent = send(c->fd, c->held + c->held_at, c->held_len - c->held_at, MSG_NOSIGNAL);
    if (sent < 0) {
        return step_of(sent);
    }
    c->held_at += (size_t)sent;
    if (c->held_at == c->held_len) {
        free(c->held);
        c->held = NULL;
        c->waits_to_write = false;
    }
    return STEP_ON;
}

static enum step discard(struct conn *c)
{
    ssize_t n = recv(c->fd, piece, sizeof(piece), 0);
    return n == 0 ? STEP_END : step_of(n);
}

/* Read the request byte by byte: what follows it belongs to the pattern. */
static enum step read_request(struct conn *c)
{
    while (c->line_len < sizeof(c->line) - 1) {
        ssize_t n = recv(c->fd, c->line + c->line_len, 1, 0);
        if (n <= 0) {
            return n == 0 ? STEP_END : step_of(n);
        }
        if (c->line[c->line_len++] == '\n') {
            uint32_t seed;
            c->line[c->line_len] = '\0';
            if (sscanf(c->line, "%" SCNu32 " %" SCNu64, &seed, &c->want) != 2) {
                return STEP_END;
            }
            c->start = (uint64_t)seed * STRIDE;
            c->line_len = 0;
            c->asked = true;
            return STEP_ON;
        }
    }
    return STEP_END;
}

static const char *next_bytes(const struct conn *c)
{
    return pattern_block() + (c->start + c->at) % PERIOD;
}

static size_t next_piece(const struct conn *c)
{
    return c->want - c->at < PIECE ? (size_t)(c->want - c->at) : PIECE;
}

static enum step source(struct conn *c)
{
    c->waits_to_write = true;
    if (c->at == c->want) {
        sources_done++;
        return STEP_END;
    }
    ssize_t n = send(c->fd, next_bytes(c), next_piece(c), MSG_NOSIGNAL);
    if (n > 0) {
        c->at += (uint64_t)n;
    }
    return step_of(n);
}

static void verdict(struct conn *c, ssize_t n)
{
    const char *want = next_bytes(c);
    if (n > 0 && memcmp(piece, want, (size_t)n) != 0) {
        size_t i = 0;
        while (piece[i] == want[i]) {
            i++;
        }
        c->line_len = (unsigned)snprintf(c->line, sizeof(c->line), "bad at %" PRIu64 "\n", c->at + i);
    } else {
        c->at += (uint64_t)n;
        if (n == 0 && c->at < c->want) {
            c->line_len = (unsigned)snprintf(c->line, sizeof(c->line), "short %" PRIu64 "\n", c->at);
        } else if (c->at == c->want) {
            c->line_len = (unsigned)snprintf(c->line, sizeof(c->line), "ok\n");
        } else {
            return;
        }
    }
    c->answered = true;
    c->waits_to_write = true;
}

static enum step sink(struct conn *c)
{
    if (c->answered || c->at == c->want) {
        if (!c->answered) {
            verdict(c, 0); /* of no bytes at all */
        }
        ssize_t sent = send(c->fd, c->line, c->line_len, MSG_NOSIGNAL);
        return sent < 0 ? step_of(sent) : STEP_END;
    }
    ssize_t n = recv(c->fd, piece, next_piece(c), 0);
    if (n < 0) {
        return step_of(n);
    }
    verdict(c, n);
    return STEP_ON;
}

static enum step conn_step(struct conn *c)
{
    switch (c->service) {
    case SERVICE_ECHO:
        return echo(c);
    case SERVICE_DISCARD:
        return discard(c);
    case SERVICE_SOURCE:
        return c->asked ? source(c) : read_request(c);
    case SERVICE_SINK:
        return c->asked ? sink(c) : read_request(c);
    }
    return STEP_END;
}

static void conn_close(struct conn *c)
{
    close(c->fd);
    free(c->held);
    free(c);
    conn_count--;
}

struct conn *conn_open(int epoll, int fd, enum service service)
{
    struct conn *c = calloc(1, sizeof(*c));
    if (!c) {
        close(fd);
        return NULL;
    }
    *c = (struct conn){.epoll = epoll, .fd = fd, .service = service};
    conn_count++;
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) < 0) {
        conn_close(c);
        return NULL;
    }
    return c;
}

bool conn_run(struct conn *c)
{
    bool waited_to_write = c->waits_to_write;
    for (int turn = 0; turn < TURNS; turn++) {
        enum step step = conn_step(c);
        if (step == STEP_END) {
            conn_close(c);
            return false;
        }
        if (step == STEP_BLOCKED) {
            break;
        }
    }
    if (c->waits_to_write != waited_to_write) {
        struct epoll_event event = {.events = c->waits_to_write ? EPOLLOUT : EPOLLIN, .data.ptr = c};
        epoll_ctl(c->epoll, EPOLL_CTL_MOD, c->fd, &event);
    }
    return true;
}

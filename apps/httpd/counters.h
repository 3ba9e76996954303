/* SPDX-License-Identifier: BSD-2-Clause */
/* What the server counts, and the page that shows it. */
#pragma once

#include <stdint.h>

#include "text.h"

#define LATENCY_BUCKETS 8

enum connection_end {
    END_PEER,     /* the client closed */
    END_SERVED,   /* we did, behind the last response */
    END_IDLE,     /* nothing was asked for too long */
    END_EVICTED,  /* idle, and another one needed the place */
    END_SLOW,     /* a request took too long to arrive */
    END_STALLED,  /* the client did not take its response */
    END_BROKEN,   /* an error of the socket or of a file */
    END_STOP,     /* the server ends */
    END_KINDS,
};

struct counters {
    uint64_t started_ns;
    uint64_t accepted;
    uint64_t ended[END_KINDS];
    uint64_t requests;            /* responses begun */
    uint64_t by_status[600];
    uint64_t bytes_sent;
    uint64_t bytes_received;
    uint64_t no_memory;           /* connections closed for want of it */
    uint64_t starved;             /* times that a request waited for its turn */
    uint64_t latency[LATENCY_BUCKETS + 1];
    uint64_t latency_sum_ns;
};

/* Count one response: how long it took from the end of its request's head. */
void counters_latency(struct counters *c, uint64_t ns);

struct server;

/* The page in Prometheus' text format (0.0.4). */
void metrics_page(const struct server *s, struct text *page);

/* What the machine counts, beside the server: memory, devices, network. */
void metrics_machine(struct text *page);

/* SPDX-License-Identifier: BSD-2-Clause */
/* The server's counters as a page in Prometheus' text format, version 0.0.4. */
#include <inttypes.h>

#include "server.h"

/* Upper bounds of the histogram, as numbers and as the page shows them. */
static const uint64_t bounds_ns[LATENCY_BUCKETS] = {
    100000, 500000, 1000000, 5000000, 20000000, 100000000, 500000000, 2000000000,
};
static const char *const bounds_text[LATENCY_BUCKETS] = {
    "0.0001", "0.0005", "0.001", "0.005", "0.02", "0.1", "0.5", "2",
};

static const char *const ends[END_KINDS] = {
    [END_PEER] = "peer",       [END_SERVED] = "served",   [END_IDLE] = "idle",
    [END_EVICTED] = "evicted", [END_SLOW] = "slow",       [END_STALLED] = "stalled",
    [END_BROKEN] = "broken",   [END_STOP] = "stop",
};

void counters_latency(struct counters *c, uint64_t ns)
{
    unsigned i = 0;
    while (i < LATENCY_BUCKETS && ns > bounds_ns[i]) {
        i++;
    }
    c->latency[i]++;
    c->latency_sum_ns += ns;
}

static void describe(struct text *page, const char *name, const char *type, const char *help)
{
    text_printf(page, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void one(struct text *page, const char *name, const char *type, const char *help,
                uint64_t value)
{
    describe(page, name, type, help);
    text_printf(page, "%s %" PRIu64 "\n", name, value);
}

/* Seconds with nine digits, without the library's floating point. */
static void seconds(struct text *page, const char *name, uint64_t ns)
{
    text_printf(page, "%s %" PRIu64 ".%09u\n", name, ns / 1000000000, (unsigned)(ns % 1000000000));
}

static void add_latency(struct text *page, const struct counters *c)
{
    uint64_t below = 0;
    describe(page, "httpd_response_seconds", "histogram",
             "Time from a whole request head to the last byte handed to the socket.");
    for (unsigned i = 0; i < LATENCY_BUCKETS; i++) {
        below += c->latency[i];
        text_printf(page, "httpd_response_seconds_bucket{le=\"%s\"} %" PRIu64 "\n", bounds_text[i],
                    below);
    }
    below += c->latency[LATENCY_BUCKETS];
    text_printf(page, "httpd_response_seconds_bucket{le=\"+Inf\"} %" PRIu64 "\n", below);
    seconds(page, "httpd_response_seconds_sum", c->latency_sum_ns);
    text_printf(page, "httpd_response_seconds_count %" PRIu64 "\n", below);
}

void metrics_page(const struct server *s, struct text *page)
{
    const struct counters *c = &s->count;
    describe(page, "httpd_uptime_seconds", "gauge", "Time since the server started.");
    seconds(page, "httpd_uptime_seconds", s->now_ns - c->started_ns);
    one(page, "httpd_connections", "gauge", "Connections that are open.", s->nconns);
    one(page, "httpd_requests_active", "gauge", "Requests that are under way.", s->nexchanges);
    one(page, "httpd_connections_total", "counter", "Connections accepted.", c->accepted);
    describe(page, "httpd_connections_ended_total", "counter", "Connections that ended, by cause.");
    for (unsigned i = 0; i < END_KINDS; i++) {
        text_printf(page, "httpd_connections_ended_total{cause=\"%s\"} %" PRIu64 "\n", ends[i],
                    c->ended[i]);
    }
    describe(page, "httpd_responses_total", "counter", "Responses begun, by status.");
    for (unsigned i = 0; i < sizeof(c->by_status) / sizeof(c->by_status[0]); i++) {
        if (c->by_status[i] > 0) {
            text_printf(page, "httpd_responses_total{code=\"%u\"} %" PRIu64 "\n", i,
                        c->by_status[i]);
        }
    }
    one(page, "httpd_sent_bytes_total", "counter", "Bytes of responses sent.", c->bytes_sent);
    one(page, "httpd_received_bytes_total", "counter", "Bytes of requests received.",
        c->bytes_received);
    one(page, "httpd_requests_delayed_total", "counter",
        "Requests that waited because too many were under way.", c->starved);
    one(page, "httpd_no_memory_total", "counter", "Connections closed for want of memory.",
        c->no_memory);
    add_latency(page, c);
    metrics_machine(page);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* What the parts of the benchmark client share. Times in ns; a failure ends the program with words. */
#pragma once

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>

#define SECOND_NS 1000000000ull

/* Monotonic time. */
uint64_t now_ns(void);

/* End with "client: what: errno's words". */
void fail(const char *what) __attribute__((noreturn));

/* A connected socket without Nagle's delay; `type` is SOCK_STREAM or SOCK_DGRAM. */
int dial(const char *address, uint16_t port, int type);

/* Keep one duration; print() sorts them and says "p50 US p90 US p99 US p99.9 US max US". */
void sample_add(uint64_t ns);
void sample_print(void);

/* The modes; each prints "name value" pairs on stdout. http_run() with a rate of 0: `seconds` is how many requests. */
void bulk_run(const char *address, char way, double seconds, uint64_t amount); /* bytes instead of seconds, or 0 */
void udp_run(const char *address, size_t size, unsigned window, double seconds);
void frames_run(const char *interface, const char *way, size_t size, double seconds);
void http_run(const char *address, uint16_t port, unsigned connections, double rate, double seconds);

/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of this test share; the checks themselves are named in main.c. */
#pragma once

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define SA(a) ((struct sockaddr *)&(a))

/* help.c: failures count for the check that runs. */
void fail_at(const char *file, int line, const char *what, long long got);
#define NEED(x) ((x) ? (void)0 : fail_at(__FILE_NAME__, __LINE__, #x, errno))
#define SAME(a, b) same_at(__FILE_NAME__, __LINE__, #a " == " #b, (long long)(a), (long long)(b))
void same_at(const char *file, int line, const char *what, long long a, long long b);

struct sockaddr_in v4(uint16_t port);  /* 127.0.0.1 */
struct sockaddr_in6 v6(uint16_t port); /* ::1 */
uint16_t port_of(int fd);
int listener(int backlog, uint16_t *port);
void tcp_pair(int p[2]);
int udp_bound(uint16_t *port);
void set_int(int fd, int level, int name, int value);
void set_time(int fd, int name, int ms);
long now_ms(void);

/* What byte `at` of stream `seed` is; send_stream and check_stream agree on it. */
void send_stream(int fd, uint32_t seed, size_t len);
void check_stream(int fd, uint32_t seed, size_t len);

/* A thread with a stack for a machine of 6 MiB; the test ends where there is none. */
void start(pthread_t *t, void *(*fn)(void *), void *arg);

/* A small generator, seeded by the test. */
uint32_t next_random(uint32_t *state);

/* Free pages when nothing moves any more: closed connections have timed out. */
size_t settled_free_pages(void);

void bulk_both_ways(void);
void bulk_small_buffers(void);
void bulk_tiny_writes(void);
void bulk_v6(void);
void many_connections(void);
void connections_leave_nothing(void);
void same_port_again(void);
void reuseport_spreads(void);
void backlog_holds_back(void);
void linger_waits(void);
void unread_is_reset(void);
void timeouts(void);
void waitall_and_more(void);
void half_close(void);
void dual_stack(void);
void datagrams(void);
void datagram_limits(void);
void multicast(void);
void control_messages(void);
void many_messages(void);
void stress(void);

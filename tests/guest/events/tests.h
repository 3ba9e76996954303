/* SPDX-License-Identifier: BSD-2-Clause */
/* The parts of this test; each runs its own checks. */
#pragma once

void pipe_checks(void);
void pair_checks(void);
void counter_checks(void);
void poll_checks(void);
void epoll_checks(void);
void epoll_many_checks(void);
void vector_checks(void);
void console_checks(void);
void console_empty_checks(void);

/* Of main.c, which alone includes check.h's state. */
void run_check(const char *name, void (*fn)(void));
int expect_equal(const char *file, int line, const char *text, long long a, long long b);

#define EQ(a, b)   expect_equal(__FILE_NAME__, __LINE__, #a " == " #b, (long long)(a), (long long)(b))
#define OK(x)      expect_equal(__FILE_NAME__, __LINE__, #x, (x) != 0, 1)
/* A call that fails with this errno. */
#define FAILS(call, err) \
    (errno = 0, expect_equal(__FILE_NAME__, __LINE__, #call, (call), -1), \
     expect_equal(__FILE_NAME__, __LINE__, #call " errno", errno, (err)))

/* Events of a descriptor now. */
int events_of(int fd, int wanted);

/* Monotonic time in ns. */
unsigned long now_ns(void);

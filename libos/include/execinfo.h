/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The chain of calls, by frame pointers, and its names, by the image's table (backtrace(3)). A
 * function without a frame of its own is left out of it.
 */
#pragma once

#ifdef __cplusplus
extern "C" {
#endif

/* Up to `size` return addresses, the caller's own first; how many there are. */
int backtrace(void **buffer, int size);

/* A line for each, in one block for free(); NULL: no memory. */
char **backtrace_symbols(void *const *buffer, int size);

/* The same to a descriptor, without memory. */
void backtrace_symbols_fd(void *const *buffer, int size, int fd);

#ifdef __cplusplus
}
#endif

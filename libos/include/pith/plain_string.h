/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * String functions for code that runs in interrupts.
 *
 * The C library's own use vector registers (toolchain/string), which belong to the thread that was
 * interrupted. Rooms whose code may run in interrupts (libos/core, platform/) are compiled with this
 * file in front of each source: the same names mean newlib's versions there, which use general
 * registers alone. `make check` looks at what the objects of those rooms refer to.
 */
#pragma once

#ifndef __ASSEMBLER__

#include <stddef.h>

#define PLAIN(function) __asm__("plain_" #function)

void *memchr(const void *s, int byte, size_t size) PLAIN(memchr);
int memcmp(const void *one, const void *other, size_t size) PLAIN(memcmp);
void *memrchr(const void *s, int byte, size_t size) PLAIN(memrchr);
int strcasecmp(const char *one, const char *other) PLAIN(strcasecmp);
char *strchr(const char *s, int byte) PLAIN(strchr);
int strcmp(const char *one, const char *other) PLAIN(strcmp);
size_t strlen(const char *s) PLAIN(strlen);
int strncasecmp(const char *one, const char *other, size_t most) PLAIN(strncasecmp);
int strncmp(const char *one, const char *other, size_t most) PLAIN(strncmp);
size_t strnlen(const char *s, size_t most) PLAIN(strnlen);
char *strrchr(const char *s, int byte) PLAIN(strrchr);

#undef PLAIN

#endif

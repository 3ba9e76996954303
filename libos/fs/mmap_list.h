/* SPDX-License-Identifier: BSD-2-Clause */
/* All mappings by address. Context of all: the lock of mmap.c held. */
#pragma once

#include "mmap.h"

size_t list_count(void);
struct mapping *list_at(size_t i);

/* The mapping that the address lies in, or NULL. */
struct mapping *list_find(const char *at);

/* The mapping that the address lies in, or else the next one above it, or NULL. */
struct mapping *list_at_or_after(const char *at);

/* Errors: -ENOMEM. */
int list_insert(struct mapping *m);
void list_remove_mapping(const struct mapping *m);

/* Addresses for so many pages beside all memory, image and devices; NULL: there are none. */
char *list_gap(size_t npages);

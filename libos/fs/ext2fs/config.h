/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What libext2fs has to know of its host; in place of the header that its configure script writes.
 * Its sources include it first, and so does libos/fs/ext.h.
 */
#pragma once

#define HAVE_STDLIB_H    1
#define HAVE_STRING_H    1
#define HAVE_UNISTD_H    1
#define HAVE_ERRNO_H     1
#define HAVE_SYS_TYPES_H 1
#define HAVE_SYS_STAT_H  1

/* No messages from inside: results say what happened. */
#define OMIT_COM_ERR 1

/* Memory comes from libos/fs/ext_mem.c, which has some left when the heap has none. */
#define EXT2_CUSTOM_MEMORY_ROUTINES 1

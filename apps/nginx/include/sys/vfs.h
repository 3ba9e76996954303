/* SPDX-License-Identifier: BSD-2-Clause */
/* nginx includes it where it takes the system for Linux; without statfs() it takes statvfs(). */
#include <sys/statvfs.h>

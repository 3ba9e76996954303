/* SPDX-License-Identifier: BSD-2-Clause */
/* The two parts of a device's number, packed as Linux and glibc do (makedev(3)). */
#pragma once

#include <sys/types.h>

#define major(dev) \
    ((unsigned)(((dev_t)(dev) >> 8 & 0xfffu) | ((dev_t)(dev) >> 32 & 0xfffff000u)))
#define minor(dev) \
    ((unsigned)(((dev_t)(dev) & 0xffu) | ((dev_t)(dev) >> 12 & 0xffffff00u)))
#define makedev(major, minor)                                                             \
    (((dev_t)(major) & 0xfffu) << 8 | ((dev_t)(major) & 0xfffff000u) << 32 |              \
     ((dev_t)(minor) & 0xffu) | ((dev_t)(minor) & 0xffffff00u) << 12)

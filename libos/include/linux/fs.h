/* SPDX-License-Identifier: BSD-2-Clause */
/* Where Linux programs look for the rest of the BLK... requests (BLKDISCARD). */
#pragma once

#include <sys/ioctl.h>

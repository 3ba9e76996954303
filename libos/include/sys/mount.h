/* SPDX-License-Identifier: BSD-2-Clause */
/* Where Linux programs look for the BLK... requests; there is no mount(). */
#pragma once

#include <sys/ioctl.h>

/* SPDX-License-Identifier: BSD-2-Clause */
/* The other name of <sys/statfs.h>. */
#pragma once

#include <sys/statfs.h>

/* SPDX-License-Identifier: BSD-2-Clause */
/* Functions that run once, or in a crash: GCC makes them small and puts them out of the way. */
#pragma once

#define COLD __attribute__((cold))

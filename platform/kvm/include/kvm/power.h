/* SPDX-License-Identifier: BSD-2-Clause */
/* Ending the machine. */
#pragma once

#include <pith/platform.h>

/*
 * Try every way that the host may know, one after the other, each for a bounded time. Returns when
 * none worked; a second call (a crash inside of the first) goes on with the next way. Context: any.
 */
void power_stop(enum platform_stop how, int status);

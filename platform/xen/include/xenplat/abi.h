/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Xen's public headers, of one interface version. Without it they describe hypercalls of the year
 * 2005 (sched_op and event_channel_op have other numbers there), so this comes before any other
 * <xen/...> header.
 */
#pragma once

#define __XEN_INTERFACE_VERSION__ 0x00040e00 /* Xen 4.14: the newest that 4.17's headers know */

#include <stdint.h>

#include <xen/xen.h>

/* SPDX-License-Identifier: BSD-2-Clause */
/* The types of <sys/ucontext.h>; the calls that POSIX has withdrawn are absent. */
#pragma once

#include <sys/ucontext.h>

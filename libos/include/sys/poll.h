/* SPDX-License-Identifier: BSD-2-Clause */
/* The name that System V has for <poll.h>. */
#pragma once

#include <poll.h>

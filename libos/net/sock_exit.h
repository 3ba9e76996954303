/* SPDX-License-Identifier: BSD-2-Clause */
/* The program's end: connections are closed, and what was sent leaves the machine. */
#pragma once

/* The exit hook (pith/exit.h). Context: thread, net_lock not held. */
void sock_exit(void);

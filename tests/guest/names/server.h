/* SPDX-License-Identifier: BSD-2-Clause */
/* A name server in a thread of the test itself, at 127.0.0.1: what it answers depends on the name. */
#pragma once

/* Start it; UDP and TCP are bound when this returns. 0 or -1. */
int server_start(void);

/* Questions that came by UDP, by TCP. */
extern unsigned server_udp, server_tcp; /* atomic */

/* What the questions had in common, so that a stranger could guess it: both have to stay small. */
extern unsigned server_same_port, server_same_id; /* of two that followed each other */

/* SPDX-License-Identifier: BSD-2-Clause */
/* The web server of the guest that is moved. */
#ifndef XENBLK_SERVE_H
#define XENBLK_SERVE_H

/* Answer each request at this TCP port from now on, in threads of its own; 0, or 1 after it said why not. */
int serve_start(unsigned port);

#endif

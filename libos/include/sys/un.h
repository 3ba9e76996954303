/* SPDX-License-Identifier: BSD-2-Clause */
/* Addresses of AF_UNIX. Of such sockets there are only pairs: socketpair(), in <sys/socket.h>. */
#pragma once

#include <string.h>
#include <sys/socket.h>

struct sockaddr_un {
    sa_family_t sun_family;
    char sun_path[108];
};

#define SUN_LEN(a) (offsetof(struct sockaddr_un, sun_path) + strlen((a)->sun_path))

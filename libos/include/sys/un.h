/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Addresses of AF_UNIX: unix(7). A program that includes this has sockets of that family; for others
 * socket(AF_UNIX) is EAFNOSUPPORT, so that the Internet's don't bring their code along.
 */
#pragma once

#include <string.h>
#include <sys/socket.h>

struct sockaddr_un {
    sa_family_t sun_family;
    char sun_path[108]; /* a path, or NUL and any bytes: a name beside the file system */
};

#define SUN_LEN(a) (offsetof(struct sockaddr_un, sun_path) + strlen((a)->sun_path))

/* The reference that pulls libos/fs/unix.c; it takes no place in the image. */
__asm__(".pushsection .pith.wanted, \"e\", @progbits\n\t"
        ".reloc 0, R_X86_64_NONE, unix_family\n\t"
        ".byte 0\n\t"
        ".popsection");

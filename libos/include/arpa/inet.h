/* SPDX-License-Identifier: BSD-2-Clause */
/* Byte order, and Internet addresses as text (POSIX <arpa/inet.h>, inet(3)). */
#pragma once

#include <netinet/in.h>

#ifdef __cplusplus
extern "C" {
#endif

in_addr_t inet_addr(const char *text);
int inet_aton(const char *text, struct in_addr *addr);
char *inet_ntoa(struct in_addr addr);
in_addr_t inet_network(const char *text);
struct in_addr inet_makeaddr(in_addr_t net, in_addr_t host);
in_addr_t inet_lnaof(struct in_addr addr);
in_addr_t inet_netof(struct in_addr addr);
int inet_pton(int family, const char *__restrict text, void *__restrict addr);
const char *inet_ntop(int family, const void *__restrict addr, char *__restrict text,
                      socklen_t size);

#ifdef __cplusplus
}
#endif

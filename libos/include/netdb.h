/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Names of hosts, services and protocols. Numbers as on Linux (glibc's netdb.h), layouts as in POSIX.
 *
 * Hosts are looked for in this order: literal addresses, "localhost" and names below it, the file
 * /etc/hosts where there is one, DNS. docs/porting.md has what is special.
 */
#pragma once

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#ifdef __cplusplus
extern "C" {
#endif

struct addrinfo {
    int ai_flags;
    int ai_family;
    int ai_socktype;
    int ai_protocol;
    socklen_t ai_addrlen;
    struct sockaddr *ai_addr;
    char *ai_canonname;
    struct addrinfo *ai_next;
};

#define AI_PASSIVE     0x0001
#define AI_CANONNAME   0x0002
#define AI_NUMERICHOST 0x0004
#define AI_V4MAPPED    0x0008
#define AI_ALL         0x0010
#define AI_ADDRCONFIG  0x0020
#define AI_NUMERICSERV 0x0400

#define EAI_BADFLAGS   (-1)
#define EAI_NONAME     (-2)
#define EAI_AGAIN      (-3)
#define EAI_FAIL       (-4)
#define EAI_NODATA     (-5)
#define EAI_FAMILY     (-6)
#define EAI_SOCKTYPE   (-7)
#define EAI_SERVICE    (-8)
#define EAI_ADDRFAMILY (-9)
#define EAI_MEMORY     (-10)
#define EAI_SYSTEM     (-11)
#define EAI_OVERFLOW   (-12)

#define NI_NUMERICHOST 1
#define NI_NUMERICSERV 2
#define NI_NOFQDN      4
#define NI_NAMEREQD    8
#define NI_DGRAM       16

#define NI_MAXHOST 1025
#define NI_MAXSERV 32

/*
 * Addresses of a host and a service: a list that freeaddrinfo() frees, best address first. Results
 * are 0 or one of EAI_...; EAI_SYSTEM leaves the reason in errno. May sleep (DNS), at most 15 s.
 */
int getaddrinfo(const char *__restrict host, const char *__restrict service,
                const struct addrinfo *__restrict hints, struct addrinfo **__restrict result);
void freeaddrinfo(struct addrinfo *list);
const char *gai_strerror(int error);

/* The names that belong to an address and a port, in text; else their numbers. */
int getnameinfo(const struct sockaddr *__restrict addr, socklen_t addrlen, char *__restrict host,
                socklen_t hostlen, char *__restrict service, socklen_t servicelen, int flags);

struct hostent {
    char *h_name;
    char **h_aliases;
    int h_addrtype;
    int h_length;
    char **h_addr_list; /* of struct in_addr or in6_addr */
};
#define h_addr h_addr_list[0]

#define NETDB_INTERNAL (-1) /* errno has it */
#define NETDB_SUCCESS  0
#define HOST_NOT_FOUND 1
#define TRY_AGAIN      2
#define NO_RECOVERY    3
#define NO_DATA        4
#define NO_ADDRESS     NO_DATA

int *__h_errno_location(void);
#define h_errno (*__h_errno_location()) /* of this thread */

/* The result is this thread's, until its next such call. */
struct hostent *gethostbyname(const char *name);
struct hostent *gethostbyname2(const char *name, int family);
struct hostent *gethostbyaddr(const void *addr, socklen_t len, int family);

/* 0, with *result NULL when there is none; ERANGE: the buffer is too small; else another error number. */
int gethostbyname_r(const char *name, struct hostent *ret, char *buf, size_t len,
                    struct hostent **result, int *error);
int gethostbyname2_r(const char *name, int family, struct hostent *ret, char *buf, size_t len,
                     struct hostent **result, int *error);
int gethostbyaddr_r(const void *addr, socklen_t addrlen, int family, struct hostent *ret, char *buf,
                    size_t len, struct hostent **result, int *error);
void sethostent(int stay_open);
void endhostent(void);
void herror(const char *text);
const char *hstrerror(int error);

struct servent {
    char *s_name;
    char **s_aliases;
    int s_port; /* network byte order */
    char *s_proto;
};

/* From a table of well-known services; the result is this thread's until its next such call. */
struct servent *getservbyname(const char *name, const char *proto);
struct servent *getservbyport(int port, const char *proto);
int getservbyname_r(const char *name, const char *proto, struct servent *ret, char *buf, size_t len,
                    struct servent **result);
int getservbyport_r(int port, const char *proto, struct servent *ret, char *buf, size_t len,
                    struct servent **result);

/* All of that table, one by one; one thread at a time. */
void setservent(int stay_open);
struct servent *getservent(void);
void endservent(void);

struct protoent {
    char *p_name;
    char **p_aliases;
    int p_proto;
};

struct protoent *getprotobyname(const char *name);
struct protoent *getprotobynumber(int number);
int getprotobyname_r(const char *name, struct protoent *ret, char *buf, size_t len,
                     struct protoent **result);
int getprotobynumber_r(int number, struct protoent *ret, char *buf, size_t len,
                       struct protoent **result);
void setprotoent(int stay_open);
struct protoent *getprotoent(void);
void endprotoent(void);

#ifdef __cplusplus
}
#endif

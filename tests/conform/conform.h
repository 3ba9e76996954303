/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the conformance programs are written with: calls that trace themselves.
 *
 * The same source is compiled for Linux and for Pith; what it prints must be the same, line by line.
 * So a line has the call, its result, and the *name* of the error; descriptors, ports and times are
 * not printed. Whatever may take a moment on one of the two is waited for with await().
 */
#pragma once

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define MAYBE __attribute__((unused)) static

MAYBE const struct {
    int number;
    const char *name;
} error_names[] = {
#define E(name) {name, #name}
    E(EPERM), E(ENOENT), E(EINTR), E(EIO), E(ENXIO), E(E2BIG), E(EBADF), E(EAGAIN), E(ENOMEM),
    E(EACCES), E(EFAULT), E(EBUSY), E(EEXIST), E(EXDEV), E(ENODEV), E(ENOTDIR), E(EISDIR),
    E(EINVAL), E(ENFILE), E(EMFILE), E(ENOTTY), E(EFBIG), E(ENOSPC), E(ESPIPE), E(EROFS),
    E(EMLINK), E(EPIPE), E(EDOM), E(ERANGE), E(ENAMETOOLONG), E(ENOSYS), E(ENOTEMPTY), E(ELOOP),
    E(EPROTO), E(EOVERFLOW), E(EILSEQ), E(ENOTSOCK), E(EDESTADDRREQ), E(EMSGSIZE), E(EPROTOTYPE),
    E(ENOPROTOOPT), E(EPROTONOSUPPORT), E(ESOCKTNOSUPPORT), E(EOPNOTSUPP), E(EPFNOSUPPORT),
    E(EAFNOSUPPORT), E(EADDRINUSE), E(EADDRNOTAVAIL), E(ENETDOWN), E(ENETUNREACH), E(ENETRESET),
    E(ECONNABORTED), E(ECONNRESET), E(ENOBUFS), E(EISCONN), E(ENOTCONN), E(ETIMEDOUT),
    E(ECONNREFUSED), E(EHOSTDOWN), E(EHOSTUNREACH), E(EALREADY), E(EINPROGRESS), E(ESTALE),
    E(ECANCELED),
#undef E
};

MAYBE const char *error_name(int error)
{
    for (size_t i = 0; i < sizeof(error_names) / sizeof(error_names[0]); i++) {
        if (error_names[i].number == error) {
            return error_names[i].name;
        }
    }
    return error == 0 ? "0" : "another error";
}

/* What the compiler would warn of where it sees it. */
MAYBE volatile int minus_one = -1;

/* A call whose number counts. */
#define CALL(expr) (errno = 0, trace(__LINE__, #expr, (long)(expr)))

MAYBE long trace(int line, const char *text, long result)
{
    if (result == -1) {
        printf("%d: %s = -1 %s\n", line, text, error_name(errno));
    } else {
        printf("%d: %s = %ld\n", line, text, result);
    }
    return result;
}

/* A call that gives a descriptor. */
#define FD(expr) (errno = 0, trace_fd(__LINE__, #expr, (expr)))

MAYBE int trace_fd(int line, const char *text, int result)
{
    if (result < 0) {
        printf("%d: %s = -1 %s\n", line, text, error_name(errno));
    } else {
        printf("%d: %s = fd\n", line, text);
    }
    return result;
}

/* Whether something holds. */
#define IS(expr) printf("%d: %s: %s\n", __LINE__, #expr, (expr) ? "yes" : "no")

/* A number. */
#define SHOW(expr) printf("%d: %s: %ld\n", __LINE__, #expr, (long)(expr))

/* A string, or NULL and the error. */
#define STR(expr) (errno = 0, trace_string(__LINE__, #expr, (expr)))

/* The bytes of a string, in quotes; what does not print is shown as a number. */
MAYBE void print_bytes(const char *s, size_t len)
{
    putchar('"');
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)s[i];
        if (c < ' ' || c >= 127 || c == '"' || c == '\\') {
            printf("\\%02x", c);
        } else {
            putchar(c);
        }
    }
    putchar('"');
}

MAYBE void trace_string(int line, const char *text, const char *result)
{
    int error = errno;
    printf("%d: %s = ", line, text);
    if (result == NULL) {
        printf("NULL %s\n", error_name(error));
    } else {
        print_bytes(result, strlen(result));
        putchar('\n');
    }
}

#define BYTES(p, len) trace_bytes(__LINE__, #p, (p), (size_t)(len))

MAYBE void trace_bytes(int line, const char *text, const void *p, size_t len)
{
    printf("%d: %s: ", line, text);
    print_bytes(p, len);
    putchar('\n');
}

/* A floating point number to 12 digits (the last few are each library's own), and the error. */
#define REAL(expr) (errno = 0, trace_real(__LINE__, #expr, (double)(expr)))

MAYBE void trace_real(int line, const char *text, double x)
{
    int error = errno;
    printf("%d: %s = %.12g %s\n", line, text, x != x ? __builtin_copysign(x, 1.0) : x, error_name(error));
}

#define SAY(...) (printf("-- "), printf(__VA_ARGS__), printf("\n"))

/* What may not fail for the test to make sense. */
#define MUST(expr) must(__LINE__, #expr, (long)(expr))

MAYBE long must(int line, const char *text, long result)
{
    if (result < 0) {
        printf("%d: %s FAILED: %s\n", line, text, error_name(errno));
        exit(3);
    }
    return result;
}

MAYBE const char *poll_names(int bits)
{
    static char text[8][96];
    static unsigned next;
    static const struct {
        int bit;
        const char *name;
    } names[] = {{POLLIN, "IN"}, {POLLPRI, "PRI"}, {POLLOUT, "OUT"}, {POLLERR, "ERR"}, {POLLHUP, "HUP"},
                 {POLLNVAL, "NVAL"}, {POLLRDNORM, "RDNORM"}, {POLLRDBAND, "RDBAND"},
                 {POLLWRNORM, "WRNORM"}, {POLLWRBAND, "WRBAND"}, {0x2000, "RDHUP"}};
    char *out = text[next++ % 8];
    strcpy(out, bits ? "" : "none");
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (bits & names[i].bit) {
            strcat(out, *out ? "|" : "");
            strcat(out, names[i].name);
        }
    }
    return out;
}

#define ALL_EVENTS (POLLIN | POLLPRI | POLLOUT | POLLRDNORM | POLLRDBAND | POLLWRNORM | POLLWRBAND | 0x2000)

/* What poll() says of a descriptor now. */
#define BITS(fd) printf("%d: poll(%s): %s\n", __LINE__, #fd, poll_names(poll_now(fd, ALL_EVENTS)))

MAYBE int poll_now(int fd, int events)
{
    struct pollfd p = {fd, (short)events, 0};
    poll(&p, 1, 0);
    return p.revents;
}

/* Wait until one of the events holds (not traced): for what another side has just done. */
MAYBE void await(int fd, int events)
{
    struct pollfd p = {fd, (short)events, 0};
    if (poll(&p, 1, 10000) != 1) {
        printf("await: %s did not come\n", poll_names(events));
    }
}

/* A moment for a segment that is answered by nothing (not traced). */
MAYBE void settle(void)
{
    nanosleep(&(struct timespec){0, 20000000}, NULL);
}

MAYBE struct sockaddr_in v4(uint32_t host, uint16_t port)
{
    return (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(port),
                                .sin_addr.s_addr = htonl(host)};
}

MAYBE struct sockaddr_in6 v6_loopback(uint16_t port)
{
    return (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_port = htons(port),
                                 .sin6_addr = in6addr_loopback};
}

#define SA(a) ((struct sockaddr *)&(a))

/* The port that a socket is bound to. */
MAYBE uint16_t port_of(int fd)
{
    struct sockaddr_storage a = {0};
    socklen_t len = sizeof(a);
    MUST(getsockname(fd, SA(a), &len));
    return ntohs(a.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&a)->sin6_port
                                         : ((struct sockaddr_in *)&a)->sin_port);
}

/* A bound socket of some type on IPv4 loopback, a stream listening; its port in *port. */
MAYBE int bound(int type, uint16_t *port)
{
    struct sockaddr_in a = v4(INADDR_LOOPBACK, 0);
    int fd = (int)MUST(socket(AF_INET, type, 0));
    MUST(bind(fd, SA(a), sizeof(a)));
    *port = port_of(fd);
    if (type == SOCK_STREAM) {
        MUST(listen(fd, 128));
    }
    return fd;
}

/* A TCP connection: pair[0] connected, pair[1] accepted. */
MAYBE void tcp_pair(int pair[2])
{
    uint16_t port;
    int l = bound(SOCK_STREAM, &port);
    struct sockaddr_in a = v4(INADDR_LOOPBACK, port);
    pair[0] = (int)MUST(socket(AF_INET, SOCK_STREAM, 0));
    MUST(connect(pair[0], SA(a), sizeof(a)));
    pair[1] = (int)MUST(accept(l, NULL, NULL));
    close(l);
}

MAYBE int get_int(int fd, int level, int name)
{
    int value = -12345;
    socklen_t len = sizeof(value);
    return getsockopt(fd, level, name, &value, &len) == 0 ? value : -errno - 100000;
}

MAYBE int set_int(int fd, int level, int name, int value)
{
    return setsockopt(fd, level, name, &value, sizeof(value));
}

/* SO_ERROR by name; it is cleared by asking. */
#define SO_ERR(fd) printf("%d: SO_ERROR of %s: %s\n", __LINE__, #fd, \
                          error_name(get_int(fd, SOL_SOCKET, SO_ERROR)))

MAYBE void nonblocking(int fd)
{
    MUST(fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK));
}

MAYBE void begin(void)
{
    setvbuf(stdout, NULL, _IOLBF, 1024);
    signal(SIGPIPE, SIG_IGN);
}

/* The last line: a program that ends early has not printed it. */
MAYBE int end(void)
{
    printf("end\n");
    fflush(stdout);
    return 0;
}

/* Go into a new folder below /tmp, whose path is made in `top`; false: there is none. */
#define FOLDER_PATTERN "/tmp/conform.XXXXXX"

MAYBE bool enter_folder(char top[sizeof(FOLDER_PATTERN)])
{
    umask(022);
    mkdir("/tmp", 0777);
    strcpy(top, FOLDER_PATTERN);
    if (mkdtemp(top) == NULL || chdir(top) != 0) {
        printf("no folder below /tmp\n");
        return false;
    }
    return true;
}

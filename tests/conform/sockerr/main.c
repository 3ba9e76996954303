/* SPDX-License-Identifier: BSD-2-Clause */
/* Each socket call with arguments and in states that it has to refuse. */
#define _GNU_SOURCE
#include "../conform.h"

#include <sys/ioctl.h>
#include <sys/uio.h>

static char buf[64];

static void creation(void)
{
    SAY("creation");
    FD(socket(-1, SOCK_STREAM, 0));
    FD(socket(999, SOCK_STREAM, 0));
    FD(socket(AF_INET, 0, 0));
    FD(socket(AF_INET, 99, 0));
    FD(socket(AF_INET, SOCK_STREAM, IPPROTO_UDP));
    FD(socket(AF_INET, SOCK_DGRAM, IPPROTO_TCP));
    FD(socket(AF_INET, SOCK_SEQPACKET, 0));
    close(FD(socket(AF_INET, SOCK_STREAM, IPPROTO_TCP)));
    close(FD(socket(AF_INET, SOCK_DGRAM, IPPROTO_UDP)));
    close(FD(socket(AF_INET6, SOCK_STREAM, 0)));
    int fd = FD(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    IS(fcntl(fd, F_GETFL) & O_NONBLOCK);
    IS(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    IS((fcntl(fd, F_GETFL) & O_ACCMODE) == O_RDWR);
    CALL(fcntl(fd, F_SETFL, 0));
    IS(fcntl(fd, F_GETFL) & O_NONBLOCK);
    CALL(close(fd));
    CALL(close(fd));
}

/* Every call on what is no descriptor, and on what is no socket. */
static void on_wrong(int fd)
{
    struct sockaddr_in a = v4(INADDR_LOOPBACK, 9);
    struct sockaddr_storage s;
    socklen_t len = sizeof(s);
    int value = 0;
    struct iovec iov = {buf, 4};
    struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1};
    CALL(bind(fd, SA(a), sizeof(a)));
    CALL(connect(fd, SA(a), sizeof(a)));
    CALL(listen(fd, 1));
    FD(accept(fd, NULL, NULL));
    FD(accept4(fd, NULL, NULL, SOCK_NONBLOCK));
    CALL(getsockname(fd, SA(s), &len));
    CALL(getpeername(fd, SA(s), &len));
    CALL(send(fd, buf, 1, 0));
    CALL(sendto(fd, buf, 1, 0, SA(a), sizeof(a)));
    CALL(sendmsg(fd, &m, 0));
    CALL(recv(fd, buf, 1, MSG_DONTWAIT));
    CALL(recvfrom(fd, buf, 1, MSG_DONTWAIT, NULL, NULL));
    CALL(recvmsg(fd, &m, MSG_DONTWAIT));
    CALL(shutdown(fd, SHUT_RDWR));
    len = sizeof(value);
    CALL(getsockopt(fd, SOL_SOCKET, SO_TYPE, &value, &len));
    CALL(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &value, sizeof(value)));
}

static void no_sockets(void)
{
    int p[2];
    SAY("no descriptor");
    on_wrong(-1);
    on_wrong(900);
    SAY("no socket");
    MUST(pipe(p));
    on_wrong(p[0]);
    close(p[0]);
    close(p[1]);
}

static void binding(void)
{
    struct sockaddr_in a = v4(INADDR_LOOPBACK, 0);
    struct sockaddr_in6 b = v6_loopback(0);
    uint16_t port;
    int fd = (int)MUST(socket(AF_INET, SOCK_STREAM, 0));
    SAY("bind");
    CALL(bind(fd, SA(a), 0));
    CALL(bind(fd, SA(a), sizeof(a) - 1));
    CALL(bind(fd, SA(b), sizeof(b)));
    a.sin_family = AF_UNIX;
    CALL(bind(fd, SA(a), sizeof(a)));
    a.sin_family = AF_UNSPEC;
    CALL(bind(fd, SA(a), sizeof(a)));
    a = v4(0x08080808, 0);
    CALL(bind(fd, SA(a), sizeof(a)));
    a = v4(INADDR_LOOPBACK, 0);
    CALL(bind(fd, SA(a), sizeof(a)));
    SAY("bind twice");
    CALL(bind(fd, SA(a), sizeof(a)));
    port = port_of(fd);
    IS(port != 0);
    int other = (int)MUST(socket(AF_INET, SOCK_STREAM, 0));
    a = v4(INADDR_LOOPBACK, port);
    CALL(bind(other, SA(a), sizeof(a)));
    a = v4(INADDR_ANY, port);
    CALL(bind(other, SA(a), sizeof(a)));
    CALL(close(fd));
    CALL(bind(other, SA(a), sizeof(a)));
    CALL(close(other));
    int v6 = (int)MUST(socket(AF_INET6, SOCK_STREAM, 0));
    SAY("bind of IPv6");
    a = v4(INADDR_LOOPBACK, 0);
    CALL(bind(v6, SA(a), sizeof(a)));
    CALL(bind(v6, SA(b), sizeof(b) - 5));
    CALL(bind(v6, SA(b), sizeof(b)));
    CALL(close(v6));
}

static void listening(void)
{
    struct sockaddr_in a = v4(INADDR_LOOPBACK, 0);
    struct sockaddr_storage s;
    socklen_t len = sizeof(s);
    int fd = (int)MUST(socket(AF_INET, SOCK_STREAM, 0));
    int udp = (int)MUST(socket(AF_INET, SOCK_DGRAM, 0));
    SAY("listen and accept");
    FD(accept(fd, NULL, NULL));
    CALL(listen(udp, 1));
    FD(accept(udp, NULL, NULL));
    CALL(listen(fd, 0)); /* without bind: any port */
    IS(port_of(fd) != 0);
    CALL(listen(fd, 5));
    CALL(listen(fd, -1));
    CALL(connect(fd, SA(a), sizeof(a)));
    CALL(bind(fd, SA(a), sizeof(a)));
    nonblocking(fd);
    FD(accept(fd, NULL, NULL));
    FD(accept4(fd, NULL, NULL, 12345));
    CALL(send(fd, buf, 1, MSG_NOSIGNAL));
    CALL(recv(fd, buf, 1, 0));
    CALL(getpeername(fd, SA(s), &len));
    BITS(fd);
    CALL(shutdown(fd, SHUT_WR));
    CALL(close(fd));
    CALL(close(udp));
}

static void connecting(void)
{
    struct sockaddr_in a = v4(INADDR_LOOPBACK, 1);
    struct sockaddr_in6 b = v6_loopback(1);
    struct sockaddr_storage s;
    socklen_t len = sizeof(s);
    int fd = (int)MUST(socket(AF_INET, SOCK_STREAM, 0));
    SAY("not connected");
    CALL(getpeername(fd, SA(s), &len));
    CALL(send(fd, buf, 1, MSG_NOSIGNAL));
    CALL(write(fd, buf, 1));
    CALL(recv(fd, buf, 1, 0));
    CALL(read(fd, buf, 1));
    CALL(shutdown(fd, SHUT_RDWR));
    CALL(shutdown(fd, 7));
    CALL(shutdown(fd, -1));
    SAY("connect refused");
    CALL(connect(fd, SA(a), 3));
    CALL(connect(fd, SA(b), sizeof(b)));
    CALL(connect(fd, SA(a), sizeof(a)));
    SO_ERR(fd);
    CALL(send(fd, buf, 1, MSG_NOSIGNAL));
    CALL(connect(fd, SA(a), sizeof(a))); /* again, on the same socket */
    CALL(close(fd));
    fd = (int)MUST(socket(AF_INET6, SOCK_STREAM, 0));
    CALL(connect(fd, SA(b), sizeof(b)));
    CALL(close(fd));
    SAY("unreachable");
    fd = (int)MUST(socket(AF_INET, SOCK_STREAM, 0));
    a = v4(0x0a010203, 80); /* there is no route to 10.1.2.3 */
    CALL(connect(fd, SA(a), sizeof(a)));
    CALL(close(fd));
    fd = (int)MUST(socket(AF_INET, SOCK_DGRAM, 0));
    CALL(connect(fd, SA(a), sizeof(a)));
    CALL(sendto(fd, buf, 1, 0, SA(a), sizeof(a)));
    CALL(close(fd));
    SAY("connect to 255.255.255.255");
    fd = (int)MUST(socket(AF_INET, SOCK_STREAM, 0));
    a = v4(INADDR_BROADCAST, 80);
    CALL(connect(fd, SA(a), sizeof(a)));
    CALL(close(fd));
}

static void connected(void)
{
    int p[2];
    struct sockaddr_in a = v4(INADDR_LOOPBACK, 1);
    struct sockaddr_storage s;
    socklen_t len;
    SAY("connected");
    tcp_pair(p);
    CALL(connect(p[0], SA(a), sizeof(a)));
    CALL(listen(p[0], 1));
    CALL(bind(p[0], SA(a), sizeof(a)));
    FD(accept(p[0], NULL, NULL));
    CALL(sendto(p[0], "x", 1, 0, SA(a), sizeof(a))); /* the address is ignored or refused */
    len = 4;
    memset(&s, 0x55, sizeof(s));
    CALL(getpeername(p[0], SA(s), &len)); /* cut, and the whole length told */
    SHOW(len);
    IS(s.ss_family == AF_INET);
    IS(((unsigned char *)&s)[4] == 0x55);
    len = (socklen_t)-1;
    CALL(getpeername(p[0], SA(s), &len));
    len = sizeof(s);
    CALL(getsockname(p[0], SA(s), &len));
    SHOW(len);
    CALL(send(p[0], buf, 0, 0));
    CALL(recv(p[1], buf, 0, 0));
    await(p[1], POLLIN);
    CALL(recv(p[1], buf, sizeof(buf), 0));
    int n = -1;
    CALL(send(p[0], "abc", 3, 0));
    await(p[1], POLLIN);
    CALL(ioctl(p[1], FIONREAD, &n));
    SHOW(n);
    CALL(lseek(p[0], 0, SEEK_SET));
    CALL(pread(p[0], buf, 1, 0));
    CALL(pwrite(p[0], buf, 1, 0));
    CALL(ftruncate(p[0], 0));
    CALL(fsync(p[0]));
    CALL(ioctl(p[0], 0x1234567, &n));
    CALL(recv(p[1], buf, sizeof(buf), MSG_OOB));
    CALL(send(p[0], buf, 1, 0x40000000 | MSG_NOSIGNAL));
    struct iovec iov = {buf, 4};
    struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 5000};
    CALL(sendmsg(p[0], &m, 0));
    close(p[0]);
    close(p[1]);
}

int main(void)
{
    begin();
    creation();
    no_sockets();
    binding();
    listening();
    connecting();
    connected();
    return end();
}

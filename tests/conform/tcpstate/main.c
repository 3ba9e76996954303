/* SPDX-License-Identifier: BSD-2-Clause */
/* The life of TCP connections: what calls answer and what poll() says after each transition. */
#define _GNU_SOURCE
#include "../conform.h"

#include <sys/ioctl.h>

static char buf[256];

static void refused_nonblocking(void)
{
    struct sockaddr_in a;
    uint16_t port;
    SAY("connect without blocking, refused");
    int l = bound(SOCK_STREAM, &port); /* a port that nobody else has, then nobody at all */
    close(l);
    a = v4(INADDR_LOOPBACK, port);
    int fd = (int)MUST(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
    BITS(fd);
    int r = connect(fd, SA(a), sizeof(a));
    IS(r == -1 && (errno == EINPROGRESS || errno == ECONNREFUSED));
    await(fd, POLLOUT | POLLERR);
    BITS(fd);
    SO_ERR(fd);
    SO_ERR(fd);
    BITS(fd);
    CALL(send(fd, buf, 1, MSG_NOSIGNAL));
    CALL(recv(fd, buf, 1, 0));
    close(fd);
}

static void connect_nonblocking(void)
{
    struct sockaddr_in a;
    uint16_t port;
    SAY("connect without blocking");
    int l = bound(SOCK_STREAM, &port);
    nonblocking(l);
    BITS(l);
    FD(accept(l, NULL, NULL));
    a = v4(INADDR_LOOPBACK, port);
    int fd = (int)MUST(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
    CALL(connect(fd, SA(a), sizeof(a)));
    await(fd, POLLOUT);
    await(l, POLLIN);
    BITS(fd);
    BITS(l);
    SO_ERR(fd);
    CALL(connect(fd, SA(a), sizeof(a))); /* the first one after it was established */
    CALL(connect(fd, SA(a), sizeof(a)));
    int s = FD(accept4(l, NULL, NULL, SOCK_NONBLOCK));
    IS(fcntl(s, F_GETFL) & O_NONBLOCK);
    BITS(l);
    BITS(s);
    CALL(recv(s, buf, 1, 0));
    CALL(close(fd));
    await(s, POLLIN);
    BITS(s);
    CALL(recv(s, buf, 1, 0));
    CALL(recv(s, buf, 1, 0));
    close(s);
    close(l);
}

/* accept() does not take O_NONBLOCK over from the listening socket. */
static void inherit(void)
{
    struct sockaddr_in a;
    uint16_t port;
    SAY("what an accepted socket inherits");
    int l = bound(SOCK_STREAM, &port);
    nonblocking(l);
    CALL(set_int(l, SOL_SOCKET, SO_KEEPALIVE, 1));
    CALL(set_int(l, IPPROTO_TCP, TCP_NODELAY, 1));
    CALL(set_int(l, SOL_SOCKET, SO_RCVBUF, 20000));
    struct linger linger = {1, 3};
    CALL(setsockopt(l, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)));
    a = v4(INADDR_LOOPBACK, port);
    int fd = (int)MUST(socket(AF_INET, SOCK_STREAM, 0));
    CALL(connect(fd, SA(a), sizeof(a)));
    await(l, POLLIN);
    struct sockaddr_in peer;
    socklen_t len = sizeof(peer);
    int s = FD(accept(l, SA(peer), &len));
    SHOW(len);
    IS(peer.sin_family == AF_INET && peer.sin_addr.s_addr == htonl(INADDR_LOOPBACK));
    IS(ntohs(peer.sin_port) == port_of(fd));
    IS(port_of(s) == port);
    IS(fcntl(s, F_GETFL) & O_NONBLOCK);
    SHOW(get_int(s, SOL_SOCKET, SO_KEEPALIVE));
    SHOW(get_int(s, IPPROTO_TCP, TCP_NODELAY));
    SHOW(get_int(s, SOL_SOCKET, SO_RCVBUF));
    SHOW(get_int(s, SOL_SOCKET, SO_ACCEPTCONN));
    SHOW(get_int(l, SOL_SOCKET, SO_ACCEPTCONN));
    memset(&linger, 0, sizeof(linger));
    len = sizeof(linger);
    CALL(getsockopt(s, SOL_SOCKET, SO_LINGER, &linger, &len));
    SHOW(linger.l_onoff);
    SHOW(linger.l_linger);
    close(fd);
    close(s);
    close(l);
}

static void half_close(void)
{
    int p[2];
    SAY("half close");
    tcp_pair(p);
    BITS(p[0]);
    CALL(send(p[0], "last words", 10, 0));
    CALL(shutdown(p[0], SHUT_WR));
    BITS(p[0]);
    CALL(send(p[0], "x", 1, MSG_NOSIGNAL));
    await(p[1], 0x2000);
    BITS(p[1]);
    CALL(recv(p[1], buf, sizeof(buf), 0));
    BITS(p[1]);
    CALL(recv(p[1], buf, sizeof(buf), 0));
    CALL(recv(p[1], buf, sizeof(buf), 0));
    CALL(send(p[1], "answer", 6, 0)); /* the other way is still open */
    await(p[0], POLLIN);
    CALL(recv(p[0], buf, sizeof(buf), 0));
    CALL(shutdown(p[0], SHUT_WR));
    CALL(shutdown(p[1], SHUT_WR));
    await(p[0], POLLHUP);
    BITS(p[0]);
    await(p[1], POLLHUP);
    BITS(p[1]);
    CALL(recv(p[0], buf, sizeof(buf), 0));
    CALL(shutdown(p[0], SHUT_RDWR));
    CALL(send(p[0], "x", 1, MSG_NOSIGNAL));
    CALL(recv(p[0], buf, sizeof(buf), 0));
    close(p[0]);
    close(p[1]);
}

static void shut_read(void)
{
    int p[2];
    SAY("shutdown of the reading side");
    tcp_pair(p);
    CALL(send(p[1], "before", 6, 0));
    await(p[0], POLLIN);
    CALL(shutdown(p[0], SHUT_RD));
    BITS(p[0]);
    CALL(recv(p[0], buf, sizeof(buf), 0)); /* what had come is still there */
    CALL(recv(p[0], buf, sizeof(buf), 0));
    CALL(send(p[0], "still", 5, MSG_NOSIGNAL));
    await(p[1], POLLIN);
    CALL(recv(p[1], buf, sizeof(buf), 0));
    BITS(p[1]);
    close(p[0]);
    close(p[1]);
    tcp_pair(p);
    CALL(shutdown(p[0], SHUT_RDWR));
    BITS(p[0]);
    await(p[1], POLLIN);
    BITS(p[1]);
    CALL(recv(p[1], buf, sizeof(buf), 0));
    close(p[0]);
    close(p[1]);
}

/* Closing with data unread, or with SO_LINGER 0, resets. */
static void resets(void)
{
    int p[2];
    struct linger linger = {1, 0};
    SAY("reset by SO_LINGER 0");
    tcp_pair(p);
    CALL(setsockopt(p[0], SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)));
    CALL(close(p[0]));
    await(p[1], POLLERR);
    BITS(p[1]);
    CALL(recv(p[1], buf, sizeof(buf), 0));
    BITS(p[1]);
    CALL(recv(p[1], buf, sizeof(buf), 0));
    CALL(send(p[1], "x", 1, MSG_NOSIGNAL));
    SO_ERR(p[1]);
    CALL(close(p[1]));

    SAY("reset, seen by send first");
    tcp_pair(p);
    setsockopt(p[0], SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
    close(p[0]);
    await(p[1], POLLERR);
    CALL(send(p[1], "x", 1, MSG_NOSIGNAL));
    CALL(send(p[1], "x", 1, MSG_NOSIGNAL));
    CALL(recv(p[1], buf, sizeof(buf), 0));
    close(p[1]);

    SAY("reset, seen by SO_ERROR first");
    tcp_pair(p);
    setsockopt(p[0], SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
    close(p[0]);
    await(p[1], POLLERR);
    SO_ERR(p[1]);
    SO_ERR(p[1]);
    BITS(p[1]);
    CALL(recv(p[1], buf, sizeof(buf), 0));
    CALL(send(p[1], "x", 1, MSG_NOSIGNAL));
    struct sockaddr_storage s;
    socklen_t len = sizeof(s);
    CALL(getpeername(p[1], SA(s), &len));
    CALL(shutdown(p[1], SHUT_RDWR));
    close(p[1]);

    SAY("closed with data unread");
    tcp_pair(p);
    CALL(send(p[1], "unread", 6, 0));
    await(p[0], POLLIN);
    CALL(close(p[0]));
    await(p[1], POLLERR);
    BITS(p[1]);
    CALL(recv(p[1], buf, sizeof(buf), 0));
    close(p[1]);

    SAY("data before the reset");
    tcp_pair(p);
    CALL(send(p[0], "data", 4, 0));
    await(p[1], POLLIN);
    setsockopt(p[0], SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
    close(p[0]);
    await(p[1], POLLERR);
    BITS(p[1]);
    CALL(recv(p[1], buf, sizeof(buf), 0));
    CALL(recv(p[1], buf, sizeof(buf), 0));
    close(p[1]);
}

static void broken_pipe(void)
{
    int p[2];
    SAY("writing to who has closed");
    tcp_pair(p);
    close(p[0]);
    await(p[1], POLLIN);
    BITS(p[1]);
    CALL(send(p[1], "first", 5, MSG_NOSIGNAL)); /* it is answered by a reset */
    await(p[1], POLLERR | POLLHUP);
    BITS(p[1]);
    CALL(send(p[1], "second", 6, MSG_NOSIGNAL));
    CALL(write(p[1], "third", 5)); /* SIGPIPE is ignored */
    CALL(recv(p[1], buf, sizeof(buf), 0));
    CALL(recv(p[1], buf, sizeof(buf), 0));
    close(p[1]);
}

static volatile int pipes;

static void on_pipe(int number)
{
    (void)number;
    pipes++;
}

static void signals(void)
{
    int p[2];
    SAY("SIGPIPE");
    signal(SIGPIPE, on_pipe);
    tcp_pair(p);
    CALL(shutdown(p[0], SHUT_WR));
    CALL(send(p[0], "x", 1, MSG_NOSIGNAL));
    SHOW(pipes);
    CALL(send(p[0], "x", 1, 0));
    SHOW(pipes);
    CALL(write(p[0], "x", 1));
    SHOW(pipes);
    close(p[0]);
    close(p[1]);
    signal(SIGPIPE, SIG_IGN);
}

/* A connection that is reset before it is accepted. */
static void reset_before_accept(void)
{
    uint16_t port;
    struct linger linger = {1, 0};
    SAY("reset before it is accepted");
    int l = bound(SOCK_STREAM, &port);
    struct sockaddr_in a = v4(INADDR_LOOPBACK, port);
    int fd = (int)MUST(socket(AF_INET, SOCK_STREAM, 0));
    CALL(connect(fd, SA(a), sizeof(a)));
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
    close(fd);
    settle();
    nonblocking(l);
    BITS(l);
    int s = FD(accept(l, NULL, NULL));
    BITS(s);
    CALL(recv(s, buf, sizeof(buf), MSG_DONTWAIT));
    CALL(recv(s, buf, sizeof(buf), MSG_DONTWAIT));
    close(s);
    SAY("a closed listener resets who was not accepted");
    fd = (int)MUST(socket(AF_INET, SOCK_STREAM, 0));
    CALL(connect(fd, SA(a), sizeof(a)));
    CALL(close(l));
    await(fd, POLLERR | POLLHUP);
    BITS(fd);
    CALL(recv(fd, buf, sizeof(buf), 0));
    close(fd);
}

/* Send to ourselves until it would block, then read some: when is there room again? */
static void full(void)
{
    int p[2];
    static char block[4096];
    long sent = 0, got = 0;
    ssize_t n;
    SAY("full");
    tcp_pair(p);
    nonblocking(p[0]);
    nonblocking(p[1]);
    while ((n = send(p[0], block, sizeof(block), MSG_NOSIGNAL)) > 0) {
        sent += n;
    }
    IS(n == -1 && errno == EAGAIN);
    /* What is on its way makes room when it has arrived: until nothing is, and nothing moves any more. */
    long before;
    int unread, kept;
    do {
        before = sent;
        settle();
        MUST(ioctl(p[1], FIONREAD, &unread));
        MUST(ioctl(p[0], TIOCOUTQ, &kept));
        while ((n = send(p[0], block, sizeof(block), MSG_NOSIGNAL)) > 0) {
            sent += n;
        }
    } while (sent != before || unread + kept != sent);
    IS(sent > 30000);
    BITS(p[0]);
    CALL(send(p[0], block, 1, MSG_DONTWAIT));
    while (got < sent) {
        await(p[1], POLLIN);
        n = recv(p[1], block, sizeof(block), 0);
        if (n <= 0) {
            break;
        }
        got += n;
    }
    IS(got == sent);
    await(p[0], POLLOUT);
    BITS(p[0]);
    BITS(p[1]);
    close(p[0]);
    close(p[1]);
}

int main(void)
{
    begin();
    refused_nonblocking();
    connect_nonblocking();
    inherit();
    half_close();
    shut_read();
    resets();
    broken_pipe();
    signals();
    reset_before_accept();
    full();
    return end();
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Nobody answers: a connection to a listener whose queue is full, with and without a limit. The limits
 * are short and the results are errors; no duration is compared but for "not at once".
 */
#define _GNU_SOURCE
#include "../conform.h"

#define FILLERS 4

static int fillers[FILLERS];

/* A listener that takes no more: what it holds is never accepted, and further SYNs are dropped. */
static int full_listener(struct sockaddr_in *addr)
{
    *addr = v4(INADDR_LOOPBACK, 0);
    int l = (int)MUST(socket(AF_INET, SOCK_STREAM, 0));
    MUST(bind(l, SA(*addr), sizeof(*addr)));
    MUST(listen(l, 1));
    *addr = v4(INADDR_LOOPBACK, port_of(l));
    for (int i = 0; i < FILLERS; i++) {
        fillers[i] = (int)MUST(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
        connect(fillers[i], SA(*addr), sizeof(*addr));
    }
    settle();
    return l;
}

static void let_go(int l)
{
    for (int i = 0; i < FILLERS; i++) {
        close(fillers[i]);
    }
    close(l);
}

static void connecting(void)
{
    struct sockaddr_in a, name;
    socklen_t len = sizeof(name);
    int l = full_listener(&a);
    int fd = (int)MUST(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
    SAY("connect that nobody answers, without blocking");
    CALL(connect(fd, SA(a), sizeof(a)));
    CALL(poll(&(struct pollfd){fd, POLLOUT, 0}, 1, 50));
    BITS(fd);
    CALL(connect(fd, SA(a), sizeof(a)));
    SO_ERR(fd);
    CALL(getpeername(fd, SA(name), &len));
    len = sizeof(name);
    CALL(getsockname(fd, SA(name), &len));
    IS(name.sin_port != 0);
    CALL(send(fd, "x", 1, MSG_NOSIGNAL));
    CALL(recv(fd, &a, 1, 0));
    CALL(close(fd));
    SAY("blocking, with SO_SNDTIMEO");
    struct timeval t = {0, 100000};
    fd = (int)MUST(socket(AF_INET, SOCK_STREAM, 0));
    CALL(setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &t, sizeof(t)));
    CALL(connect(fd, SA(a), sizeof(a)));
    CALL(connect(fd, SA(a), sizeof(a)));
    CALL(close(fd));
    SAY("blocking, with TCP_USER_TIMEOUT");
    fd = (int)MUST(socket(AF_INET, SOCK_STREAM, 0));
    CALL(set_int(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, 1500));
    CALL(connect(fd, SA(a), sizeof(a)));
    SO_ERR(fd);
    BITS(fd);
    CALL(close(fd));
    let_go(l);
}

/* The queue has room again: the SYN that is sent once more gets through. */
static void room_again(void)
{
    struct sockaddr_in a;
    int l = full_listener(&a);
    SAY("room again");
    int fd = (int)MUST(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
    CALL(connect(fd, SA(a), sizeof(a)));
    nonblocking(l);
    for (int tries = 0; tries < 100; tries++) {
        int s = accept(l, NULL, NULL);
        if (s >= 0) {
            close(s);
        }
        if (poll(&(struct pollfd){fd, POLLOUT, 0}, 1, 100) == 1) {
            break;
        }
    }
    SO_ERR(fd);
    CALL(connect(fd, SA(a), sizeof(a)));
    CALL(connect(fd, SA(a), sizeof(a)));
    close(fd);
    let_go(l);
}

int main(void)
{
    begin();
    connecting();
    room_again();
    return end();
}

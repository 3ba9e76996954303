/* SPDX-License-Identifier: BSD-2-Clause */
/* Socket pairs of each type. */
#define _GNU_SOURCE
#include "../conform.h"

#include <sys/ioctl.h>
#include <sys/uio.h>

static char buf[64];

static void pair(int type, const char *name)
{
    int p[2], n = -1;
    SAY("socketpair %s", name);
    CALL(socketpair(AF_UNIX, type, 0, p));
    SHOW(get_int(p[0], SOL_SOCKET, SO_TYPE));
    SHOW(get_int(p[0], SOL_SOCKET, SO_DOMAIN));
    BITS(p[0]);
    CALL(send(p[0], "abcdef", 6, 0));
    CALL(send(p[0], "ghi", 3, 0));
    BITS(p[1]);
    CALL(ioctl(p[1], FIONREAD, &n));
    SHOW(n);
    CALL(recv(p[1], buf, 2, MSG_PEEK));
    CALL(recv(p[1], buf, 4, 0));
    CALL(recv(p[1], buf, 20, 0));
    CALL(recv(p[1], buf, 20, MSG_DONTWAIT));
    CALL(write(p[1], "back", 4));
    CALL(read(p[0], buf, 20));
    struct iovec out[2] = {{"ab", 2}, {"cde", 3}}, in[2] = {{buf, 1}, {buf + 10, 9}};
    CALL(writev(p[0], out, 2));
    CALL(readv(p[1], in, 2));
    IS(buf[0] == 'a' && memcmp(buf + 10, "bcde", 4) == 0);
    SAY("shutdown");
    CALL(shutdown(p[0], SHUT_WR));
    CALL(send(p[0], "x", 1, MSG_NOSIGNAL));
    BITS(p[0]);
    BITS(p[1]);
    if (type != SOCK_DGRAM) { /* it would wait for ever on Linux */
        CALL(recv(p[1], buf, 20, 0));
    }
    CALL(send(p[1], "still", 5, 0));
    CALL(recv(p[0], buf, 20, 0));
    CALL(shutdown(p[0], 9));
    SAY("close");
    CALL(send(p[1], "unread", 6, 0));
    CALL(close(p[0]));
    BITS(p[1]);
    CALL(send(p[1], "x", 1, MSG_NOSIGNAL));
    CALL(recv(p[1], buf, 20, MSG_DONTWAIT));
    CALL(recv(p[1], buf, 20, MSG_DONTWAIT));
    BITS(p[1]);
    close(p[1]);
    SAY("close with everything read");
    CALL(socketpair(AF_UNIX, type | SOCK_NONBLOCK, 0, p));
    IS(fcntl(p[0], F_GETFL) & O_NONBLOCK);
    CALL(send(p[0], "last", 4, 0));
    CALL(close(p[0]));
    BITS(p[1]);
    CALL(recv(p[1], buf, 20, 0));
    CALL(recv(p[1], buf, 20, 0));
    CALL(send(p[1], "x", 1, MSG_NOSIGNAL));
    close(p[1]);
}

int main(void)
{
    begin();
    int p[2];
    CALL(socketpair(AF_INET, SOCK_STREAM, 0, p));
    CALL(socketpair(AF_UNIX, 99, 0, p));
    pair(SOCK_STREAM, "stream");
    pair(SOCK_DGRAM, "datagram");
    pair(SOCK_SEQPACKET, "seqpacket");
    return end();
}

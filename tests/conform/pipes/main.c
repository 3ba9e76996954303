/* SPDX-License-Identifier: BSD-2-Clause */
/* Pipes, and descriptors: dup and fcntl. */
#define _GNU_SOURCE
#include "../conform.h"

#include <sys/ioctl.h>
#include <sys/stat.h>

static char buf[70000];

static void pipes(void)
{
    int p[2], n = -1;
    SAY("pipe");
    CALL(pipe2(p, 0x7));
    CALL(pipe(p));
    BITS(p[0]);
    BITS(p[1]);
    CALL(write(p[0], "x", 1));
    CALL(read(p[1], buf, 1));
    CALL(lseek(p[0], 0, SEEK_CUR));
    CALL(pread(p[0], buf, 1, 0));
    CALL(fsync(p[0]));
    CALL(write(p[1], "hello", 5));
    CALL(ioctl(p[0], FIONREAD, &n));
    SHOW(n);
    BITS(p[0]);
    CALL(read(p[0], buf, 3));
    CALL(read(p[0], buf, 0));
    CALL(read(p[0], buf, 10));
    SHOW(fcntl(p[0], F_GETPIPE_SZ));
    struct stat st;
    CALL(fstat(p[0], &st));
    IS(S_ISFIFO(st.st_mode));
    SAY("full");
    nonblocking(p[1]);
    nonblocking(p[0]);
    CALL(read(p[0], buf, 1));
    CALL(write(p[1], buf, 70000));
    BITS(p[1]);
    CALL(write(p[1], "x", 1));
    CALL(read(p[0], buf, 4095));
    CALL(write(p[1], buf, 4096)); /* all of so much, or nothing */
    CALL(read(p[0], buf, 1));
    CALL(write(p[1], buf, 4096));
    CALL(read(p[0], buf, 70000));
    CALL(read(p[0], buf, 70000));
    SAY("the reader goes");
    CALL(close(p[0]));
    BITS(p[1]);
    CALL(write(p[1], "x", 1));
    close(p[1]);
    SAY("the writer goes");
    CALL(pipe2(p, O_NONBLOCK | O_CLOEXEC));
    IS(fcntl(p[0], F_GETFL) & O_NONBLOCK);
    IS(fcntl(p[1], F_GETFD) & FD_CLOEXEC);
    IS((fcntl(p[0], F_GETFL) & O_ACCMODE) == O_RDONLY && (fcntl(p[1], F_GETFL) & O_ACCMODE) == O_WRONLY);
    CALL(write(p[1], "rest", 4));
    CALL(close(p[1]));
    BITS(p[0]);
    CALL(read(p[0], buf, 10));
    BITS(p[0]);
    CALL(read(p[0], buf, 10));
    close(p[0]);
}

static void descriptors(void)
{
    int p[2];
    SAY("dup and fcntl");
    MUST(pipe(p));
    IS(dup(p[0]) == p[1] + 1);
    IS(dup2(p[0], 40) == 40);
    IS(dup2(p[0], p[0]) == p[0]);
    CALL(dup3(p[0], p[0], 0));
    CALL(dup2(-1, 40));
    CALL(dup2(p[0], -1));
    CALL(dup(900));
    IS(dup3(p[1], 41, O_CLOEXEC) == 41);
    IS(fcntl(41, F_GETFD) == FD_CLOEXEC);
    IS(fcntl(p[0], F_DUPFD, 50) == 50);
    IS(fcntl(p[0], F_DUPFD_CLOEXEC, 50) == 51);
    CALL(fcntl(p[0], F_DUPFD, -1));
    CALL(fcntl(900, F_GETFD));
    CALL(fcntl(p[0], 12345));
    CALL(fcntl(50, F_SETFL, O_NONBLOCK)); /* of the open file, which they share */
    IS(fcntl(p[0], F_GETFL) & O_NONBLOCK);
    CALL(close(900));
    close(40);
    close(41);
    close(50);
    close(51);
    close(p[1] + 1);
    close(p[0]);
    close(p[1]);
}

int main(void)
{
    begin();
    pipes();
    descriptors();
    return end();
}

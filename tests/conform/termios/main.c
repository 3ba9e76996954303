/* SPDX-License-Identifier: BSD-2-Clause */
/* Terminal attributes of what is no terminal, and the calls that work on the structure alone. */
#define _GNU_SOURCE
#include "../conform.h"

#include <sys/ioctl.h>
#include <termios.h>

static void no_terminal(int fd)
{
    struct termios t = {0};
    struct winsize size;
    CALL(tcgetattr(fd, &t));
    CALL(tcsetattr(fd, TCSANOW, &t));
    CALL(tcsetattr(fd, TCSAFLUSH, &t));
    CALL(tcsetattr(fd, 77, &t));
    CALL(tcdrain(fd));
    CALL(tcflush(fd, TCIOFLUSH));
    CALL(tcflow(fd, TCOON));
    CALL(tcsendbreak(fd, 0));
    CALL(tcgetpgrp(fd));
    CALL(tcgetsid(fd));
    CALL(ioctl(fd, TIOCGWINSZ, &size));
    CALL(isatty(fd));
}

static void structure(void)
{
    struct termios t = {.c_iflag = ICRNL | IXON | IXANY, .c_oflag = OPOST | ONLCR, .c_cflag = CS7 | PARENB | CREAD,
                        .c_lflag = ECHO | ICANON | ISIG | IEXTEN | TOSTOP};
    t.c_cc[VMIN] = 9;
    t.c_cc[VTIME] = 9;
    cfmakeraw(&t);
    IS(t.c_iflag == IXANY);
    IS(t.c_oflag == ONLCR);
    IS((t.c_cflag & (CSIZE | PARENB | CREAD)) == (CS8 | CREAD));
    IS(t.c_lflag == TOSTOP);
    SHOW(t.c_cc[VMIN] * 10 + t.c_cc[VTIME]);
    CALL(cfsetispeed(&t, B115200)); /* before the other: on Linux there is one field for both */
    CALL(cfsetospeed(&t, B9600));
    IS(cfgetospeed(&t) == B9600);
    CALL(cfsetispeed(&t, 12345));
    CALL(cfsetospeed(&t, 12345));
    CALL(cfsetspeed(&t, B38400));
    IS(cfgetospeed(&t) == B38400 && cfgetispeed(&t) == B38400);
}

int main(void)
{
    int p[2];
    char name[64];
    snprintf(name, sizeof(name), "/tmp/termios-%d", (int)getpid());
    int fd = (int)MUST(open(name, O_RDWR | O_CREAT, 0600));
    MUST(pipe(p));
    no_terminal(-1);
    no_terminal(1000);
    no_terminal(fd);
    no_terminal(p[0]);
    close(fd);
    unlink(name);
    structure();
    return end();
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Terminals: what the console is. There is no line discipline that could be set, so that attributes
 * are told and not kept; POSIX lets tcsetattr() succeed with a part of what it was asked for.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "result.h"

#define OUR_PID 1

/* 0 or -1 with errno: EBADF, ENOTTY. */
static int check(int fd)
{
    return isatty(fd) ? 0 : -1;
}

int tcgetattr(int fd, struct termios *out)
{
    if (check(fd) != 0) {
        return -1;
    }
    memset(out, 0, sizeof(*out));
    out->c_iflag = ICRNL;
    out->c_cflag = CREAD | CS8 | CLOCAL | B38400;
    out->c_cc[VEOF] = 4; /* Ctrl-D */
    out->c_cc[VMIN] = 1;
    out->c_ispeed = B38400;
    out->c_ospeed = B38400;
    return 0;
}

int tcsetattr(int fd, int when, const struct termios *attr)
{
    (void)attr;
    if (when < TCSANOW || when > TCSAFLUSH) {
        return (int)libc_result(-EINVAL);
    }
    return check(fd);
}

/* What is written is with the host when write() returns. */
int tcdrain(int fd)
{
    return check(fd);
}

int tcflow(int fd, int action)
{
    if (check(fd) != 0) {
        return -1;
    }
    return (int)libc_result(action < TCOOFF || action > TCION ? -EINVAL : 0);
}

/* Input that nobody has read stays: it may have been sent for what comes next. */
int tcflush(int fd, int queue)
{
    if (check(fd) != 0) {
        return -1;
    }
    return (int)libc_result(queue < TCIFLUSH || queue > TCIOFLUSH ? -EINVAL : 0);
}

int tcsendbreak(int fd, int duration)
{
    (void)duration;
    return check(fd);
}

pid_t tcgetsid(int fd)
{
    return check(fd) == 0 ? OUR_PID : -1;
}

pid_t tcgetpgrp(int fd)
{
    return check(fd) == 0 ? OUR_PID : -1;
}

int tcsetpgrp(int fd, pid_t group)
{
    if (check(fd) != 0) {
        return -1;
    }
    return (int)libc_result(group < 0 ? -EINVAL : group != OUR_PID ? -EPERM : 0);
}

int ttyname_r(int fd, char *name, size_t size)
{
    static const char console[] = "/dev/console";
    if (check(fd) != 0) {
        return errno;
    }
    if (size < sizeof(console)) {
        return ERANGE;
    }
    memcpy(name, console, sizeof(console));
    return 0;
}

char *ttyname(int fd)
{
    static char name[sizeof("/dev/console")];
    int r = ttyname_r(fd, name, sizeof(name));
    return r == 0 ? name : NULL;
}

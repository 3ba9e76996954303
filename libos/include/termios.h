/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Terminals, termios(3). Numbers as on Linux x86-64 (uapi/asm-generic/termbits.h). The console has
 * no line discipline: what is typed comes byte by byte and is not echoed, a carriage return as a
 * newline. tcgetattr() says so, tcsetattr() accepts everything and changes nothing of it.
 */
#pragma once

#include <sys/ioctl.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef unsigned char cc_t;
typedef unsigned speed_t;
typedef unsigned tcflag_t;

#define NCCS 32

struct termios {
    tcflag_t c_iflag;
    tcflag_t c_oflag;
    tcflag_t c_cflag;
    tcflag_t c_lflag;
    cc_t c_line;
    cc_t c_cc[NCCS];
    speed_t c_ispeed;
    speed_t c_ospeed;
};

/* c_cc */
#define VINTR    0
#define VQUIT    1
#define VERASE   2
#define VKILL    3
#define VEOF     4
#define VTIME    5
#define VMIN     6
#define VSWTC    7
#define VSTART   8
#define VSTOP    9
#define VSUSP    10
#define VEOL     11
#define VREPRINT 12
#define VDISCARD 13
#define VWERASE  14
#define VLNEXT   15
#define VEOL2    16

/* c_iflag */
#define IGNBRK  0x0001u
#define BRKINT  0x0002u
#define IGNPAR  0x0004u
#define PARMRK  0x0008u
#define INPCK   0x0010u
#define ISTRIP  0x0020u
#define INLCR   0x0040u
#define IGNCR   0x0080u
#define ICRNL   0x0100u
#define IUCLC   0x0200u
#define IXON    0x0400u
#define IXANY   0x0800u
#define IXOFF   0x1000u
#define IMAXBEL 0x2000u
#define IUTF8   0x4000u

/* c_oflag */
#define OPOST  0x0001u
#define OLCUC  0x0002u
#define ONLCR  0x0004u
#define OCRNL  0x0008u
#define ONOCR  0x0010u
#define ONLRET 0x0020u
#define TABDLY 0x1800u
#define XTABS  0x1800u

/* c_cflag */
#define CSIZE   0x0030u
#define CS5     0x0000u
#define CS6     0x0010u
#define CS7     0x0020u
#define CS8     0x0030u
#define CSTOPB  0x0040u
#define CREAD   0x0080u
#define PARENB  0x0100u
#define PARODD  0x0200u
#define HUPCL   0x0400u
#define CLOCAL  0x0800u
#define CBAUD   0x100fu
#define CRTSCTS 0x80000000u

/* c_lflag */
#define ISIG    0x0001u
#define ICANON  0x0002u
#define ECHO    0x0008u
#define ECHOE   0x0010u
#define ECHOK   0x0020u
#define ECHONL  0x0040u
#define NOFLSH  0x0080u
#define TOSTOP  0x0100u
#define ECHOCTL 0x0200u
#define ECHOPRT 0x0400u
#define ECHOKE  0x0800u
#define IEXTEN  0x8000u

#define B0       0x0000u
#define B50      0x0001u
#define B75      0x0002u
#define B110     0x0003u
#define B134     0x0004u
#define B150     0x0005u
#define B200     0x0006u
#define B300     0x0007u
#define B600     0x0008u
#define B1200    0x0009u
#define B1800    0x000au
#define B2400    0x000bu
#define B4800    0x000cu
#define B9600    0x000du
#define B19200   0x000eu
#define B38400   0x000fu
#define B57600   0x1001u
#define B115200  0x1002u
#define B230400  0x1003u
#define B460800  0x1004u
#define B921600  0x1007u

#define TCSANOW   0
#define TCSADRAIN 1
#define TCSAFLUSH 2

#define TCOOFF 0
#define TCOON  1
#define TCIOFF 2
#define TCION  3

#define TCIFLUSH  0
#define TCOFLUSH  1
#define TCIOFLUSH 2

int tcgetattr(int fd, struct termios *out);
int tcsetattr(int fd, int when, const struct termios *attr);
int tcdrain(int fd);
int tcflow(int fd, int action);
int tcflush(int fd, int queue);
int tcsendbreak(int fd, int duration);
pid_t tcgetsid(int fd);
speed_t cfgetispeed(const struct termios *attr);
speed_t cfgetospeed(const struct termios *attr);
int cfsetispeed(struct termios *attr, speed_t speed);
int cfsetospeed(struct termios *attr, speed_t speed);
int cfsetspeed(struct termios *attr, speed_t speed);
void cfmakeraw(struct termios *attr);

#ifdef __cplusplus
}
#endif

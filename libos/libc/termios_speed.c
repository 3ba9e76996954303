/* SPDX-License-Identifier: BSD-2-Clause */
/* The parts of struct termios that POSIX has functions for. */
#include <errno.h>
#include <termios.h>

#include "result.h"

speed_t cfgetispeed(const struct termios *attr)
{
    return attr->c_ispeed;
}

speed_t cfgetospeed(const struct termios *attr)
{
    return attr->c_ospeed;
}

static int set_speed(struct termios *attr, speed_t speed, speed_t *place)
{
    if (speed & ~CBAUD) {
        return (int)libc_result(-EINVAL);
    }
    *place = speed;
    attr->c_cflag = (attr->c_cflag & ~CBAUD) | speed;
    return 0;
}

int cfsetospeed(struct termios *attr, speed_t speed)
{
    return set_speed(attr, speed, &attr->c_ospeed);
}

/* Zero means the output's speed. */
int cfsetispeed(struct termios *attr, speed_t speed)
{
    return speed == B0 ? 0 : set_speed(attr, speed, &attr->c_ispeed);
}

int cfsetspeed(struct termios *attr, speed_t speed)
{
    return cfsetospeed(attr, speed) != 0 ? -1 : set_speed(attr, speed, &attr->c_ispeed);
}

/* termios(3), "Raw mode". */
void cfmakeraw(struct termios *attr)
{
    attr->c_iflag &= ~(IGNBRK | BRKINT | PARMRK | ISTRIP | INLCR | IGNCR | ICRNL | IXON);
    attr->c_oflag &= ~OPOST;
    attr->c_lflag &= ~(ECHO | ECHONL | ICANON | ISIG | IEXTEN);
    attr->c_cflag = (attr->c_cflag & ~(CSIZE | PARENB)) | CS8;
    attr->c_cc[VMIN] = 1;
    attr->c_cc[VTIME] = 0;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* Device control. Numbers as on Linux (include/uapi/linux/fs.h, sockios.h), which programs know. */
#pragma once

#ifdef __cplusplus
extern "C" {
#endif

#define BLKROGET     0x125eul     /* int: nonzero when the disk is read-only */
#define BLKGETSIZE   0x1260ul     /* unsigned long: size in sectors of 512 bytes */
#define BLKFLSBUF    0x1261ul     /* no argument: like fsync() */
#define BLKDISCARD   0x1277ul     /* uint64_t[2]: offset and length in bytes */
#define BLKSSZGET    0x1268ul     /* int: bytes per block, the unit of fast access */
#define BLKGETSIZE64 0x80081272ul /* uint64_t: size in bytes */

/* Of a socket: struct ifconf and struct ifreq of <net/if.h>; netdevice(7). */
#define SIOCATMARK     0x8905ul
#define SIOCGIFNAME    0x8910ul
#define SIOCGIFCONF    0x8912ul
#define SIOCGIFFLAGS   0x8913ul
#define SIOCSIFFLAGS   0x8914ul
#define SIOCGIFADDR    0x8915ul
#define SIOCSIFADDR    0x8916ul
#define SIOCGIFDSTADDR 0x8917ul
#define SIOCGIFBRDADDR 0x8919ul
#define SIOCSIFBRDADDR 0x891aul
#define SIOCGIFNETMASK 0x891bul
#define SIOCSIFNETMASK 0x891cul
#define SIOCGIFMETRIC  0x891dul
#define SIOCGIFMTU     0x8921ul
#define SIOCSIFMTU     0x8922ul
#define SIOCSIFHWADDR  0x8924ul
#define SIOCGIFHWADDR  0x8927ul
#define SIOCGIFINDEX   0x8933ul
#define SIOCGIFTXQLEN  0x8942ul
#define SIOCINQ        FIONREAD
#define SIOCOUTQ       TIOCOUTQ

#define FIONREAD 0x541bul /* int: bytes that can be read at once; asm-generic/ioctls.h */
#define TIOCOUTQ 0x5411ul /* int: bytes of a socket that are not yet acknowledged */
#define TIOCGWINSZ 0x5413ul /* struct winsize: ENOTTY, nobody knows the console's size */
#define FIONBIO  0x5421ul /* int: nonzero sets O_NONBLOCK, zero clears it */

struct winsize {
    unsigned short ws_row;
    unsigned short ws_col;
    unsigned short ws_xpixel;
    unsigned short ws_ypixel;
};

int ioctl(int fd, unsigned long request, ...);

#ifdef __cplusplus
}
#endif

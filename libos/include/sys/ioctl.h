/* SPDX-License-Identifier: BSD-2-Clause */
/* Device control. Numbers as on Linux (include/uapi/linux/fs.h), which programs know. */
#pragma once

#ifdef __cplusplus
extern "C" {
#endif

#define BLKROGET     0x125eul     /* int: nonzero when the disk is read-only */
#define BLKGETSIZE   0x1260ul     /* unsigned long: size in sectors of 512 bytes */
#define BLKFLSBUF    0x1261ul     /* no argument: like fsync() */
#define BLKSSZGET    0x1268ul     /* int: bytes per block, the unit of fast access */
#define BLKGETSIZE64 0x80081272ul /* uint64_t: size in bytes */

int ioctl(int fd, unsigned long request, ...);

#ifdef __cplusplus
}
#endif

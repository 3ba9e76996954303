/* SPDX-License-Identifier: BSD-2-Clause */
/* The names of virtual disks by their numbers (xen docs/man/xen-vbd-interface.7.pandoc). */
#include <xenplat/blkfront.h>

#include <string.h>

#include <pith/log.h>

#define EXTENDED (1u << 28) /* disk << 8 | partition; xvd only */
#define MAJOR_XVD 202u
#define MAJOR_SD  8u
#define MAJOR_HD  3u
#define MAJOR_HD2 22u /* hdc and hdd */

static void make_name(char name[BLKDEV_NAME_MAX], const char *prefix, unsigned disk, unsigned part)
{
    char letters[3] = { (char)('a' + disk % 26) };
    if (disk >= 26) {
        letters[0] = (char)('a' + disk / 26 - 1);
        letters[1] = (char)('a' + disk % 26);
    }
    if (part == 0) {
        log_format(name, BLKDEV_NAME_MAX, "%s%s", prefix, letters);
    } else {
        log_format(name, BLKDEV_NAME_MAX, "%s%s%u", prefix, letters, part);
    }
}

void blkfront_name(unsigned vdev, char name[BLKDEV_NAME_MAX], char alias[BLKDEV_NAME_MAX])
{
    unsigned disk = vdev >> 4 & 0xf, part = vdev & 0xf;
    const char *prefix = "xvd";

    name[0] = alias[0] = '\0';
    if (vdev & EXTENDED) {
        disk = vdev >> 8 & 0xfffff;
        part = vdev & 0xff;
    } else if (vdev >> 8 == MAJOR_SD) {
        prefix = "sd";
    } else if (vdev >> 8 == MAJOR_HD || vdev >> 8 == MAJOR_HD2) {
        prefix = "hd";
        disk = (vdev >> 8 == MAJOR_HD ? 0 : 2) + (vdev >> 6 & 3);
        part = vdev & 0x3f;
    } else if (vdev >> 8 != MAJOR_XVD) {
        return;
    }
    if (disk < 26 * 27) {
        make_name(name, "vd", disk, part);
        make_name(alias, prefix, disk, part);
    }
}

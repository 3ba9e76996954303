/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Writes to files on a disk, and says what is promised, by writes to the disk itself behind the file
 * system's end: so QEMU's log of the disk has promises and writes in one order, and host.py can cut
 * it anywhere. Argument: how many rounds.
 *
 * Round i makes /data/new-i, appends a record to /data/log, and replaces /data/current; each is
 * synced. Older files are removed.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check.h"

#define KEPT     10
#define ACK_AT   (32l << 20) /* where the file system ends; host.py knows it, too */
#define RECORD   64
#define FILE_MAX 20000u

static unsigned rounds;

static size_t size_of(unsigned i)
{
    return i * 977 % FILE_MAX + 1;
}

static bool put(const char *path, int flags, unsigned i, size_t len)
{
    static uint8_t buf[FILE_MAX];
    for (size_t k = 0; k < len; k++) {
        buf[k] = (uint8_t)(i + k / 3);
    }
    int fd = open(path, O_CREAT | O_WRONLY | flags, 0644);
    bool good = fd >= 0 && write(fd, buf, len) == (ssize_t)len && fsync(fd) == 0;
    return close(fd) == 0 && good;
}

static void promise(int disk, unsigned i)
{
    static uint8_t sector[512];
    memcpy(sector, &i, sizeof(i));
    CHECK_EQ(pwrite(disk, sector, sizeof(sector), ACK_AT), sizeof(sector));
}

static void writes(void)
{
    char path[64], record[RECORD + 1];
    int disk = open("/dev/vda", O_WRONLY);
    int log = open("/data/log", O_CREAT | O_APPEND | O_WRONLY, 0644);
    int dir = open("/data", O_RDONLY | O_DIRECTORY);
    CHECK(disk >= 0 && log >= 0 && dir >= 0);
    for (unsigned i = 1; i <= rounds; i++) {
        snprintf(path, sizeof(path), "/data/new-%u", i);
        CHECK(put(path, O_EXCL, i, size_of(i)));
        snprintf(record, sizeof(record), "%063u\n", i);
        CHECK_EQ(write(log, record, RECORD), RECORD);
        CHECK_EQ(fdatasync(log), 0);
        CHECK(put("/data/temporary", O_TRUNC, i, size_of(i * 3)));
        CHECK_EQ(rename("/data/temporary", "/data/current"), 0);
        CHECK_EQ(fsync(dir), 0);
        if (i > KEPT) {
            snprintf(path, sizeof(path), "/data/new-%u", i - KEPT);
            CHECK_EQ(unlink(path), 0);
        }
        promise(disk, i);
    }
}

int main(int argc, char **argv)
{
    rounds = argc > 1 ? (unsigned)atoi(argv[1]) : 40;
    check_run("writes", writes);
    return check_done();
}

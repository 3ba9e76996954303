/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * On the Linux guest, between its init and the program: loads the modules that are /disk/00, /disk/01, ...,
 * mounts the first disk at /data, and becomes /disk/program.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define WAIT_MS 10000 /* for the driver to find the disks */

int main(int argc, char **argv)
{
    static char program[] = "/disk/program";
    struct timespec step = { .tv_nsec = 1000000 };

    (void)argc;
    for (int i = 0;; i++) {
        char path[32];
        snprintf(path, sizeof(path), "/disk/%02d", i);
        int fd = open(path, O_RDONLY);
        if (fd < 0) {
            break;
        }
        if (syscall(SYS_finit_module, fd, "", 0) != 0 && errno != EEXIST) {
            perror(path);
            return 1;
        }
        close(fd);
    }
    for (int i = 0; i < WAIT_MS && access("/dev/vdb", F_OK) != 0; i++) {
        nanosleep(&step, NULL);
    }
    mkdir("/data", 0755);
    if (mount("/dev/vda", "/data", "ext4", 0, "") != 0) {
        perror("/data");
        return 1;
    }
    argv[0] = program;
    execv(program, argv);
    perror(program);
    return 1;
}

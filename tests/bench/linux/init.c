/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The first process of the Linux guest that benchmarks compare with: loads the modules that its
 * initramfs has, mounts what programs look for, gives eth0 its address, and becomes the program.
 *
 *     init=/init ... -- ADDRESS|none [ARGUMENT...]     (what the kernel does not know it hands to us)
 *
 * The modules are /modules/00, /modules/01, ... in the order in which they need each other; as a guest of Xen
 * those in /modules-xen.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define CARD_WAIT_MS 10000 /* for the driver to find the card */

static void fail(const char *what)
{
    fprintf(stderr, "init: %s: %s\n", what, strerror(errno));
    exit(1);
}

static void load_modules(const char *folder)
{
    for (int i = 0;; i++) {
        char path[64];
        snprintf(path, sizeof(path), "%s/%02d", folder, i);
        int fd = open(path, O_RDONLY);
        if (fd < 0) {
            return;
        }
        if (syscall(SYS_finit_module, fd, "", 0) != 0 && errno != EEXIST) {
            fail(path);
        }
        close(fd);
    }
}

static void interface_up(int s, struct ifreq *ifr)
{
    if (ioctl(s, SIOCGIFFLAGS, ifr) != 0) {
        fail(ifr->ifr_name);
    }
    ifr->ifr_flags |= IFF_UP;
    if (ioctl(s, SIOCSIFFLAGS, ifr) != 0) {
        fail(ifr->ifr_name);
    }
}

/* ADDRESS/24 on eth0. */
static void configure(const char *address)
{
    struct ifreq ifr = { .ifr_name = "lo" };
    struct sockaddr_in in = { .sin_family = AF_INET };
    struct timespec step = { .tv_nsec = 1000000 };
    int s = socket(AF_INET, SOCK_DGRAM, 0);

    interface_up(s, &ifr);
    for (int i = 0; if_nametoindex("eth0") == 0; i++) {
        if (i == CARD_WAIT_MS) {
            fail("eth0");
        }
        nanosleep(&step, NULL);
    }
    strcpy(ifr.ifr_name, "eth0");
    if (inet_pton(AF_INET, address, &in.sin_addr) != 1) {
        fail(address);
    }
    memcpy(&ifr.ifr_addr, &in, sizeof(in));
    if (ioctl(s, SIOCSIFADDR, &ifr) != 0) {
        fail("SIOCSIFADDR");
    }
    in.sin_addr.s_addr = htonl(0xffffff00);
    memcpy(&ifr.ifr_netmask, &in, sizeof(in));
    if (ioctl(s, SIOCSIFNETMASK, &ifr) != 0) {
        fail("SIOCSIFNETMASK");
    }
    interface_up(s, &ifr);
    close(s);
}

/* /dev, /proc and /tmp, and as many descriptors as a program may want. */
static void prepare(void)
{
    struct rlimit most = { .rlim_cur = 1 << 20, .rlim_max = 1 << 20 };

    mkdir("/dev", 0755);
    mkdir("/proc", 0755);
    mkdir("/tmp", 0755);
    if (mount("dev", "/dev", "devtmpfs", 0, "") != 0 && errno != EBUSY) {
        fail("/dev");
    }
    if (mount("proc", "/proc", "proc", 0, "") != 0 || mount("tmp", "/tmp", "tmpfs", 0, "") != 0) {
        fail("mount");
    }
    if (setrlimit(RLIMIT_NOFILE, &most) != 0) {
        fail("setrlimit");
    }
}

int main(int argc, char **argv)
{
    static char program[] = "/program";

    if (argc < 2) {
        fprintf(stderr, "init: no address\n");
        return 1;
    }
    prepare();
    /* Linux makes this folder on Xen only (drivers/xen/xenbus/xenbus_probe.c). */
    load_modules(access("/proc/xen", F_OK) == 0 ? "/modules-xen" : "/modules");
    if (strcmp(argv[1], "none") != 0) {
        configure(argv[1]);
    }
    argv[1] = program;
    execv(program, argv + 1);
    fail(program);
}

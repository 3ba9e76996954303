/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Console devices: /dev/hvc0, whose other end host.py holds, and `console=hvc0`.
 *
 * host.py sends back what it gets, when told to.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <pith/condev.h>

#include "check.h"

static int fd;

static uint8_t pattern(size_t i)
{
    return (uint8_t)(i * 2654435761u >> 13);
}

/* Tell host.py by the serial port what to do next. */
static void tell(const char *word)
{
    printf("host: %s\n", word);
    fflush(stdout);
}

static bool read_all(uint8_t *buf, size_t len)
{
    for (size_t done = 0; done < len;) {
        ssize_t n = read(fd, buf + done, len - done);
        if (!CHECK(n > 0)) {
            return false;
        }
        done += (size_t)n;
    }
    return true;
}

static void file(void)
{
    struct stat st;
    fd = open("/dev/hvc0", O_RDWR);
    if (!CHECK(fd >= 0)) {
        return;
    }
    CHECK(fstat(fd, &st) == 0 && S_ISCHR(st.st_mode) && st.st_rdev == (229 << 8));
    CHECK(lseek(fd, 0, SEEK_SET) == -1 && errno == ESPIPE);
    CHECK(open("/dev/hvc9", O_RDWR) == -1 && errno == ENOENT);
    CHECK(open("/dev/hvc", O_RDWR) == -1 && errno == ENOENT);
}

/* Every length, there and back. */
static void echo(void)
{
    static uint8_t out[9000], in[9000];
    tell("echo");
    for (size_t len = 1; len <= sizeof(out); len += len < 40 ? 1 : len / 3) {
        for (size_t i = 0; i < len; i++) {
            out[i] = pattern(i + len);
        }
        CHECK_EQ(write(fd, out, len), len);
        if (!read_all(in, len)) {
            return;
        }
        CHECK(memcmp(in, out, len) == 0);
    }
}

/* Nothing to read, then something: by O_NONBLOCK and poll(). */
static void polled(void)
{
    uint8_t byte = 0;
    struct pollfd p = { .fd = fd, .events = POLLIN | POLLOUT };
    CHECK_EQ(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
    CHECK(read(fd, &byte, 1) == -1 && errno == EAGAIN);
    CHECK_EQ(poll(&p, 1, 0), 1);
    CHECK_EQ(p.revents, POLLOUT);
    p.events = POLLIN;
    CHECK_EQ(poll(&p, 1, 50), 0);
    for (unsigned i = 0; i < 20; i++) {
        CHECK_EQ(write(fd, "x", 1), 1);
        CHECK_EQ(poll(&p, 1, 20000), 1);
        CHECK_EQ(p.revents, POLLIN);
        CHECK_EQ(read(fd, &byte, 1), 1);
    }
    CHECK_EQ(fcntl(fd, F_SETFL, 0), 0);
}

#define LARGE (4u << 20)
#define BLOCK (32u << 10) /* QEMU throws away what its socket does not take at once: wait for its end */

/* 4 MiB each way; host.py compares what we send, we compare what it sends. */
static void large(void)
{
    uint8_t ack;
    uint8_t *data = malloc(LARGE);
    if (!CHECK(data != NULL)) {
        return;
    }
    for (size_t i = 0; i < LARGE; i++) {
        data[i] = pattern(i);
    }
    tell("take");
    for (size_t at = 0; at < LARGE; at += BLOCK) {
        if (!read_all(&ack, 1)) { /* until the first one it sends everything back */
            return;
        }
        CHECK_EQ(write(fd, data + at, BLOCK), BLOCK);
    }
    memset(data, 0, LARGE);
    if (read_all(data, LARGE)) {
        unsigned wrong = 0;
        for (size_t i = 0; i < LARGE; i++) {
            wrong += data[i] != pattern(i);
        }
        CHECK_EQ(wrong, 0);
    }
    free(data);
}

/* A host that does not read: QEMU throws away what its socket does not take; nobody hangs. */
static void unread(void)
{
    static uint8_t block[4096];
    memset(block, 'b', sizeof(block));
    for (unsigned i = 0; i < 4096; i++) {
        CHECK_EQ(write(fd, block, sizeof(block)), sizeof(block));
    }
    tell("drain");
    /* It says "end" when it has read what there was. */
    CHECK(read_all(block, 3) && memcmp(block, "end", 3) == 0);
    CHECK_EQ(write(fd, "last", 4), 4);
    CHECK(read_all(block, 2) && memcmp(block, "ok", 2) == 0);
}

/* With console=hvc0: standard output goes there now. */
static int redirected(const char *how)
{
    printf("on the serial port\n");
    fflush(stdout);
    struct condev *dev = condev_find("hvc0");
    printf("on the virtio console, machine %d, %s\n", dev != NULL && dev->is_machine, how);
    fflush(stdout);
    char line[40] = "";
    if (strcmp(how, "read") == 0) {
        if (fgets(line, sizeof(line), stdin) != NULL) {
            printf("read: %s", line);
        }
        fflush(stdout);
        return strcmp(line, "hello\n") == 0 ? 5 : 1;
    }
    if (strcmp(how, "many") == 0) {
        for (unsigned i = 0; i < 20000; i++) {
            printf("line %u\n", i);
        }
    }
    if (strcmp(how, "crash") == 0) {
        *(volatile int *)8 = 1;
    }
    return 3;
}

static void none(void)
{
    CHECK(open("/dev/hvc0", O_RDWR) == -1 && errno == ENOENT);
    CHECK(condev_find("hvc0") == NULL);
}

int main(int argc, char **argv)
{
    const char *mode = argc > 1 ? argv[1] : "";
    if (strcmp(mode, "machine") == 0) {
        return redirected(argc > 2 ? argv[2] : "");
    }
    if (strcmp(mode, "none") == 0) {
        check_run("none", none);
        return check_done();
    }
    check_run("file", file);
    if (fd >= 0) {
        check_run("echo", echo);
        check_run("polled", polled);
        check_run("large", large);
        check_run("unread", unread);
    }
    return check_done();
}

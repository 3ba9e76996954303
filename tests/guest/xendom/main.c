/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a guest of Xen shares with its toolstack: xenstore by several threads, long lists,
 * transactions, watches, grants in the real table, and a network device's handshake if there is one.
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <pith/page.h>
#include <pith/platform.h>
#include <x86/mem.h>
#include <xenplat/grant.h>
#include <xenplat/services.h>
#include <xenplat/xenbus.h>
#include <xenplat/xenstore.h>

#include "check.h"

#define SECOND 1000000000ull
#define LIST   35u /* names together longer than the ring; xenstored's quota for a node is 2 KiB */

static char buf[65536];

static void hardware_domain_has_none(void)
{
    if (!xen_is_hardware_domain()) {
        return;
    }
    CHECK(xenstore_read(XENSTORE_NO_TX, "name", NULL, buf, sizeof(buf)) == -ENODEV);
    CHECK(xenstore_write(XENSTORE_NO_TX, "data", "a", "b") == -ENODEV);
}

static void store_values(void)
{
    uint64_t value;

    CHECK(xenstore_read(XENSTORE_NO_TX, "name", NULL, buf, sizeof(buf)) > 0);
    printf("name %s\n", buf);
    CHECK(xenstore_read(XENSTORE_NO_TX, "data/none", NULL, buf, sizeof(buf)) == -ENOENT);
    CHECK(xenstore_write(XENSTORE_NO_TX, "/local/domain/0", "x", "y") == -EACCES);
    CHECK(xenstore_write(XENSTORE_NO_TX, "data/pith", "a", "some text") == 0);
    CHECK(xenstore_read(XENSTORE_NO_TX, "data/pith", "a", buf, sizeof(buf)) == 9);
    CHECK(strcmp(buf, "some text") == 0);
    CHECK(xenstore_read(XENSTORE_NO_TX, "data/pith", "a", buf, 9) == -ERANGE);
    CHECK(xenstore_read_u64(XENSTORE_NO_TX, "data/pith", "a", &value) == -EINVAL);
    CHECK(xenstore_write_u64(XENSTORE_NO_TX, "data/pith", "n", UINT64_MAX) == 0);
    CHECK(xenstore_read_u64(XENSTORE_NO_TX, "data/pith", "n", &value) == 0 && value == UINT64_MAX);
    CHECK(xenstore_rm(XENSTORE_NO_TX, "data/pith/n") == 0);
    CHECK(xenstore_read_u64(XENSTORE_NO_TX, "data/pith", "n", &value) == -ENOENT);

    /* Longer than the ring, then longer than a message may be. */
    memset(buf, 'v', 2000);
    buf[2000] = '\0';
    CHECK(xenstore_write(XENSTORE_NO_TX, "data/pith", "long", buf) == 0);
    CHECK(xenstore_read(XENSTORE_NO_TX, "data/pith", "long", buf + 3000, 3000) == 2000);
    CHECK(strcmp(buf, buf + 3000) == 0);
    memset(buf, 'v', 5000);
    buf[5000] = '\0';
    CHECK(xenstore_write(XENSTORE_NO_TX, "data/pith", "long", buf) == -E2BIG);
}

static void lists(void)
{
    char key[100];
    unsigned n = 0;

    for (unsigned i = 0; i < LIST; i++) {
        snprintf(key, sizeof(key), "data/list/%03u-a-rather-long-name-for-a-node-of-this-tree", i);
        CHECK(xenstore_mkdir(XENSTORE_NO_TX, key) == 0);
    }
    ssize_t len = xenstore_list(XENSTORE_NO_TX, "data/list", buf, sizeof(buf));
    CHECK(len > 1024);
    for (const char *p = buf; p < buf + len; p += strlen(p) + 1) {
        CHECK((unsigned)atoi(p) == n);
        n++;
    }
    CHECK(n == LIST);
    CHECK(xenstore_list(XENSTORE_NO_TX, "data/list", buf, 1024) == -ERANGE);
    CHECK(xenstore_rm(XENSTORE_NO_TX, "data/list") == 0);
}

static void *add_many(void *arg)
{
    char key[16], text[16];
    const char *name = arg;

    for (unsigned i = 0; i < 50; i++) {
        snprintf(key, sizeof(key), "%s%u", name, i % 7);
        snprintf(text, sizeof(text), "%s-%u", name, i);
        if (xenstore_write(XENSTORE_NO_TX, "data/pith", key, text) != 0 ||
            xenstore_read(XENSTORE_NO_TX, "data/pith", key, text + 8, 8) < 0 ||
            strncmp(text, text + 8, 7) != 0) {
            return "wrong";
        }
    }
    return NULL;
}

static void threads_share_it(void)
{
    static char names[4][2] = {"k", "l", "m", "n"};
    pthread_t t[4];
    void *result;

    for (unsigned i = 0; i < 4; i++) {
        CHECK(pthread_create(&t[i], NULL, add_many, names[i]) == 0);
    }
    for (unsigned i = 0; i < 4; i++) {
        CHECK(pthread_join(t[i], &result) == 0 && result == NULL);
    }
}

static int increment(uint32_t tx, void *arg)
{
    unsigned *rounds = arg;
    uint64_t value;

    int error = xenstore_read_u64(tx, "data/pith", "counter", &value);
    if (error == 0 && (*rounds)++ == 0) {
        error = xenstore_write_u64(XENSTORE_NO_TX, "data/pith", "counter", 100); /* somebody else */
    }
    return error != 0 ? error : xenstore_write_u64(tx, "data/pith", "counter", value + 1);
}

static void transactions(void)
{
    unsigned rounds = 0;
    uint64_t value;

    CHECK(xenstore_write_u64(XENSTORE_NO_TX, "data/pith", "counter", 1) == 0);
    CHECK(xenstore_transaction(increment, &rounds) == 0);
    CHECK(rounds == 2);
    CHECK(xenstore_read_u64(XENSTORE_NO_TX, "data/pith", "counter", &value) == 0 && value == 101);
    CHECK(xenstore_rm(XENSTORE_NO_TX, "data/pith/counter") == 0);
    CHECK(xenstore_transaction(increment, &rounds) == -ENOENT);
}

static uint32_t seen;

static void noticed(struct xenstore_watch *watch)
{
    (void)watch;
    __atomic_add_fetch(&seen, 1, __ATOMIC_RELAXED);
}

static void watches(void)
{
    struct xenstore_watch watch = {.path = "data/watched", .fn = noticed};

    CHECK(xenstore_watch(&watch) == 0);
    for (uint32_t i = 1; i < 20; i++) {
        uint64_t until = platform_clock_ns() + 20 * SECOND;
        while (__atomic_load_n(&seen, __ATOMIC_RELAXED) < i && platform_clock_ns() < until) {
            struct timespec t = {0, 1000000};
            nanosleep(&t, NULL);
        }
        CHECK(__atomic_load_n(&seen, __ATOMIC_RELAXED) >= i);
        CHECK(xenstore_write(XENSTORE_NO_TX, "data/watched", "x", "y") == 0);
    }
    CHECK(xenstore_unwatch(&watch) == 0);
    uint32_t last = seen;
    CHECK(xenstore_write(XENSTORE_NO_TX, "data/watched", "x", "z") == 0 && seen == last);
}

static void grants(void)
{
    static uint32_t refs[3000];
    struct grant_stats stats;

    CHECK(grant_alloc(refs, 3000) == 0);
    void *page = page_alloc(0);
    for (unsigned i = 0; i < 3000; i++) {
        CHECK(grant_access(refs[i], 0, page, i & 1) == 0);
    }
    for (unsigned i = 0; i < 3000; i++) {
        CHECK(grant_revoke(refs[i]) == 0);
    }
    grant_free(refs, 3000);
    grant_stats(&stats);
    CHECK(stats.used == 0 && stats.frames == 6);
    page_free(page, 0);
}

static int say_little(uint32_t tx, struct xenbus_device *dev)
{
    return xenstore_write(tx, dev->path, "request-rx-copy", "1");
}

static void handshake(void)
{
    static struct xenbus_device dev;

    CHECK(xenbus_open(&dev, "device/none/0") == -ENOENT);
    int error = xenbus_open(&dev, "device/vif/0");
    if (error == -ENOENT) {
        printf("no vif here\n");
        return;
    }
    CHECK(error == 0 && dev.domain == 0);
    int state = xenbus_wait(&dev, XENBUS_STATES(XenbusStateInitWait), platform_clock_ns() + 20 * SECOND);
    printf("backend %s is at %d\n", dev.backend, state);
    CHECK(state == XenbusStateInitWait);
    CHECK(xenbus_wait(&dev, XENBUS_STATES(XenbusStateConnected), platform_clock_ns() + SECOND / 4) ==
          -ETIMEDOUT);
    CHECK(xenbus_publish(&dev, say_little, XenbusStateInitialised) == 0);
    CHECK(xenbus_part(&dev, platform_clock_ns() + 20 * SECOND) == 0);
    xenbus_close(&dev);
}

int main(void)
{
    check_run("hardware_domain_has_none", hardware_domain_has_none);
    if (!xen_is_hardware_domain()) {
        check_run("store_values", store_values);
        check_run("lists", lists);
        check_run("threads_share_it", threads_share_it);
        check_run("transactions", transactions);
        check_run("watches", watches);
        check_run("grants", grants);
        check_run("handshake", handshake);
    }
    return check_done();
}

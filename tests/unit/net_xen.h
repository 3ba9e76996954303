/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A made-up Xen for the test of its network front end: grants, event channels, a tree and the
 * handshake. Included once.
 */
#pragma once

#include <errno.h>

#include <xenplat/evtchn.h>
#include <xenplat/suspend.h>
#include <xenplat/frontend.h>
#include <xenplat/grant.h>
#include <xenplat/xenbus.h>

#include "fake_cpu.h"
#include "virtio_machine.h"

static struct xenbus_device *bus;
static struct xen_frontend *driver;

/* ---- grants: who may use which page; `mapped` is what a backend does not let go of ---- */

#define REFS 1024u

static struct {
    bool reserved, granted, readonly, mapped, abandoned;
    const void *page;
} grants[REFS];
static unsigned refs_out, pages_left;

int grant_alloc(uint32_t *refs, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        uint32_t ref = 8;
        while (ref < REFS && grants[ref].reserved) {
            ref++;
        }
        EXPECT(ref < REFS);
        grants[ref].reserved = true;
        refs[i] = ref;
        refs_out++;
    }
    return 0;
}

void grant_free(const uint32_t *refs, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        EXPECT(grants[refs[i]].reserved && !grants[refs[i]].granted);
        grants[refs[i]].reserved = false;
        refs_out--;
    }
}

int grant_access(uint32_t ref, unsigned domain, const void *page, bool readonly)
{
    EXPECT(ref < REFS && grants[ref].reserved && !grants[ref].granted);
    EXPECT(domain == 7 && (uintptr_t)page % PAGE_SIZE == 0);
    grants[ref].granted = true;
    grants[ref].readonly = readonly;
    grants[ref].page = page;
    return 0;
}

int grant_revoke(uint32_t ref)
{
    EXPECT(ref < REFS && grants[ref].granted);
    if (grants[ref].mapped) {
        return -EBUSY;
    }
    grants[ref].granted = false;
    return 0;
}

void grant_abandon(uint32_t ref, void *page)
{
    EXPECT(grants[ref].granted && grants[ref].mapped && grants[ref].page == page);
    grants[ref].abandoned = true;
    pages_left++;
}

/* What the backend may write to, or read from. */
static uint8_t *foreign_page(uint32_t ref, bool writes)
{
    EXPECT(ref < REFS && grants[ref].granted && !(writes && grants[ref].readonly));
    return (uint8_t *)(uintptr_t)grants[ref].page;
}

/* ---- event channels ---- */

static struct {
    evtchn_handler *handler;
    void *arg;
} ports[16];
static unsigned ports_open, notified;

int evtchn_alloc_unbound(unsigned remote, evtchn_handler *handler, void *arg)
{
    int port = 1;
    EXPECT(remote == 7);
    while (ports[port].handler != NULL) {
        port++;
    }
    ports[port].handler = handler;
    ports[port].arg = arg;
    ports_open++;
    return port;
}

void evtchn_close(uint32_t port)
{
    EXPECT(ports[port].handler != NULL);
    ports[port].handler = NULL;
    ports_open--;
}

static uint32_t generation; /* goes up with each move */

uint32_t xen_generation(void)
{
    return generation;
}

int evtchn_notify(uint32_t port)
{
    EXPECT(port != 0);
    notified++;
    return 0;
}

void evtchn_unmask(uint32_t port)
{
    (void)port;
}

/* ---- the tree ---- */

static struct {
    char key[40];
    uint64_t value;
} ours[32], theirs[32];
static int connect_state; /* what the backend answers when we are Connected */
static int ready_state;   /* ... and before */

static void tree_set(const char *key, uint64_t value)
{
    unsigned i = 0;
    while (theirs[i].key[0] != '\0' && strcmp(theirs[i].key, key) != 0) {
        i++;
    }
    strcpy(theirs[i].key, key);
    theirs[i].value = value;
}

static uint64_t told(const char *key)
{
    for (unsigned i = 0; i < 32; i++) {
        if (strcmp(ours[i].key, key) == 0) {
            return ours[i].value;
        }
    }
    return UINT64_MAX;
}

int xenstore_read_u64(uint32_t tx, const char *dir, const char *key, uint64_t *value)
{
    (void)tx;
    (void)dir;
    for (unsigned i = 0; i < 32; i++) {
        if (strcmp(theirs[i].key, key) == 0) {
            *value = theirs[i].value;
            return 0;
        }
    }
    return -ENOENT;
}

static const char *mac_text = "00:16:3E:01:02:ff";

ssize_t xenstore_read(uint32_t tx, const char *dir, const char *key, char *buf, size_t size)
{
    (void)tx;
    (void)dir;
    EXPECT(strcmp(key, "mac") == 0 && size > 17);
    strcpy(buf, mac_text);
    return (ssize_t)strlen(buf);
}

int xenstore_write_u64(uint32_t tx, const char *dir, const char *key, uint64_t value)
{
    unsigned i = 0;
    (void)tx;
    EXPECT(strcmp(dir, "device/vif/0") == 0);
    while (ours[i].key[0] != '\0' && strcmp(ours[i].key, key) != 0) {
        i++;
    }
    strcpy(ours[i].key, key);
    ours[i].value = value;
    return 0;
}

static unsigned buses_open, parted;

int xenbus_open(struct xenbus_device *dev, const char *path)
{
    strcpy(dev->path, path);
    strcpy(dev->backend, "/local/domain/7/backend/vif/1/0");
    dev->domain = 7;
    buses_open++;
    return 0;
}

void xenbus_close(struct xenbus_device *dev)
{
    (void)dev;
    buses_open--;
}

int xenbus_wait(struct xenbus_device *dev, unsigned states, uint64_t deadline_ns)
{
    (void)dev;
    EXPECT(deadline_ns > now_ns && deadline_ns - now_ns < 60000000000ULL);
    return states & XENBUS_STATES(XenbusStateInitWait) ? ready_state : connect_state;
}

int xenbus_publish(struct xenbus_device *dev, int (*publish)(uint32_t, struct xenbus_device *),
                   XenbusState state)
{
    EXPECT(state == XenbusStateConnected);
    memset(ours, 0, sizeof(ours));
    return publish(1, dev);
}

int xenbus_part(struct xenbus_device *dev, uint64_t deadline_ns)
{
    (void)dev;
    (void)deadline_ns;
    parted++;
    return 0;
}

void xenbus_report(struct xenbus_device *dev, int error, const char *what)
{
    (void)dev;
    (void)error;
    (void)what;
    errors_logged++;
}

int xen_frontend_start(struct xen_frontend *kind)
{
    driver = kind;
    return kind->attach("device/vif/0", 0, &bus) == 0;
}

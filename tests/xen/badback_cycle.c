/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * badback cycle vif|vbd DOMID NUMBER TIMES [KEY=VALUE]...: the toolstack's part alone. Devices of
 * Linux's own backends come and go, one after the other, without the shell scripts for which an `xl
 * network-attach` needs seconds here. The values are for the backend's nodes: the scripts' work.
 */
#include "badback.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WAIT_SECONDS 30

static void vif_nodes(struct back *b)
{
    store_write(b, "handle", "%u", b->number);
    store_write(b, "mac", "00:16:3e:00:cc:%02x", b->number & 0xff);
    store_write(b, "script", "/etc/xen/scripts/vif-bridge"); /* netback wants it, and runs it not */
    store_write(b, "hotplug-status", "connected");
    store_write(b, "type", "vif");
}

static void vbd_nodes(struct back *b)
{
    store_write(b, "mode", "w");
    store_write(b, "device-type", "disk");
    store_write(b, "dev", "xvdz");
    store_write(b, "removable", "0");
    store_write(b, "bootable", "1");
}

static const struct kind kinds[] = {{.name = "vif", .frontend = "vif", .nodes = vif_nodes},
                                    {.name = "vbd", .frontend = "vbd", .nodes = vbd_nodes}};

static unsigned state_of(struct back *b, const char *dir)
{
    char path[PATH + 8];
    unsigned len, state = 0;

    snprintf(path, sizeof(path), "%s/state", dir);
    char *text = xs_read(b->xs, XBT_NULL, path, &len);
    if (text != NULL) {
        state = (unsigned)strtoul(text, NULL, 10);
        free(text);
    }
    return state;
}

static void wait_for(struct back *b, const char *dir, unsigned state, unsigned round)
{
    struct pollfd fd = {.fd = xs_fileno(b->xs), .events = POLLIN};
    char **event;

    for (double until = now() + WAIT_SECONDS; state_of(b, dir) != state;) {
        poll(&fd, 1, 200);
        while ((event = xs_check_watch(b->xs)) != NULL) {
            free(event);
        }
        if (now() > until) {
            die("round %u: %s is at %u, not at %u; the other half: %u", round, dir, state_of(b, dir), state,
                state_of(b, dir == b->front ? b->path : b->front));
        }
    }
}

int cycle_main(int argc, char **argv)
{
    static struct back b;

    if (argc < 4) {
        die("badback cycle vif|vbd DOMID NUMBER TIMES [KEY=VALUE]...");
    }
    b.kind = &kinds[strcmp(argv[0], "vbd") == 0];
    b.domain = (unsigned)atoi(argv[1]);
    b.number = (unsigned)atoi(argv[2]);
    b.extra = argv + 4;
    b.first_state = XenbusStateInitialising;
    snprintf(b.front, sizeof(b.front), "/local/domain/%u/device/%s/%u", b.domain, b.kind->frontend, b.number);
    snprintf(b.path, sizeof(b.path), "/local/domain/0/backend/%s/%u/%u", b.kind->frontend, b.domain, b.number);
    b.xs = xs_open(0);
    if (b.xs == NULL || !xs_watch(b.xs, b.front, "f") || !xs_watch(b.xs, b.path, "b")) {
        die("no xenstore");
    }
    double began = now();
    unsigned times = (unsigned)atoi(argv[3]);
    for (unsigned i = 0; i < times; i++) {
        store_make(&b);
        wait_for(&b, b.path, XenbusStateConnected, i);
        wait_for(&b, b.front, XenbusStateConnected, i);
        store_write(&b, "online", "0");
        store_state(&b, XenbusStateClosing);
        wait_for(&b, b.path, XenbusStateClosed, i);
        store_remove(&b);
    }
    tell("%u times in %.1f s", times, now() - began);
    return 0;
}

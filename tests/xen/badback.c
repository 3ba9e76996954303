/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * badback KIND DOMID NUMBER FAULT [after=N] [[front/]KEY=VALUE]...: a device of the guest DOMID, the
 * nodes of its backend or of the front end with these values, and what goes wrong. KIND is net or
 * disk; a net's fault begins with "tx." when it concerns what the guest sends. It tells on stdout what happens; SIGTERM is the
 * toolstack's order to take the device away; a second one to take it away at once.
 */
#include "badback.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include <xen/grant_table.h>
#include <xen/io/blkif.h>
#include <xen/io/netif.h>

#define PART_SECONDS  60 /* for the front end to close, when it is told to: one after another does */
#define NOISE_SECONDS 2  /* of STORM, REWRITE */

static const char *const names[FAULTS] = {
    "good", "bad-id", "repeated-id", "bad-index", "index-one", "bad-status", "bad-offset", "bad-flags",
    "endless", "bad-extra", "bad-op", "silence", "close", "vanish", "odd-state", "storm", "rewrite",
    "keep", "never-wait", "never-connect",
};

static volatile sig_atomic_t orders;
static struct back back;
static void let_go(struct back *b);

void tell(const char *format, ...)
{
    va_list ap;

    va_start(ap, format);
    vprintf(format, ap);
    va_end(ap);
    putchar('\n');
    fflush(stdout);
}

void die(const char *format, ...)
{
    va_list ap;

    va_start(ap, format);
    printf("failed: ");
    vprintf(format, ap);
    va_end(ap);
    putchar('\n');
    let_go(&back);
    exit(1);
}

double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void on_signal(int number)
{
    (void)number;
    orders++;
}

/* ---- in use ---- */

/* Each mapping is undone by ourselves: dom0 has lost memory to programs that ended without. */
static void let_go(struct back *b)
{
    ring_unmap(b, &b->ring[0]);
    ring_unmap(b, &b->ring[1]);
    if (b->kept != NULL) {
        xengnttab_unmap(b->grants, b->kept, 1);
        b->kept = NULL;
    }
}

static void disconnect(struct back *b)
{
    if (!b->connected) {
        return;
    }
    b->connected = false;
    xenevtchn_unbind(b->events, b->port);
    let_go(b);
}

static void connected(struct back *b)
{
    int port = xenevtchn_bind_interdomain(b->events, b->domain, store_front(b, "event-channel", 0));

    if (port < 0) {
        tell("no event channel");
        store_state(b, XenbusStateClosing);
        return;
    }
    b->port = (evtchn_port_t)port;
    if (!b->kind->connect(b)) {
        xenevtchn_unbind(b->events, b->port);
        store_state(b, XenbusStateClosing);
        return;
    }
    b->connected = true;
    store_state(b, XenbusStateConnected);
    tell("connected");
}

/*
 * KEEP: map a page of the guest and don't let go of it. A card's is one that waits in the receive
 * ring; a disk's is that of the last request, which stays granted when grants are persistent: the
 * answer has overwritten no more than the request's first 16 bytes.
 */
static void keep_page(struct back *b)
{
    bool net = b->kind == &kind_net;
    unsigned at = net ? offsetof(struct netif_rx_request, gref) : offsetof(struct blkif_request, seg);
    struct ring *r = &b->ring[0];
    uint32_t ref, slot = (net ? r->cons : r->cons - 1) & (r->size - 1);

    memcpy(&ref, r->slots + slot * r->slot + at, sizeof(ref));
    b->kept = xengnttab_map_grant_ref(b->grants, b->domain, ref, PROT_READ);
    tell("kept %s %u", b->kept != NULL ? "page" : "the ring, not page", ref);
}

/* What goes wrong beside the ring, when its time has come. */
static void act(struct back *b)
{
    struct ring *r = &b->ring[b->fault_tx];
    unsigned waiting = ring_waiting(r);

    /* The card's fault waits for something in flight: a receive ring always has. */
    if (waiting > 0 || b->responses > b->after) {
        if (fault_now(b, r, CLOSE)) {
            store_state(b, XenbusStateClosing);
            disconnect(b);
            store_state(b, XenbusStateClosed);
            return;
        }
        if (fault_now(b, r, VANISH)) {
            disconnect(b);
            store_remove(b);
            b->over = true;
            return;
        }
    }
    if (fault_now(b, r, ODD_STATE)) {
        store_write(b, "state", "banana");
        store_write(b, "state", "4294967300");
        store_state(b, XenbusStateConnected);
    }
    if (fault_now(b, r, KEEP)) {
        keep_page(b);
    }
    if (fault_now(b, r, STORM) || fault_now(b, r, REWRITE)) {
        unsigned rounds = 0;
        for (double until = now() + NOISE_SECONDS; now() < until; rounds++) {
            for (unsigned i = 0; i < 2 && b->fault == REWRITE; i++) {
                if (b->ring[i].head != NULL) {
                    ring_scribble(&b->ring[i]);
                }
            }
            xenevtchn_notify(b->events, b->port);
        }
        tell("noise %u", rounds);
    }
}

static void on_event(struct back *b)
{
    int port = xenevtchn_pending(b->events);

    if (port < 0) {
        return;
    }
    xenevtchn_unmask(b->events, (evtchn_port_t)port);
    if (b->connected && !(b->fault == REWRITE && b->injected)) {
        b->kind->serve(b);
        act(b);
    }
}

/* ---- the device's life ---- */

static void on_front(struct back *b, unsigned state)
{
    if (state == XenbusStateInitialised || state == XenbusStateConnected) {
        if (b->fault == NEVER_WAIT || b->fault == NEVER_CONNECT || b->connected || b->injected || orders > 0) {
            return;
        }
        connected(b);
        if (b->connected) {
            b->kind->serve(b);
            act(b);
        }
    } else if (state == XenbusStateClosing) {
        store_state(b, XenbusStateClosing);
    } else if (state == XenbusStateClosed) {
        if (b->fault != KEEP) {
            disconnect(b);
        }
        store_state(b, XenbusStateClosed);
        b->over = orders > 0;
    }
}

static void look_at_front(struct back *b, unsigned *seen)
{
    bool changed = false;
    char **event;

    while ((event = xs_check_watch(b->xs)) != NULL) {
        changed = true;
        free(event);
    }
    if (!changed) {
        return;
    }
    unsigned n = store_front(b, "state", 0);
    if (n != *seen) {
        *seen = n;
        tell("front %u", n);
        on_front(b, n);
    }
}

static void live(struct back *b)
{
    struct pollfd fds[2] = {{.fd = xs_fileno(b->xs), .events = POLLIN},
                            {.fd = xenevtchn_fd(b->events), .events = POLLIN}};
    unsigned seen = 0;
    double end = 0;

    while (!b->over && orders < 2) {
        if (orders == 1 && end == 0) {
            end = now() + PART_SECONDS;
            store_write(b, "online", "0");
            store_state(b, XenbusStateClosing);
            b->over = seen == XenbusStateClosed;
        }
        if (end != 0 && now() > end) {
            tell("front stays %u", seen);
            break;
        }
        poll(fds, 2, 500); /* a signal may come before it sleeps */
        look_at_front(b, &seen);
        if (fds[1].revents & POLLIN) {
            on_event(b);
        }
    }
}

static void arguments(struct back *b, char **argv)
{
    const char *fault = argv[3];

    b->kind = strcmp(argv[0], "net") == 0 ? &kind_net : &kind_disk;
    b->domain = (unsigned)atoi(argv[1]);
    b->number = (unsigned)atoi(argv[2]);
    b->fault_tx = strncmp(fault, "tx.", 3) == 0;
    fault += b->fault_tx ? 3 : 0;
    b->fault = FAULTS;
    for (unsigned i = 0; i < FAULTS; i++) {
        b->fault = strcmp(fault, names[i]) == 0 ? (enum fault)i : b->fault;
    }
    if (b->fault == FAULTS || !b->kind->has(fault)) {
        die("a %s has no fault '%s'", b->kind->name, fault);
    }
    b->first_state = b->fault == NEVER_WAIT ? XenbusStateInitialising : XenbusStateInitWait;
    b->after = 4;
    b->extra = argv + 4;
    if (*b->extra != NULL && strncmp(*b->extra, "after=", 6) == 0) {
        b->after = (unsigned)atoi(*b->extra++ + 6);
    }
}

int main(int argc, char **argv)
{
    struct back *b = &back;
    char path[PATH + 16];

    if (argc > 1 && strcmp(argv[1], "cycle") == 0) {
        return cycle_main(argc - 2, argv + 2);
    }
    if (argc < 5) {
        die("badback net|disk DOMID NUMBER FAULT [after=N] [KEY=VALUE]...");
    }
    arguments(b, argv + 1);
    snprintf(b->front, sizeof(b->front), "/local/domain/%u/device/%s/%u", b->domain, b->kind->frontend, b->number);
    snprintf(b->path, sizeof(b->path), "/local/domain/0/backend/bad%s/%u/%u", b->kind->frontend, b->domain,
             b->number);
    b->xs = xs_open(0);
    b->events = xenevtchn_open(NULL, 0);
    b->grants = xengnttab_open(NULL, 0);
    if (b->xs == NULL || b->events == NULL || b->grants == NULL) {
        die("no xenstore, events or grants: %s", strerror(errno));
    }
    signal(SIGTERM, on_signal);
    store_make(b);
    snprintf(path, sizeof(path), "%.*s/state", (int)PATH - 1, b->front);
    xs_watch(b->xs, path, "front");
    tell("made");
    live(b);
    store_remove(b);
    tell("over: %u responses", b->responses);
    if (b->fault == KEEP && b->connected) {
        while (orders < 2) {
            poll(NULL, 0, 100);
        }
        disconnect(b);
        tell("let go");
    }
    disconnect(b);
    let_go(b);
    return 0;
}

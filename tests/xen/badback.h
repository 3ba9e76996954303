/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A backend for tests of front ends: a program of dom0 that behaves well until told otherwise. It
 * plays the toolstack, too, and writes the device's nodes; the backend's are of a kind that Linux has
 * no driver for, so nobody else answers.
 *
 *   badback.c        the handshake and the device's life
 *   badback_store.c  nodes in xenstore
 *   badback_ring.c   a shared ring, and what can be wrong with it
 *   badback_net.c    vif: each packet goes back to its sender (public/io/netif.h)
 *   badback_disk.c   vbd: a disk in memory (public/io/blkif.h)
 *   badback_cycle.c  toolstack alone: attach and detach devices of Linux's own backends
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <xenevtchn.h>
#include <xengnttab.h>
#include <xenstore.h>

#include <xen/io/xenbus.h>

#define PAGE 4096u
#define PATH 160u
#define RING_PAGES 16u

/* What goes wrong; each once, after `after` good responses, unless it says otherwise. */
enum fault {
    GOOD,
    BAD_ID,        /* a response for a request that nobody made */
    REPEATED_ID,   /* the same answer twice */
    BAD_INDEX,     /* rsp_prod is 100,000 ahead */
    INDEX_ONE,     /* rsp_prod is ahead of the requests by one */
    BAD_STATUS,    /* a number that is none of the ABI's, or a length that can't be */
    BAD_OFFSET,    /* vif: offset + length is beyond the page */
    BAD_FLAGS,     /* vif: all flags at once */
    ENDLESS,       /* vif: each piece says that another one follows; from then on, as many as can be */
    BAD_EXTRA,     /* vif: an extra slot of no type; a GSO without a size */
    BAD_OP,        /* vbd: answers another operation than was asked for */
    SILENCE,       /* nothing is answered any more */
    CLOSE,         /* Closing and Closed, with requests in flight */
    VANISH,        /* the nodes go, with requests in flight */
    ODD_STATE,     /* the state is no number, then one too large; goes on */
    STORM,         /* events without end, for some seconds */
    REWRITE,       /* the ring's page is written again and again while the guest reads it, likewise */
    KEEP,          /* pages stay mapped when the device is closed, until the program ends */
    NEVER_WAIT,    /* stays at Initialising */
    NEVER_CONNECT, /* stays at InitWait */
    FAULTS,
};

struct back;

struct ring {
    const char *name;
    volatile uint32_t *head;  /* req_prod, req_event, rsp_prod, rsp_event (public/io/ring.h) */
    uint8_t *slots;
    unsigned size, slot;      /* slots, and the bytes of each */
    unsigned id_bytes;        /* a response begins with its id: 2 or 8 bytes */
    unsigned pages;
    uint32_t cons, prod, told;
    enum fault fault;         /* this ring's */
};

/* A kind of device. */
struct kind {
    const char *name, *frontend; /* "net", "vif" */
    void (*nodes)(struct back *b);
    bool (*connect)(struct back *b);
    void (*serve)(struct back *b);
    bool (*has)(const char *fault); /* NULL, or which words it knows besides the common ones */
};

struct back {
    const struct kind *kind;
    unsigned domain, number;
    enum fault fault;
    bool fault_tx;           /* vif: it concerns the transmit ring */
    unsigned after;
    unsigned first_state;    /* of the backend, when the device appears */
    char **extra;            /* KEY=VALUE, front/KEY=VALUE: nodes of either half; KEY= for none at all */
    char front[PATH], path[PATH];
    struct xs_handle *xs;
    xs_transaction_t tx;     /* the one that is open, or XBT_NULL */
    xenevtchn_handle *events;
    xengnttab_handle *grants;
    evtchn_port_t port;
    struct ring ring[2];     /* vbd: the first; vif: rx, tx */
    void *kept;              /* a page of the guest, or NULL */
    bool connected, over;
    unsigned responses;
    bool injected;
};

/* Words for the test, a line at a time. */
__attribute__((format(printf, 1, 2))) void tell(const char *format, ...);
__attribute__((format(printf, 1, 2), noreturn)) void die(const char *format, ...);
double now(void);

/* ---- nodes ---- */

void store_make(struct back *b);
void store_remove(struct back *b);
/* Below the backend's path, or the frontend's. */
__attribute__((format(printf, 3, 4))) void store_write(struct back *b, const char *key, const char *format, ...);
void store_state(struct back *b, unsigned state);
/* A number that the front end has written; `otherwise` when it has not. */
unsigned store_front(struct back *b, const char *key, unsigned otherwise);

/* ---- rings ---- */

bool ring_map(struct back *b, struct ring *r, const uint32_t *refs, unsigned n);
void ring_unmap(struct back *b, struct ring *r);
/* The next request; false when there is none, and an event will come with the next one. */
bool ring_take(struct ring *r, void *request);
/* How many requests wait. */
unsigned ring_waiting(const struct ring *r);
/* A response in the next slot, with the ring's own faults. */
void ring_put(struct back *b, struct ring *r, void *response);
/* Publish what was put, and notify where the front end asks for it. */
void ring_push(struct back *b, struct ring *r);
/* Nonsense in every response, and in the index. */
void ring_scribble(struct ring *r);

/* Copy between a page of the guest and memory of ours. */
bool grant_copy(struct back *b, uint32_t ref, unsigned offset, void *memory, unsigned len, bool to_guest);

/* Once, when its time has come: the device's fault is `fault`, and it is to happen now. */
bool fault_now(struct back *b, struct ring *r, enum fault fault);

extern const struct kind kind_net, kind_disk;

/* badback cycle KIND DOMID NUMBER TIMES [KEY=VALUE]... */
int cycle_main(int argc, char **argv);

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The machine's console on Xen.
 *
 * A guest has a ring that the toolstack's console daemon reads (console_ring.h); the hardware
 * domain has none and uses Xen's own console by hypercall (public/xen.h, CONSOLEIO_*), which a
 * release build of Xen refuses to everybody else.
 */
#include <xenplat/services.h>

#include <errno.h>

#include <pith/irq.h>
#include <xenplat/console_ring.h>
#include <xenplat/evtchn.h>
#include <xenplat/suspend.h>

/* console_io names no limit, but holds up the CPU for what it prints. */
#define CHUNK 1024u

/* A daemon that takes nothing for so long is given up, until it takes something again. */
#define PATIENCE_NS (20ULL * 1000 * 1000 * 1000)

/* A lock that is held longer than that is held by who crashed: nobody holds it over a wait. */
#define LOCK_NS (1ULL * 1000 * 1000 * 1000)

/* How often a boot that has no clock yet lets others run before it goes on without them. */
#define EARLY_YIELDS 100000u

static struct {
    struct console_ring ring;
    uint32_t port;
    uint8_t held;   /* guards `ring` */
    bool ready;     /* per-CPU data and clock are there: lock, and wait by time */
    bool given_up;  /* PATIENCE_NS are over and nothing has been taken since */
    bool listening;
} console;

void xen_console_ring(void *page, uint32_t port)
{
    console_ring_init(&console.ring, page);
    console.port = port;
}

void xen_console_ready(void)
{
    console.ready = true;
}

static void let_others_run(void)
{
    xen_sched_op(SCHEDOP_yield, NULL);
}

/* ---- output ---- */

static bool enter(void)
{
    if (!console.ready) {
        return true;
    }
    bool was = irq_save();
    uint64_t until = xen_clock_ns() + LOCK_NS;
    while (__atomic_exchange_n(&console.held, 1, __ATOMIC_ACQUIRE) && xen_clock_ns() < until) {
        let_others_run();
    }
    return was;
}

static void leave(bool was)
{
    if (console.ready) {
        __atomic_store_n(&console.held, 0, __ATOMIC_RELEASE);
        irq_restore(was);
    }
}

/* Wait until the daemon has left less than `limit` bytes; false: it did not, for too long. */
static bool wait_taken(size_t limit)
{
    uint64_t until = console.ready ? xen_clock_ns() + PATIENCE_NS : 0;
    unsigned yields = 0;

    while (console_ring_unsent(&console.ring) >= limit) {
        if (console.ready ? xen_clock_ns() > until : ++yields > EARLY_YIELDS) {
            return false;
        }
        let_others_run();
    }
    return true;
}

static void ring_write(const char *data, size_t len)
{
    bool was = enter();

    for (;;) {
        size_t n = console_ring_put(&console.ring, data, len);
        if (n != 0) {
            evtchn_notify(console.port);
            console.given_up = false;
        }
        data += n;
        len -= n;
        if (len == 0 || console.given_up) {
            break;
        }
        console.given_up = !wait_taken(CONSOLE_RING_OUT);
    }
    leave(was);
}

void xen_console_write(const char *data, size_t len)
{
    if (console.ring.shared != NULL) {
        ring_write(data, len);
        return;
    }
    while (len != 0) {
        size_t n = len < CHUNK ? len : CHUNK;
        if (xen_console_io(CONSOLEIO_write, n, (char *)(uintptr_t)data) < 0) {
            return; /* nobody is there to tell */
        }
        data += n;
        len -= n;
    }
}

/* What is still in the ring at the domain's end may be lost: the toolstack takes the page away. */
void xen_console_flush(void)
{
    size_t unsent;

    if (console.ring.shared == NULL || console.given_up) {
        return;
    }
    bool was = enter();
    while ((unsent = console_ring_unsent(&console.ring)) != 0 && wait_taken(unsent)) {
    }
    leave(was);
}

/* ---- input ---- */

size_t xen_console_read(char *data, size_t len)
{
    if (console.ring.shared != NULL) {
        bool was = enter();
        size_t n = console_ring_get(&console.ring, data, len);
        if (n != 0) {
            evtchn_notify(console.port); /* there is room again */
        }
        leave(was);
        return n;
    }
    long n = xen_console_io(CONSOLEIO_read, len, data);

    /* More than we asked for would be Xen's bug; believe no count beyond the buffer. */
    return n < 0 ? 0 : (size_t)n <= len ? (size_t)n : len;
}

static void console_event(uint32_t port, void *arg)
{
    (void)port;
    (void)arg;
    console_input();
}

void xen_console_resume(void)
{
    if (console.ring.shared == NULL) {
        return;
    }
    /* The page may have been cleared; what the next daemon reads begins with what we write now. */
    xen_console_ring(xen_map_frame(xen_given_console.frame), xen_given_console.port);
    console.given_up = false;
    if (console.listening && evtchn_adopt(console.port, console_event, NULL) >= 0) {
        evtchn_unmask(console.port);
    }
}

int xen_console_listen(void)
{
    int port;

    console.listening = true;

    if (console.ring.shared != NULL) {
        port = evtchn_adopt(console.port, console_event, NULL);
        if (port >= 0) {
            evtchn_unmask(console.port);
        }
    } else {
        port = evtchn_bind_virq(VIRQ_CONSOLE, 0, console_event, NULL);
    }
    return port < 0 ? -ENOSYS : 0;
}

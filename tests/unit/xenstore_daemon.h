/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A xenstore daemon of the tests', which answers in crumbs, late, to nobody, with nonsense, or not at
 * all, and what the client is made of. Each scene has a process of its own, since a failed connection
 * stays so. Included once per test program.
 */
#pragma once

#include <errno.h>
#include <sys/wait.h>

#include <pith/page.h>
#include <pith/waitq.h>
#include <xenplat/evtchn.h>
#include <xenplat/services.h>
#include <xenplat/suspend.h>
#include <xenplat/xenstore.h>

#include <xen/io/xs_wire.h>

#include "unit.h"

#include "fake_cpu.h"
#include "fake_log.h"

static struct xenstore_domain_interface *page;
static evtchn_handler *handler;
static uint64_t now;
static uint64_t seed = 4711;
static unsigned pages_out;
struct xen_given xen_given_store = {0x1234, 3};

/* ---- the daemon ---- */

static char request[16 + XENSTORE_PAYLOAD_MAX];
static uint32_t have;           /* bytes of the request that have come */
static char reply[65536];
static uint32_t reply_len, reply_sent;
static bool silent;
static unsigned reconnections;
static uint32_t stop_at = UINT32_MAX; /* of the reply: the rest comes later */
static void (*answer)(const struct xsd_sockmsg *head, const char *text); /* a request is whole */

static void say(uint32_t type, uint32_t id, const void *text, uint32_t len)
{
    struct xsd_sockmsg head = {type, id, 0, len};

    memcpy(reply + reply_len, &head, sizeof(head));
    memcpy(reply + reply_len + sizeof(head), text, len < XENSTORE_PAYLOAD_MAX ? len : 0);
    reply_len += (uint32_t)sizeof(head) + (len < XENSTORE_PAYLOAD_MAX ? len : 0);
}

/* Some bytes each way. */
static void daemon_step(void)
{
    struct xsd_sockmsg *head = (struct xsd_sockmsg *)request;
    uint32_t n = (uint32_t)(unit_random(&seed) % 700);

    if (page->connection == XENSTORE_RECONNECT && !silent) {
        page->req_cons = page->req_prod = page->rsp_cons = page->rsp_prod = 5;
        have = reply_len = reply_sent = 0;
        page->connection = XENSTORE_CONNECTED;
        reconnections++;
    }
    while (n-- > 0 && page->req_cons != page->req_prod && !silent) {
        request[have++] = page->req[page->req_cons++ % XENSTORE_RING_SIZE];
        if (have >= sizeof(*head) && have == sizeof(*head) + head->len) {
            answer(head, request + sizeof(*head));
            have = 0;
        }
    }
    n = (uint32_t)(unit_random(&seed) % 700);
    while (n-- > 0 && reply_sent < reply_len && reply_sent < stop_at && page->rsp_prod - page->rsp_cons < XENSTORE_RING_SIZE) {
        page->rsp[page->rsp_prod++ % XENSTORE_RING_SIZE] = reply[reply_sent++];
    }
    if (reply_sent == reply_len) {
        reply_sent = reply_len = 0;
    }
}

/* ---- what the client is made of ---- */

void platform_irq_replay(void)
{
}

void *page_alloc(unsigned order)
{
    EXPECT(order == 0);
    pages_out++;
    return malloc(PAGE_SIZE); /* so that a byte too many is seen */
}

void page_free(void *p, unsigned order)
{
    EXPECT(order == 0);
    pages_out--;
    free(p);
}

void *xen_map_frame(uint64_t frame)
{
    EXPECT(frame == 0x1234);
    return page;
}

uint64_t xen_clock_ns(void)
{
    return now;
}

int evtchn_adopt(uint32_t port, evtchn_handler *fn, void *arg)
{
    EXPECT(port == 3 && arg == NULL);
    handler = fn;
    return 3;
}

void evtchn_unmask(uint32_t port)
{
    EXPECT(port == 3);
}

int evtchn_notify(uint32_t port)
{
    EXPECT(port == 3);
    return 0;
}

unsigned waitq_wake_all(struct waitq *q)
{
    (void)q;
    return 0;
}

/* The only thread sleeps: the daemon runs, and time passes. */
int waitq_wait(struct waitq *q, struct spinlock *lock, uint64_t deadline_ns)
{
    (void)q;
    EXPECT(lock->held);
    if (deadline_ns <= now) {
        return -ETIMEDOUT;
    }
    spin_release(lock);
    now += 1000000;
    daemon_step();
    handler(3, NULL);
    spin_acquire(lock);
    return 0;
}

/* ---- scenes ---- */

static char value[XENSTORE_PAYLOAD_MAX + 1];
static char big[5000];
static unsigned refused; /* commits */

static void error(const struct xsd_sockmsg *head, const char *name)
{
    say(XS_ERROR, head->req_id, name, (uint32_t)strlen(name) + 1);
}

static void proper(const struct xsd_sockmsg *head, const char *text)
{
    switch (head->type) {
    case XS_READ:
        if (strcmp(text, "data/none") == 0) {
            error(head, "ENOENT");
        } else if (strcmp(text, "odd") == 0) {
            error(head, "EINVALID");
        } else {
            say(XS_READ, head->req_id, value, (uint32_t)strlen(value));
        }
        break;
    case XS_WRITE: {
        size_t path = strlen(text) + 1;
        memcpy(value, text + path, head->len - path);
        value[head->len - path] = '\0';
        say(XS_WRITE, head->req_id, "OK", 3);
        break;
    }
    case XS_WATCH:
        say(XS_WATCH_EVENT, 0, "data/w\0" "1", 9); /* before the answer */
        say(XS_WATCH, head->req_id, "OK", 3);
        say(XS_WATCH_EVENT, 77, "data/w\0" "99", 10);
        say(XS_WATCH_EVENT, 77, "no token", 8);
        say(XS_WATCH_EVENT, 77, big, 4000);
        break;
    case XS_DIRECTORY:
        error(head, "E2BIG");
        break;
    case XS_DIRECTORY_PART: {
        char part[4096] = "7";
        size_t offset = (size_t)atoi(text + strlen(text) + 1), n = sizeof(big) - offset;
        n = n < 1500 ? n : 1500;
        memcpy(part + 2, big + offset, n);
        part[2 + n] = '\0';
        say(XS_DIRECTORY_PART, head->req_id, part, (uint32_t)(2 + n + (offset + n == sizeof(big))));
        break;
    }
    case XS_TRANSACTION_START:
        say(XS_TRANSACTION_START, head->req_id, "42", 3);
        break;
    case XS_TRANSACTION_END:
        EXPECT(head->tx_id == 42 || answer != proper);
        if (text[0] == 'T' && refused > 0) {
            refused--;
            error(head, "EAGAIN");
            break;
        }
        /* fall through */
    default:
        say(head->type, head->req_id, "OK", 3);
    }
}

static unsigned events;

static void watched(struct xenstore_watch *watch)
{
    EXPECT(irq_is_masked() || watch != NULL);
    events++;
}

static unsigned nonsense;

static void answer_nonsense(const struct xsd_sockmsg *head, const char *text)
{
    switch (nonsense) {
    case 0: /* an answer to something else, then one to nobody, then none */
        say(XS_WRITE, head->req_id, "OK", 3);
        break;
    case 1:
        say(XS_READ, head->req_id, text, UINT32_MAX);
        break;
    case 2:
        say(XS_READ, head->req_id, text, XENSTORE_PAYLOAD_MAX + 1);
        break;
    case 3:
        page->rsp_prod = page->rsp_cons + XENSTORE_RING_SIZE + 1;
        break;
    case 4:
        page->rsp_prod = page->rsp_cons - 1;
        break;
    default:
        page->req_cons = page->req_prod + 1;
    }
}

static void play(void (*scene)(void))
{
    fflush(stdout);
    pid_t pid = fork();
    int status;

    if (pid == 0) {
        unit_failed = 0;
        fake_cpu_init();
        answer = proper;
        scene();
        EXPECT(pages_out == 0);
        fflush(stdout);
        _exit(unit_failed != 0);
    }
    EXPECT(waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

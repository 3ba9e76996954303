/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Messages to and from xenstore (public/io/xs_wire.h).
 *
 * One thread at a time sends; a message longer than the ring goes in pieces as room comes. The
 * event's handler takes bytes out of the ring as they come, finds by the number of a message whose
 * it is and puts its text right where the waiting thread wants it: nothing is allocated there, and
 * no message blocks another. Bytes of messages that nobody waits for are skipped.
 */
#include "xenstore.h"

#include <errno.h>

#include <string.h>

#include <pith/log.h>
#include <pith/platform.h>
#include <pith/spinlock.h>
#include <pith/waitq.h>
#include <xenplat/evtchn.h>
#include <xenplat/services.h>
#include <xenplat/suspend.h>

#define PATIENCE_NS (30ULL * 1000 * 1000 * 1000)

#define RECONNECTED 1 /* start(): and the watches have to be set again */

struct request {
    struct list list;
    uint32_t id, type;
    char *page;
    ssize_t result; /* length or -Exxx, once done */
    bool done;
};

/* Everything is guarded by `lock`, except that the shared page is the host's too. */
static struct spinlock lock = SPINLOCK_INIT;
static struct xenstore_domain_interface *shared; /* NULL: not begun */
static uint32_t req_prod, rsp_cons;              /* our indices; the page has copies */
static struct list requests = LIST_INIT(requests);
static struct list watches = LIST_INIT(watches);
static struct waitq changed = WAITQ_INIT(changed); /* an answer, room to send, the turn to send */
static bool sending;
static bool held;             /* by xenstore_suspend() */
static unsigned transactions; /* that have begun */
static bool setting_watches;  /* after a reconnection */
static uint32_t next_id, next_token;
static struct xenstore_stats stats;

/* The message that is arriving. */
static struct {
    struct xsd_sockmsg head;
    uint32_t head_len, len; /* bytes of it that are here */
    struct request *request;
    char *to;               /* NULL: skipped */
} in;
static char event_text[XENSTORE_REL_PATH_MAX];

static uint32_t load(const XENSTORE_RING_IDX *index)
{
    return __atomic_load_n(index, __ATOMIC_ACQUIRE);
}

/* What can't be read any more: everybody who waits is told, and so is who asks later. */
static void fail(const char *why)
{
    if (!stats.failed) {
        klog(LOG_ERROR, "xenstore: %s; the connection is given up", why);
    }
    stats.failed = true;
    while (!list_empty(&requests)) {
        struct request *r = LIST_ENTRY(requests.next, struct request, list);
        list_remove(&r->list);
        r->result = -EIO;
        r->done = true;
    }
    in.request = NULL;
    in.to = NULL;
    waitq_wake_all(&changed);
}

/* ---- receiving: masked, locked ---- */

/* Up to n bytes; they are skipped where `to` is NULL. */
static uint32_t take(char *to, uint32_t n)
{
    uint32_t ready = load(&shared->rsp_prod) - rsp_cons;

    if (ready > XENSTORE_RING_SIZE) {
        fail("an index out of range");
        return 0;
    }
    n = n < ready ? n : ready;
    for (uint32_t i = 0; i < n && to != NULL; i++) {
        to[i] = shared->rsp[MASK_XENSTORE_IDX(rsp_cons + i)];
    }
    rsp_cons += n;
    __atomic_store_n(&shared->rsp_cons, rsp_cons, __ATOMIC_RELEASE);
    return n;
}

static struct request *find_request(uint32_t id)
{
    for (struct list *l = requests.next; l != &requests; l = l->next) {
        struct request *r = LIST_ENTRY(l, struct request, list);
        if (r->id == id) {
            return r;
        }
    }
    return NULL;
}

/* The head is complete: where does the text go? */
static void begin_text(void)
{
    in.len = 0;
    in.to = NULL;
    in.request = NULL;
    if (in.head.len > XENSTORE_PAYLOAD_MAX) {
        fail("a message too long");
    } else if (in.head.type == XS_WATCH_EVENT) {
        in.to = in.head.len <= sizeof(event_text) ? event_text : NULL;
    } else {
        in.request = find_request(in.head.req_id);
        in.to = in.request != NULL ? in.request->page : NULL;
    }
}

/* xenstore names an error by its name in C. */
static int error_of(const char *text, uint32_t len)
{
    for (unsigned i = 0; i < sizeof(xsd_errors) / sizeof(xsd_errors[0]); i++) {
        const char *name = xsd_errors[i].errstring;
        size_t n = strlen(name);
        if (len >= n && memcmp(text, name, n) == 0 && (len == n || text[n] == '\0')) {
            return -xsd_errors[i].errnum;
        }
    }
    return -EIO;
}

/* A watch event: path NUL token NUL. Tokens are numbers of ours. */
static void end_event(void)
{
    const char *nul = in.to != NULL ? memchr(event_text, '\0', in.head.len) : NULL;
    uint32_t token = 0;

    if (nul != NULL) {
        for (const char *p = nul + 1; p < event_text + in.head.len && *p >= '0' && *p <= '9'; p++) {
            token = token * 10 + (uint32_t)(*p - '0');
        }
    }
    for (struct list *l = watches.next; l != &watches; l = l->next) {
        struct xenstore_watch *watch = LIST_ENTRY(l, struct xenstore_watch, list);
        if (token != 0 && watch->token == token) {
            stats.events++;
            watch->fn(watch);
            return;
        }
    }
    stats.strays++;
}

static void end_message(void)
{
    struct request *r = in.request;

    if (in.head.type == XS_WATCH_EVENT) {
        end_event();
    } else if (r == NULL) {
        stats.strays++;
    } else {
        r->result = in.head.type == XS_ERROR ? error_of(r->page, in.len)
                    : in.head.type == r->type ? (ssize_t)in.len : -EIO;
        r->done = true;
        list_remove(&r->list);
        waitq_wake_all(&changed);
    }
    in.head_len = 0;
    in.request = NULL;
}

static void receive(void)
{
    uint32_t n;

    while (!stats.failed) {
        if (in.head_len < sizeof(in.head)) {
            n = take((char *)&in.head + in.head_len, (uint32_t)sizeof(in.head) - in.head_len);
            in.head_len += n;
            if (in.head_len == sizeof(in.head)) {
                begin_text();
            }
        } else {
            n = take(in.to != NULL ? in.to + in.len : NULL, in.head.len - in.len);
            in.len += n;
        }
        if (in.head_len == sizeof(in.head) && !stats.failed && in.len == in.head.len) {
            end_message();
        } else if (n == 0) {
            return;
        }
    }
}

static void event(uint32_t port, void *arg)
{
    (void)arg;
    spin_acquire(&lock);
    uint32_t before = rsp_cons;
    receive();
    bool took = rsp_cons != before;
    waitq_wake_all(&changed); /* there may be room to send */
    spin_release(&lock);
    if (took) {
        evtchn_notify(port); /* there is room to answer */
    }
}

/* ---- sending ---- */

/*
 * What lies in the ring is of another connection, like that of the domain that was saved. Nothing of
 * ours is under way.
 */
static void begin_ring(void)
{
    req_prod = load(&shared->req_cons);
    __atomic_store_n(&shared->req_prod, req_prod, __ATOMIC_RELEASE);
    rsp_cons = load(&shared->rsp_prod);
    __atomic_store_n(&shared->rsp_cons, rsp_cons, __ATOMIC_RELEASE);
    stats.failed = false;
    in.head_len = 0;
    in.request = NULL;
    in.to = NULL;
}

static int wait(uint64_t deadline_ns)
{
    return waitq_wait(&changed, &lock, deadline_ns);
}

/*
 * A daemon that can makes a failed connection anew when it is asked (xen docs/misc/xenstore-ring.txt,
 * "The ring reconnection feature"); nobody sends meanwhile. It has forgotten our watches then.
 */
static int reconnect(void)
{
    uint64_t deadline_ns = xen_clock_ns() + PATIENCE_NS;
    int error = 0;

    bool can = load(&shared->server_features) & XENSTORE_SERVER_FEATURE_RECONNECTION;
    if (!can || sending || setting_watches) {
        return -EIO;
    }
    sending = true;
    __atomic_store_n(&shared->connection, XENSTORE_RECONNECT, __ATOMIC_RELEASE);
    evtchn_notify(xen_given_store.port);
    while (load(&shared->connection) != XENSTORE_CONNECTED && error == 0) {
        error = wait(deadline_ns);
    }
    sending = false;
    if (error != 0) {
        return -EIO;
    }
    begin_ring();
    klog(LOG_INFO, "xenstore: connected again");
    return RECONNECTED;
}

/* Locked. 0, RECONNECTED or -Exxx. */
static int start(void)
{
    if (shared != NULL) {
        return stats.failed ? reconnect() : 0;
    }
    shared = xen_map_frame(xen_given_store.frame);
    if (shared == NULL) {
        return -ENODEV;
    }
    begin_ring();
    if (evtchn_adopt(xen_given_store.port, event, NULL) < 0) {
        shared = NULL;
        return -ENODEV;
    }
    evtchn_unmask(xen_given_store.port);
    return 0;
}

/* Put what there is room for into the ring. */
static size_t put(const char *data, size_t len)
{
    uint32_t used = req_prod - load(&shared->req_cons);

    if (used > XENSTORE_RING_SIZE) {
        fail("an index out of range");
        return 0;
    }
    size_t n = len < XENSTORE_RING_SIZE - used ? len : XENSTORE_RING_SIZE - used;
    for (size_t i = 0; i < n; i++) {
        shared->req[MASK_XENSTORE_IDX(req_prod + i)] = data[i];
    }
    req_prod += (uint32_t)n;
    __atomic_store_n(&shared->req_prod, req_prod, __ATOMIC_RELEASE);
    if (n != 0) {
        evtchn_notify(xen_given_store.port);
    }
    return n;
}

/* All of it; what has begun to be sent must be sent whole, or nothing can follow it. */
static int send_all(const char *data, size_t len, uint64_t deadline_ns)
{
    for (;;) {
        size_t n = put(data, len);
        data += n;
        len -= n;
        if (len == 0) {
            return 0;
        }
        if (stats.failed) {
            return -EIO;
        }
        if (wait(deadline_ns) == -ETIMEDOUT) {
            fail("it takes no requests");
            return -ETIMEDOUT;
        }
    }
}

static int send_message(struct request *r, uint32_t tx, const struct xenstore_part *part, unsigned n,
                        size_t len, uint64_t deadline_ns)
{
    struct xsd_sockmsg head = {.type = r->type, .req_id = r->id, .tx_id = tx, .len = (uint32_t)len};
    int error = 0;

    while (sending && error == 0) {
        error = wait(deadline_ns);
    }
    if (error != 0 || stats.failed) {
        return error != 0 ? error : -EIO;
    }
    sending = true;
    list_insert(&requests, &r->list);
    error = send_all((const char *)&head, sizeof(head), deadline_ns);
    for (unsigned i = 0; i < n && error == 0; i++) {
        error = send_all(part[i].data, part[i].len, deadline_ns);
    }
    sending = false;
    waitq_wake_all(&changed);
    return error;
}

/* The answer does not matter any more; what of it is still to come is skipped. */
static void forget(struct request *r)
{
    list_remove(&r->list);
    if (in.request == r) {
        in.request = NULL;
        in.to = NULL;
    }
    waitq_wake_all(&changed); /* a suspension may wait for this */
}

ssize_t xenstore_talk(uint32_t type, uint32_t tx, const struct xenstore_part *part, unsigned n,
                      char *page)
{
    struct request r = {.type = type, .page = page};
    size_t len = 0;

    for (unsigned i = 0; i < n; i++) {
        len += part[i].len;
    }
    if (len > XENSTORE_PAYLOAD_MAX) {
        return -E2BIG;
    }
    list_init(&r.list);
    bool was = spin_lock(&lock);
    while (held && transactions == 0) {
        wait(UINT64_MAX);
    }
    uint64_t deadline_ns = xen_clock_ns() + PATIENCE_NS;
    int error = start();
    if (error == RECONNECTED) {
        setting_watches = true;
        spin_unlock(&lock, was);
        xenstore_set_watches();
        was = spin_lock(&lock);
        setting_watches = false;
        error = stats.failed ? -EIO : 0;
    }
    if (error == 0) {
        r.id = ++next_id;
        stats.requests++;
        error = send_message(&r, tx, part, n, len, deadline_ns);
    }
    while (error == 0 && !r.done) {
        error = wait(deadline_ns);
    }
    if (!r.done) {
        forget(&r);
    }
    ssize_t result = r.done ? r.result : error;
    spin_unlock(&lock, was);
    return result;
}

void xenstore_watch_add(struct xenstore_watch *watch)
{
    bool was = spin_lock(&lock);
    watch->token = ++next_token;
    list_insert(&watches, &watch->list);
    spin_unlock(&lock, was);
}

void xenstore_watch_remove(struct xenstore_watch *watch)
{
    bool was = spin_lock(&lock);
    list_remove(&watch->list);
    spin_unlock(&lock, was);
}

uint32_t xenstore_watch_after(uint32_t last, char *path, size_t size)
{
    const struct xenstore_watch *first = NULL;

    bool was = spin_lock(&lock);
    for (struct list *l = watches.next; l != &watches; l = l->next) {
        const struct xenstore_watch *watch = LIST_ENTRY(l, struct xenstore_watch, list);
        if (watch->token > last && (first == NULL || watch->token < first->token)) {
            first = watch;
        }
    }
    uint32_t token = first != NULL ? first->token : 0;
    if (first != NULL) {
        log_format(path, size, "%s", first->path);
    }
    spin_unlock(&lock, was);
    return token;
}

/* ---- suspension ---- */

void xenstore_enter_transaction(void)
{
    bool was = spin_lock(&lock);
    while (held) {
        wait(UINT64_MAX);
    }
    transactions++;
    spin_unlock(&lock, was);
}

void xenstore_leave_transaction(void)
{
    bool was = spin_lock(&lock);
    transactions--;
    waitq_wake_all(&changed);
    spin_unlock(&lock, was);
}

void xenstore_suspend(void)
{
    bool was = spin_lock(&lock);
    held = true;
    /* Each of these ends: by its answer, or because nobody waits for it any longer. */
    while (transactions != 0 || sending || !list_empty(&requests)) {
        wait(UINT64_MAX);
    }
    spin_unlock(&lock, was);
}

void xenstore_release(void)
{
    bool was = spin_lock(&lock);
    held = false;
    waitq_wake_all(&changed);
    spin_unlock(&lock, was);
}

int xenstore_restart(void)
{
    bool was = spin_lock(&lock);
    bool used = shared != NULL;

    shared = NULL;
    int error = used ? start() : 0; /* who has never asked may do so later */
    spin_unlock(&lock, was);
    return error;
}

void xenstore_stats(struct xenstore_stats *out)
{
    bool was = spin_lock(&lock);
    *out = stats;
    spin_unlock(&lock, was);
}

/* sources: platform/xen/xenstore.c platform/xen/xenstore_ring.c platform/xen/xenstore_resume.c */
/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The xenstore client against a daemon of the test's, which answers in crumbs, late, to nobody, with
 * nonsense, or not at all. Each scene has a process of its own, since a failed connection stays so.
 */
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

static struct xenstore_domain_interface *page;
static evtchn_handler *handler;
static uint64_t now;
static uint64_t seed = 4711;
static unsigned pages_out, logged;
struct xen_given xen_given_store = {0x1234, 3};

/* ---- the daemon ---- */

static char request[16 + XENSTORE_PAYLOAD_MAX];
static uint32_t have;           /* bytes of the request that have come */
static char reply[65536];
static uint32_t reply_len, reply_sent;
static bool silent;
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

void klog(enum log_level level, const char *fmt, ...)
{
    (void)fmt;
    logged += level == LOG_ERROR;
}

int log_format(char *buf, size_t size, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(buf, size, fmt, ap);
    va_end(ap);
    return n;
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

static int three(uint32_t tx, void *arg)
{
    ++*(unsigned *)arg;
    EXPECT(tx == 42 || answer != proper);
    return xenstore_write(tx, "data", "k", "3");
}

static void scene_proper(void)
{
    static char buf[8192], text[XENSTORE_PAYLOAD_MAX];
    uint64_t number;
    unsigned rounds = 0;
    struct xenstore_watch watch = {.path = "data/w", .fn = watched};
    struct xenstore_stats stats;

    for (unsigned i = 0; i < 300; i++) {
        size_t n = unit_random(&seed) % 4080;
        memset(text, 'a' + (int)(i % 26), n);
        text[n] = '\0';
        EXPECT(xenstore_write(XENSTORE_NO_TX, "data", "k", text) == 0);
        EXPECT(xenstore_read(XENSTORE_NO_TX, "data", "k", buf, sizeof(buf)) == (ssize_t)n);
        EXPECT_STR(buf, text);
        EXPECT(n == 0 || xenstore_read(XENSTORE_NO_TX, "data", "k", buf, n) == -ERANGE);
    }
    EXPECT(xenstore_read(XENSTORE_NO_TX, "data/none", NULL, buf, 10) == -ENOENT);
    EXPECT(xenstore_read(XENSTORE_NO_TX, "odd", NULL, buf, 10) == -EIO);
    memset(buf, 'x', 4200);
    buf[4200] = '\0';
    EXPECT(xenstore_write(XENSTORE_NO_TX, "data", "k", buf) == -E2BIG);

    static const char *bad[] = {"", "1 ", "-1", "0x1", "18446744073709551616", "99999999999999999999999"};
    for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        strcpy(value, bad[i]);
        EXPECT(xenstore_read_u64(XENSTORE_NO_TX, "n", NULL, &number) == -EINVAL);
    }
    EXPECT(xenstore_write_u64(XENSTORE_NO_TX, "n", NULL, UINT64_MAX) == 0);
    EXPECT(xenstore_read_u64(XENSTORE_NO_TX, "n", NULL, &number) == 0 && number == UINT64_MAX);

    for (unsigned i = 0; i < sizeof(big); i++) {
        big[i] = i % 50 == 49 ? '\0' : 'n';
    }
    EXPECT(xenstore_list(XENSTORE_NO_TX, "data", buf, sizeof(buf)) == sizeof(big));
    EXPECT(memcmp(buf, big, sizeof(big)) == 0);
    EXPECT(xenstore_list(XENSTORE_NO_TX, "data", buf, sizeof(big) - 1) == -ERANGE);

    refused = 3;
    EXPECT(xenstore_transaction(three, &rounds) == 0 && rounds == 4);
    refused = 1000;
    EXPECT(xenstore_transaction(three, &rounds) == -EAGAIN);
    refused = 0;

    EXPECT(xenstore_watch(&watch) == 0 && events == 1);
    EXPECT(xenstore_unwatch(&watch) == 0);
    EXPECT(xenstore_rm(XENSTORE_NO_TX, "data") == 0 && events == 1);
    xenstore_stats(&stats);
    EXPECT(stats.strays == 3 && !stats.failed);
    EXPECT(logged == 0);
}

/* Who has given up is not written to any more; the connection goes on. */
static void scene_late(void)
{
    char buf[10];
    struct xenstore_stats stats;

    strcpy(value, "v");
    silent = true;
    EXPECT(xenstore_mkdir(XENSTORE_NO_TX, "a") == -ETIMEDOUT);
    silent = false;
    EXPECT(xenstore_read(XENSTORE_NO_TX, "a", NULL, buf, sizeof(buf)) == 1);
    xenstore_stats(&stats);
    EXPECT(stats.strays == 1 && !stats.failed);

    /* In the middle of an answer: its rest goes nowhere. */
    stop_at = 20;
    strcpy(value, "a longer value");
    EXPECT(xenstore_read(XENSTORE_NO_TX, "a", NULL, buf, sizeof(buf)) == -ETIMEDOUT);
    stop_at = UINT32_MAX;
    strcpy(value, "w");
    EXPECT(xenstore_read(XENSTORE_NO_TX, "a", NULL, buf, sizeof(buf)) == 1 && buf[0] == 'w');
    xenstore_stats(&stats);
    EXPECT(stats.strays == 2 && !stats.failed);
}

/* It takes nothing, in the middle of a message: nothing can follow. */
static void scene_stuck(void)
{
    static char text[3000];

    memset(text, 't', sizeof(text) - 1);
    silent = true;
    EXPECT(xenstore_write(XENSTORE_NO_TX, "a", NULL, text) == -EIO);
    EXPECT(now >= 30000000000u);
    silent = false;
    EXPECT(xenstore_mkdir(XENSTORE_NO_TX, "a") == -EIO && logged == 1);
}

static unsigned watches_set;
static unsigned nonsense;
static void answer_nonsense(const struct xsd_sockmsg *head, const char *text);

/* Tokens are counted up; each answer is followed by the event that a new watch has at once. */
static void answer_watch(const struct xsd_sockmsg *head, const char *text)
{
    if (head->type != XS_WATCH) {
        proper(head, text);
        return;
    }
    const char *token = text + strlen(text) + 1;
    char event[64];
    size_t n = (size_t)sprintf(event, "%s%c%s", text, 0, token) + 1;

    EXPECT(strcmp(text, atoi(token) == 1 ? "first" : "third") == 0);
    watches_set |= 1u << atoi(token);
    say(XS_WATCH, head->req_id, "OK", 3);
    say(XS_WATCH_EVENT, 0, event, (uint32_t)n);
}

/* A new domain: another daemon, which reads and writes where it likes to begin and knows no watch. */
static void scene_resume(void)
{
    struct xenstore_watch first = {.path = "first", .fn = watched};
    struct xenstore_watch second = {.path = "data/w", .fn = watched};
    struct xenstore_watch third = {.path = "third", .fn = watched};
    struct xenstore_stats stats;

    EXPECT(xenstore_watch(&first) == 0 && xenstore_watch(&second) == 0);
    EXPECT(xenstore_unwatch(&second) == 0);
    answer = answer_watch;
    EXPECT(xenstore_watch(&third) == 0);
    EXPECT(xenstore_mkdir(XENSTORE_NO_TX, "a") == 0);
    EXPECT(watches_set == 8 && events == 3);

    /* Cancelled: nothing has changed. */
    xenstore_suspend();
    xenstore_resume(false);
    EXPECT(xenstore_mkdir(XENSTORE_NO_TX, "a") == 0 && watches_set == 8);

    /* Moved, with half an answer to the old domain in the ring, and once after a failure. */
    for (unsigned failed = 0; failed < 2; failed++) {
        if (failed) {
            page->rsp_prod = page->rsp_cons + XENSTORE_RING_SIZE + 1;
            EXPECT(xenstore_mkdir(XENSTORE_NO_TX, "a") == -EIO && logged == 1);
        }
        xenstore_suspend();
        have = reply_len = reply_sent = 0;
        page->req_cons = page->req_prod = 77;
        page->rsp_cons = 4000;
        page->rsp_prod = 4011;
        watches_set = events = 0;
        xenstore_resume(true);
        EXPECT(xenstore_mkdir(XENSTORE_NO_TX, "a") == 0);
        EXPECT(watches_set == (1u << 1 | 1u << 3) && events == 2);
        xenstore_stats(&stats);
        EXPECT(!stats.failed);
    }
    EXPECT(xenstore_unwatch(&first) == 0 && xenstore_unwatch(&third) == 0);
}

/* The connection fails; a daemon that can makes a new one. */
static void scene_reconnect(void)
{
    struct xenstore_watch first = {.path = "first", .fn = watched};
    struct xenstore_stats stats;

    answer = answer_watch;
    EXPECT(xenstore_watch(&first) == 0 && events == 1);
    page->server_features = XENSTORE_SERVER_FEATURE_RECONNECTION;
    for (unsigned round = 1; round < 4; round++) {
        watches_set = 0;
        page->rsp_prod = page->rsp_cons + XENSTORE_RING_SIZE + 1;
        EXPECT(xenstore_mkdir(XENSTORE_NO_TX, "a") == -EIO && logged == round);
        EXPECT(xenstore_mkdir(XENSTORE_NO_TX, "a") == 0);
        xenstore_stats(&stats);
        EXPECT(watches_set == 2 && events == 1 + round && !stats.failed);
    }
    /* It does not come back. */
    page->rsp_prod = page->rsp_cons + XENSTORE_RING_SIZE + 1;
    EXPECT(xenstore_mkdir(XENSTORE_NO_TX, "a") == -EIO);
    silent = true;
    EXPECT(xenstore_mkdir(XENSTORE_NO_TX, "a") == -EIO && now > 30000000000u);
    silent = false;
    EXPECT(xenstore_mkdir(XENSTORE_NO_TX, "a") == 0);
    /* It comes back and fails at once: no loop. */
    answer = answer_nonsense;
    nonsense = 1;
    page->rsp_prod = page->rsp_cons + XENSTORE_RING_SIZE + 1;
    EXPECT(xenstore_mkdir(XENSTORE_NO_TX, "a") == -EIO);
    EXPECT(xenstore_mkdir(XENSTORE_NO_TX, "a") == -EIO);
}


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

static void scene_nonsense(void)
{
    char buf[10];
    struct xenstore_stats stats;

    answer = answer_nonsense;
    ssize_t first = xenstore_read(XENSTORE_NO_TX, "a", NULL, buf, sizeof(buf));
    ssize_t second = xenstore_read(XENSTORE_NO_TX, "b", NULL, buf, sizeof(buf));
    xenstore_stats(&stats);
    EXPECT(first == (nonsense == 5 ? -ETIMEDOUT : -EIO) && second == -EIO);
    EXPECT(stats.failed == (nonsense != 0) && logged == (nonsense != 0));
}

/* Anything at all in the ring: no byte beyond it is touched, and every call comes back. */
static void answer_random(const struct xsd_sockmsg *head, const char *text)
{
    uint32_t r = (uint32_t)unit_random(&seed);
    char junk[64];

    for (unsigned i = 0; i < sizeof(junk); i++) {
        junk[i] = (char)(unit_random(&seed) % 3 ? unit_random(&seed) : 0);
    }
    if (r % 4 == 0) {
        proper(head, text);
    } else if (r % 4 == 1) {
        say(r >> 8 & 31, head->req_id, junk, r >> 16 & 63);
    } else if (r % 4 == 2) {
        say(XS_WATCH_EVENT, r, junk, r >> 16 & 63);
        say(head->type, head->req_id, junk, r >> 20 & 63);
    } else {
        say(XS_ERROR, head->req_id, junk, r >> 16 & 63);
    }
}

static void scene_random(void)
{
    static char buf[5000];
    uint64_t number;
    unsigned rounds = 0;

    answer = answer_random;
    for (unsigned i = 0; i < 20000; i++) {
        xenstore_read(XENSTORE_NO_TX, "a", NULL, buf, unit_random(&seed) % 70);
        xenstore_read_u64(XENSTORE_NO_TX, "a", NULL, &number);
        xenstore_list(XENSTORE_NO_TX, "a", buf, sizeof(buf));
        if (i % 50 == 0) {
            struct xenstore_watch watch = {.path = "w", .fn = watched};
            xenstore_transaction(three, &rounds);
            if (xenstore_watch(&watch) == 0) {
                xenstore_unwatch(&watch);
            }
        }
    }
    EXPECT(now > 0);
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

int main(void)
{
    page = calloc(1, sizeof(*page));
    page->req_prod = page->req_cons = page->rsp_prod = page->rsp_cons = UINT32_MAX - 500;
    play(scene_proper);
    play(scene_late);
    play(scene_resume);
    play(scene_reconnect);
    play(scene_stuck);
    for (nonsense = 0; nonsense <= 5; nonsense++) {
        play(scene_nonsense);
    }
    play(scene_random);
    free(page);
    return unit_done();
}

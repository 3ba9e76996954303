/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A guest for backends that lie (tests/xen/badback.c): takes commands from its console, and answers
 * there while a device of it is stuck.
 *
 *     ping WORD    pong WORD
 *     disk NAME    write and read back; one line when it is done or has failed
 *     net ID N S   have N frames sent and come back; one that has not come in S seconds is lost, four in
 *                  a row are the end. Of a card that sends nothing the ring is filled. ID is the last
 *                  byte of the card's address
 *     counts       what is in use: free pages, grants, event channels
 *     quit
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <pith/netdev.h>
#include <pith/page.h>
#include <pith/platform.h>
#include <pith/waitq.h>
#include <xenplat/grant.h>
#include <xenplat/hypercall.h>

#include <xen/event_channel.h>

#define SECOND   1000000000ull
#define WORKERS  24u
#define LONGEST  (200u * 1024)
#define FRAME    1514u
#define PORTS    256u  /* that are looked at */
#define NAME_MAX_LEN 16
#define ARRIVAL_TRIES 50 /* of 0.1 s: a device may be on its way */
#define LOST_MAX 4u      /* frames in a row */
#define FLOOD    300u    /* frames: more than a ring holds */
#define FLOOD_NS (20 * SECOND)

struct worker {
    bool busy; /* atomic */
    char name[NAME_MAX_LEN];
    unsigned count, patience_s;
};

static struct worker workers[WORKERS];

/* A line at once, whatever other threads say. */
__attribute__((format(printf, 1, 2)))
static void say(const char *format, ...)
{
    char line[160];
    va_list ap;

    va_start(ap, format);
    int n = vsnprintf(line, sizeof(line) - 1, format, ap);
    va_end(ap);
    n = n > (int)sizeof(line) - 2 ? (int)sizeof(line) - 2 : n;
    line[n++] = '\n';
    write(1, line, (size_t)n);
}

/* ---- disks ---- */

static void fill(uint32_t *data, size_t len, uint32_t seed)
{
    for (size_t i = 0; i < len / 4; i++) {
        data[i] = seed += 0x9e3779b9;
    }
}

/* NULL, or what went wrong. */
static const char *try_disk(int fd, uint32_t *out, uint32_t *in, unsigned *done)
{
    static const size_t lens[] = {512, 4096, 12 * 1024, LONGEST};

    for (unsigned i = 0; i < 16; i++) {
        size_t len = lens[i % 4];
        off_t at = (off_t)(i * LONGEST);
        fill(out, len, i);
        if (pwrite(fd, out, len, at) != (ssize_t)len) {
            return "write";
        }
        if (i % 4 == 3 && fsync(fd) != 0) {
            return "fsync";
        }
        if (pread(fd, in, len, at) != (ssize_t)len) {
            return "read";
        }
        errno = 0;
        if (memcmp(in, out, len) != 0) {
            return "compare";
        }
        ++*done;
    }
    return NULL;
}

static void *disk(void *arg)
{
    struct worker *w = arg;
    unsigned done = 0;
    char path[32];

    snprintf(path, sizeof(path), "/dev/%s", w->name);
    int fd = -1;
    for (unsigned i = 0; i < ARRIVAL_TRIES && (fd = open(path, O_RDWR)) < 0; i++) {
        usleep(100000);
    }
    if (fd < 0) {
        say("disk %s: no open: %s", w->name, strerror(errno));
    } else {
        uint32_t *out = malloc(LONGEST), *in = malloc(LONGEST);
        const char *wrong = try_disk(fd, out, in, &done);
        if (wrong == NULL) {
            say("disk %s: good %u", w->name, done);
        } else {
            say("disk %s: failed %s after %u: %s", w->name, wrong, done, strerror(errno));
        }
        free(in);
        free(out);
        close(fd);
    }
    __atomic_store_n(&w->busy, false, __ATOMIC_RELEASE);
    return NULL;
}

/* ---- cards ---- */

struct card {
    struct netdev *dev;
    struct spinlock lock; /* guards `event` */
    struct waitq waiters;
    bool event;
    unsigned unsent; /* atomic: frames that are the driver's */
    unsigned back, lost, wrong;
    struct netbuf nb, flood[FLOOD];
    uint8_t frame[FRAME];
};

static void on_event(struct netdev *dev)
{
    struct card *c = dev->arg;

    bool was = spin_lock(&c->lock);
    c->event = true;
    waitq_wake_all(&c->waiters);
    spin_unlock(&c->lock, was);
}

static void sent(struct netbuf *frame)
{
    struct card *c = frame->arg;

    __atomic_sub_fetch(&c->unsent, 1, __ATOMIC_RELEASE);
}

/* Until something happens, or the time. */
static void card_wait(struct card *c, uint64_t deadline_ns)
{
    int error = 0;

    if (netdev_arm(c->dev, true)) {
        return;
    }
    bool was = spin_lock(&c->lock);
    while (!c->event && error == 0) {
        error = waitq_wait(&c->waiters, &c->lock, deadline_ns);
    }
    c->event = false;
    spin_unlock(&c->lock, was);
}

/* Take what has come; an echo has our frame's payload. */
static void take(struct card *c)
{
    struct netbuf *got;

    while (netdev_receive(c->dev, &got, 1) == 1) {
        uint32_t len = 0;
        bool same = true;
        for (struct netbuf *nb = got; nb != NULL; nb = nb->next) {
            uint32_t skip = len < 14 ? 14 - len : 0; /* the addresses are exchanged */
            if (len + nb->len > FRAME) {
                same = false;
            } else if (nb->len > skip) {
                same &= memcmp((uint8_t *)nb->data + skip, c->frame + len + skip, nb->len - skip) == 0;
            }
            len += nb->len;
        }
        if (same && len == c->nb.len) {
            c->back++;
        } else {
            c->wrong++;
        }
        netdev_release(c->dev, got);
    }
}

/* Send until the driver says by a drop that nothing goes out, or for so long. */
static void fill_ring(struct card *c)
{
    uint64_t deadline = platform_clock_ns() + FLOOD_NS, dropped = c->dev->stats.tx_dropped;
    unsigned i = 0;

    while (i < FLOOD && c->dev->stats.tx_dropped == dropped && platform_clock_ns() < deadline) {
        struct netbuf *list = &c->flood[i];
        c->flood[i] = (struct netbuf){.data = c->frame, .len = 60, .done = sent, .arg = c};
        __atomic_add_fetch(&c->unsent, 1, __ATOMIC_ACQ_REL);
        int taken = netdev_transmit(c->dev, &list, 1);
        if (taken == 1) {
            i++;
            continue;
        }
        __atomic_sub_fetch(&c->unsent, 1, __ATOMIC_ACQ_REL);
        if (taken < 0) {
            return;
        }
        usleep(100000);
    }
}

/* Send one frame and see it come back; false: the card has failed, or nothing has come. */
static bool exchange(struct card *c, unsigned number, unsigned patience_s)
{
    unsigned back = c->back;
    struct netbuf *list = &c->nb;
    uint64_t deadline = platform_clock_ns() + patience_s * SECOND;

    for (unsigned i = 14; i < FRAME; i++) {
        c->frame[i] = (uint8_t)(number + i);
    }
    memset(c->frame, 0xff, 6);
    memcpy(c->frame + 6, c->dev->mac, 6);
    c->frame[12] = 0x88;
    c->frame[13] = 0xb5;
    c->nb = (struct netbuf){.data = c->frame, .len = number % 2 ? FRAME : 60 + number % 900, .done = sent,
                            .arg = c};
    c->unsent = 1;
    if (netdev_transmit(c->dev, &list, 1) != 1) {
        c->unsent = 0;
        return false;
    }
    while (platform_clock_ns() < deadline && !c->dev->failed) {
        take(c);
        netdev_reap(c->dev);
        if (c->back != back && __atomic_load_n(&c->unsent, __ATOMIC_ACQUIRE) == 0) {
            return true;
        }
        card_wait(c, deadline);
    }
    return false;
}

static void use_card(struct card *c, const struct worker *w)
{
    unsigned n = 0, in_a_row = 0;

    while (n < w->count && in_a_row < LOST_MAX && !c->dev->failed &&
           __atomic_load_n(&c->unsent, __ATOMIC_ACQUIRE) == 0) {
        if (exchange(c, n + c->lost, w->patience_s)) {
            n++;
            in_a_row = 0;
        } else {
            in_a_row++;
            c->lost += !c->dev->failed;
        }
    }
    if (n < w->count && !c->dev->failed && __atomic_load_n(&c->unsent, __ATOMIC_ACQUIRE) != 0) {
        fill_ring(c);
    }
    const struct netdev_stats *s = &c->dev->stats;
    say("net %s: %s %u of %u, lost %u, wrong %u, dropped %llu %llu", w->name,
        n == w->count ? "good" : c->dev->failed ? "failed after" : "silent after", n, w->count, c->lost, c->wrong,
        (unsigned long long)s->rx_dropped, (unsigned long long)s->tx_dropped);
    /* The frame is ours again only when the driver says so. */
    while (__atomic_load_n(&c->unsent, __ATOMIC_ACQUIRE) != 0) {
        netdev_reap(c->dev);
        card_wait(c, platform_clock_ns() + SECOND / 10);
    }
    take(c);
}

static struct netdev *card_of(unsigned id)
{
    struct netdev *dev;

    for (unsigned try = 0; try < ARRIVAL_TRIES; try++) {
        for (unsigned i = 0; (dev = netdev_at(i)) != NULL; i++) {
            if (dev->mac[5] == id) {
                return dev;
            }
        }
        usleep(100000);
    }
    return NULL;
}

static void *net(void *arg)
{
    struct worker *w = arg;
    struct card *c = calloc(1, sizeof(*c));

    c->dev = card_of((unsigned)atoi(w->name));
    waitq_init(&c->waiters);
    if (c->dev == NULL) {
        say("net %s: no such card", w->name);
    } else {
        int error = netdev_claim(c->dev, w, on_event, c);
        if (error != 0) {
            say("net %s: not to be had: %s", w->name, strerror(-error));
        } else {
            use_card(c, w);
            netdev_unclaim(c->dev);
            say("net %s: over", w->name);
        }
    }
    free(c);
    __atomic_store_n(&w->busy, false, __ATOMIC_RELEASE);
    return NULL;
}

/* ---- the console ---- */

static void start(void *(*fn)(void *), const char *name, unsigned count, unsigned patience_s)
{
    for (unsigned i = 0; i < WORKERS; i++) {
        struct worker *w = &workers[i];
        if (!__atomic_load_n(&w->busy, __ATOMIC_ACQUIRE)) {
            pthread_t t;
            w->busy = true;
            w->count = count;
            w->patience_s = patience_s;
            snprintf(w->name, sizeof(w->name), "%s", name);
            if (pthread_create(&t, NULL, fn, w) == 0) {
                pthread_detach(t);
                return;
            }
            w->busy = false;
            break;
        }
    }
    say("no thread for %s", name);
}

/* Those that are open in any way; Xen knows (public/event_channel.h, EVTCHNOP_status). */
static unsigned open_ports(void)
{
    unsigned n = 0;

    for (uint32_t port = 1; port < PORTS; port++) {
        struct evtchn_status status = {.dom = DOMID_SELF, .port = port};
        n += xen_event_channel_op(EVTCHNOP_status, &status) == 0 && status.status != EVTCHNSTAT_closed;
    }
    return n;
}

static void counts(void)
{
    struct page_stats pages;
    struct grant_stats grants;
    unsigned working = 0;

    for (unsigned i = 0; i < WORKERS; i++) {
        working += __atomic_load_n(&workers[i].busy, __ATOMIC_ACQUIRE);
    }
    page_stats(&pages);
    grant_stats(&grants);
    say("counts: free %zu, grants %u, abandoned %u, frames %u, ports %u, working %u", pages.free, grants.used,
        grants.abandoned, grants.frames, open_ports(), working);
}

int main(void)
{
    char line[80], word[16], name[NAME_MAX_LEN];
    unsigned count, patience_s;

    netdev_at(0); /* the first call looks for devices; from now on they come and go */
    close(open("/dev/vda", O_RDONLY));
    say("victim: ready");
    while (fgets(line, sizeof(line), stdin) != NULL) {
        int n = sscanf(line, "%15s %15s %u %u", word, name, &count, &patience_s);
        if (n >= 2 && strcmp(word, "ping") == 0) {
            say("pong %s", name);
        } else if (n >= 2 && strcmp(word, "disk") == 0) {
            start(disk, name, 0, 0);
        } else if (n == 4 && strcmp(word, "net") == 0) {
            start(net, name, count, patience_s);
        } else if (n >= 1 && strcmp(word, "counts") == 0) {
            counts();
        } else if (n >= 1 && strcmp(word, "quit") == 0) {
            return 0;
        } else if (n >= 1) {
            say("what is '%s'?", word);
        }
    }
    return 1;
}

/* sources: platform/xen/xenstore.c platform/xen/xenstore_ring.c platform/xen/xenstore_resume.c */
/* SPDX-License-Identifier: BSD-2-Clause */
/* The xenstore client as the client of another daemon: after a move, and after a failure. */
#include "xenstore_daemon.h"

static unsigned watches_set;

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
            EXPECT(xenstore_mkdir(XENSTORE_NO_TX, "a") == -EIO && errors_logged == 1);
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
    struct xenstore_watch third = {.path = "third", .fn = watched};
    struct xenstore_stats stats;

    answer = answer_watch;
    EXPECT(xenstore_watch(&first) == 0 && xenstore_watch(&third) == 0 && events == 2);
    page->server_features = XENSTORE_SERVER_FEATURE_RECONNECTION;
    for (unsigned round = 1; round < 4; round++) {
        watches_set = 0;
        page->rsp_prod = page->rsp_cons + XENSTORE_RING_SIZE + 1;
        EXPECT(xenstore_mkdir(XENSTORE_NO_TX, "a") == -EIO && errors_logged == round);
        EXPECT(xenstore_mkdir(XENSTORE_NO_TX, "a") == 0);
        xenstore_stats(&stats);
        EXPECT(watches_set == 6 && events == 2 + 2 * round && !stats.failed);
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
    reconnections = 0;
    EXPECT(xenstore_mkdir(XENSTORE_NO_TX, "a") == -EIO && reconnections == 1);
}

int main(void)
{
    page = calloc(1, sizeof(*page));
    page->req_prod = page->req_cons = page->rsp_prod = page->rsp_cons = UINT32_MAX - 500;
    play(scene_resume);
    play(scene_reconnect);
    free(page);
    return unit_done();
}

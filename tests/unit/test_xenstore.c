/* sources: platform/xen/xenstore.c platform/xen/xenstore_ring.c platform/xen/xenstore_resume.c */
/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The xenstore client against a daemon of the test's, which answers in crumbs, late, to nobody, with
 * nonsense, or not at all. Each scene has a process of its own, since a failed connection stays so.
 */
#include "xenstore_daemon.h"

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
    EXPECT(errors_logged == 0);
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
    EXPECT(xenstore_mkdir(XENSTORE_NO_TX, "a") == -EIO && errors_logged == 1);
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
    EXPECT(stats.failed == (nonsense != 0) && errors_logged == (nonsense != 0));
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

int main(void)
{
    page = calloc(1, sizeof(*page));
    page->req_prod = page->req_cons = page->rsp_prod = page->rsp_cons = UINT32_MAX - 500;
    play(scene_proper);
    play(scene_late);
    play(scene_stuck);
    for (nonsense = 0; nonsense <= 5; nonsense++) {
        play(scene_nonsense);
    }
    play(scene_random);
    free(page);
    return unit_done();
}

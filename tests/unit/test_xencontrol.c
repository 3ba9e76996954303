/* sources: platform/xen/control.c */
/* SPDX-License-Identifier: BSD-2-Clause */
/* What the toolstack writes to control/, word by word, against a xenstore of the test's. */
#include <errno.h>

#include <pith/platform.h>
#include <xenplat/pv.h>
#include <xenplat/pvh.h>
#include <xenplat/services.h>
#include <xenplat/suspend.h>
#include <xenplat/xenstore.h>

#include "fake_server.h"

#include "../../platform/xen/balloon.h"

struct xen_given xen_given_store;
bool xen_pv = true;

static char shutdown_word[64], sysrq_word[64];
static char features[200];
static unsigned suspended, stops, published;
static int reboot = -1, in_transaction;
static struct xenstore_watch *watches[3];
static unsigned nwatches;
static enum xen_balloon balloon_says[4]; /* what its next looks answer */
static unsigned looks;
static uint64_t began_with;

static char *node(const char *key)
{
    return strcmp(key, "shutdown") == 0 ? shutdown_word : strcmp(key, "sysrq") == 0 ? sysrq_word : NULL;
}

ssize_t xenstore_read(uint32_t tx, const char *dir, const char *key, char *buf, size_t size)
{
    EXPECT(tx == 5 && in_transaction && strcmp(dir, "control") == 0);
    size_t len = strlen(node(key));
    if (strcmp(node(key), "(none)") == 0) {
        return -ENOENT;
    }
    if (len >= size) {
        return -ERANGE;
    }
    memcpy(buf, node(key), len + 1);
    return (ssize_t)len;
}

int xenstore_write(uint32_t tx, const char *dir, const char *key, const char *value)
{
    EXPECT(strcmp(dir, "control") == 0);
    if (node(key) == NULL) {
        EXPECT(tx == XENSTORE_NO_TX && strcmp(value, "1") == 0);
        strcat(strcat(features, key), " ");
        return -EACCES; /* it need not care */
    }
    EXPECT(tx == 5 && value[0] == '\0');
    node(key)[0] = '\0';
    return 0;
}

int xenstore_transaction(int (*fn)(uint32_t tx, void *arg), void *arg)
{
    char was[2][64];

    /* The first attempt comes too late: what it has written is undone. */
    memcpy(was[0], shutdown_word, 64);
    memcpy(was[1], sysrq_word, 64);
    in_transaction = 1;
    fn(5, arg);
    memcpy(shutdown_word, was[0], 64);
    memcpy(sysrq_word, was[1], 64);
    int error = fn(5, arg);
    in_transaction = 0;
    return error;
}

int xenstore_watch(struct xenstore_watch *watch)
{
    EXPECT(nwatches < 3);
    watches[nwatches++] = watch;
    watch->fn(watch); /* as a new watch does */
    return 0;
}

int xen_suspend(void)
{
    EXPECT(!in_transaction && shutdown_word[0] == '\0');
    suspended++;
    return 0;
}

int xen_pv_publish_p2m(void)
{
    published++;
    return 0;
}

uint64_t platform_clock_ns(void)
{
    return 5000000000ULL;
}

/* Its answers, then that all is done. */
enum xen_balloon xen_balloon_look(void)
{
    enum xen_balloon says = balloon_says[0];
    memmove(&balloon_says[0], &balloon_says[1], sizeof(balloon_says) - sizeof(balloon_says[0]));
    looks++;
    return says;
}

uint64_t xen_pvh_pages_short(void)
{
    return 77;
}

void xen_balloon_begin(uint64_t pages)
{
    began_with = pages;
}

void xen_stop_by_reboot(bool on)
{
    reboot = on;
}

void stop_requested(void)
{
    EXPECT(irq_is_masked());
    stops++;
}

/* A word is written; the watch fires, the thread looks. */
static void write_word(char *to, const char *word)
{
    warnings_logged = 0;
    strcpy(to, word);
    watches[0]->fn(watches[0]);
    nwatches = 0; /* the thread's function begins anew each time */
    features[0] = '\0';
    serve();
    EXPECT(to[0] == '\0' || strcmp(word, "(none)") == 0);
}

static void panicked(void)
{
    exit(unit_done());
}

int main(void)
{
    fake_cpu_init();
    EXPECT(xen_control_listen() == -ENODEV);
    xen_control_prepare();
    EXPECT(servers == 0); /* no xenstore */
    EXPECT(xen_control_listen() == -ENODEV);
    xen_given_store.frame = 7;
    xen_control_prepare();
    EXPECT(servers == 1);
    serve();
    EXPECT(nwatches == 0); /* nobody listens yet */
    EXPECT(xen_control_listen() == 0);
    serve();
    EXPECT(nwatches == 3 && published == 1);
    EXPECT_STR(features, "feature-poweroff feature-reboot feature-suspend ");
    EXPECT_STR(watches[0]->path, "control/shutdown");
    EXPECT_STR(watches[1]->path, "control/sysrq");
    EXPECT_STR(watches[2]->path, "memory/target");
    EXPECT(looks == 1 && sleeps == 0 && began_with == 0); /* PV starts with what it is to have */
    EXPECT(stops == 0 && suspended == 0 && reboot == -1 && warnings_logged == 0);

    write_word(shutdown_word, "poweroff");
    EXPECT(stops == 1 && reboot == 0 && warnings_logged == 0);
    write_word(shutdown_word, "halt");
    EXPECT(stops == 2 && reboot == 0);
    write_word(shutdown_word, "reboot");
    EXPECT(stops == 3 && reboot == 1);
    write_word(shutdown_word, "suspend");
    EXPECT(suspended == 1 && stops == 3);
    write_word(shutdown_word, "");
    write_word(shutdown_word, "(none)");
    EXPECT(warnings_logged == 0);
    shutdown_word[0] = '\0';
    static const char *const odd[] = {"power", "poweroff ", "Poweroff", "a word that is far too long for any order"};
    for (unsigned i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
        write_word(shutdown_word, odd[i]);
        EXPECT(warnings_logged == 1);
    }
    write_word(sysrq_word, "h");
    EXPECT(warnings_logged == 1);
    EXPECT(stops == 3 && suspended == 1 && reboot == 1);

    /* The balloon goes on without waiting until it is done, or can't go on for now: then by the clock. */
    looks = 0;
    memcpy(balloon_says, (enum xen_balloon[4]){XEN_BALLOON_GOES_ON, XEN_BALLOON_GOES_ON}, sizeof(balloon_says));
    write_word(shutdown_word, "");
    EXPECT(looks == 3 && sleeps == 0);
    memcpy(balloon_says, (enum xen_balloon[4]){XEN_BALLOON_GOES_ON, XEN_BALLOON_LATER}, sizeof(balloon_says));
    write_word(shutdown_word, "");
    EXPECT(looks == 5 && sleeps == 1 && sleeps_until == 5000000000ULL + 1000000000ULL);
    xen_pv = false;
    xen_control_prepare();
    EXPECT(began_with == 77);

    fake_panic_hook = panicked;
    write_word(sysrq_word, "c");
    printf("sysrq c came back\n");
    return 1;
}

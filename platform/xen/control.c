/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the toolstack asks a guest for by writing a word to control/ in xenstore (xen
 * docs/misc/xenstore-paths.pandoc, "Platform Feature and Control Paths").
 *
 *   control/shutdown  poweroff, halt, reboot: the program gets SIGTERM and a time to end;
 *                     suspend: save or migration
 *   control/sysrq     c: the crash report, and the end as crashed; others do nothing
 *   memory/target     how much memory to keep (balloon.c)
 *
 * The guest takes a word by writing an empty one over it. This is in every image, in a thread of its
 * own: xenstore and a suspension have to be waited for.
 */
#include <xenplat/services.h>

#include <errno.h>
#include <string.h>

#include <pith/log.h>
#include <pith/panic.h>
#include <pith/thread.h>
#include <pith/waitq.h>
#include <xenplat/pv.h>
#include <xenplat/pvh.h>
#include <xenplat/suspend.h>
#include <xenplat/xenstore.h>

#include "balloon.h"

#define STACK_SIZE (24UL * 1024)
#define WORD_SIZE  16u
#define BALLOON_NS (1000ULL * 1000 * 1000) /* until a balloon that can't go on tries again */

static struct spinlock lock = SPINLOCK_INIT; /* guards `changes`; taken inside xenstore's */
static struct waitq changed = WAITQ_INIT(changed);
static uint32_t changes; /* 0: nobody has asked us to listen yet */
static bool has_thread;

static void note_change(void)
{
    bool was = spin_lock(&lock);
    changes++;
    waitq_wake_all(&changed);
    spin_unlock(&lock, was);
}

static void written(struct xenstore_watch *watch)
{
    (void)watch;
    note_change();
}

/* A change, or deadline_ns. */
static void wait_change(uint32_t *known, uint64_t deadline_ns)
{
    bool was = spin_lock(&lock);
    while (changes == *known && waitq_wait(&changed, &lock, deadline_ns) == 0) {
    }
    *known = changes;
    spin_unlock(&lock, was);
}

/* ---- words ---- */

struct order {
    const char *key;
    char word[WORD_SIZE];
};

/* Take the word away, so that it is done once and the toolstack sees that it was read. */
static int take_word(uint32_t tx, void *arg)
{
    struct order *order = arg;
    ssize_t len = xenstore_read(tx, "control", order->key, order->word, sizeof(order->word));

    if (len < 0 && len != -ERANGE) {
        return (int)len;
    }
    if (len < 0) {
        memcpy(order->word, "(too long)", sizeof("(too long)"));
    }
    return len == 0 ? 0 : xenstore_write(tx, "control", order->key, "");
}

static void end_machine(bool reboot)
{
    xen_stop_by_reboot(reboot);
    bool was = irq_save(); /* the context that stop_requested() has everywhere */
    stop_requested();
    irq_restore(was);
}

static void obey_shutdown(const char *word)
{
    if (strcmp(word, "poweroff") == 0 || strcmp(word, "halt") == 0) {
        end_machine(false);
    } else if (strcmp(word, "reboot") == 0) {
        end_machine(true);
    } else if (strcmp(word, "suspend") == 0) {
        xen_suspend();
    } else {
        klog(LOG_WARNING, "xen: the toolstack asks for \"%s\", which is unknown", word);
    }
}

static void obey_sysrq(const char *word)
{
    if (word[0] == 'c') {
        PANIC("the toolstack asks for a crash (sysrq c)");
    }
    klog(LOG_WARNING, "xen: sysrq \"%s\" does nothing here; c makes a crash report", word);
}

static void look(const char *key, void (*obey)(const char *word))
{
    struct order order = {.key = key};
    int error = xenstore_transaction(take_word, &order);

    if (error == 0 && order.word[0] != '\0') {
        obey(order.word);
    } else if (error != 0 && error != -ENOENT) {
        klog(LOG_WARNING, "xen: control/%s can't be read (%d)", key, error);
    }
}

/* ---- the thread ---- */

static void *serve(void *arg)
{
    static struct xenstore_watch watches[] = {
        {.path = "control/shutdown", .fn = written},
        {.path = "control/sysrq", .fn = written},
        {.path = "memory/target", .fn = written},
    };
    static const char *const features[] = {"feature-poweroff", "feature-reboot", "feature-suspend"};
    uint32_t known = 0;

    wait_change(&known, UINT64_MAX);
    if (xen_pv && xen_pv_publish_p2m() != 0) {
        klog(LOG_WARNING, "xen: no memory for what a migration needs");
    }
    for (unsigned i = 0; i < sizeof(features) / sizeof(features[0]); i++) {
        /* May well be refused, the document says: the toolstack need not have made them. */
        xenstore_write(XENSTORE_NO_TX, "control", features[i], "1");
    }
    for (unsigned i = 0; i < sizeof(watches) / sizeof(watches[0]); i++) {
        int error = xenstore_watch(&watches[i]);
        if (error != 0) {
            klog(LOG_WARNING, "xen: %s can't be watched (%d)", watches[i].path, error);
        }
    }
    for (enum xen_balloon balloon = XEN_BALLOON_DONE;;) {
        if (balloon != XEN_BALLOON_GOES_ON) {
            wait_change(&known, balloon == XEN_BALLOON_DONE ? UINT64_MAX
                                                            : platform_clock_ns() + BALLOON_NS);
        }
        look("shutdown", obey_shutdown);
        look("sysrq", obey_sysrq);
        balloon = xen_balloon_look();
    }
    return arg;
}

void xen_control_prepare(void)
{
    struct thread_attr attr = {.name = "control", .stack_size = STACK_SIZE, .detached = true};
    struct thread *thread;

    if (xen_given_store.frame == 0) {
        return;
    }
    if (!xen_pv) {
        xen_balloon_begin(xen_pvh_pages_short());
    }
    int error = thread_create(&thread, &attr, serve, NULL);
    has_thread = error == 0;
    if (error != 0) {
        klog(LOG_WARNING, "xen: no thread that hears the toolstack (%d)", error);
    }
}

int xen_control_listen(void)
{
    if (!has_thread) {
        return -ENODEV;
    }
    note_change();
    return 0;
}

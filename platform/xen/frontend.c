/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which devices of which kind there are, and telling the drivers when that changes.
 *
 * Nothing is believed from a watch but that something has changed: the tree is read anew each time.
 * A device is told apart from its successor in the same place by our own state: the toolstack makes
 * it with Initialising, to which no driver returns (public/io/xenbus.h; Xen's libxl, libxl_device.c).
 */
#include <xenplat/frontend.h>

#include <errno.h>
#include <string.h>

#include <pith/log.h>
#include <pith/page.h>
#include <pith/thread.h>
#include <pith/waitq.h>
#include <xenplat/suspend.h>
#include <xenplat/xenbus.h>

#define STACK_SIZE (32UL * 1024)
#define PATH_SIZE  48u

struct entry {
    struct list list;
    struct xen_frontend *kind;
    unsigned number;
    bool seen;                    /* it was in the list just read */
    bool changed;                 /* atomic: its backend has written its state */
    bool lost;                    /* its backend has closed; it waits to be taken away */
    struct xenbus_device *device; /* NULL: it failed or has ended; we wait until it goes */
    struct xenstore_watch watch;  /* of the backend's state */
    char state_path[XENSTORE_PATH_MAX + 8];
};

/* Guards `changes` and `busy`; taken inside xenstore's lock. */
static struct spinlock lock = SPINLOCK_INIT;
static struct waitq waiting = WAITQ_INIT(waiting); /* for changes, or for the turn */
static uint32_t changes;
static bool busy;

/* What follows is guarded by the turn: enter() and leave(). */
static struct list kinds = LIST_INIT(kinds);
static struct list entries = LIST_INIT(entries);
static struct list unused = LIST_INIT(unused); /* entries, too */
static bool started;

static void enter(void)
{
    bool was = spin_lock(&lock);
    while (busy) {
        waitq_wait(&waiting, &lock, UINT64_MAX);
    }
    busy = true;
    spin_unlock(&lock, was);
}

static void leave(void)
{
    bool was = spin_lock(&lock);
    busy = false;
    waitq_wake_all(&waiting);
    spin_unlock(&lock, was);
}

/* ---- watches: interrupt, masked ---- */

static void note_change(void)
{
    spin_acquire(&lock);
    changes++;
    waitq_wake_all(&waiting);
    spin_release(&lock);
}

static void tree_changed(struct xenstore_watch *watch)
{
    (void)watch;
    note_change();
}

static void backend_changed(struct xenstore_watch *watch)
{
    struct entry *e = watch->arg;

    __atomic_store_n(&e->changed, true, __ATOMIC_RELEASE);
    note_change();
}

static struct xenstore_watch tree_watch = {.path = "device", .fn = tree_changed};

/* ---- entries ---- */

static void path_of(char path[PATH_SIZE], const struct xen_frontend *kind, unsigned number)
{
    log_format(path, PATH_SIZE, "device/%s/%u", kind->kind, number);
}

static struct entry *entry_find(const struct xen_frontend *kind, unsigned number)
{
    for (struct list *l = entries.next; l != &entries; l = l->next) {
        struct entry *e = LIST_ENTRY(l, struct entry, list);
        if (e->kind == kind && e->number == number) {
            return e;
        }
    }
    return NULL;
}

/* They come a page at a time and stay. */
static struct entry *entry_new(struct xen_frontend *kind, unsigned number)
{
    if (list_empty(&unused)) {
        struct entry *page = page_alloc(0);
        for (unsigned i = 0; page != NULL && i < PAGE_SIZE / sizeof(*page); i++) {
            list_insert(&unused, &page[i].list);
        }
    }
    if (list_empty(&unused)) {
        return NULL;
    }
    struct entry *e = LIST_ENTRY(unused.next, struct entry, list);
    list_remove(&e->list);
    *e = (struct entry){.kind = kind, .number = number};
    list_insert(&entries, &e->list);
    return e;
}

static void entry_drop(struct entry *e)
{
    list_remove(&e->list);
    list_insert(&unused, &e->list);
}

/* Its first event comes at once: what has changed since the driver looked is not missed. */
static void entry_watch(struct entry *e)
{
    log_format(e->state_path, sizeof(e->state_path), "%s/state", e->device->backend);
    e->watch = (struct xenstore_watch){.path = e->state_path, .fn = backend_changed, .arg = e};
    list_init(&e->watch.list);
    int error = xenstore_watch(&e->watch);
    if (error != 0) {
        klog(LOG_WARNING, "xen: %s: its backend can't be watched (%d)", e->device->path, error);
    }
}

static bool entry_attach(struct entry *e)
{
    char path[PATH_SIZE];

    path_of(path, e->kind, e->number);
    e->changed = false;
    int error = e->kind->attach(path, e->number, &e->device);
    if (error != 0) {
        klog(LOG_DEBUG, "xen: %s: not attached (%d)", path, error);
        e->device = NULL;
        xenstore_write_u64(XENSTORE_NO_TX, path, "state", XenbusStateClosed);
        return false;
    }
    entry_watch(e);
    return true;
}

static void entry_detach(struct entry *e)
{
    struct xenbus_device *device = e->device;

    xenstore_unwatch(&e->watch);
    e->device = NULL;
    e->lost = false;
    e->kind->detach(device);
}

/* Our own state as the tree has it. */
static int own_state(const struct entry *e)
{
    char path[PATH_SIZE];
    uint64_t state;

    path_of(path, e->kind, e->number);
    int error = xenstore_read_u64(XENSTORE_NO_TX, path, "state", &state);
    return error != 0 ? error : state > XenbusStateReconfigured ? -EINVAL : (int)state;
}

/*
 * Its backend has not come so far that a front end can begin: attaching would wait for it, and all
 * other devices with it. What can't be read is for the driver to find out, which does not take long.
 */
static bool backend_late(const struct xen_frontend *kind, unsigned number)
{
    char path[PATH_SIZE], backend[XENSTORE_PATH_MAX];
    uint64_t state;

    path_of(path, kind, number);
    ssize_t len = xenstore_read(XENSTORE_NO_TX, path, "backend", backend, sizeof(backend));
    return len > 0 && backend[0] == '/' &&
           xenstore_read_u64(XENSTORE_NO_TX, backend, "state", &state) == 0 &&
           state <= XenbusStateInitialising;
}

/*
 * Its backend is closing. Who takes a device away writes that it is not to be online (Xen's libxl,
 * libxl_device.c, libxl__initiate_device_generic_remove()); without that something is broken.
 */
static void entry_end(struct entry *e)
{
    uint64_t online;
    int error = xenstore_read_u64(XENSTORE_NO_TX, e->device->backend, "online", &online);

    if (e->kind->lost == NULL || (error == 0 && online == 0)) {
        entry_detach(e);
    } else if (error != 0 && own_state(e) < 0) {
        return; /* both halves are gone: forget_unseen() is next */
    } else if (!e->lost) {
        e->lost = true;
        e->kind->lost(e->device);
    }
}

/* One that is in its place; returns whether it was attached now. */
static bool entry_look(struct entry *e, bool is_new)
{
    if (is_new) {
        return entry_attach(e);
    }
    if (own_state(e) == XenbusStateInitialising) {
        if (e->device != NULL) {
            entry_detach(e);
        }
        return entry_attach(e);
    }
    if (e->device != NULL && __atomic_exchange_n(&e->changed, false, __ATOMIC_ACQUIRE)) {
        int state = xenbus_backend_state(e->device);
        if (state == XenbusStateClosing || state == XenbusStateClosed) {
            entry_end(e);
        } else if (state >= 0 && !e->lost && e->kind->changed != NULL) {
            e->kind->changed(e->device, state);
        }
    }
    return false;
}

/* ---- the tree ---- */

/* A name that is a number, as it is written without effort; -1: it isn't. */
static long number_of(const char *name, size_t len)
{
    long n = 0;

    if (len == 0 || len > 9 || (name[0] == '0' && len > 1)) {
        return -1;
    }
    for (size_t i = 0; i < len; i++) {
        if (name[i] < '0' || name[i] > '9') {
            return -1;
        }
        n = n * 10 + (name[i] - '0');
    }
    return n;
}

/* The lowest number in a list of names that is above `last`; -1: none. */
static long next_number(const char *names, size_t len, long last)
{
    long best = -1;

    for (size_t at = 0; at < len;) {
        size_t n = strnlen(names + at, len - at);
        long number = number_of(names + at, n);
        if (number > last && (best < 0 || number < best)) {
            best = number;
        }
        at += n + 1;
    }
    return best;
}

static void forget_unseen(const struct xen_frontend *kind)
{
    char path[PATH_SIZE];

    for (struct list *l = entries.next, *next; l != &entries; l = next) {
        struct entry *e = LIST_ENTRY(l, struct entry, list);
        next = l->next;
        if (e->kind == kind && !e->seen) {
            if (e->device != NULL && !e->lost) {
                path_of(path, kind, e->number);
                klog(LOG_WARNING, "xen: %s: it has gone without having been detached", path);
            }
            if (e->device != NULL) {
                entry_detach(e);
            }
            entry_drop(e);
        }
        e->seen = false;
    }
}

/*
 * Bring the kind's devices in line with the tree, new ones whose backends are late only if `late`.
 * Returns how many were attached.
 */
static int look_at(struct xen_frontend *kind, bool late)
{
    char path[PATH_SIZE];
    int attached = 0;
    char *names = page_alloc(0);

    if (names == NULL) {
        return 0;
    }
    log_format(path, sizeof(path), "device/%s", kind->kind);
    ssize_t len = xenstore_list(XENSTORE_NO_TX, path, names, PAGE_SIZE);
    if (len < 0 && len != -ENOENT) {
        klog(LOG_WARNING, "xen: %s can't be listed (%d)", path, (int)len);
        page_free(names, 0);
        return 0;
    }
    for (long n = -1; len > 0 && (n = next_number(names, (size_t)len, n)) >= 0;) {
        struct entry *e = entry_find(kind, (unsigned)n);
        bool is_new = e == NULL;
        if (is_new && !late && backend_late(kind, (unsigned)n)) {
            continue;
        }
        if (is_new) {
            e = entry_new(kind, (unsigned)n);
        }
        if (e != NULL) {
            e->seen = true;
        }
        if (e != NULL && (is_new || !late)) {
            attached += entry_look(e, is_new);
        }
    }
    forget_unseen(kind);
    page_free(names, 0);
    return attached;
}

/* Who waits for a backend waits last, when all others have been served. */
static void look_at_all(void)
{
    for (unsigned late = 0; late < 2; late++) {
        for (struct list *l = kinds.next; l != &kinds; l = l->next) {
            look_at(LIST_ENTRY(l, struct xen_frontend, list), late != 0);
        }
    }
}

static void *serve(void *arg)
{
    uint32_t known = 0;

    for (;;) {
        bool was = spin_lock(&lock);
        while (changes == known) {
            waitq_wait(&waiting, &lock, UINT64_MAX);
        }
        known = changes;
        spin_unlock(&lock, was);
        enter();
        look_at_all();
        leave();
    }
    return arg;
}

/* ---- resume ---- */

static void connect_again(void)
{
    for (struct list *l = entries.next; l != &entries; l = l->next) {
        struct entry *e = LIST_ENTRY(l, struct entry, list);
        /*
         * One that is not there any more is found when the thread looks next; so is one that had
         * failed: its place, untouched, is that of a new device.
         */
        if (e->device != NULL && own_state(e) >= 0) {
            xenstore_unwatch(&e->watch);
            e->kind->resume(e->device);
            entry_watch(e);
        }
    }
}

static struct xen_resume_hook hook = {.before = enter, .ready = connect_again, .after = leave};

static int begin(void)
{
    struct thread_attr attr = {.name = "xenbus", .stack_size = STACK_SIZE, .detached = true};
    struct thread *thread;

    int error = xenstore_watch(&tree_watch);
    if (error == 0) {
        xen_resume_add(&hook);
        started = true;
        error = thread_create(&thread, &attr, serve, NULL);
        if (error != 0) {
            klog(LOG_WARNING, "xen: no thread that sees devices come and go (%d)", error);
        }
        error = 0;
    }
    return error;
}

int xen_frontend_start(struct xen_frontend *kind)
{
    enter();
    int result = started ? 0 : begin();
    if (result == 0) {
        list_insert(&kinds, &kind->list);
        result = look_at(kind, false);
        result += look_at(kind, true);
    }
    leave();
    return result;
}

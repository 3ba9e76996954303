/* sources: platform/xen/frontend.c */
/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The core of the front ends against a tree of the test's: devices that come, go, fail, change, come
 * back in the same place, and are connected again after a resume.
 */
#include <errno.h>
#include <setjmp.h>

#include <pith/page.h>
#include <pith/thread.h>
#include <xenplat/frontend.h>
#include <xenplat/suspend.h>
#include <xenplat/xenbus.h>
#include <xenplat/xenstore.h>

#include "unit.h"

#include "fake_cpu.h"

#define MAX 64u

/* ---- the tree: devices of two kinds by number ---- */

struct place {
    const char *kind;
    unsigned number;
    int own, backend; /* states; backend < 0: it has gone */
};

static struct place places[MAX];
static unsigned nplaces;
static int watch_error, list_error;
static struct xenstore_watch *tree, *watches[MAX];
static void *(*thread_fn)(void *);
static unsigned threads, pages;
static struct xen_resume_hook *hook;
static jmp_buf idle;

static struct place *find(const char *kind, unsigned number)
{
    for (unsigned i = 0; i < nplaces; i++) {
        if (strcmp(places[i].kind, kind) == 0 && places[i].number == number) {
            return &places[i];
        }
    }
    return NULL;
}

static struct place *find_path(const char *path)
{
    char kind[16];
    unsigned number;
    EXPECT(sscanf(path, "device/%15[^/]/%u", kind, &number) == 2);
    return find(kind, number);
}

static struct place *appear(const char *kind, unsigned number)
{
    struct place *p = find(kind, number);
    if (p == NULL) {
        p = &places[nplaces++];
    }
    *p = (struct place){kind, number, XenbusStateInitialising, XenbusStateInitWait};
    return p;
}

static void vanish(const char *kind, unsigned number)
{
    struct place *p = find(kind, number);
    *p = places[--nplaces];
}

void platform_irq_replay(void)
{
}

void klog(enum log_level level, const char *fmt, ...)
{
    (void)level;
    (void)fmt;
}

int log_format(char *buf, size_t size, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(buf, size, fmt, ap);
    va_end(ap);
    EXPECT(n < (int)size);
    return n;
}

void *page_alloc(unsigned order)
{
    EXPECT(order == 0);
    pages++;
    return malloc(PAGE_SIZE);
}

void page_free(void *p, unsigned order)
{
    EXPECT(order == 0);
    pages--;
    free(p);
}

int thread_create(struct thread **out, const struct thread_attr *attr, void *(*fn)(void *), void *arg)
{
    (void)out;
    (void)arg;
    EXPECT(attr->detached);
    thread_fn = fn;
    threads++;
    return 0;
}

unsigned waitq_wake_all(struct waitq *q)
{
    (void)q;
    return 0;
}

int waitq_wait(struct waitq *q, struct spinlock *lock, uint64_t deadline_ns)
{
    (void)q;
    (void)deadline_ns;
    spin_unlock(lock, false);
    longjmp(idle, 1);
}

void xen_resume_add(struct xen_resume_hook *h)
{
    EXPECT(hook == NULL);
    hook = h;
}

static void fire(struct xenstore_watch *watch)
{
    bool was = irq_save();
    watch->fn(watch);
    irq_restore(was);
}

int xenstore_watch(struct xenstore_watch *watch)
{
    if (strcmp(watch->path, "device") == 0) {
        if (watch_error == 0) {
            tree = watch;
        }
        return watch_error;
    }
    unsigned i = 0;
    while (watches[i] != NULL) {
        i++;
    }
    watches[i] = watch;
    fire(watch);
    return 0;
}

int xenstore_unwatch(struct xenstore_watch *watch)
{
    for (unsigned i = 0; i < MAX; i++) {
        if (watches[i] == watch) {
            watches[i] = NULL;
            return 0;
        }
    }
    EXPECT(!"a watch that was set");
    return -ENOENT;
}

static unsigned watched(void)
{
    unsigned n = 0;
    for (unsigned i = 0; i < MAX; i++) {
        n += watches[i] != NULL;
    }
    return n;
}

ssize_t xenstore_list(uint32_t tx, const char *path, char *buf, size_t size)
{
    size_t len = 0;
    EXPECT(tx == XENSTORE_NO_TX && size == PAGE_SIZE && strncmp(path, "device/", 7) == 0);
    if (list_error != 0) {
        return list_error;
    }
    for (unsigned i = 0; i < nplaces; i++) {
        if (strcmp(places[i].kind, path + 7) == 0) {
            len += (size_t)sprintf(buf + len, "%u", places[i].number) + 1;
        }
    }
    /* Names that are no devices. */
    static const char odd[] = "x\0" "-1\0" "07\0" "1e3\0" "99999999999\0";
    memcpy(buf + len, odd, sizeof(odd)); /* the last name is empty */
    return len == 0 ? -ENOENT : (ssize_t)(len + sizeof(odd));
}

ssize_t xenstore_read(uint32_t tx, const char *dir, const char *key, char *buf, size_t size)
{
    EXPECT(tx == XENSTORE_NO_TX && strcmp(key, "backend") == 0 && find_path(dir) != NULL);
    return snprintf(buf, size, "/b/%s", dir);
}

int xenstore_read_u64(uint32_t tx, const char *dir, const char *key, uint64_t *value)
{
    if (strncmp(dir, "/b/", 3) == 0) {
        *value = (uint64_t)find_path(dir + 3)->backend;
        return 0;
    }
    struct place *p = find_path(dir);
    EXPECT(tx == XENSTORE_NO_TX && strcmp(key, "state") == 0);
    if (p == NULL) {
        return -ENOENT;
    }
    *value = (uint64_t)p->own;
    return 0;
}

int xenstore_write_u64(uint32_t tx, const char *dir, const char *key, uint64_t value)
{
    EXPECT(tx == XENSTORE_NO_TX && strcmp(key, "state") == 0 && find_path(dir) != NULL);
    find_path(dir)->own = (int)value;
    return 0;
}

int xenbus_backend_state(struct xenbus_device *dev)
{
    struct place *p = find_path(dev->path);
    return p == NULL || p->backend < 0 ? XenbusStateClosed : p->backend;
}

/* ---- drivers that write down what they are told ---- */

static char story[400];
static int attach_error;

static void tell(const char *what, const struct xenbus_device *dev)
{
    EXPECT(!irq_is_masked());
    snprintf(story + strlen(story), sizeof(story) - strlen(story), "%s %s, ", what, dev->path + 7);
}

static int attach(const char *path, unsigned number, struct xenbus_device **device)
{
    struct xenbus_device *dev = calloc(1, sizeof(*dev));
    struct place *p = find_path(path);

    EXPECT(p != NULL && p->number == number);
    strcpy(dev->path, path);
    sprintf(dev->backend, "/b/%s", path);
    tell(attach_error != 0 ? "fail" : "attach", dev);
    if (attach_error != 0) {
        free(dev);
        return attach_error;
    }
    p->own = p->backend = XenbusStateConnected;
    *device = dev;
    return 0;
}

static void detach(struct xenbus_device *dev)
{
    tell("detach", dev);
    if (find_path(dev->path) != NULL) {
        find_path(dev->path)->own = XenbusStateClosed;
    }
    free(dev);
}

static void resume(struct xenbus_device *dev)
{
    tell("resume", dev);
    find_path(dev->path)->own = find_path(dev->path)->backend = XenbusStateConnected;
}

static void on_change(struct xenbus_device *dev, int state)
{
    char text[16];
    sprintf(text, "state%d", state);
    tell(text, dev);
}

static struct xen_frontend vif = {.kind = "vif", .attach = attach, .detach = detach, .resume = resume,
                                  .changed = on_change};
static struct xen_frontend vbd = {.kind = "vbd", .attach = attach, .detach = detach, .resume = resume};

/* ---- scenes ---- */

/* Let the thread look, and compare what the drivers were told since the last time. */
static void expect(const char *told)
{
    if (setjmp(idle) == 0) {
        thread_fn(NULL);
    }
    EXPECT(!irq_is_masked());
    EXPECT_STR(story, told);
    story[0] = '\0';
}

static void backend_says(const char *kind, unsigned number, int state)
{
    char path[64];

    find(kind, number)->backend = state;
    sprintf(path, "/b/device/%s/%u/state", kind, number);
    for (unsigned i = 0; i < MAX; i++) {
        if (watches[i] != NULL && strcmp(watches[i]->path, path) == 0) {
            fire(watches[i]);
            return;
        }
    }
    EXPECT(!"the backend is watched");
}

static void at_start(void)
{
    watch_error = -ENODEV;
    EXPECT(xen_frontend_start(&vif) == -ENODEV && threads == 0);
    watch_error = 0;
    appear("vif", 10);
    appear("vif", 2);
    appear("vbd", 51712);
    EXPECT(xen_frontend_start(&vif) == 2 && threads == 1);
    EXPECT_STR(story, "attach vif/2, attach vif/10, ");
    story[0] = '\0';
    EXPECT(xen_frontend_start(&vbd) == 1 && threads == 1 && watched() == 3);
    expect("attach vbd/51712, state4 vif/2, state4 vif/10, ");
    expect("");
}

/* One that is late comes after all others, also after those of the other kind and those that go. */
static void late_last(void)
{
    appear("vif", 20)->backend = XenbusStateInitialising;
    appear("vif", 21);
    appear("vbd", 832);
    fire(tree);
    expect("attach vif/21, attach vbd/832, attach vif/20, state4 vif/20, state4 vif/21, ");
    vanish("vif", 20);
    vanish("vif", 21);
    vanish("vbd", 832);
    fire(tree);
    expect("detach vif/21, detach vif/20, detach vbd/832, ");
}

static void come_and_go(void)
{
    appear("vif", 3);
    fire(tree);
    expect("attach vif/3, state4 vif/3, ");
    backend_says("vif", 3, XenbusStateReconfiguring);
    expect("state7 vif/3, ");
    backend_says("vif", 3, XenbusStateClosing);
    expect("detach vif/3, ");
    EXPECT(watched() == 3);
    fire(tree);
    expect(""); /* it is still there, and left alone */
    vanish("vif", 3);
    fire(tree);
    expect("");
    appear("vif", 3);
    expect("attach vif/3, state4 vif/3, ");
    vanish("vif", 3); /* all at once, no parting */
    expect("detach vif/3, ");
    EXPECT(watched() == 3);
    list_error = -EIO; /* nobody can say what is there: nothing is done */
    expect("");
    list_error = 0;
    expect("");
}

static void failing(void)
{
    attach_error = -EINVAL;
    appear("vbd", 7);
    expect("fail vbd/7, ");
    EXPECT(find("vbd", 7)->own == XenbusStateClosed && watched() == 3);
    expect("");
    attach_error = 0;
    expect(""); /* not before its place has gone and come */
    vanish("vbd", 7);
    expect("");
    appear("vbd", 7);
    expect("attach vbd/7, ");
    /* Gone and come between two looks: another device. */
    appear("vbd", 7);
    expect("detach vbd/7, attach vbd/7, ");
    vanish("vbd", 7);
    expect("detach vbd/7, ");
}

static void moved(void)
{
    expect("");
    hook->before();
    /* The new toolstack has made the places anew; one device is missing there, one is new. */
    for (unsigned i = 0; i < nplaces; i++) {
        places[i].own = XenbusStateInitialising;
        places[i].backend = XenbusStateInitWait;
    }
    vanish("vif", 10);
    appear("vif", 11);
    if (setjmp(idle) == 0) {
        fire(tree);
        thread_fn(NULL); /* may not look now */
    }
    EXPECT_STR(story, "");
    hook->ready();
    EXPECT_STR(story, "resume vif/2, resume vbd/51712, ");
    story[0] = '\0';
    hook->after();
    expect("state4 vif/2, attach vif/11, detach vif/10, state4 vif/11, ");
    EXPECT(watched() == 3 && hook->moved == NULL);

    hook->before(); /* cancelled */
    hook->after();
    expect("");
}

static void many(void)
{
    EXPECT(pages == 1);
    for (unsigned round = 0; round < 50; round++) {
        for (unsigned i = 0; i < 20; i++) {
            appear("vbd", i);
        }
        if (setjmp(idle) == 0) {
            thread_fn(NULL);
        }
        EXPECT(watched() == 23);
        for (unsigned i = 0; i < 20; i++) {
            vanish("vbd", i);
        }
        if (setjmp(idle) == 0) {
            thread_fn(NULL);
        }
        EXPECT(watched() == 3);
        story[0] = '\0';
    }
    EXPECT(pages < 6); /* of entries, for ever */
}

int main(void)
{
    fake_cpu_init();
    at_start();
    late_last();
    come_and_go();
    failing();
    moved();
    many();
    return unit_done();
}

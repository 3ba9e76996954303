/* sources: platform/xen/frontend.c */
/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The core of the front ends against a tree of the test's: devices that come, go, fail, change, lose
 * their backends, come back in the same place, and are connected again after a resume.
 */
#include <errno.h>

#include <pith/page.h>
#include <xenplat/frontend.h>
#include <xenplat/suspend.h>
#include <xenplat/xenbus.h>
#include <xenplat/xenstore.h>

#include "fake_server.h"

#define MAX 64u

/* ---- the tree: devices of two kinds by number ---- */

struct place {
    const char *kind;
    unsigned number;
    int own, backend; /* states; backend < 0: it has gone */
    bool offline;     /* the toolstack takes it away */
};

static struct place places[MAX];
static unsigned nplaces;
static int watch_error, list_error;
static unsigned leaving; /* a vif that goes when the list has been read */
static struct xenstore_watch *tree, *watches[MAX];
static unsigned pages;
static struct xen_resume_hook *hook;

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
    *p = (struct place){kind, number, XenbusStateInitialising, XenbusStateInitWait, false};
    return p;
}

static void vanish(const char *kind, unsigned number)
{
    struct place *p = find(kind, number);
    *p = places[--nplaces];
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
    if (leaving != 0 && find("vif", leaving) != NULL) {
        vanish("vif", leaving);
    }
    return len == 0 ? -ENOENT : (ssize_t)(len + sizeof(odd));
}

ssize_t xenstore_read(uint32_t tx, const char *dir, const char *key, char *buf, size_t size)
{
    EXPECT(tx == XENSTORE_NO_TX && strcmp(key, "backend") == 0 && find_path(dir) != NULL);
    return snprintf(buf, size, "/b/%s", dir);
}

int xenstore_read_u64(uint32_t tx, const char *dir, const char *key, uint64_t *value)
{
    struct place *p = find_path(strncmp(dir, "/b/", 3) == 0 ? dir + 3 : dir);
    if (dir[0] == '/') {
        if (p == NULL || p->backend < 0) {
            return -EACCES;
        }
        *value = strcmp(key, "online") == 0 ? !p->offline : (uint64_t)p->backend;
        return 0;
    }
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

static void lost(struct xenbus_device *dev)
{
    tell("lost", dev);
    dev->arg = dev;
    find_path(dev->path)->own = XenbusStateClosed;
}

/* One that has failed is left as it is. */
static void resume(struct xenbus_device *dev)
{
    tell("resume", dev);
    if (dev->arg == NULL) {
        find_path(dev->path)->own = find_path(dev->path)->backend = XenbusStateConnected;
    }
}

static void on_change(struct xenbus_device *dev, int state)
{
    char text[16];
    sprintf(text, "state%d", state);
    tell(text, dev);
}

static struct xen_frontend vif = {.kind = "vif", .attach = attach, .detach = detach, .lost = lost,
                                  .resume = resume, .changed = on_change};
static struct xen_frontend vbd = {.kind = "vbd", .attach = attach, .detach = detach, .resume = resume};

/* ---- scenes ---- */

/* Let the thread look, and compare what the drivers were told since the last time. */
static void expect(const char *told)
{
    serve();
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
    EXPECT(xen_frontend_start(&vif) == -ENODEV && servers == 0);
    watch_error = 0;
    appear("vif", 10);
    appear("vif", 2);
    appear("vbd", 51712);
    EXPECT(xen_frontend_start(&vif) == 2 && servers == 1);
    EXPECT_STR(story, "attach vif/2, attach vif/10, ");
    story[0] = '\0';
    EXPECT(xen_frontend_start(&vbd) == 1 && servers == 1 && watched() == 3);
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
    warnings_logged = 0;
    appear("vif", 3);
    fire(tree);
    expect("attach vif/3, state4 vif/3, ");
    backend_says("vif", 3, XenbusStateReconfiguring);
    expect("state7 vif/3, ");
    find("vif", 3)->offline = true;
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
    EXPECT(warnings_logged == 0);
    vanish("vif", 3); /* all at once, no parting */
    expect("detach vif/3, ");
    EXPECT(watched() == 3 && warnings_logged == 1);
    list_error = -EIO; /* nobody can say what is there: nothing is done */
    expect("");
    list_error = 0;
    expect("");
}

/* The backend closes, or goes, and nobody wants the device away. */
static void losing(void)
{
    warnings_logged = 0;
    for (unsigned round = 0; round < 3; round++) {
        static const int ends[] = {XenbusStateClosing, XenbusStateClosed, -1};
        appear("vif", 4);
        fire(tree);
        expect("attach vif/4, state4 vif/4, ");
        backend_says("vif", 4, ends[round]);
        expect("lost vif/4, "); /* what is said of it is the driver's to say */
        backend_says("vif", 4, XenbusStateClosed);
        expect(""); /* once */
        backend_says("vif", 4, XenbusStateConnected);
        expect("");
        if (round == 0) { /* in good order, now */
            find("vif", 4)->offline = true;
            backend_says("vif", 4, XenbusStateClosing);
            expect("detach vif/4, ");
        }
        vanish("vif", 4);
        fire(tree);
        expect(round == 0 ? "" : "detach vif/4, ");
        EXPECT(watched() == 3 && warnings_logged == 0);
    }
    /* All of it goes while we look: it is not lost but gone. */
    appear("vif", 4);
    fire(tree);
    expect("attach vif/4, state4 vif/4, ");
    leaving = 4;
    backend_says("vif", 4, XenbusStateClosed);
    expect("detach vif/4, ");
    leaving = 0;
    EXPECT(watched() == 3 && warnings_logged == 1);
    warnings_logged = 0;
    /* It is made anew in its place: works. */
    appear("vif", 4);
    expect("attach vif/4, state4 vif/4, ");
    backend_says("vif", 4, XenbusStateClosed);
    expect("lost vif/4, ");
    appear("vif", 4);
    fire(tree);
    expect("detach vif/4, attach vif/4, state4 vif/4, ");
    backend_says("vif", 4, XenbusStateClosed);
    expect("lost vif/4, ");
    vanish("vif", 4);
    fire(tree);
    expect("detach vif/4, ");
    /* A kind that can't be lost goes. */
    appear("vbd", 4);
    fire(tree);
    expect("attach vbd/4, ");
    backend_says("vbd", 4, XenbusStateClosed);
    expect("detach vbd/4, ");
    vanish("vbd", 4);
    fire(tree);
    expect("");
    EXPECT(watched() == 3 && warnings_logged == 0);
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
    fire(tree);
    serve(); /* may not look now */
    EXPECT_STR(story, "");
    hook->ready();
    EXPECT_STR(story, "resume vif/2, resume vbd/51712, ");
    story[0] = '\0';
    hook->after();
    expect("state4 vif/2, attach vif/11, detach vif/10, state4 vif/11, ");
    EXPECT(watched() == 3 && hook->moved == NULL);

    /* One that was lost is another one there. */
    appear("vif", 5);
    fire(tree);
    expect("attach vif/5, state4 vif/5, ");
    backend_says("vif", 5, XenbusStateClosed);
    expect("lost vif/5, ");
    hook->before();
    for (unsigned i = 0; i < nplaces; i++) {
        appear(places[i].kind, places[i].number);
    }
    hook->ready();
    hook->after();
    story[0] = '\0';
    fire(tree);
    expect("state4 vif/2, detach vif/5, attach vif/5, state4 vif/11, state4 vif/5, ");
    vanish("vif", 5);
    fire(tree);
    expect("detach vif/5, ");

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
        serve();
        EXPECT(watched() == 23);
        for (unsigned i = 0; i < 20; i++) {
            vanish("vbd", i);
        }
        serve();
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
    losing();
    failing();
    moved();
    many();
    return unit_done();
}

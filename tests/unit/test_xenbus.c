/* sources: platform/xen/xenbus.c */
/* SPDX-License-Identifier: BSD-2-Clause */
/* The handshake against a tree of the test's: finding a backend, waiting for it, parting from it. */
#include <errno.h>

#include <xenplat/xenbus.h>

#include "unit.h"

#include "fake_cpu.h"
#include "fake_log.h"

#define PATH "device/vbd/51712"
#define BACK "/local/domain/3/backend/vbd/7/51712"
#define GONE (-1)

static struct xenbus_device dev;
static struct xenstore_watch *watch;
static const char *backend;  /* what our half says of the other */
static int64_t domain;       /* likewise; GONE: nothing */
static int own, theirs;      /* states, or GONE */
static const char *text;     /* the other's state when it is no number */
static const int *script;    /* the other's next states; ends by 0 */
static bool follows;         /* it closes as we do */
static int leave_after;      /* so many writes: our place goes */
static char written[32];     /* the states that we wrote */

void platform_irq_replay(void)
{
}

unsigned waitq_wake_all(struct waitq *q)
{
    (void)q;
    return 0;
}

/* Something happens at the other end, or the time passes. */
int waitq_wait(struct waitq *q, struct spinlock *lock, uint64_t deadline_ns)
{
    (void)q;
    EXPECT(deadline_ns == 777);
    if (script != NULL && *script != 0) {
        theirs = *script++;
    } else if (!follows || own < XenbusStateClosing || theirs == own) {
        return -ETIMEDOUT;
    } else {
        theirs = own;
    }
    text = NULL;
    spin_release(lock);
    watch->fn(watch);
    spin_acquire(lock);
    return 0;
}

int xenstore_watch(struct xenstore_watch *w)
{
    EXPECT_STR(w->path, BACK "/state");
    watch = w;
    return 0;
}

int xenstore_unwatch(struct xenstore_watch *w)
{
    EXPECT(w == watch);
    watch = NULL;
    return 0;
}

ssize_t xenstore_read(uint32_t tx, const char *dir, const char *key, char *buf, size_t size)
{
    EXPECT(tx == XENSTORE_NO_TX && strcmp(dir, PATH) == 0 && strcmp(key, "backend") == 0);
    return backend == NULL ? -ENOENT : snprintf(buf, size, "%s", backend);
}

static int read_state(int state, uint64_t *value)
{
    *value = (uint64_t)state;
    return state == GONE ? -ENOENT : 0;
}

int xenstore_read_u64(uint32_t tx, const char *dir, const char *key, uint64_t *value)
{
    if (strcmp(key, "backend-id") == 0) {
        *value = (uint64_t)domain;
        return domain == GONE ? -ENOENT : 0;
    }
    EXPECT(strcmp(key, "state") == 0);
    if (dir[0] == '/') {
        EXPECT(tx == XENSTORE_NO_TX && strcmp(dir, BACK) == 0);
        return text != NULL ? -EINVAL : read_state(theirs, value);
    }
    return read_state(own, value);
}

int xenstore_write_u64(uint32_t tx, const char *dir, const char *key, uint64_t value)
{
    EXPECT(tx == 9 && own != GONE && strcmp(dir, PATH) == 0 && strcmp(key, "state") == 0);
    own = (int)value;
    snprintf(written + strlen(written), sizeof(written) - strlen(written), "%d ", own);
    if (leave_after > 0 && --leave_after == 0) {
        own = theirs = GONE;
    }
    return 0;
}

int xenstore_write(uint32_t tx, const char *dir, const char *key, const char *value)
{
    (void)tx;
    EXPECT_STR(dir, "error/" PATH);
    EXPECT_STR(key, "error");
    EXPECT_STR(value, "5 it does not work");
    return 0;
}

int xenstore_transaction(int (*fn)(uint32_t tx, void *arg), void *arg)
{
    return fn(9, arg);
}

static void begin(int ours, int other)
{
    backend = BACK;
    domain = 3;
    own = ours;
    theirs = other;
    text = NULL;
    script = NULL;
    follows = true;
    leave_after = 0;
    written[0] = '\0';
    EXPECT(xenbus_open(&dev, PATH) == 0 && dev.domain == 3 && watch == &dev.watch);
}

static void test_open(void)
{
    begin(1, 2);
    xenbus_close(&dev);
    EXPECT(watch == NULL);
    domain = 0x7ff0;
    EXPECT(xenbus_open(&dev, PATH) == -EINVAL);
    domain = GONE;
    EXPECT(xenbus_open(&dev, PATH) == -ENOENT);
    domain = 3;
    backend = "local";
    EXPECT(xenbus_open(&dev, PATH) == -EINVAL);
    backend = NULL;
    EXPECT(xenbus_open(&dev, PATH) == -ENOENT && watch == NULL);
    xenbus_report(&dev, -EIO, "it does not work");
    EXPECT(errors_logged == 1);
}

static void test_wait(void)
{
    static const int states[] = {XenbusStateInitialising, XenbusStateInitWait, 0};
    static const int ends[] = {XenbusStateInitialised, XenbusStateClosing, 0};
    const unsigned wanted = XENBUS_STATES(XenbusStateInitWait) | XENBUS_STATES(XenbusStateConnected);

    begin(1, XenbusStateInitialising);
    script = states;
    EXPECT(xenbus_wait(&dev, wanted, 777) == XenbusStateInitWait);
    EXPECT(xenbus_wait(&dev, XENBUS_STATES(XenbusStateConnected), 777) == -ETIMEDOUT);
    script = ends;
    EXPECT(xenbus_wait(&dev, XENBUS_STATES(XenbusStateConnected), 777) == XenbusStateClosing);
    theirs = GONE;
    EXPECT(xenbus_wait(&dev, wanted, 777) == XenbusStateClosed);
    /* A state that is no number, or too large a one, is one that nobody waits for. */
    text = "banana";
    EXPECT(xenbus_backend_state(&dev) == XenbusStateUnknown);
    EXPECT(xenbus_wait(&dev, wanted, 777) == -ETIMEDOUT);
    text = NULL;
    theirs = XenbusStateReconfigured + 1;
    EXPECT(xenbus_backend_state(&dev) == XenbusStateUnknown);
}

static void test_part(void)
{
    begin(XenbusStateConnected, XenbusStateConnected);
    EXPECT(xenbus_part(&dev, 777) == 0 && theirs == XenbusStateClosed);
    EXPECT_STR(written, "5 6 ");
    /* One that does not answer; it hears to the end what we do. */
    begin(XenbusStateConnected, XenbusStateConnected);
    follows = false;
    EXPECT(xenbus_part(&dev, 777) == -ETIMEDOUT);
    EXPECT_STR(written, "5 6 ");
    /* One that has gone, and its place, or ours: nothing is made anew. */
    begin(XenbusStateConnected, GONE);
    EXPECT(xenbus_part(&dev, 777) == 0);
    EXPECT_STR(written, "5 6 ");
    begin(GONE, GONE);
    EXPECT(xenbus_part(&dev, 777) == 0);
    EXPECT_STR(written, "");
    begin(XenbusStateConnected, XenbusStateConnected);
    leave_after = 1;
    EXPECT(xenbus_part(&dev, 777) == 0);
    EXPECT_STR(written, "5 ");
    /* The place of our successor, whose backend waits for it. */
    begin(XenbusStateInitialising, XenbusStateInitWait);
    EXPECT(xenbus_part(&dev, 777) == 0 && theirs == XenbusStateInitWait);
    EXPECT_STR(written, "");
}

int main(void)
{
    fake_cpu_init();
    test_open();
    test_wait();
    test_part();
    return unit_done();
}

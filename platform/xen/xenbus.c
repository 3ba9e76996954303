/* SPDX-License-Identifier: BSD-2-Clause */
/* The handshake with a backend domain: states in xenstore (public/io/xenbus.h). */
#include <xenplat/xenbus.h>

#include <errno.h>
#include <string.h>

#include <pith/log.h>

#define DOMAIN_LAST 0x7fefu /* the numbers from DOMID_FIRST_RESERVED on are no domains */

#define ENDING (XENBUS_STATES(XenbusStateClosing) | XENBUS_STATES(XenbusStateClosed))

/* From the watch: interrupt, masked, inside xenstore's lock. */
static void state_changed(struct xenstore_watch *watch)
{
    struct xenbus_device *dev = watch->arg;

    spin_acquire(&dev->lock);
    dev->changes++;
    waitq_wake_all(&dev->changed);
    spin_release(&dev->lock);
}

static int find_backend(struct xenbus_device *dev)
{
    uint64_t domain;
    ssize_t len = xenstore_read(XENSTORE_NO_TX, dev->path, "backend", dev->backend,
                                sizeof(dev->backend));

    if (len < 0) {
        return len == -ERANGE ? -EINVAL : (int)len;
    }
    int error = xenstore_read_u64(XENSTORE_NO_TX, dev->path, "backend-id", &domain);
    if (error != 0) {
        return error;
    }
    if (domain > DOMAIN_LAST || dev->backend[0] != '/' || strlen(dev->backend) != (size_t)len) {
        return -EINVAL;
    }
    dev->domain = (unsigned)domain;
    return 0;
}

int xenbus_open(struct xenbus_device *dev, const char *path)
{
    size_t len = strlen(path);

    if (len >= sizeof(dev->path)) {
        return -EINVAL;
    }
    memcpy(dev->path, path, len + 1);
    int error = find_backend(dev);
    if (error != 0) {
        return error;
    }
    log_format(dev->state_path, sizeof(dev->state_path), "%s/state", dev->backend);
    dev->lock = (struct spinlock)SPINLOCK_INIT;
    waitq_init(&dev->changed);
    dev->changes = 0;
    dev->watch = (struct xenstore_watch){.path = dev->state_path, .fn = state_changed, .arg = dev};
    return xenstore_watch(&dev->watch);
}

void xenbus_close(struct xenbus_device *dev)
{
    xenstore_unwatch(&dev->watch);
}

/*
 * What the toolstack has removed can't be read or written any more; xenstored says EACCES, not ENOENT,
 * where the nearest node above isn't ours to read (tools/xenstore, errno_from_parents()), as a kind's
 * folder in the backend's tree is not.
 */
static bool gone(int error)
{
    return error == -ENOENT || error == -EACCES;
}

int xenbus_backend_state(struct xenbus_device *dev)
{
    uint64_t state;
    int error = xenstore_read_u64(XENSTORE_NO_TX, dev->backend, "state", &state);

    if (gone(error)) {
        return XenbusStateClosed;
    }
    if (error != 0 && error != -EINVAL) {
        return error;
    }
    return error == -EINVAL || state > XenbusStateReconfigured ? XenbusStateUnknown : (int)state;
}

static int wait_for(struct xenbus_device *dev, unsigned states, uint64_t deadline_ns)
{
    for (;;) {
        bool was = spin_lock(&dev->lock);
        uint32_t seen = dev->changes;
        spin_unlock(&dev->lock, was);

        /* Counted before it is read: a change in between is not slept over. */
        int state = xenbus_backend_state(dev);
        if (state < 0 || states & XENBUS_STATES(state)) {
            return state;
        }
        int error = 0;
        was = spin_lock(&dev->lock);
        while (dev->changes == seen && error == 0) {
            error = waitq_wait(&dev->changed, &dev->lock, deadline_ns);
        }
        spin_unlock(&dev->lock, was);
        if (error != 0) {
            return error;
        }
    }
}

int xenbus_wait(struct xenbus_device *dev, unsigned states, uint64_t deadline_ns)
{
    return wait_for(dev, states | ENDING, deadline_ns);
}

int xenbus_set_state(struct xenbus_device *dev, XenbusState state)
{
    return xenstore_write_u64(XENSTORE_NO_TX, dev->path, "state", state);
}

struct publication {
    struct xenbus_device *dev;
    int (*publish)(uint32_t tx, struct xenbus_device *dev);
    XenbusState state;
};

static int publish_all(uint32_t tx, void *arg)
{
    const struct publication *p = arg;
    int error = p->publish(tx, p->dev);

    return error != 0 ? error : xenstore_write_u64(tx, p->dev->path, "state", p->state);
}

int xenbus_publish(struct xenbus_device *dev, int (*publish)(uint32_t tx, struct xenbus_device *dev),
                   XenbusState state)
{
    struct publication p = {dev, publish, state};
    return xenstore_transaction(publish_all, &p);
}

struct parting {
    const struct xenbus_device *dev;
    XenbusState state;
};

/* In one transaction: a place that the toolstack takes away meanwhile is not made again by us. */
static int set_own_state(uint32_t tx, void *arg)
{
    const struct parting *p = arg;
    uint64_t own;
    int error = xenstore_read_u64(tx, p->dev->path, "state", &own);

    /* The place of our successor, to whose backend we have nothing to say. */
    if (error == 0 && own == XenbusStateInitialising) {
        return -ENOENT;
    }
    return error != 0 ? error : xenstore_write_u64(tx, p->dev->path, "state", p->state);
}

int xenbus_part(struct xenbus_device *dev, uint64_t deadline_ns)
{
    int error = xenstore_transaction(set_own_state, &(struct parting){dev, XenbusStateClosing});

    if (error != 0) {
        return gone(error) ? 0 : error; /* our place in the tree, and so the backend's */
    }
    /* Linux's backends answer Closing with the same, and let go and close when we are Closed. */
    int state = wait_for(dev, ENDING, deadline_ns);
    error = xenstore_transaction(set_own_state, &(struct parting){dev, XenbusStateClosed});
    if (state >= 0 && error == 0) {
        state = wait_for(dev, XENBUS_STATES(XenbusStateClosed), deadline_ns);
    }
    return gone(error) ? 0 : error != 0 ? error : state < 0 ? state : 0;
}

void xenbus_report(struct xenbus_device *dev, int error, const char *what)
{
    char path[XENSTORE_PATH_MAX + 8], text[128];

    klog(LOG_ERROR, "xen: %s: %s (%d)", dev->path, what, error);
    log_format(path, sizeof(path), "error/%s", dev->path);
    log_format(text, sizeof(text), "%d %s", -error, what);
    xenstore_write(XENSTORE_NO_TX, path, "error", text);
}

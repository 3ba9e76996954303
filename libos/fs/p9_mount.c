/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * 9P as a file system: `mount=/share:TAG:9p[,ro]`, where TAG is what the host calls the folder.
 *
 * Boot option `share.timeout=S` (default 60): after that time without a reply the device is given up.
 */
#include <errno.h>
#include <string.h>

#include <pith/cmdline.h>
#include <pith/heap.h>
#include <pith/log.h>

#include "mounts.h"
#include "p9.h"

#define FIRST_DEV 0x20 /* st_dev of the first one */
#define TIMEOUT_S 60

const struct vnode_ops p9_ops = {
    .lookup = p9_lookup,
    .create = p9_create,
    .link = p9_link,
    .unlink = p9_unlink,
    .rename = p9_rename,
    .parent = p9_parent,
    .readdir = p9_readdir,
    .getattr = p9_getattr,
    .setattr = p9_setattr,
    .readlink = p9_readlink,
    .open = p9_open,
    .release = p9_release,
    .read = p9_read,
    .write = p9_write,
    .size = p9_size,
    .truncate = p9_truncate,
    .allocate = p9_allocate,
    .sync = p9_sync,
};

/* Errors: -EINVAL there is one that we don't know. */
static int read_options(struct p9_client *c, const char *options)
{
    while (*options != '\0') {
        size_t len = strcspn(options, ",");
        if (len == 2 && memcmp(options, "ro", 2) == 0) {
            c->readonly = true;
        } else if (len != 2 || memcmp(options, "rw", 2) != 0) {
            return -EINVAL;
        }
        options += len + (options[len] == ',');
    }
    return 0;
}

static int connect_root(struct p9_client *c)
{
    struct p9_node *root;
    struct p9_qid qid;
    uint32_t fid;
    int r = p9_fid_alloc(c, &fid);
    if (r == 0) {
        r = p9_connect(c, fid, &qid);
    }
    if (r == 0 && !(qid.type & P9_QTDIR)) {
        r = -ENOTDIR;
    }
    if (r == 0) {
        r = p9_node_new(c, NULL, (struct name){ "", 0 }, fid, c->generation, qid, S_IFDIR, &root);
    }
    if (r == 0) {
        c->mount.root = &root->v; /* for ever */
    }
    return p9_once(r);
}

int p9_mount(const char *source, const char *options, struct mount **out)
{
    static unsigned mounts; /* called by one thread */
    struct p9dev *dev = p9dev_find(source);
    if (dev == NULL) {
        klog(LOG_ERROR, "9p: the machine has no folder '%s'", source);
        return -ENODEV;
    }
    struct p9_client *c = heap_alloc(sizeof(*c));
    if (c == NULL) {
        return -ENOMEM;
    }
    memset(c, 0, sizeof(*c));
    c->dev = dev;
    c->timeout_ns = cmdline_get_u64("share.timeout", TIMEOUT_S) * 1000000000ull;
    c->mount = (struct mount){ .type = "9p", .dev = (dev_t)(FIRST_DEV + mounts++),
                               .statvfs = p9_statvfs, .data = c };
    pthread_mutex_init(&c->mount.names, NULL);
    pthread_mutex_init(&c->append, NULL);
    pthread_mutex_init(&c->renew, NULL);
    pthread_mutex_init(&c->live_lock, NULL);
    list_init(&c->live);
    waitq_init(&c->room);
    int r = read_options(c, options);
    if (r == 0) {
        r = connect_root(c);
    }
    if (r != 0) {
        heap_free(c->free_fids);
        heap_free(c);
        return r;
    }
    klog(LOG_INFO, "9p: '%s' is mounted%s, %u bytes a message", source,
         c->readonly ? " read-only" : "", c->chunk);
    *out = &c->mount;
    return 0;
}

MOUNT_TYPE mount_9p = { .name = "9p", .mount = p9_mount };

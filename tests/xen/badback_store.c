/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The device's nodes in xenstore, as the toolstack writes them (xen docs/misc/xenstore-paths.pandoc):
 * the front end's belong to the guest, the backend's to dom0, and each may read the other's.
 */
#include "badback.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void write_at(struct back *b, const char *path, const char *value)
{
    if (!xs_write(b->xs, b->tx, path, value, (unsigned)strlen(value))) {
        die("xenstore: no %s", path);
    }
}

static void write_below(struct back *b, const char *dir, const char *key, const char *value)
{
    char path[PATH + 64];

    snprintf(path, sizeof(path), "%s/%s", dir, key);
    write_at(b, path, value);
}

void store_write(struct back *b, const char *key, const char *format, ...)
{
    char value[128];
    va_list ap;

    va_start(ap, format);
    vsnprintf(value, sizeof(value), format, ap);
    va_end(ap);
    write_below(b, b->path, key, value);
}

void store_state(struct back *b, unsigned state)
{
    store_write(b, "state", "%u", state);
}

unsigned store_front(struct back *b, const char *key, unsigned otherwise)
{
    char path[PATH + 64];
    unsigned len, value = otherwise;

    snprintf(path, sizeof(path), "%s/%s", b->front, key);
    char *text = xs_read(b->xs, XBT_NULL, path, &len);
    if (text != NULL) {
        value = (unsigned)strtoul(text, NULL, 10);
        free(text);
    }
    return value;
}

static void owned(struct back *b, const char *path, unsigned owner, unsigned reader)
{
    struct xs_permissions who[2] = {{owner, XS_PERM_NONE}, {reader, XS_PERM_READ}};

    xs_rm(b->xs, b->tx, path);
    if (!xs_mkdir(b->xs, b->tx, path) || !xs_set_permissions(b->xs, b->tx, path, who, 2)) {
        die("xenstore: no %s", path);
    }
}

/* What the test wants otherwise, below the backend's path or (front/KEY=VALUE) the frontend's. */
static void write_extra(struct back *b, bool of_front)
{
    static const char mark[] = "front/";
    char path[PATH + 64];

    for (char **word = b->extra; *word != NULL; word++) {
        char *value = strchr(*word, '='), *key = *word;
        if (value == NULL) {
            die("what is '%s'?", *word);
        }
        if ((strncmp(key, mark, strlen(mark)) == 0) != of_front) {
            continue;
        }
        key += of_front ? strlen(mark) : 0;
        snprintf(path, sizeof(path), "%s/%.*s", of_front ? b->front : b->path, (int)(value - key), key);
        if (value[1] == '\0') {
            xs_rm(b->xs, b->tx, path);
        } else {
            write_at(b, path, value + 1);
        }
    }
}

static void make(struct back *b)
{
    bool net = strcmp(b->kind->frontend, "vif") == 0;
    char number[16], mac_path[PATH + 8];

    owned(b, b->path, 0, b->domain);
    store_write(b, "frontend", "%s", b->front);
    store_write(b, "frontend-id", "%u", b->domain);
    store_write(b, "online", "1");
    b->kind->nodes(b);
    write_extra(b, false);
    store_state(b, b->first_state);

    owned(b, b->front, b->domain, 0);
    snprintf(number, sizeof(number), "%u", b->number);
    write_below(b, b->front, net ? "handle" : "virtual-device", number);
    write_below(b, b->front, "backend-id", "0");
    write_below(b, b->front, "state", "1");
    if (net) {
        snprintf(mac_path, sizeof(mac_path), "%s/mac", b->path);
        char *mac = xs_read(b->xs, b->tx, mac_path, NULL);
        if (mac != NULL) {
            write_below(b, b->front, "mac", mac);
            free(mac);
        }
    } else {
        write_below(b, b->front, "device-type", "disk");
    }
    write_extra(b, true);
    write_below(b, b->front, "backend", b->path);
}

/* All at once, as the toolstack does: who watches never sees the half of it. */
void store_make(struct back *b)
{
    do {
        b->tx = xs_transaction_start(b->xs);
        make(b);
    } while (!xs_transaction_end(b->xs, b->tx, false) && errno == EAGAIN);
    b->tx = XBT_NULL;
}

void store_remove(struct back *b)
{
    xs_rm(b->xs, XBT_NULL, b->front);
    xs_rm(b->xs, XBT_NULL, b->path);
}

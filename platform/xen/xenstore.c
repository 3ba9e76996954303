/* SPDX-License-Identifier: BSD-2-Clause */
/* What drivers ask of xenstore, as messages (xen docs/misc/xenstore.txt). */
#include "xenstore.h"

#include <string.h>

#include <pith/log.h>
#include <pith/page.h>

#define TRIES 100u /* of a transaction, or of a list that changes under our hands */

/* "dir", "/key" and a NUL as parts of a message. */
static unsigned path_parts(struct xenstore_part part[3], const char *dir, const char *key)
{
    part[0] = (struct xenstore_part){dir, strlen(dir)};
    if (key == NULL) {
        part[1] = (struct xenstore_part){"", 1};
        return 2;
    }
    part[1] = (struct xenstore_part){"/", 1};
    part[2] = (struct xenstore_part){key, strlen(key) + 1};
    return 3;
}

/* A request whose answer says nothing but "OK". */
static int ask(uint32_t type, uint32_t tx, const struct xenstore_part *part, unsigned n)
{
    char *page = page_alloc(0);

    if (page == NULL) {
        return -ENOMEM;
    }
    ssize_t len = xenstore_talk(type, tx, part, n, page);
    page_free(page, 0);
    return len < 0 ? (int)len : 0;
}

ssize_t xenstore_read(uint32_t tx, const char *dir, const char *key, char *buf, size_t size)
{
    struct xenstore_part part[3];
    unsigned n = path_parts(part, dir, key);
    char *page = page_alloc(0);

    if (page == NULL) {
        return -ENOMEM;
    }
    ssize_t len = xenstore_talk(XS_READ, tx, part, n, page);
    if (len >= 0 && (size_t)len >= size) {
        len = -ERANGE;
    } else if (len >= 0) {
        memcpy(buf, page, (size_t)len);
        buf[len] = '\0';
    }
    page_free(page, 0);
    return len;
}

/* Digits and nothing else, within 64 bits. */
static int parse_u64(const char *text, uint64_t *value)
{
    uint64_t v = 0;

    if (*text == '\0') {
        return -EINVAL;
    }
    for (; *text != '\0'; text++) {
        if (*text < '0' || *text > '9' || __builtin_mul_overflow(v, 10u, &v) ||
            __builtin_add_overflow(v, (uint64_t)(*text - '0'), &v)) {
            return -EINVAL;
        }
    }
    *value = v;
    return 0;
}

int xenstore_read_u64(uint32_t tx, const char *dir, const char *key, uint64_t *value)
{
    char text[24];
    ssize_t len = xenstore_read(tx, dir, key, text, sizeof(text));

    if (len < 0) {
        return len == -ERANGE ? -EINVAL : (int)len;
    }
    return strlen(text) == (size_t)len ? parse_u64(text, value) : -EINVAL;
}

int xenstore_write(uint32_t tx, const char *dir, const char *key, const char *value)
{
    struct xenstore_part part[4];
    unsigned n = path_parts(part, dir, key);

    part[n++] = (struct xenstore_part){value, strlen(value)}; /* values have no NUL */
    return ask(XS_WRITE, tx, part, n);
}

int xenstore_write_u64(uint32_t tx, const char *dir, const char *key, uint64_t value)
{
    char text[24];

    log_format(text, sizeof(text), "%lu", value);
    return xenstore_write(tx, dir, key, text);
}

int xenstore_mkdir(uint32_t tx, const char *path)
{
    const struct xenstore_part part = {path, strlen(path) + 1};
    return ask(XS_MKDIR, tx, &part, 1);
}

int xenstore_rm(uint32_t tx, const char *path)
{
    const struct xenstore_part part = {path, strlen(path) + 1};
    return ask(XS_RM, tx, &part, 1);
}

/* ---- lists ---- */

/*
 * One pass over a list longer than a message: pieces of "generation NUL names", asked for by offset,
 * the last one with one more NUL at its end. -EAGAIN: the generation has changed.
 */
static ssize_t list_pieces(uint32_t tx, const char *path, char *page, char *buf, size_t size)
{
    char generation[24] = "", offset[24];
    size_t have = 0;

    for (;;) {
        log_format(offset, sizeof(offset), "%zu", have);
        const struct xenstore_part part[] = {
            {path, strlen(path) + 1},
            {offset, strlen(offset) + 1},
        };
        ssize_t len = xenstore_talk(XS_DIRECTORY_PART, tx, part, 2, page);
        if (len < 0) {
            return len;
        }
        size_t head = strnlen(page, (size_t)len) + 1;
        if (head > (size_t)len || head > sizeof(generation)) {
            return -EIO;
        }
        if (have == 0) {
            memcpy(generation, page, head);
        } else if (strcmp(generation, page) != 0) {
            return -EAGAIN;
        }
        size_t n = (size_t)len - head;
        if (n != 0 && page[len - 1] != '\0') {
            return -EIO;
        }
        bool last = n < 2 || page[len - 2] == '\0';
        n -= last && n != 0;
        if (n > size - have) {
            return -ERANGE;
        }
        memcpy(buf + have, page + head, n);
        have += n;
        if (last) {
            return (ssize_t)have;
        }
    }
}

ssize_t xenstore_list(uint32_t tx, const char *path, char *buf, size_t size)
{
    const struct xenstore_part part = {path, strlen(path) + 1};
    char *page = page_alloc(0);

    if (page == NULL) {
        return -ENOMEM;
    }
    ssize_t len = xenstore_talk(XS_DIRECTORY, tx, &part, 1, page);
    if (len >= 0 && (size_t)len > size) {
        len = -ERANGE;
    } else if (len > 0 && page[len - 1] != '\0') {
        len = -EIO;
    } else if (len >= 0) {
        memcpy(buf, page, (size_t)len);
    } else if (len == -E2BIG) {
        unsigned tries = 0;
        do {
            len = list_pieces(tx, path, page, buf, size);
        } while (len == -EAGAIN && ++tries < TRIES);
    }
    page_free(page, 0);
    return len;
}

/* ---- transactions ---- */

static int begin(uint32_t *tx)
{
    const struct xenstore_part part = {"", 1};
    char *page = page_alloc(0);
    uint64_t id = 0;

    if (page == NULL) {
        return -ENOMEM;
    }
    ssize_t len = xenstore_talk(XS_TRANSACTION_START, 0, &part, 1, page);
    int error = len < 0 ? (int)len : 0;
    if (error == 0 && (strnlen(page, (size_t)len) == (size_t)len || parse_u64(page, &id) != 0 ||
                       id == 0 || id > UINT32_MAX)) {
        error = -EIO;
    }
    *tx = (uint32_t)id;
    page_free(page, 0);
    return error;
}

static int end(uint32_t tx, bool commit)
{
    const struct xenstore_part part = {commit ? "T" : "F", 2};
    return ask(XS_TRANSACTION_END, tx, &part, 1);
}

/* Once; *again: others were faster. */
static int attempt(int (*fn)(uint32_t tx, void *arg), void *arg, bool *again)
{
    uint32_t tx;

    *again = false;
    int error = begin(&tx);
    if (error == 0) {
        error = fn(tx, arg);
        int late = end(tx, error == 0);
        *again = error == 0 && late == -EAGAIN;
        error = error != 0 ? error : late;
    }
    return error;
}

int xenstore_transaction(int (*fn)(uint32_t tx, void *arg), void *arg)
{
    int error = -EAGAIN;

    for (unsigned i = 0; i < TRIES && error == -EAGAIN; i++) {
        xenstore_enter_transaction();
        bool again;
        error = attempt(fn, arg, &again);
        xenstore_leave_transaction();
        if (!again) {
            break;
        }
    }
    return error;
}

/* ---- watches ---- */

int xenstore_watch_ask(uint32_t type, const char *path, uint32_t number)
{
    char token[16];

    log_format(token, sizeof(token), "%u", number);
    const struct xenstore_part part[] = {
        {path, strlen(path) + 1},
        {token, strlen(token) + 1},
    };
    return ask(type, XENSTORE_NO_TX, part, 2);
}

int xenstore_watch(struct xenstore_watch *watch)
{
    xenstore_watch_add(watch); /* its first event may come before the answer */
    int error = xenstore_watch_ask(XS_WATCH, watch->path, watch->token);
    if (error != 0 && error != -EEXIST) { /* a resume has set it while we waited to ask */
        xenstore_watch_remove(watch);
        return error;
    }
    return 0;
}

int xenstore_unwatch(struct xenstore_watch *watch)
{
    xenstore_watch_remove(watch);
    return xenstore_watch_ask(XS_UNWATCH, watch->path, watch->token);
}

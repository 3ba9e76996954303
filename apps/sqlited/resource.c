/* SPDX-License-Identifier: BSD-2-Clause */
/* The two resources, /sql and /kv/KEY, and how what goes wrong is told. */
#include "resource.h"

#include <stdlib.h>
#include <string.h>

#include "answer.h"
#include "database.h"
#include "query.h"
#include "server.h"
#include "target.h"

static const char json[] = "application/json";

/* The body of a PUT or POST; an absent one is an empty one. */
static struct slice body_of(const struct exchange *x)
{
    return (struct slice){ x->body != NULL ? x->body : "", x->body != NULL ? x->body_len : 0 };
}

/* ---- /kv/KEY ---- */

static void kv_get(struct database *d, const char *key, struct made *a)
{
    sqlite3_stmt *get = d->own[STATEMENT_GET];
    sqlite3_bind_text(get, 1, key, -1, SQLITE_STATIC);
    d->trusted = true;
    int code = sqlite3_step(get);
    if (code == SQLITE_ROW) {
        a->type = "application/octet-stream";
        text_add_bytes(&a->body, sqlite3_column_blob(get, 0), (size_t)sqlite3_column_bytes(get, 0));
        a->status = 200;
    }
    int end = sqlite3_reset(get);
    d->trusted = false;
    sqlite3_clear_bindings(get);
    if (end != SQLITE_OK) {
        answer_sqlite(a, d, end);
    } else if (code == SQLITE_DONE) {
        answer_error(a, 404, "there is no such key");
    }
}

/* PUT and DELETE. */
static void kv_change(struct database *d, enum statement which, const char *key, struct slice value,
                      struct made *a)
{
    sqlite3_stmt *change = d->own[which];
    int code = database_write_begin(d);
    if (code != SQLITE_OK) {
        answer_sqlite(a, d, code);
        return;
    }
    sqlite3_bind_text(change, 1, key, -1, SQLITE_STATIC);
    if (which == STATEMENT_PUT) {
        sqlite3_bind_blob64(change, 2, value.p, value.n, SQLITE_STATIC);
    }
    code = database_run(d, which);
    int changes = sqlite3_changes(d->db);
    sqlite3_clear_bindings(change);
    if (code != SQLITE_OK) {
        answer_sqlite(a, d, code); /* before the rollback, which has no error of its own */
    }
    int end = database_write_end(d, code == SQLITE_OK);
    if (code != SQLITE_OK) {
        return;
    }
    if (end != SQLITE_OK) {
        answer_sqlite(a, d, end);
    } else if (changes == 0) {
        answer_error(a, 404, "there is no such key");
    } else {
        text_printf(&a->body, "{\"changes\":%d}\n", changes);
        a->status = 200;
    }
}

static void answer_kv(struct database *d, struct exchange *x, const char *key, struct made *a)
{
    switch (x->request.method) {
    case METHOD_GET:
    case METHOD_HEAD:
        kv_get(d, key, a);
        break;
    case METHOD_PUT:
        kv_change(d, STATEMENT_PUT, key, body_of(x), a);
        break;
    case METHOD_DELETE:
        kv_change(d, STATEMENT_DELETE, key, (struct slice){ 0 }, a);
        break;
    default:
        answer_error(a, 405, "a key has GET, PUT and DELETE");
        break;
    }
}

/* ---- routes ---- */

static void route(struct database *d, struct exchange *x, struct made *a)
{
    struct target t;
    int refused = target_parse(x->request.target, &t);
    if (refused != 0) {
        answer_error(a, refused, "the path can't be understood");
    } else if (strcmp(t.path, "sql") == 0) {
        query_answer(d, x->request.method, t.query, body_of(x), a);
    } else if (strncmp(t.path, "kv/", 3) == 0) {
        answer_kv(d, x, t.path + 3, a);
    } else {
        answer_error(a, 404, "there are /sql and /kv/KEY");
    }
}

void resource_answer(struct database *d, struct exchange *x)
{
    struct made *a = &x->made;
    a->status = 500;
    a->type = json;
    text_heap(&a->body, d->max_answer);
    database_start(d);
    route(d, x, a);
    if (a->body.failed) {
        answer_error(a, 422, "the answer is too large, see -o");
    }
}

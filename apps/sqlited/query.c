/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SQL of a client: one or more statements, one transaction.
 *
 *   {"results":[{"columns":["a"],"rows":[[1],[2]]},{"changes":1,"last_insert_rowid":7}]}
 *
 * A statement has its parameters by name or number, from the fields of the query string, as text, or from
 * "params" of a JSON body, with their types.
 */
#include "query.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "answer.h"
#include "database.h"
#include "form.h"

/* Where SQL and parameters come from. */
struct source {
    struct slice sql;
    struct slice fields; /* of the query string, encoded */
    struct slice json;   /* a body that is an object, or nothing */
    bool may_write;
};

/* ---- parameters ---- */

/* ?7 by "7", and :name, @name or $name by "name". 0: the statement has none of it. */
static int parameter(sqlite3_stmt *stmt, const char *name)
{
    char *end;
    char full[130];
    unsigned long number = strtoul(name, &end, 10);
    if (name[0] >= '0' && name[0] <= '9' && *end == '\0') {
        return number <= (unsigned long)sqlite3_bind_parameter_count(stmt) ? (int)number : 0;
    }
    if (strlen(name) + 2 > sizeof(full)) {
        return 0;
    }
    int index = 0;
    for (const char *mark = ":@$"; *mark != '\0' && index == 0; mark++) {
        full[0] = *mark;
        strcpy(full + 1, name);
        index = sqlite3_bind_parameter_index(stmt, full);
    }
    return index;
}

static int bind_fields(sqlite3_stmt *stmt, struct slice fields, unsigned *bound)
{
    struct slice name, value;
    while (form_next(&fields, &name, &value)) {
        char *text = malloc(name.n + 1 + value.n + 1);
        if (text == NULL) {
            return SQLITE_NOMEM;
        }
        char *decoded = text + name.n + 1;
        form_decode(name, text);
        size_t n = form_decode(value, decoded);
        int index = parameter(stmt, text);
        int code = SQLITE_OK;
        if (index > 0) {
            code = sqlite3_bind_text64(stmt, index, decoded, n, SQLITE_TRANSIENT, SQLITE_UTF8);
            *bound += code == SQLITE_OK;
        }
        free(text);
        if (code != SQLITE_OK) {
            return code;
        }
    }
    return SQLITE_OK;
}

/* An array's elements have the numbers from 1 on. */
static int bind_json(struct database *d, sqlite3_stmt *stmt, struct slice json, unsigned *bound)
{
    sqlite3_stmt *params = d->own[STATEMENT_PARAMS];
    int code = sqlite3_bind_text64(params, 1, json.p, json.n, SQLITE_STATIC, SQLITE_UTF8);
    d->trusted = true;
    while (code == SQLITE_OK && sqlite3_step(params) == SQLITE_ROW) {
        int index = sqlite3_column_type(params, 0) == SQLITE_INTEGER
                        ? sqlite3_column_int(params, 0) + 1
                        : parameter(stmt, (const char *)sqlite3_column_text(params, 0));
        if (index > 0 && index <= sqlite3_bind_parameter_count(stmt)) {
            code = sqlite3_bind_value(stmt, index, sqlite3_column_value(params, 1));
            *bound += code == SQLITE_OK;
        }
    }
    int end = sqlite3_reset(params);
    d->trusted = false;
    sqlite3_clear_bindings(params);
    return code != SQLITE_OK ? code : end;
}

/* Returns 0, or -1 with the error in a. */
static int bind_all(struct database *d, sqlite3_stmt *stmt, const struct source *from,
                    struct made *a)
{
    unsigned bound = 0;
    int code = bind_fields(stmt, from->fields, &bound);
    if (code == SQLITE_OK && from->json.n > 0) {
        code = bind_json(d, stmt, from->json, &bound);
    }
    if (code != SQLITE_OK) {
        answer_sqlite(a, d, code);
        return -1;
    }
    if (bound < (unsigned)sqlite3_bind_parameter_count(stmt)) {
        answer_error(a, 400, "a parameter has no value");
        return -1;
    }
    return 0;
}

/* ---- rows ---- */

static void add_columns(struct text *t, sqlite3_stmt *stmt, int n)
{
    text_add(t, "{\"columns\":[");
    for (int i = 0; i < n; i++) {
        const char *name = sqlite3_column_name(stmt, i);
        text_add(t, i > 0 ? "," : "");
        answer_string(t, name != NULL ? name : "", name != NULL ? strlen(name) : 0);
    }
    text_add(t, "],\"rows\":[");
}

static void add_row(struct text *t, sqlite3_stmt *stmt, int n, bool first)
{
    text_add(t, first ? "[" : ",[");
    for (int i = 0; i < n; i++) {
        text_add(t, i > 0 ? "," : "");
        answer_column(t, stmt, i);
    }
    text_add(t, "]");
}

/* Run a statement whose parameters are bound; SQLite's code. */
static int run(struct database *d, sqlite3_stmt *stmt, struct text *t)
{
    int code, n = sqlite3_column_count(stmt);
    bool first = true;
    if (n > 0) {
        add_columns(t, stmt, n);
    }
    while ((code = sqlite3_step(stmt)) == SQLITE_ROW && !t->failed) {
        add_row(t, stmt, n, first);
        first = false;
    }
    if (code != SQLITE_DONE && code != SQLITE_ROW) {
        return code;
    }
    if (n > 0) {
        text_add(t, "]}");
    } else {
        text_printf(t, "{\"changes\":%d,\"last_insert_rowid\":%" PRId64 "}", sqlite3_changes(d->db),
                    (int64_t)sqlite3_last_insert_rowid(d->db));
    }
    return SQLITE_OK;
}

/* ---- statements ---- */

static bool is_blank(struct slice s)
{
    s = slice_trim(s);
    while (s.n > 0 && strchr(" \t\r\n;", s.p[0]) != NULL && s.p[0] != '\0') {
        s = slice_skip(s, 1);
    }
    return s.n == 0;
}

/*
 * Run the statement at the beginning of *sql and cut it off. Returns 0, or -1 with the error in a;
 * *writing: this request has begun to write.
 */
static int run_next(struct database *d, const struct source *from, struct slice *sql, bool *writing,
                    struct made *a)
{
    sqlite3_stmt *stmt;
    const char *tail;
    int code = sqlite3_prepare_v2(d->db, sql->p, (int)sql->n, &stmt, &tail);
    if (code != SQLITE_OK) {
        answer_sqlite(a, d, code);
        return -1;
    }
    bool moved = tail > sql->p;
    *sql = slice_skip(*sql, (size_t)(tail - sql->p));
    if (stmt == NULL && !moved) {
        answer_error(a, 400, "there is a zero byte in the SQL");
        return -1;
    }
    if (stmt == NULL) {
        return 0; /* a comment */
    }
    int r = -1;
    bool reads = sqlite3_stmt_readonly(stmt) != 0;
    if (!reads && !from->may_write) {
        answer_error(a, 405, "a GET only reads; use POST");
        goto out;
    }
    /* Several statements see one state of the database, so all of them may have to wait. */
    if (!*writing && (!reads || (from->may_write && !is_blank(*sql)))) {
        code = database_write_begin(d);
        if (code != SQLITE_OK) {
            answer_sqlite(a, d, code);
            goto out;
        }
        *writing = true;
    }
    if (bind_all(d, stmt, from, a) < 0) {
        goto out;
    }
    text_add(&a->body, a->body.p[a->body.len - 1] == '[' ? "" : ",");
    code = run(d, stmt, &a->body);
    if (code != SQLITE_OK) {
        answer_sqlite(a, d, code);
        goto out;
    }
    r = a->body.failed ? -1 : 0;
out:
    sqlite3_finalize(stmt);
    return r;
}

static void run_all(struct database *d, const struct source *from, struct made *a)
{
    struct slice sql = from->sql;
    bool writing = false;
    int r = 0;
    if (sql.n > INT32_MAX || is_blank(sql)) {
        answer_error(a, 400, "there is no SQL");
        return;
    }
    text_add(&a->body, "{\"results\":[");
    if (a->body.failed) {
        return;
    }
    while (r == 0 && !is_blank(sql)) {
        r = run_next(d, from, &sql, &writing, a);
    }
    if (r == 0) {
        text_add(&a->body, "]}\n");
        a->status = 200;
        r = a->body.failed ? -1 : 0;
    }
    if (writing) {
        int code = database_write_end(d, r == 0);
        if (code != SQLITE_OK) {
            answer_sqlite(a, d, code);
        }
    }
}

/* ---- where it all comes from ---- */

/* The field "q", decoded, in memory that the caller frees; NULL: there is none, or no memory. */
static char *field_q(struct slice fields)
{
    struct slice name, value;
    while (form_next(&fields, &name, &value)) {
        if (slice_is(name, "q")) {
            char *text = malloc(value.n + 1);
            if (text != NULL) {
                form_decode(value, text);
            }
            return text;
        }
    }
    return NULL;
}

static void run_json(struct database *d, struct source *from, struct made *a)
{
    sqlite3_stmt *get = d->own[STATEMENT_SQL];
    int code = sqlite3_bind_text64(get, 1, from->json.p, from->json.n, SQLITE_STATIC, SQLITE_UTF8);
    char *sql = NULL;
    d->trusted = true;
    if (code == SQLITE_OK && sqlite3_step(get) == SQLITE_ROW) {
        const char *text = (const char *)sqlite3_column_text(get, 0);
        sql = text != NULL ? strdup(text) : NULL;
    }
    int end = sqlite3_reset(get);
    d->trusted = false;
    sqlite3_clear_bindings(get);
    if (code != SQLITE_OK || end != SQLITE_OK) {
        answer_sqlite(a, d, code != SQLITE_OK ? code : end);
    } else {
        from->sql = sql != NULL ? slice_of(sql) : (struct slice){ "", 0 };
        run_all(d, from, a);
    }
    free(sql);
}

void query_answer(struct database *d, enum method method, struct slice query, struct slice body,
                  struct made *a)
{
    struct source from = { .fields = query, .may_write = method == METHOD_POST };
    if (method == METHOD_GET || method == METHOD_HEAD) {
        char *q = field_q(query);
        from.sql = q != NULL ? slice_of(q) : (struct slice){ "", 0 };
        run_all(d, &from, a);
        free(q);
        return;
    }
    if (method != METHOD_POST) {
        answer_error(a, 405, "/sql has GET and POST");
        return;
    }
    from.sql = body;
    if (slice_trim(body).n > 0 && slice_trim(body).p[0] == '{') {
        from.json = body;
        run_json(d, &from, a);
    } else {
        run_all(d, &from, a);
    }
}

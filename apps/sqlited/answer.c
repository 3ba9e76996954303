/* SPDX-License-Identifier: BSD-2-Clause */
/* JSON (RFC 8259) of what SQLite has: values, names, errors. */
#include "answer.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "database.h"

/*
 * Bytes of the UTF-8 character at s, of which n are there; 0: none begins here (Unicode 15, table
 * 3-7: no surrogates, nothing overlong, nothing above U+10FFFF).
 */
static size_t utf8_length(const unsigned char *s, size_t n)
{
    unsigned low = 0x80, high = 0xbf;
    size_t len = s[0] < 0x80 ? 1 : s[0] < 0xc2 ? 0 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : s[0] < 0xf5 ? 4 : 0;
    if (len == 0 || len > n) {
        return 0;
    }
    if (s[0] == 0xe0) {
        low = 0xa0;
    } else if (s[0] == 0xed) {
        high = 0x9f;
    } else if (s[0] == 0xf0) {
        low = 0x90;
    } else if (s[0] == 0xf4) {
        high = 0x8f;
    }
    for (size_t i = 1; i < len; i++) {
        if (s[i] < low || s[i] > high) {
            return 0;
        }
        low = 0x80;
        high = 0xbf;
    }
    return len;
}

void answer_string(struct text *t, const char *text, size_t n)
{
    const unsigned char *s = (const unsigned char *)text;
    size_t plain = 0; /* bytes up to `i` that are written as they are */
    text_add(t, "\"");
    for (size_t i = 0; i < n && !t->failed;) {
        size_t len = utf8_length(s + i, n - i);
        if (len > 0 && s[i] >= 0x20 && s[i] != '"' && s[i] != '\\') {
            i += len;
            plain += len;
            continue;
        }
        text_add_bytes(t, s + i - plain, plain);
        plain = 0;
        if (len == 0) {
            text_add(t, "\\ufffd");
        } else {
            text_printf(t, "\\u%04x", s[i]);
        }
        i++;
    }
    text_add_bytes(t, s + n - plain, plain);
    text_add(t, "\"");
}

static void add_double(struct text *t, double v)
{
    char digits[40];
    if (!isfinite(v)) {
        text_add(t, "null"); /* JSON has no word for it */
        return;
    }
    sqlite3_snprintf(sizeof(digits), digits, "%!.17g", v);
    text_add(t, digits);
}

static void add_blob(struct text *t, const unsigned char *p, size_t n)
{
    text_add(t, "{\"hex\":\"");
    for (size_t i = 0; i < n && !t->failed; i++) {
        text_printf(t, "%02x", p[i]);
    }
    text_add(t, "\"}");
}

void answer_column(struct text *t, sqlite3_stmt *stmt, int column)
{
    switch (sqlite3_column_type(stmt, column)) {
    case SQLITE_INTEGER:
        text_printf(t, "%" PRId64, (int64_t)sqlite3_column_int64(stmt, column));
        break;
    case SQLITE_FLOAT:
        add_double(t, sqlite3_column_double(stmt, column));
        break;
    case SQLITE_TEXT: {
        const char *s = (const char *)sqlite3_column_text(stmt, column);
        if (s == NULL) {
            t->failed = true; /* no memory to show it as UTF-8 */
            break;
        }
        answer_string(t, s, (size_t)sqlite3_column_bytes(stmt, column));
        break;
    }
    case SQLITE_BLOB: {
        const void *p = sqlite3_column_blob(stmt, column);
        add_blob(t, p, p != NULL ? (size_t)sqlite3_column_bytes(stmt, column) : 0);
        break;
    }
    default:
        text_add(t, "null");
        break;
    }
}

/* The buffer is kept: where memory is short, the error still has room. */
static void begin_again(struct made *a, int status)
{
    a->status = status;
    a->type = "application/json";
    a->body.len = 0;
    a->body.failed = false;
    text_add(&a->body, "{\"error\":");
}

void answer_error(struct made *a, int status, const char *words)
{
    begin_again(a, status);
    answer_string(&a->body, words, strlen(words));
    text_add(&a->body, "}\n");
}

void answer_sqlite(struct made *a, const struct database *d, int code)
{
    int current = sqlite3_extended_errcode(d->db);
    const char *words = current == code ? sqlite3_errmsg(d->db) : sqlite3_errstr(code);
    begin_again(a, database_status(code));
    answer_string(&a->body, words, strlen(words));
    text_printf(&a->body, ",\"sqlite\":%d}\n", code);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* Answers as JSON: values, and errors. */
#pragma once

#include <sqlite3.h>

#include "server.h"

struct database;

/* What of a->body was written is replaced by {"error": words}. */
void answer_error(struct made *a, int status, const char *words);

/* The same for a code of SQLite that the last call on the connection has returned. */
void answer_sqlite(struct made *a, const struct database *d, int code);

/* A string in quotes. Bytes that are no UTF-8 become U+FFFD. */
void answer_string(struct text *t, const char *s, size_t n);

/* A column of the row at hand: a number, a string, null, or {"hex": "..."} for a BLOB. */
void answer_column(struct text *t, sqlite3_stmt *stmt, int column);

/* SPDX-License-Identifier: BSD-2-Clause */
/* A connection to the database, for one thread: its settings, its limits, what its errors mean. */
#pragma once

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Statements of our own, prepared once. */
enum statement {
    STATEMENT_BEGIN,  /* a writer's transaction */
    STATEMENT_COMMIT,
    STATEMENT_ROLLBACK,
    STATEMENT_GET,    /* ?1: the key */
    STATEMENT_PUT,    /* ?1: the key, ?2: the value */
    STATEMENT_DELETE, /* ?1: the key */
    STATEMENT_SQL,    /* "sql" of the JSON text ?1 */
    STATEMENT_PARAMS, /* key and value of each of its "params" */
    STATEMENTS,
};

enum journal {
    JOURNAL_WAL,    /* readers go on while one writes */
    JOURNAL_DELETE, /* between two requests the database is one file */
};

struct database {
    sqlite3 *db;
    sqlite3_stmt *own[STATEMENTS];
    unsigned seconds;     /* that a request may take */
    size_t max_answer;    /* bytes of its body */
    uint64_t deadline_ns; /* of the request under way, monotonic */
    bool trusted;         /* what is being prepared is ours */
};

/* Open the file and make what has to be there. Returns 0 or -1; database_error() says why. */
int database_open(struct database *d, const char *file, enum journal journal, unsigned seconds,
                  size_t max_answer);
void database_close(struct database *d);
const char *database_error(const struct database *d);

/* A request begins: it has time from now on. */
void database_start(struct database *d);

/* End what another thread is doing with it, soon. */
void database_interrupt(struct database *d);

/* Run one of our own statements that has no result; SQLite's code. */
int database_run(struct database *d, enum statement which);

/*
 * Begin to write: one request at a time does. Returns SQLite's code, SQLITE_BUSY where the time ran
 * out. Afterwards database_write_end() keeps what was done, or takes it back, and returns the code.
 */
int database_write_begin(struct database *d);
int database_write_end(struct database *d, bool keep);

/* The status that a code of SQLite (an extended one) means to the client. */
int database_status(int code);

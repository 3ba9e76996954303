/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Connections to the database.
 *
 * A commit that has been answered was written and synchronised before: a write-ahead log needs
 * synchronous=FULL for that, a rollback journal EXTRA, since it is the removal of its file that commits
 * (sqlite.org/pragma.html#pragma_synchronous). With the log readers and a writer don't wait for each
 * other; writers queue up at a mutex, since all of them are in this program.
 *
 * SQL comes from strangers, so what reaches beyond the database and the request is refused (sqlite.org/security.html):
 * other files, settings, transactions that outlast the request, recursion as deep as one likes.
 */
#include "database.h"

#include <pthread.h>
#include <string.h>
#include <time.h>

#include "server.h"

#define NS_PER_S        1000000000u
#define STEPS_PER_LOOK  1000  /* of SQLite's machine, between two looks at the clock */

static pthread_mutex_t writer = PTHREAD_MUTEX_INITIALIZER; /* held from BEGIN to COMMIT or ROLLBACK */

static const char *const own_sql[STATEMENTS] = {
    [STATEMENT_BEGIN] = "BEGIN IMMEDIATE",
    [STATEMENT_COMMIT] = "COMMIT",
    [STATEMENT_ROLLBACK] = "ROLLBACK",
    [STATEMENT_GET] = "SELECT value FROM kv WHERE key = ?1",
    [STATEMENT_PUT] = "INSERT INTO kv(key, value) VALUES(?1, ?2)"
                      " ON CONFLICT(key) DO UPDATE SET value = excluded.value",
    [STATEMENT_DELETE] = "DELETE FROM kv WHERE key = ?1",
    [STATEMENT_SQL] = "SELECT json_extract(?1, '$.sql')",
    [STATEMENT_PARAMS] = "SELECT key, value FROM json_each(?1, '$.params')",
};

static const char *const journals[] = {
    [JOURNAL_WAL] = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL",
    [JOURNAL_DELETE] = "PRAGMA journal_mode = DELETE; PRAGMA synchronous = EXTRA",
};

static const char set_up[] =
    "PRAGMA foreign_keys = ON;"
    "CREATE TABLE IF NOT EXISTS kv(key TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID";

/*
 * A COMMIT has failed at the disk. What it was to keep may be seen from then on, and is gone after a
 * crash; the same change once more finds nothing to do and would be acknowledged. So nothing is
 * changed any more until the next start, which finds what the disk has. Guarded by `writer`.
 */
static bool unsure;

/* Pragmas that tell and don't set; those that do both only without an argument. */
static bool pragma_allowed(const char *name, const char *argument)
{
    static const char *const tells[] = {
        "table_info", "table_xinfo", "table_list", "index_list", "index_info", "index_xinfo",
        "foreign_key_list", "foreign_key_check", "integrity_check", "quick_check", "function_list",
        "collation_list", "compile_options", "database_list",
    };
    static const char *const sets[] = {
        "user_version", "application_id", "schema_version", "data_version", "page_count",
        "page_size", "freelist_count", "journal_mode", "synchronous", "foreign_keys", "encoding",
    };
    for (size_t i = 0; i < sizeof(tells) / sizeof(tells[0]); i++) {
        if (sqlite3_stricmp(name, tells[i]) == 0) {
            return true;
        }
    }
    for (size_t i = 0; i < sizeof(sets) / sizeof(sets[0]); i++) {
        if (argument == NULL && sqlite3_stricmp(name, sets[i]) == 0) {
            return true;
        }
    }
    return false;
}

static int authorize(void *arg, int action, const char *one, const char *two, const char *schema,
                     const char *inner)
{
    const struct database *d = arg;
    (void)schema;
    (void)inner;
    if (d->trusted) {
        return SQLITE_OK;
    }
    switch (action) {
    case SQLITE_ATTACH: /* VACUUM too, which has files of its own */
    case SQLITE_DETACH:
    case SQLITE_TRANSACTION:
    case SQLITE_SAVEPOINT:
    case SQLITE_CREATE_TEMP_INDEX: /* they would be there for later requests, sometimes */
    case SQLITE_CREATE_TEMP_TABLE:
    case SQLITE_CREATE_TEMP_TRIGGER:
    case SQLITE_CREATE_TEMP_VIEW:
        return SQLITE_DENY;
    case SQLITE_PRAGMA:
        return pragma_allowed(one, two) ? SQLITE_OK : SQLITE_DENY;
    default:
        return SQLITE_OK;
    }
}

static int out_of_time(void *arg)
{
    const struct database *d = arg;
    return server_clock() > d->deadline_ns;
}

static void set_limits(sqlite3 *db)
{
    /* What bounds recursion: see STACK_BYTES in pool.c. */
    sqlite3_limit(db, SQLITE_LIMIT_EXPR_DEPTH, 200);
    sqlite3_limit(db, SQLITE_LIMIT_COMPOUND_SELECT, 100);
    sqlite3_limit(db, SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 1000);
    sqlite3_limit(db, SQLITE_LIMIT_TRIGGER_DEPTH, 50);
    sqlite3_limit(db, SQLITE_LIMIT_ATTACHED, 0);
    sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
}

static int prepare_own(struct database *d)
{
    for (unsigned i = 0; i < STATEMENTS; i++) {
        int code = sqlite3_prepare_v3(d->db, own_sql[i], -1, SQLITE_PREPARE_PERSISTENT, &d->own[i],
                                      NULL);
        if (code != SQLITE_OK) {
            return -1;
        }
    }
    return 0;
}

int database_open(struct database *d, const char *file, enum journal journal, unsigned seconds,
                  size_t max_answer)
{
    *d = (struct database){ .seconds = seconds, .max_answer = max_answer, .trusted = true };
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
    if (sqlite3_open_v2(file, &d->db, flags, NULL) != SQLITE_OK) {
        return -1;
    }
    sqlite3_extended_result_codes(d->db, 1);
    sqlite3_busy_timeout(d->db, 1000);
    if (sqlite3_exec(d->db, journals[journal], NULL, NULL, NULL) != SQLITE_OK ||
        sqlite3_exec(d->db, set_up, NULL, NULL, NULL) != SQLITE_OK || prepare_own(d) < 0) {
        return -1;
    }
    set_limits(d->db);
    sqlite3_set_authorizer(d->db, authorize, d);
    sqlite3_progress_handler(d->db, STEPS_PER_LOOK, out_of_time, d);
    return 0;
}

void database_close(struct database *d)
{
    for (unsigned i = 0; i < STATEMENTS; i++) {
        sqlite3_finalize(d->own[i]);
    }
    /*
     * The last one to close writes the log into the database, which an interruption that found
     * nothing to interrupt would stop; the next statement forgets it.
     */
    sqlite3_progress_handler(d->db, 0, NULL, NULL);
    sqlite3_exec(d->db, "SELECT 1", NULL, NULL, NULL);
    sqlite3_close(d->db);
    d->db = NULL;
}

const char *database_error(const struct database *d)
{
    return sqlite3_errmsg(d->db);
}

void database_start(struct database *d)
{
    d->deadline_ns = server_clock() + (uint64_t)d->seconds * NS_PER_S;
}

void database_interrupt(struct database *d)
{
    sqlite3_interrupt(d->db);
}

int database_run(struct database *d, enum statement which)
{
    /* A change of the schema has it prepared anew, with the authorizer asked. */
    d->trusted = true;
    sqlite3_step(d->own[which]);
    int code = sqlite3_reset(d->own[which]);
    d->trusted = false;
    return code;
}

/* The mutex of those who write, at the latest when the request's time is over. */
static bool writer_lock(const struct database *d)
{
    struct timespec until;
    uint64_t now = server_clock();
    uint64_t left = d->deadline_ns > now ? d->deadline_ns - now : 0;
    clock_gettime(CLOCK_REALTIME, &until);
    left += (uint64_t)until.tv_nsec;
    until.tv_sec += (time_t)(left / NS_PER_S);
    until.tv_nsec = (long)(left % NS_PER_S);
    return pthread_mutex_timedlock(&writer, &until) == 0;
}

int database_write_begin(struct database *d)
{
    if (!writer_lock(d)) {
        return SQLITE_BUSY;
    }
    int code = unsure ? SQLITE_IOERR : database_run(d, STATEMENT_BEGIN);
    if (code != SQLITE_OK) {
        pthread_mutex_unlock(&writer);
    }
    return code;
}

int database_write_end(struct database *d, bool keep)
{
    int code = SQLITE_OK;
    if (keep) {
        code = database_run(d, STATEMENT_COMMIT);
        unsure |= (code & 0xff) == SQLITE_IOERR && code != SQLITE_IOERR_NOMEM;
    }
    if (!sqlite3_get_autocommit(d->db)) { /* some errors have taken it back already */
        database_run(d, STATEMENT_ROLLBACK);
    }
    pthread_mutex_unlock(&writer);
    return code;
}

int database_status(int code)
{
    if (code == SQLITE_IOERR_NOMEM) {
        return 503;
    }
    switch (code & 0xff) {
    case SQLITE_ERROR:
    case SQLITE_MISMATCH:
    case SQLITE_RANGE:
        return 400;
    case SQLITE_AUTH:
    case SQLITE_PERM:
    case SQLITE_READONLY:
        return 403;
    case SQLITE_CONSTRAINT:
        return 409;
    case SQLITE_TOOBIG:
        return 413;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_INTERRUPT:
    case SQLITE_NOMEM:
        return 503;
    case SQLITE_FULL:
        return 507;
    default:
        return 500;
    }
}

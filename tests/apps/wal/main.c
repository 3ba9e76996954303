// SPDX-License-Identifier: BSD-2-Clause
/*
 * A write-ahead log with several connections in one image: wal FILE.
 *
 * One thread moves money between accounts, others add the accounts up, each with a connection of its own, until enough
 * has happened: no reader may see half of a transfer. Then what a reader's snapshot is, what a checkpoint does, and
 * that the rollback journal locks as it should.
 */
#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ACCOUNTS  50
#define TRANSFERS 400
#define READERS   3
#define SUMS      200 /* that each reader does at least */

static const char *file;
static atomic_bool over;
static atomic_int failures;

static void failed(const char *what, sqlite3 *db)
{
    printf("FAILED: %s: %s\n", what, db ? sqlite3_errmsg(db) : "");
    atomic_fetch_add(&failures, 1);
}

static sqlite3 *open_database(void)
{
    sqlite3 *db;
    if (sqlite3_open(file, &db) != SQLITE_OK) {
        failed("open", db);
        exit(1);
    }
    sqlite3_busy_timeout(db, 60000);
    return db;
}

static int run(sqlite3 *db, const char *sql)
{
    return sqlite3_exec(db, sql, NULL, NULL, NULL);
}

static void must(sqlite3 *db, const char *sql)
{
    if (run(db, sql) != SQLITE_OK) {
        failed(sql, db);
    }
}

/* The first column of the first row, as text in a buffer of the thread's own. */
static const char *ask(sqlite3 *db, const char *sql)
{
    static _Thread_local char text[64];
    sqlite3_stmt *stmt;
    text[0] = '\0';
    if (sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) != SQLITE_OK || sqlite3_step(stmt) != SQLITE_ROW) {
        failed(sql, db);
    } else {
        snprintf(text, sizeof(text), "%s", (const char *)sqlite3_column_text(stmt, 0));
    }
    sqlite3_finalize(stmt);
    return text;
}

static void expect(sqlite3 *db, const char *sql, const char *want)
{
    const char *have = ask(db, sql);
    if (strcmp(have, want) != 0) {
        printf("FAILED: %s: %s, not %s\n", sql, have, want);
        atomic_fetch_add(&failures, 1);
    }
}

static void *write_all(void *arg)
{
    sqlite3 *db = open_database();
    (void)arg;
    for (int i = 0; i < TRANSFERS; i++) {
        char sql[300];
        snprintf(sql, sizeof(sql),
                 "BEGIN IMMEDIATE; UPDATE accounts SET money = money - %d WHERE id = %d;"
                 "UPDATE accounts SET money = money + %d WHERE id = %d; COMMIT",
                 i, i % ACCOUNTS, i, i * 7 % ACCOUNTS);
        must(db, sql);
    }
    sqlite3_close(db);
    return NULL;
}

static void *read_all(void *arg)
{
    sqlite3 *db = open_database();
    (void)arg;
    for (int n = 0; n < SUMS || !atomic_load(&over); n++) {
        expect(db, "SELECT sum(money) FROM accounts", "50000");
        usleep(100);
    }
    sqlite3_close(db);
    return NULL;
}

static void transfers(void)
{
    pthread_t writer, readers[READERS];
    sqlite3 *db = open_database();
    expect(db, "PRAGMA journal_mode = wal", "wal");
    must(db, "CREATE TABLE accounts(id INTEGER PRIMARY KEY, money); WITH RECURSIVE n(i) AS (VALUES(0) UNION ALL "
             "SELECT i + 1 FROM n WHERE i < 49) INSERT INTO accounts SELECT i, 1000 FROM n");
    pthread_create(&writer, NULL, write_all, NULL);
    for (int i = 0; i < READERS; i++) {
        pthread_create(&readers[i], NULL, read_all, NULL);
    }
    pthread_join(writer, NULL);
    atomic_store(&over, true);
    for (int i = 0; i < READERS; i++) {
        pthread_join(readers[i], NULL);
    }
    expect(db, "PRAGMA integrity_check", "ok");
    sqlite3_close(db);
}

/* A reader goes on seeing what it began with; a checkpoint waits for it, and empties the log afterwards. */
static void snapshots(void)
{
    sqlite3 *reader = open_database(), *writer = open_database();
    char shm[300];
    snprintf(shm, sizeof(shm), "%s-shm", file);
    must(writer, "CREATE TABLE s(a)");
    must(reader, "BEGIN");
    expect(reader, "SELECT count(*) FROM s", "0");
    must(writer, "INSERT INTO s VALUES(1)");
    expect(reader, "SELECT count(*) FROM s", "0");
    if (access(shm, F_OK) != 0) {
        failed("there is no shared memory", NULL);
    }
    sqlite3_busy_timeout(writer, 0);
    expect(writer, "PRAGMA wal_checkpoint(TRUNCATE)", "1");
    if (run(reader, "INSERT INTO s VALUES(2)") != SQLITE_BUSY || sqlite3_extended_errcode(reader) != SQLITE_BUSY_SNAPSHOT) {
        failed("an old snapshot was written to", reader);
    }
    must(reader, "COMMIT");
    expect(reader, "SELECT count(*) FROM s", "1");
    expect(writer, "PRAGMA wal_checkpoint(TRUNCATE)", "0");
    sqlite3_close(reader);
    sqlite3_close(writer);
    if (access(shm, F_OK) == 0) {
        failed("the shared memory was left behind", NULL);
    }
}

/* With a rollback journal a reader keeps a writer from committing, and a writer the next one from beginning. */
static void locks(void)
{
    sqlite3 *one = open_database(), *two = open_database();
    sqlite3_busy_timeout(one, 0);
    sqlite3_busy_timeout(two, 0);
    expect(one, "PRAGMA journal_mode = delete", "delete");
    must(one, "BEGIN");
    expect(one, "SELECT count(*) FROM s", "1");
    must(two, "BEGIN IMMEDIATE; INSERT INTO s VALUES(2)");
    if (run(two, "COMMIT") != SQLITE_BUSY) {
        failed("a commit in spite of a reader", two);
    }
    must(one, "COMMIT");
    if (run(one, "BEGIN IMMEDIATE") != SQLITE_BUSY) {
        failed("two writers", one);
    }
    must(two, "COMMIT");
    expect(one, "SELECT count(*) FROM s", "2");
    sqlite3_close(one);
    sqlite3_close(two);
}

int main(int argc, char **argv)
{
    file = argc > 1 ? argv[1] : "/wal.db";
    transfers();
    snapshots();
    locks();
    if (atomic_load(&failures) == 0) {
        printf("all is well\n");
    }
    return atomic_load(&failures) != 0;
}

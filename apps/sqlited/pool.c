/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Requests on their way to a thread, answers on their way back: two lists under one mutex.
 *
 * A connection on these lists, and its exchange, belong to the thread that has taken them off; the
 * server's thread does not touch them in between (CONN_WORKING).
 */
#include "pool.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "resource.h"
#include "server.h"

/*
 * SQLite calls itself: 2,000 levels of JSON, 200 of an expression, 1,000 of LIKE (database.c). The
 * deepest that the tests find need between 64 and 128 KiB.
 */
#define STACK_BYTES (1024u * 1024)

static struct pool_options options;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER; /* of the lists and `stopping` */
static pthread_cond_t more = PTHREAD_COND_INITIALIZER;
static struct link todo, done;
static bool stopping;
static int done_fd = -1;
static pthread_t threads[POOL_THREADS_MAX];
static struct database databases[POOL_THREADS_MAX];
static unsigned running;

/* Wait for a request; NULL at the end. */
static struct conn *next_request(void)
{
    struct conn *c = NULL;
    pthread_mutex_lock(&mutex);
    while (!stopping && list_empty(&todo)) {
        pthread_cond_wait(&more, &mutex);
    }
    if (!stopping) {
        c = LIST_ENTRY(todo.next, struct conn, work);
        list_remove(&c->work);
    }
    pthread_mutex_unlock(&mutex);
    return c;
}

static void give_back(struct conn *c)
{
    const uint64_t one = 1;
    pthread_mutex_lock(&mutex);
    list_append(&done, &c->work);
    pthread_mutex_unlock(&mutex);
    if (write(done_fd, &one, sizeof(one)) < 0) {
        /* It is full, so the loop will wake anyway. */
    }
}

static void *work(void *arg)
{
    struct database *db = arg;
    struct conn *c;
    while ((c = next_request()) != NULL) {
        resource_answer(db, c->x);
        give_back(c);
    }
    return NULL;
}

/* The first connection makes the database what it has to be, so there is one before the others. */
static int open_databases(void)
{
    for (unsigned i = 0; i < options.threads; i++) {
        if (database_open(&databases[i], options.file, options.journal, options.seconds,
                          options.max_answer) < 0) {
            text_say("%s: %s", options.file, database_error(&databases[i]));
            return -1;
        }
    }
    return 0;
}

static int start_threads(void)
{
    pthread_attr_t attr;
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, STACK_BYTES);
    int error = 0;
    for (; running < options.threads && error == 0; running++) {
        error = pthread_create(&threads[running], &attr, work, &databases[running]);
        if (error != 0) {
            text_say("thread %u: %s", running, strerror(error));
            break;
        }
    }
    pthread_attr_destroy(&attr);
    return error == 0 ? 0 : -1;
}

int pool_open(const struct pool_options *wanted)
{
    options = *wanted;
    list_init(&todo);
    list_init(&done);
    done_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (done_fd < 0) {
        text_say("eventfd: %s", strerror(errno));
        return -1;
    }
    return open_databases() < 0 || start_threads() < 0 ? -1 : done_fd;
}

void pool_submit(struct conn *c)
{
    pthread_mutex_lock(&mutex);
    list_append(&todo, &c->work);
    pthread_cond_signal(&more);
    pthread_mutex_unlock(&mutex);
}

static struct conn *next_answer(void)
{
    struct conn *c = NULL;
    pthread_mutex_lock(&mutex);
    if (!list_empty(&done)) {
        c = LIST_ENTRY(done.next, struct conn, work);
        list_remove(&c->work);
    }
    pthread_mutex_unlock(&mutex);
    return c;
}

void pool_collect(struct server *s)
{
    uint64_t n;
    struct conn *c;
    (void)s;
    if (read(done_fd, &n, sizeof(n)) < 0) {
        return; /* somebody was here before */
    }
    while ((c = next_answer()) != NULL) {
        struct response *out = &c->x->out;
        struct made *made = &c->x->made;
        response_begin(out, made->status);
        text_add(&out->head, "Cache-Control: no-store\r\n");
        response_finish_memory(out, made->type, &made->body);
        conn_answered(c);
    }
}

void pool_close(void)
{
    pthread_mutex_lock(&mutex);
    stopping = true;
    pthread_cond_broadcast(&more);
    pthread_mutex_unlock(&mutex);
    for (unsigned i = 0; i < running; i++) {
        database_interrupt(&databases[i]);
    }
    for (unsigned i = 0; i < running; i++) {
        pthread_join(threads[i], NULL);
    }
    for (unsigned i = 0; i < options.threads; i++) {
        database_close(&databases[i]);
    }
}

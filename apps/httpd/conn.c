/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One connection: reads heads, has them answered, sends the answers, one after the other.
 *
 * While a response is under way nothing is read, so a client that pipelines without reading is held
 * back by its own socket. A head's bytes may lie in the buffer already when the response before it
 * is done; no event tells of them, so conn_process() goes on with them.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server.h"

#define TURN_REQUESTS 16           /* of one client, before others get their turn */
#define LINGER_BYTES  (256u * 1024)

static void wait_for(struct conn *c, enum wait what)
{
    struct server *s = c->server;
    c->wait = what;
    c->deadline_ns = s->now_ns + (uint64_t)s->opt.limit_ms[what] * 1000000;
    list_append(&s->timers[what], &c->timer);
}

static void watch(struct conn *c, uint32_t events)
{
    if (c->events != events) {
        struct epoll_event e = { .events = events, .data.ptr = c };
        epoll_ctl(c->server->epoll_fd, EPOLL_CTL_MOD, c->fd, &e);
        c->events = events;
    }
}

/* ---- exchanges: the buffers of those who have asked something ---- */

static void release_exchange(struct conn *c)
{
    struct server *s = c->server;
    if (c->x == NULL) {
        return;
    }
    response_free(&c->x->out);
    free(c->x->body);
    free(s->spare);
    s->spare = c->x;
    c->x = NULL;
    s->nexchanges--;
    s->released = true;
}

/* Get one; false: the connection has been put in the queue for it, or closed. */
static bool have_exchange(struct conn *c)
{
    struct server *s = c->server;
    if (c->x != NULL) {
        return true;
    }
    if (s->nexchanges < s->opt.max_requests) {
        c->x = s->spare != NULL ? s->spare : malloc(sizeof(*c->x));
        s->spare = NULL;
    }
    if (c->x == NULL && s->nexchanges == 0) {
        s->count.no_memory++; /* nobody will give any back */
        conn_close(c, END_BROKEN);
        return false;
    }
    if (c->x == NULL) {
        s->count.starved++;
        watch(c, 0);
        if (c->wait != WAIT_HEAD) {
            wait_for(c, WAIT_HEAD);
        }
        list_append(&s->starving, &c->queue);
        return false;
    }
    s->nexchanges++;
    exchange_init(c->x);
    return true;
}

/* ---- beginning and end ---- */

struct conn *conn_open(struct server *s, int fd, const struct sockaddr_in6 *peer)
{
    struct conn *c = calloc(1, sizeof(*c));
    struct epoll_event e = { .events = EPOLLIN, .data.ptr = c };
    if (c == NULL || epoll_ctl(s->epoll_fd, EPOLL_CTL_ADD, fd, &e) < 0) {
        s->count.no_memory++;
        free(c);
        close(fd);
        return NULL;
    }
    c->server = s;
    c->fd = fd;
    c->state = CONN_READING;
    c->events = EPOLLIN;
    c->why = END_SERVED;
    c->peer = *peer;
    s->nconns++;
    s->count.accepted++;
    wait_for(c, WAIT_IDLE);
    return c;
}

void conn_close(struct conn *c, enum connection_end why)
{
    struct server *s = c->server;
    if (c->state == CONN_CLOSED) {
        return;
    }
    c->state = CONN_CLOSED;
    list_remove(&c->queue);
    release_exchange(c);
    close(c->fd); /* epoll forgets it */
    list_append(&s->dead, &c->timer);
    s->nconns--;
    s->count.ended[why]++;
}

/*
 * Close our side and throw away what still comes: a close() with unread bytes would send a reset,
 * which may destroy the response before the client has read it (RFC 9112, 9.6).
 */
static void linger(struct conn *c)
{
    release_exchange(c);
    if (shutdown(c->fd, SHUT_WR) < 0) {
        conn_close(c, END_PEER);
        return;
    }
    c->state = CONN_LINGERING;
    c->lingered = 0;
    watch(c, EPOLLIN);
    wait_for(c, WAIT_LINGER);
}

static void throw_away(struct conn *c)
{
    char buf[2048];
    for (;;) {
        ssize_t n = read(c->fd, buf, sizeof(buf));
        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) {
            return;
        }
        c->lingered += n > 0 ? (size_t)n : 0;
        if (n <= 0 || c->lingered > LINGER_BYTES) {
            conn_close(c, c->why);
            return;
        }
    }
}

/* ---- requests ---- */

/* The response is made: count it and start sending. */
static void start_sending(struct conn *c)
{
    c->server->count.requests++;
    c->server->count.by_status[c->x->out.status]++;
    c->state = CONN_SENDING;
    wait_for(c, WAIT_SEND);
}

/* Refuse what has not become a request; nothing behind it can be understood any more. */
static void refuse(struct conn *c, int status)
{
    c->x->begun_ns = server_clock();
    response_init(&c->x->out);
    c->x->out.keep_alive = false;
    response_error(&c->x->out, status, NULL);
    c->x->body_left = 0;
    start_sending(c);
}

/* The request is complete, as far as the handler wants it. */
static void answer(struct conn *c)
{
    struct exchange *x = c->x;
    x->begun_ns = server_clock();
    c->state = CONN_WORKING;
    list_remove(&c->timer);
    if (handle_request(c, &x->request, &x->out)) {
        exchange_end_request(x);
        start_sending(c);
    } else {
        watch(c, 0);
    }
}

/* A body follows that the handler wants; some of it may be here already. */
static void begin_body(struct conn *c)
{
    static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";
    struct exchange *x = c->x;
    if (!exchange_begin_body(x)) {
        refuse(c, 503);
        return;
    }
    c->state = CONN_BODY;
    if (c->wait != WAIT_HEAD) {
        wait_for(c, WAIT_HEAD);
    }
    if (x->request.expects_continue && x->body_len < x->request.body &&
        send(c->fd, go_on, sizeof(go_on) - 1, MSG_NOSIGNAL) != sizeof(go_on) - 1) {
        conn_close(c, END_BROKEN); /* a socket without room for a line is no working one */
    }
}

/* A head of n bytes lies at the beginning of the buffer. */
static void begin_request(struct conn *c, size_t n)
{
    struct exchange *x = c->x;
    struct server *s = c->server;
    struct request *r = &x->request;
    int refused = exchange_parse(x, n);
    if (refused == 0 && r->body > s->opt.max_body) {
        refused = 413;
    }
    if (refused != 0) {
        refuse(c, refused);
        return;
    }
    bool keep = s->opt.keep_body && r->body > 0;
    response_init(&x->out);
    /* Whether a body comes that waits for our word is the client's choice: RFC 9110, 10.1.1. */
    x->out.keep_alive = r->keep_alive && !s->stopping &&
                        (keep || !(r->expects_continue && r->body > 0));
    x->out.head_only = r->method == METHOD_HEAD;
    x->body_left = x->out.keep_alive && !keep ? r->body : 0;
    if (keep) {
        begin_body(c);
    } else {
        answer(c);
    }
}

/* Go on when the body is here; false: more of it has to come. */
static bool read_body(struct conn *c)
{
    if (c->x->body_len == c->x->request.body) {
        answer(c);
        return true;
    }
    watch(c, EPOLLIN);
    return false;
}

/* What is in the buffer isn't a whole head. */
static void wait_for_head(struct conn *c)
{
    struct exchange *x = c->x;
    if (x->in_len == sizeof(x->in)) {
        refuse(c, memchr(x->in, '\n', x->in_len) == NULL ? 414 : 431);
        return;
    }
    if (x->in_len == 0) {
        release_exchange(c);
        if (c->server->stopping) {
            conn_close(c, END_STOP);
            return;
        }
        wait_for(c, WAIT_IDLE);
    } else if (c->wait != WAIT_HEAD) {
        wait_for(c, WAIT_HEAD); /* once: bytes that trickle in don't prolong it */
    }
    watch(c, EPOLLIN);
}

/* Look at the buffer for a head; false: there is none yet. */
static bool read_head(struct conn *c)
{
    struct exchange *x = c->x;
    while (x->in_len >= 2 && x->in[0] == '\r' && x->in[1] == '\n') { /* RFC 9112, 2.2 */
        exchange_cut(x, 0, 2);
    }
    long n = request_find_end(x->in, x->in_len, x->seen);
    x->seen = x->in_len;
    if (n == 0) {
        wait_for_head(c);
        return c->state == CONN_SENDING;
    }
    if (n < 0) {
        refuse(c, 400);
    } else {
        begin_request(c, (size_t)n);
    }
    return true;
}

/* Send; false: the connection can't go on now. */
static bool send_some(struct conn *c)
{
    struct exchange *x = c->x;
    struct server *s = c->server;
    bool moved;
    uint64_t before = x->out.sent;
    enum response_progress p = response_send(&x->out, c->fd, &moved);
    s->count.bytes_sent += x->out.sent - before;
    if (p == RESPONSE_BROKEN) {
        conn_close(c, END_BROKEN);
        return false;
    }
    if (p != RESPONSE_DONE) {
        if (moved) {
            wait_for(c, WAIT_SEND);
        }
        watch(c, EPOLLOUT); /* where it only paused, it comes at once */
        return false;
    }
    counters_latency(&s->count, server_clock() - x->begun_ns);
    if (s->opt.log) {
        exchange_log(c->x, &c->peer.sin6_addr);
    }
    x->line[0] = '\0';
    response_free(&x->out);
    if (!x->out.keep_alive) {
        linger(c);
        return false;
    }
    c->state = x->body_left > 0 ? CONN_DRAINING : CONN_READING;
    if (x->body_left > 0) {
        wait_for(c, WAIT_HEAD);
    }
    return true;
}

/* Pass over the body of a request that has been answered; false: more of it has to come. */
static bool drain(struct conn *c)
{
    struct exchange *x = c->x;
    size_t n = x->body_left < x->in_len ? (size_t)x->body_left : x->in_len;
    x->body_left -= n;
    exchange_cut(x, 0, n);
    if (x->body_left > 0) {
        watch(c, EPOLLIN);
        return false;
    }
    c->state = CONN_READING;
    return true;
}

/* Do all that can be done with the bytes that are here. */
static void conn_process(struct conn *c)
{
    unsigned requests = 0;
    bool more = true;
    while (more) {
        switch (c->state) {
        case CONN_READING:
            if (c->x->in_len > 0 && requests++ == TURN_REQUESTS) {
                watch(c, 0);
                list_append(&c->server->ready, &c->queue);
                return;
            }
            more = read_head(c);
            break;
        case CONN_BODY:
            more = read_body(c);
            break;
        case CONN_SENDING:
            more = send_some(c);
            break;
        case CONN_DRAINING:
            more = drain(c);
            break;
        default:
            return;
        }
    }
}

static void receive(struct conn *c)
{
    if (!have_exchange(c)) {
        return;
    }
    struct exchange *x = c->x;
    bool body = c->state == CONN_BODY;
    ssize_t n = body ? read(c->fd, x->body + x->body_len, x->request.body - x->body_len)
                     : read(c->fd, x->in + x->in_len, sizeof(x->in) - x->in_len);
    if (n > 0) {
        c->server->count.bytes_received += (uint64_t)n;
        *(body ? &x->body_len : &x->in_len) += (size_t)n;
        conn_process(c);
        return;
    }
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) {
        conn_process(c); /* without a byte it has no use for the exchange */
        return;
    }
    conn_close(c, n == 0 || errno == ECONNRESET ? END_PEER : END_BROKEN);
}

void conn_event(struct conn *c, uint32_t events)
{
    if (c->state == CONN_CLOSED) {
        return; /* by what happened earlier in this round */
    }
    if (c->state == CONN_WORKING) {
        if (!c->gone && (events & (EPOLLERR | EPOLLHUP))) {
            c->gone = true; /* it ends when the response is there; until then epoll keeps quiet */
            epoll_ctl(c->server->epoll_fd, EPOLL_CTL_DEL, c->fd, NULL);
        }
        return;
    }
    if (c->events == 0) {
        if (events & (EPOLLERR | EPOLLHUP)) {
            conn_close(c, END_PEER); /* while it was waiting for its turn */
        }
    } else if (c->state == CONN_SENDING) {
        conn_process(c);
    } else if (c->state == CONN_LINGERING) {
        throw_away(c);
    } else {
        receive(c);
    }
}

void conn_turn(struct conn *c)
{
    list_remove(&c->queue);
    if (c->x != NULL) {
        conn_process(c);
    } else {
        watch(c, EPOLLIN);
        receive(c);
    }
}

void conn_answered(struct conn *c)
{
    if (c->gone) {
        conn_close(c, END_PEER);
        return;
    }
    exchange_end_request(c->x);
    start_sending(c);
    conn_process(c);
}

void conn_expire(struct conn *c)
{
    static const enum connection_end why[WAIT_KINDS] = {
        [WAIT_IDLE] = END_IDLE,
        [WAIT_HEAD] = END_SLOW,
        [WAIT_SEND] = END_STALLED,
    };
    bool reading = c->state == CONN_READING || c->state == CONN_BODY;
    if (c->wait == WAIT_HEAD && reading && c->x != NULL) {
        c->why = END_SLOW;
        refuse(c, 408);
        conn_process(c);
        return;
    }
    conn_close(c, c->wait == WAIT_LINGER ? c->why : why[c->wait]);
}

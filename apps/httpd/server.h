/* SPDX-License-Identifier: BSD-2-Clause */
/* The server: its options, its event loop's lists, and its connections. One thread. */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include "counters.h"
#include "list.h"
#include "request.h"
#include "response.h"

#define REQUEST_HEAD_MAX 8192u /* bytes; a longer one is answered with 431 */

/* What a connection waits for; each has its own time limit. */
enum wait {
    WAIT_IDLE,   /* the first byte of a request */
    WAIT_HEAD,   /* the rest of it */
    WAIT_SEND,   /* the client to take some of the response */
    WAIT_LINGER, /* its end, behind our last response */
    WAIT_KINDS,
};

struct options {
    const char *root;          /* folder that is served */
    unsigned port;
    unsigned max_connections;
    unsigned max_requests;     /* that are under way at a time, each with its buffers */
    uint64_t max_body;         /* bytes of a request's body at most */
    bool keep_body;            /* it is for the handler; otherwise it is read and forgotten */
    /* For events of the handler's own: those of the server's epoll_fd with this member's address. */
    void (*work)(struct server *s);
    unsigned limit_ms[WAIT_KINDS];
    unsigned grace_ms;         /* for what is under way when the server is to end */
    bool ipv4_only;
    bool listing;              /* directories without index.html are listed */
    bool metrics;              /* /metrics is answered */
    bool log;                  /* each request on stderr */
};

/* What a handler's thread has made; the server's own makes the response of it. */
struct made {
    int status;
    const char *type;
    struct text body;
};

/* A request and its response, while they are under way. */
struct exchange {
    char in[REQUEST_HEAD_MAX];
    size_t in_len;
    size_t seen;               /* of these, known not to end the head */
    uint64_t body_left;        /* of the last request, still to be passed over */
    struct request request;    /* its slices point into `in` */
    size_t head_len;           /* of the request, in `in`, until it has been handled */
    char *body;                /* on the heap, with a zero behind it, or NULL */
    size_t body_len;           /* what of it has come */
    struct made made;          /* the handler's */
    uint64_t begun_ns;         /* the request was complete */
    char line[256];            /* of the request, cut, for the log */
    struct response out;
};

enum conn_state {
    CONN_READING,   /* a head */
    CONN_BODY,      /* the body of a request, for the handler */
    CONN_WORKING,   /* another thread makes the response, and has the exchange until then */
    CONN_SENDING,   /* a response */
    CONN_DRAINING,  /* the body of a request that has been answered */
    CONN_LINGERING, /* we have closed our side; what still comes is thrown away */
    CONN_CLOSED,    /* on the list of the dead, until no event can name it any more */
};

struct conn {
    struct server *server;
    int fd;
    enum conn_state state;
    uint32_t events;           /* what epoll is asked for */
    enum wait wait;
    uint64_t deadline_ns;
    struct link timer;         /* server.timers[wait], or server.dead */
    struct link queue;         /* server.ready or server.starving, or none */
    struct exchange *x;        /* NULL while nothing of a request has come */
    enum connection_end why;   /* of an end that lingers */
    size_t lingered;           /* bytes thrown away so far */
    struct sockaddr_in6 peer;
    bool gone;                 /* the client went while its response was being made */
    struct link work;          /* for the handler */
};

struct server {
    struct options opt;
    struct counters count;
    uint64_t now_ns;           /* monotonic, of this round of the loop */
    int epoll_fd, root_fd, listen_fd;
    bool accepting;            /* epoll watches the listener */
    bool stopping;
    uint64_t retry_accept_ns;  /* there was no descriptor or memory for a connection */
    uint64_t stop_ns;          /* deadline of the end */
    unsigned nconns, nexchanges;
    bool released;             /* an exchange has become free since the starving were looked at */
    struct exchange *spare;    /* the last one that was given back, or NULL */
    struct link timers[WAIT_KINDS]; /* each in order of its deadlines */
    struct link ready;         /* have work to do without an event */
    struct link starving;      /* wait for an exchange, longest first */
    struct link dead;
};

/* ---- server.c ---- */

/* Open the root and the socket. Returns 0, or -1 with a word on stderr. */
int server_open(struct server *s, const struct options *opt);

/* Serve until *stop_fd becomes readable and what was under way is done. Returns the exit status. */
int server_run(struct server *s, int stop_fd);

/* Monotonic time in ns. */
uint64_t server_clock(void);

/* ---- exchange.c ---- */

void exchange_init(struct exchange *x);

/* Understand the head of n bytes that lies in `in`. Returns 0 or the status to refuse it with. */
int exchange_parse(struct exchange *x, size_t n);

/* Take n bytes at `at` out of `in`. */
void exchange_cut(struct exchange *x, size_t at, size_t n);

/* Have room for the body, and take what of it lies in `in`; false: there is no memory. */
bool exchange_begin_body(struct exchange *x);

/* Head and body are used up; what lies behind them in `in` stays. */
void exchange_end_request(struct exchange *x);

/* A line on stderr. Request and client may hold anything: no terminal is hurt. */
void exchange_log(const struct exchange *x, const struct in6_addr *client);

/* ---- conn.c ---- */

/* Take an accepted socket, which becomes the connection's; NULL: no memory, it is closed. */
struct conn *conn_open(struct server *s, int fd, const struct sockaddr_in6 *peer);

/* Something has happened at its socket, or its turn has come. */
void conn_event(struct conn *c, uint32_t events);
void conn_turn(struct conn *c);

/* Its time limit has passed. */
void conn_expire(struct conn *c);

void conn_close(struct conn *c, enum connection_end why);

/* The response that was left to another thread is made. Called by the server's own thread. */
void conn_answered(struct conn *c);

/* ---- handler.c ---- */

/*
 * Make the response to a request that has been understood; with keep_body its body is in c->x.
 * Returns false where another thread is going to make it: conn_answered() is called then.
 */
bool handle_request(struct conn *c, const struct request *r, struct response *out);

/* ---- listing.c ---- */

/* The page for the directory `fd`, which is shown as `path` (a target's). Takes fd over. -errno. */
int listing_page(int fd, const char *path, struct text *page);

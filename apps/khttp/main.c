/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * khttp: the benchmark server. It answers each request head with the same page from memory, keeps
 * connections alive and takes pipelined requests; one thread, epoll. It understands no more of HTTP than
 * where a head ends: httpd is the server for use.
 *
 *     khttp [PORT [BYTES...]]
 *
 * Port 8080 with a page of 612 bytes, or one port for each size given, counted up from PORT.
 * The same source runs on Linux, so that both can be compared.
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define PORT         8080
#define BODY_SIZE    612
#define BODY_MAX     (16u << 20)
#define READ_SIZE    4096
#define BATCH_BYTES  (16 * 1024) /* of responses written by one call; at least one response */
#define EVENTS       64
#define ACCEPT_BATCH 64
#define MAX_PAGES    8

#define HEAD     "HTTP/1.1 200 OK\r\nServer: khttp\r\nContent-Type: text/html\r\nContent-Length: "
#define HEAD_END "\r\nConnection: keep-alive\r\n\r\n"

/* What a port answers: copies of one response, one behind the other. */
struct page {
    size_t response; /* bytes of one */
    size_t bytes;    /* of all */
    char *responses;
};

struct client {
    int fd;
    size_t line;       /* bytes of a line whose end has not come yet */
    bool cr;           /* the last of these is CR */
    bool after_line;   /* the line before it ended with CR LF, and was not the end of a head */
    size_t owed;       /* bytes of responses that the socket has not taken yet */
    bool blocked;      /* epoll waits for it to take more */
    bool listens;      /* it is no client, but the port itself */
    const struct page *page;
};

static int epoll_fd;

static void say(const char *text)
{
    if (write(STDERR_FILENO, text, strlen(text)) < 0) {
        return; /* there is nobody left to tell */
    }
}

static void drop(struct client *c)
{
    close(c->fd); /* epoll forgets it */
    free(c);
}

/* How many heads end in these bytes: each does with an empty line. The state carries over to the next ones. */
static unsigned count_heads(struct client *c, const char *p, size_t n)
{
    const char *end = p + n, *lf;
    unsigned heads = 0;
    for (; (lf = memchr(p, '\n', (size_t)(end - p))) != NULL; p = lf + 1) {
        size_t length = c->line + (size_t)(lf - p);
        bool whole = lf > p ? lf[-1] == '\r' : c->cr;
        bool head = whole && length == 1 && c->after_line;
        heads += head;
        c->after_line = whole && !head;
        c->line = 0;
        c->cr = false;
    }
    if (p < end) {
        c->line += (size_t)(end - p);
        c->cr = end[-1] == '\r';
    }
    return heads;
}

/* Write what is owed; false when the connection has gone. */
static bool pay(struct client *c)
{
    while (c->owed > 0) {
        /* Whole responses follow each other: the place in the batch follows from what is owed. */
        const struct page *page = c->page;
        size_t done = c->owed % page->response;
        size_t at = done == 0 ? 0 : page->response - done;
        size_t n = page->bytes - at < c->owed ? page->bytes - at : c->owed;
        ssize_t sent = send(c->fd, page->responses + at, n, MSG_NOSIGNAL);
        if (sent < 0 && errno != EAGAIN && errno != EINTR) {
            return false;
        }
        if (sent <= 0) {
            break;
        }
        c->owed -= (size_t)sent;
    }
    bool blocked = c->owed > 0;
    if (blocked != c->blocked) {
        struct epoll_event e = { .events = blocked ? EPOLLOUT : EPOLLIN, .data.ptr = c };
        epoll_ctl(epoll_fd, EPOLL_CTL_MOD, c->fd, &e);
        c->blocked = blocked;
    }
    return true;
}

static void serve(struct client *c)
{
    char buf[READ_SIZE];
    if (!c->blocked) {
        ssize_t n = read(c->fd, buf, sizeof(buf));
        if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
            return;
        }
        if (n <= 0) {
            drop(c);
            return;
        }
        c->owed += count_heads(c, buf, (size_t)n) * c->page->response;
    }
    if (!pay(c)) {
        drop(c);
    }
}

static void accept_some(const struct client *port)
{
    const int on = 1;
    for (unsigned i = 0; i < ACCEPT_BATCH; i++) {
        int fd = accept4(port->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0) {
            return;
        }
        struct client *c = calloc(1, sizeof(*c));
        struct epoll_event e = { .events = EPOLLIN, .data.ptr = c };
        if (c == NULL) {
            close(fd);
            return;
        }
        c->fd = fd;
        c->page = port->page;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
        if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &e) < 0) {
            drop(c);
        }
    }
}

static int listen_on(uint16_t port)
{
    const int on = 1;
    struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(port) };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return -1;
    }
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (bind(fd, (struct sockaddr *)&a, sizeof(a)) < 0 || listen(fd, 1024) < 0) {
        close(fd);
        return -1;
    }
    return fd;
}

/* The head of a response; without printf, which is a tenth of the image. Returns its length. */
static size_t make_head(char *head, unsigned body)
{
    char digits[16];
    char *first = digits + sizeof(digits) - 1;

    *first = '\0';
    do {
        *--first = (char)('0' + body % 10);
        body /= 10;
    } while (body > 0);
    strcpy(head, HEAD);
    strcat(head, first);
    strcat(head, HEAD_END);
    return strlen(head);
}

/* Fill a page with responses of `body` bytes each; false when there is no memory. */
static bool make_page(struct page *page, unsigned body)
{
    char head[256];
    size_t size = make_head(head, body);
    size_t count = BATCH_BYTES / (size + body) + 1;

    page->response = size + body;
    page->bytes = count * page->response;
    page->responses = malloc(page->bytes);
    if (page->responses == NULL) {
        return false;
    }
    for (char *at = page->responses; at < page->responses + page->bytes; at += page->response) {
        memcpy(at, head, size);
        memset(at + size, 'x', body);
    }
    return true;
}

/* Open the port of a page and watch it. */
static bool open_port(unsigned long port, unsigned long body)
{
    static struct page pages[MAX_PAGES];
    static struct client ports[MAX_PAGES];
    static unsigned used;

    if (port == 0 || port > 65535 || body > BODY_MAX || used == MAX_PAGES) {
        return false;
    }
    struct client *p = &ports[used];
    struct epoll_event e = { .events = EPOLLIN, .data.ptr = p };
    p->listens = true;
    p->page = &pages[used];
    p->fd = listen_on((uint16_t)port);
    return make_page(&pages[used++], (unsigned)body) && p->fd >= 0 &&
           epoll_ctl(epoll_fd, EPOLL_CTL_ADD, p->fd, &e) == 0;
}

static bool open_ports(int argc, char **argv)
{
    unsigned long port = argc > 1 ? strtoul(argv[1], NULL, 10) : PORT;
    bool opened = argc > 2 || open_port(port, BODY_SIZE);

    for (int i = 2; i < argc && opened; i++) {
        opened = open_port(port + (unsigned)i - 2, strtoul(argv[i], NULL, 10));
    }
    return opened;
}

int main(int argc, char **argv)
{
    struct epoll_event events[EVENTS];

    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (epoll_fd < 0 || !open_ports(argc, argv)) {
        say("khttp: can't listen\n");
        return 1;
    }
    say("khttp listening\n");
    for (;;) {
        int n = epoll_wait(epoll_fd, events, EVENTS, -1);
        if (n < 0 && errno != EINTR) {
            say("khttp: epoll_wait failed\n");
            return 1;
        }
        for (int i = 0; i < n; i++) {
            struct client *c = events[i].data.ptr;
            if (c->listens) {
                accept_some(c);
            } else {
                serve(c);
            }
        }
    }
}

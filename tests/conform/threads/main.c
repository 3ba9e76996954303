/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A server with a thread per connection and blocking calls, and clients that are threads too; then
 * what a thread that waits sees when another one shuts, sends, or runs out of time.
 */
#define _GNU_SOURCE
#include "../conform.h"

#include <pthread.h>

#define CLIENTS 24
#define ROUNDS  20
#define BLOCK   10000

static uint16_t port;
static int listener;
static long bad; /* atomic */

static void wrong(bool is)
{
    if (is) {
        __atomic_fetch_add(&bad, 1, __ATOMIC_SEQ_CST);
    }
}

static void *echo(void *arg)
{
    int fd = (int)(intptr_t)arg;
    char buf[3000];
    ssize_t n;
    while ((n = recv(fd, buf, sizeof(buf), 0)) > 0) {
        for (ssize_t done = 0; done < n;) {
            ssize_t sent = send(fd, buf + done, (size_t)(n - done), MSG_NOSIGNAL);
            wrong(sent <= 0);
            if (sent <= 0) {
                break;
            }
            done += sent;
        }
    }
    wrong(n != 0);
    wrong(close(fd) != 0);
    return NULL;
}

static void *server(void *arg)
{
    pthread_t threads[CLIENTS];
    (void)arg;
    for (int i = 0; i < CLIENTS; i++) {
        int fd = accept(listener, NULL, NULL);
        wrong(fd < 0);
        pthread_create(&threads[i], NULL, echo, (void *)(intptr_t)fd);
    }
    for (int i = 0; i < CLIENTS; i++) {
        pthread_join(threads[i], NULL);
    }
    return NULL;
}

static void *writer(void *arg)
{
    int fd = *(int *)arg;
    char buf[BLOCK];
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < BLOCK; i++) {
            buf[i] = (char)(round * 3 + i);
        }
        wrong(send(fd, buf, BLOCK, MSG_NOSIGNAL) != BLOCK);
    }
    wrong(shutdown(fd, SHUT_WR) != 0);
    return NULL;
}

/* Writes in one thread and reads in the other, over one socket. */
static void *client(void *arg)
{
    struct sockaddr_in a = v4(INADDR_LOOPBACK, port);
    char buf[BLOCK];
    pthread_t thread;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    (void)arg;
    wrong(connect(fd, SA(a), sizeof(a)) != 0);
    pthread_create(&thread, NULL, writer, &fd);
    for (int round = 0; round < ROUNDS; round++) {
        ssize_t n = recv(fd, buf, BLOCK, MSG_WAITALL);
        wrong(n != BLOCK);
        for (int i = 0; i < BLOCK; i++) {
            wrong(buf[i] != (char)(round * 3 + i));
        }
    }
    wrong(recv(fd, buf, 1, 0) != 0);
    pthread_join(thread, NULL);
    wrong(close(fd) != 0);
    return NULL;
}

static void crowd(void)
{
    pthread_t s, c[CLIENTS];
    listener = bound(SOCK_STREAM, &port);
    CALL(pthread_create(&s, NULL, server, NULL));
    for (int i = 0; i < CLIENTS; i++) {
        MUST(-pthread_create(&c[i], NULL, client, NULL));
    }
    for (int i = 0; i < CLIENTS; i++) {
        pthread_join(c[i], NULL);
    }
    CALL(pthread_join(s, NULL));
    SHOW(bad);
    CALL(close(listener));
}

/* ---- one thread waits, the other does something ---- */

struct wait {
    int fd;
    char what;
    long result;
    int error;
    short revents;
};

static void *waiter(void *arg)
{
    struct wait *w = arg;
    static char big[1 << 16];
    char byte;
    errno = 0;
    switch (w->what) {
    case 'r':
        w->result = recv(w->fd, &byte, 1, 0);
        break;
    case 'a':
        w->result = accept(w->fd, NULL, NULL);
        break;
    case 's':
        do {
            w->result = send(w->fd, big, sizeof(big), MSG_NOSIGNAL);
        } while (w->result > 0);
        break;
    default: {
        struct pollfd p = {w->fd, POLLIN, 0};
        w->result = poll(&p, 1, 10000);
        w->revents = p.revents;
    }
    }
    w->error = errno;
    return NULL;
}

static pthread_t waits(struct wait *w, int fd, char what)
{
    pthread_t t;
    *w = (struct wait){.fd = fd, .what = what};
    MUST(-pthread_create(&t, NULL, waiter, w));
    settle();
    settle();
    return t;
}

static void ends(int line, const char *text, pthread_t t, struct wait *w)
{
    pthread_join(t, NULL);
    printf("%d: %s: %s %s%s%s\n", line, text, w->result > 0 ? "positive" : w->result == 0 ? "0" : "-1",
           w->result < 0 ? error_name(w->error) : "", w->what == 'p' ? "revents " : "",
           w->what == 'p' ? poll_names(w->revents) : "");
}

#define ENDS(text, t, w) ends(__LINE__, text, t, w)

static void wake_ups(void)
{
    int p[2];
    struct wait w, v;
    struct linger reset = {1, 0};
    SAY("a thread waits, another one acts");
    tcp_pair(p);
    pthread_t t = waits(&w, p[0], 'r');
    CALL(send(p[1], "x", 1, 0));
    ENDS("recv, data comes", t, &w);
    t = waits(&w, p[0], 'r');
    CALL(shutdown(p[0], SHUT_RD));
    ENDS("recv, own shutdown", t, &w);
    close(p[0]);
    close(p[1]);
    tcp_pair(p);
    t = waits(&w, p[0], 'r');
    pthread_t u = waits(&v, p[0], 'p');
    CALL(close(p[1]));
    ENDS("recv, the peer closes", t, &w);
    ENDS("poll, the peer closes", u, &v);
    close(p[0]);
    tcp_pair(p);
    t = waits(&w, p[0], 'r');
    setsockopt(p[1], SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
    CALL(close(p[1]));
    ENDS("recv, the peer resets", t, &w);
    close(p[0]);
    tcp_pair(p);
    t = waits(&w, p[0], 's');
    setsockopt(p[1], SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
    CALL(close(p[1]));
    ENDS("send, the peer resets", t, &w);
    close(p[0]);
    tcp_pair(p);
    t = waits(&w, p[0], 's');
    CALL(shutdown(p[0], SHUT_WR));
    ENDS("send, own shutdown", t, &w);
    close(p[0]);
    close(p[1]);
    listener = bound(SOCK_STREAM, &port);
    t = waits(&w, listener, 'a');
    struct sockaddr_in a = v4(INADDR_LOOPBACK, port);
    p[0] = (int)MUST(socket(AF_INET, SOCK_STREAM, 0));
    CALL(connect(p[0], SA(a), sizeof(a)));
    ENDS("accept, somebody connects", t, &w);
    close((int)w.result);
    close(p[0]);
    t = waits(&w, listener, 'a');
    CALL(shutdown(listener, SHUT_RD));
    ENDS("accept, own shutdown", t, &w);
    close(listener);
}

/* What blocks for a limited time. */
static void limits(void)
{
    int p[2];
    static char big[1 << 16];
    char byte;
    struct timeval t = {0, 50000};
    ssize_t n;
    SAY("time out");
    tcp_pair(p);
    CALL(setsockopt(p[0], SOL_SOCKET, SO_RCVTIMEO, &t, sizeof(t)));
    CALL(recv(p[0], &byte, 1, 0));
    CALL(setsockopt(p[0], SOL_SOCKET, SO_SNDTIMEO, &t, sizeof(t)));
    while ((n = send(p[0], big, sizeof(big), MSG_NOSIGNAL)) > 0) {
    }
    IS(n == -1 && errno == EAGAIN);
    SAY("MSG_WAITALL");
    CALL(send(p[1], "ab", 2, 0));
    CALL(recv(p[0], big, 4, MSG_WAITALL)); /* until the time is over */
    CALL(send(p[1], "abcd", 4, 0));
    CALL(recv(p[0], big, 4, MSG_WAITALL | MSG_PEEK));
    CALL(recv(p[0], big, 4, MSG_WAITALL));
    CALL(send(p[1], "ab", 2, 0));
    CALL(shutdown(p[1], SHUT_WR));
    CALL(recv(p[0], big, 4, MSG_WAITALL));
    CALL(recv(p[0], big, 4, MSG_WAITALL));
    close(p[0]);
    close(p[1]);
    listener = bound(SOCK_STREAM, &port);
    CALL(setsockopt(listener, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof(t)));
    FD(accept(listener, NULL, NULL));
    close(listener);
}

int main(void)
{
    begin();
    crowd();
    wake_ups();
    limits();
    return end();
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sendfile() to sockets over the loopback interface and to pipes. The receiver compares each byte;
 * the file may be cut, overwritten and removed while its bytes are still on their way.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../check.h"

#define NUMBERS 21000u /* bytes of sub/numbers: 3000 lines "000000" */
#define ROUNDS  100u

struct receiver {
    int fd;
    size_t got;
    bool right;
};

/* Take everything until the end; the stream is sub/numbers again and again. */
static void *receive(void *arg)
{
    static char buf[3000];
    struct receiver *r = arg;
    char line[16];
    ssize_t n;
    r->got = 0;
    r->right = true;
    while ((n = read(r->fd, buf, sizeof(buf))) > 0) {
        for (ssize_t i = 0; i < n; i++, r->got++) {
            size_t at = r->got % NUMBERS;
            if (i == 0 || at % 7 == 0) {
                snprintf(line, sizeof(line), "%06u\n", (unsigned)(at / 7) % 1000000);
            }
            r->right = r->right && buf[i] == line[at % 7];
        }
    }
    return NULL;
}

/* A connection with itself. */
static bool connect_pair(int fd[2])
{
    struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof(a);
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    if (!CHECK(bind(listener, (struct sockaddr *)&a, len) == 0) || !CHECK(listen(listener, 1) == 0) ||
        !CHECK(getsockname(listener, (struct sockaddr *)&a, &len) == 0)) {
        return false;
    }
    fd[0] = socket(AF_INET, SOCK_STREAM, 0);
    bool good = CHECK(connect(fd[0], (struct sockaddr *)&a, len) == 0);
    fd[1] = accept(listener, NULL, NULL);
    close(listener);
    return good && CHECK(fd[1] >= 0);
}

/* Send the file ROUNDS times; returns how many bytes went. */
static size_t send_all(int out, int in)
{
    size_t all = 0;
    for (unsigned i = 0; i < ROUNDS; i++) {
        off_t at = 0;
        while (at < (off_t)NUMBERS) {
            ssize_t n = sendfile(out, in, &at, NUMBERS - (size_t)at);
            if (!CHECK(n > 0)) {
                return all;
            }
            all += (size_t)n;
        }
    }
    return all;
}

static void through(int fd[2], const char *path)
{
    struct receiver r = { .fd = fd[1] };
    pthread_t t;
    CHECK_EQ(pthread_create(&t, NULL, receive, &r), 0);
    int in = open(path, O_RDONLY);
    CHECK_EQ(send_all(fd[0], in), ROUNDS * NUMBERS);
    close(in);
    close(fd[0]);
    pthread_join(t, NULL);
    close(fd[1]);
    CHECK_EQ(r.got, ROUNDS * NUMBERS);
    CHECK(r.right);
}

static void image_to_socket(void)
{
    int fd[2];
    if (connect_pair(fd)) {
        through(fd, "/sub/numbers");
    }
}

static void image_to_pipe(void)
{
    int fd[2];
    CHECK_EQ(pipe(fd), 0);
    int pair[2] = { fd[1], fd[0] };
    through(pair, "/sub/numbers");
}

static void copy_file(const char *from, const char *to)
{
    int in = open(from, O_RDONLY), out = open(to, O_WRONLY | O_CREAT, 0644);
    CHECK_EQ(sendfile(out, in, NULL, 1 << 20), NUMBERS);
    close(in);
    close(out);
}

static void written_to_socket(void)
{
    int fd[2];
    copy_file("/sub/numbers", "/tmp/copy");
    if (connect_pair(fd)) {
        through(fd, "/tmp/copy");
    }
    CHECK_EQ(unlink("/tmp/copy"), 0);
}

/* A socket that takes no more says so, and takes the rest later. */
static void not_blocking(void)
{
    int fd[2];
    size_t sent = 0;
    if (!connect_pair(fd)) {
        return;
    }
    int in = open("/sub/numbers", O_RDONLY);
    CHECK_EQ(fcntl(fd[0], F_SETFL, O_NONBLOCK), 0);
    for (;;) {
        off_t at = (off_t)(sent % NUMBERS);
        ssize_t n = sendfile(fd[0], in, &at, NUMBERS);
        if (n < 0) {
            CHECK_EQ(errno, EAGAIN);
            CHECK_EQ(at, sent % NUMBERS);
            break;
        }
        sent += (size_t)n;
    }
    CHECK(sent > 0);
    struct receiver r = { .fd = fd[1] };
    close(fd[0]);
    receive(&r);
    close(fd[1]);
    CHECK_EQ(r.got, sent);
    CHECK(r.right);
    close(in);
}

/* What is on its way stays what it was, whatever happens to the file. */
static void changed_on_the_way(void)
{
    int fd[2];
    if (!connect_pair(fd)) {
        return;
    }
    int in = open("/sub/numbers", O_RDWR);
    off_t at = 0;
    CHECK_EQ(fcntl(fd[0], F_SETFL, O_NONBLOCK), 0);
    ssize_t n = sendfile(fd[0], in, &at, NUMBERS);
    CHECK(n > 2048);
    CHECK_EQ(pwrite(in, "overwritten", 11, 0), 11);
    CHECK_EQ(ftruncate(in, 0), 0);
    CHECK_EQ(unlink("/sub/numbers"), 0);
    close(in);
    close(fd[0]);
    struct receiver r = { .fd = fd[1] };
    receive(&r);
    close(fd[1]);
    CHECK_EQ(r.got, n);
    CHECK(r.right);
}

static void errors(void)
{
    int fd[2];
    off_t at = 0;
    if (!connect_pair(fd)) {
        return;
    }
    int in = open("/sub/numbers", O_RDONLY);
    errno = 0;
    CHECK(sendfile(fd[0], fd[1], NULL, 10) == -1 && errno == EINVAL);
    CHECK(sendfile(fd[0], fd[1], &at, 10) == -1 && errno == ESPIPE);
    close(fd[1]);
    ssize_t n;
    do { /* until the reset has come */
        at = 0;
        n = sendfile(fd[0], in, &at, NUMBERS);
    } while (n >= 0);
    CHECK(errno == EPIPE || errno == ECONNRESET);
    close(fd[0]);
    close(in);
    int s = socket(AF_INET, SOCK_STREAM, 0);
    in = open("/sub/numbers", O_RDONLY);
    CHECK(sendfile(s, in, NULL, NUMBERS) == -1 && (errno == ENOTCONN || errno == EPIPE));
    close(s);
    close(in);
}

int main(void)
{
    signal(SIGPIPE, SIG_IGN);
    check_run("image-to-socket", image_to_socket);
    check_run("image-to-pipe", image_to_pipe);
    check_run("written-to-socket", written_to_socket);
    check_run("not-blocking", not_blocking);
    check_run("errors", errors);
    check_run("changed-on-the-way", changed_on_the_way);
    return check_done();
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* Sockets of AF_UNIX with names: in the file system and abstract, streams and packets, files handed on. */
#define _GNU_SOURCE
#include "../conform.h"

#include <pthread.h>
#include <stddef.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/un.h>

static char folder[64];

static struct sockaddr_un un(const char *name)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    snprintf(a.sun_path, sizeof(a.sun_path), "%s/%s", folder, name);
    return a;
}

static socklen_t abstract(struct sockaddr_un *a, const char *name)
{
    *a = (struct sockaddr_un){.sun_family = AF_UNIX};
    int n = snprintf(a->sun_path + 1, 60, "%s-%d", name, (int)getpid());
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)n);
}

/* A name without what differs: the folder, the number. */
static void show_name(int line, const char *what, int r, const struct sockaddr_un *a, socklen_t len)
{
    if (r != 0) {
        printf("%d: %s: %s\n", line, what, error_name(errno));
    } else if (len <= sizeof(sa_family_t)) {
        printf("%d: %s: family %d, no name, %u bytes\n", line, what, a->sun_family, len);
    } else if (a->sun_path[0] == '\0') {
        printf("%d: %s: abstract\n", line, what);
    } else {
        printf("%d: %s: %s, %ld bytes more\n", line, what, strrchr(a->sun_path, '/'),
               (long)(len - sizeof(sa_family_t) - strlen(a->sun_path)));
    }
}

static void names(int line, int fd)
{
    struct sockaddr_un a = {0};
    socklen_t len = sizeof(a);
    int r = getsockname(fd, SA(a), &len);
    show_name(line, "its name", r, &a, len);
    len = sizeof(a);
    r = getpeername(fd, SA(a), &len);
    show_name(line, "its peer's", r, &a, len);
}

#define NAMES(fd) names(__LINE__, fd)

static int server(const char *name, int type, int backlog)
{
    struct sockaddr_un a = un(name);
    int fd = (int)MUST(socket(AF_UNIX, type, 0));
    MUST(bind(fd, SA(a), sizeof(a)));
    MUST(listen(fd, backlog));
    return fd;
}

static int client(const char *name, int type)
{
    struct sockaddr_un a = un(name);
    int fd = (int)MUST(socket(AF_UNIX, type, 0));
    MUST(connect(fd, SA(a), sizeof(a)));
    return fd;
}

static void binding(void)
{
    struct sockaddr_un a = un("bound"), b = un("missing/below"), c = un("other");
    struct stat st;
    SAY("bind");
    int s = FD(socket(AF_UNIX, SOCK_STREAM, 0)), t = FD(socket(AF_UNIX, SOCK_STREAM, 0));
    NAMES(s);
    CALL(listen(s, 5));
    CALL(bind(s, SA(a), sizeof(a)));
    NAMES(s);
    CALL(bind(s, SA(c), sizeof(c)));
    CALL(bind(t, SA(a), sizeof(a)));
    CALL(bind(t, SA(b), sizeof(b)));
    CALL(bind(t, SA(a), 1));
    CALL(bind(t, SA(a), sizeof(a) + 1));
    a.sun_family = AF_INET;
    CALL(bind(t, SA(a), sizeof(a)));
    a.sun_family = AF_UNIX;
    CALL(lstat(a.sun_path, &st));
    IS(S_ISSOCK(st.st_mode));
    SHOW(st.st_size);
    FD(open(a.sun_path, O_RDWR));
    CALL(connect(t, SA(a), sizeof(a)));
    CALL(listen(s, 5));
    CALL(connect(t, SA(a), sizeof(a)));
    CALL(connect(t, SA(a), sizeof(a)));
    CALL(listen(t, 5));
    SHOW(get_int(s, SOL_SOCKET, SO_ACCEPTCONN));
    SHOW(get_int(t, SOL_SOCKET, SO_ACCEPTCONN));
    CALL(rename(a.sun_path, c.sun_path));
    int u = FD(socket(AF_UNIX, SOCK_STREAM, 0));
    CALL(connect(u, SA(a), sizeof(a)));
    CALL(connect(u, SA(c), sizeof(c)));
    CALL(close(s));
    close(u);
    u = FD(socket(AF_UNIX, SOCK_STREAM, 0));
    CALL(connect(u, SA(c), sizeof(c)));
    CALL(bind(u, SA(c), sizeof(c)));
    CALL(unlink(c.sun_path));
    CALL(connect(u, SA(c), sizeof(c)));
    CALL(bind(u, SA(c), sizeof(c)));
    CALL(unlink(c.sun_path));
    close(t);
    close(u);
    int plain = (int)MUST(open(a.sun_path, O_CREAT | O_RDWR, 0644));
    u = FD(socket(AF_UNIX, SOCK_STREAM, 0));
    CALL(connect(u, SA(a), sizeof(a)));
    CALL(bind(u, SA(a), sizeof(a)));
    CALL(unlink(a.sun_path));
    close(plain);
    close(u);
    FD(socket(AF_UNIX, SOCK_STREAM, 7));
    FD(socket(AF_UNIX, 4, 0));
    FD(socket(AF_UNIX, 99, 0));
}

static void abstract_names(void)
{
    struct sockaddr_un a;
    socklen_t len = abstract(&a, "pith");
    SAY("abstract");
    int s = FD(socket(AF_UNIX, SOCK_STREAM, 0)), t = FD(socket(AF_UNIX, SOCK_STREAM, 0));
    CALL(connect(t, SA(a), len));
    CALL(bind(s, SA(a), len));
    NAMES(s);
    CALL(bind(t, SA(a), len));
    CALL(bind(t, SA(a), len - 1));
    CALL(listen(s, 1));
    CALL(connect(t, SA(a), len));
    NAMES(t);
    CALL(close(s));
    CALL(close(t));
    t = FD(socket(AF_UNIX, SOCK_STREAM, 0));
    CALL(connect(t, SA(a), len));
    CALL(bind(t, SA(a), sizeof(sa_family_t)));
    NAMES(t);
    close(t);
}

static void streams(int type)
{
    char text[16] = "";
    struct sockaddr_un a = un("s"), from = {0};
    socklen_t len = sizeof(from);
    SAY("%s", type == SOCK_STREAM ? "streams" : "packets");
    int u = FD(socket(AF_UNIX, type, 0));
    BITS(u);
    CALL(send(u, "x", 1, MSG_NOSIGNAL));
    CALL(recv(u, text, 1, 0));
    CALL(accept(u, NULL, NULL));
    CALL(shutdown(u, SHUT_WR));
    BITS(u);
    close(u);
    u = FD(socket(AF_UNIX, type, 0));
    int l = server("s", type, 5);
    BITS(l);
    CALL(connect(u, SA(a), sizeof(a)));
    BITS(l);
    BITS(u);
    NAMES(u);
    CALL(send(u, "hello", 5, 0));
    int s = FD(accept(l, SA(from), &len));
    SHOW(len);
    BITS(l);
    BITS(s);
    NAMES(s);
    CALL(recv(s, text, sizeof(text), 0));
    IS(memcmp(text, "hello", 5) == 0);
    CALL(write(s, "answer", 6));
    CALL(read(u, text, 3));
    CALL(recv(u, text, sizeof(text), MSG_DONTWAIT));
    SHOW(get_int(u, SOL_SOCKET, SO_TYPE));
    SHOW(get_int(u, SOL_SOCKET, SO_DOMAIN));
    CALL(shutdown(u, SHUT_WR));
    CALL(recv(s, text, sizeof(text), 0));
    BITS(s);
    CALL(send(u, "x", 1, MSG_NOSIGNAL));
    CALL(close(s));
    BITS(u);
    CALL(recv(u, text, sizeof(text), 0));
    close(u);
    SAY("one that nobody accepted");
    u = client("s", type);
    CALL(close(l));
    BITS(u);
    CALL(send(u, "x", 1, MSG_NOSIGNAL));
    close(u);
    unlink(a.sun_path);
    l = server("s", type, 5);
    u = FD(socket(AF_UNIX, type == SOCK_STREAM ? SOCK_SEQPACKET : SOCK_STREAM, 0));
    CALL(connect(u, SA(a), sizeof(a)));
    close(u);
    close(l);
    unlink(a.sun_path);
}

static void backlog(void)
{
    struct sockaddr_un a = un("b");
    int l = server("b", SOCK_STREAM, 0), u[3];
    SAY("a full queue");
    for (int i = 0; i < 3; i++) {
        u[i] = FD(socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0));
        CALL(connect(u[i], SA(a), sizeof(a)));
    }
    int s = FD(accept(l, NULL, NULL));
    CALL(connect(u[2], SA(a), sizeof(a)));
    nonblocking(l);
    int t = FD(accept(l, NULL, NULL));
    FD(accept(l, NULL, NULL));
    IS(fcntl(t, F_GETFL) & O_NONBLOCK);
    int all[] = {l, u[0], u[1], u[2], s, t};
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        close(all[i]);
    }
    unlink(a.sun_path);
}

static void *serve(void *arg)
{
    int l = *(int *)arg, s = accept(l, NULL, NULL);
    char text[32];
    ssize_t n;
    while ((n = read(s, text, sizeof(text))) > 0) {
        write(s, text, (size_t)n);
    }
    close(s);
    return NULL;
}

static void epolled(void)
{
    struct sockaddr_un a = un("e");
    struct epoll_event e = {.events = EPOLLIN | EPOLLET}, out;
    int l = server("e", SOCK_STREAM, 5), ep = (int)MUST(epoll_create1(0));
    int u = (int)MUST(socket(AF_UNIX, SOCK_STREAM, 0));
    pthread_t thread;
    char text[8];
    SAY("epoll, and a thread that serves");
    MUST(epoll_ctl(ep, EPOLL_CTL_ADD, u, &e));
    epoll_wait(ep, &out, 1, 0); /* the hang-up of one that is not connected */
    MUST(-pthread_create(&thread, NULL, serve, &l));
    CALL(connect(u, SA(a), sizeof(a)));
    CALL(write(u, "ping", 4));
    CALL(epoll_wait(ep, &out, 1, 10000));
    CALL(recv(u, text, sizeof(text), MSG_WAITALL | MSG_DONTWAIT));
    CALL(shutdown(u, SHUT_WR));
    MUST(-pthread_join(thread, NULL));
    CALL(recv(u, text, sizeof(text), 0));
    close(u);
    close(l);
    close(ep);
    unlink(a.sun_path);
}

static ssize_t send_files(int fd, const int *files, int n, const char *text)
{
    char control[CMSG_SPACE(8 * sizeof(int))] __attribute__((aligned(8))) = {0};
    struct iovec v = {(void *)(uintptr_t)text, strlen(text)};
    struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1, .msg_control = control,
                       .msg_controllen = CMSG_SPACE((size_t)n * sizeof(int))};
    struct cmsghdr *c = CMSG_FIRSTHDR(&m);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN((size_t)n * sizeof(int));
    memcpy(CMSG_DATA(c), files, (size_t)n * sizeof(int));
    return sendmsg(fd, &m, 0);
}

static ssize_t receive_files(int fd, int *files, int room, int flags)
{
    char control[CMSG_SPACE(8 * sizeof(int))] __attribute__((aligned(8))) = {0}, text[32];
    struct iovec v = {text, sizeof(text)};
    struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1, .msg_control = control,
                       .msg_controllen = room ? CMSG_LEN((size_t)room * sizeof(int)) : 0};
    ssize_t n = recvmsg(fd, &m, flags);
    struct cmsghdr *c = n >= 0 ? CMSG_FIRSTHDR(&m) : NULL;
    size_t got = c != NULL ? (c->cmsg_len - CMSG_LEN(0)) / sizeof(int) : 0;
    printf("-- %ld bytes, %ld files%s\n", (long)n, (long)got, m.msg_flags & MSG_CTRUNC ? ", cut" : "");
    if (got != 0) {
        memcpy(files, CMSG_DATA(c), got * sizeof(int));
    }
    return n;
}

static void rights(int type)
{
    int p[2], s[2], got[8] = {-1, -1, -1, -1}, bad[2] = {0, 1000};
    char text[8];
    SAY("files that are handed on, type %d", type);
    MUST(pipe(p));
    MUST(socketpair(AF_UNIX, type, 0, s));
    CALL(send_files(s[0], p, 2, "two"));
    CALL(send(s[0], "more", 4, 0));
    close(p[0]);
    close(p[1]);
    receive_files(s[1], got, 8, MSG_CMSG_CLOEXEC);
    SHOW(fcntl(got[0], F_GETFD));
    CALL(write(got[1], "through", 7));
    CALL(read(got[0], text, sizeof(text)));
    CALL(recv(s[1], text, sizeof(text), 0));
    CALL(send_files(s[0], got, 2, "cut"));
    receive_files(s[1], p, 1, 0);
    SHOW(fcntl(p[0], F_GETFD));
    close(p[0]);
    CALL(send_files(s[0], got, 2, "no room"));
    receive_files(s[1], p, 0, 0);
    CALL(send_files(s[0], bad, 2, "bad"));
    CALL(send(s[0], "plain", 5, 0));
    CALL(send_files(s[0], got, 1, "one"));
    receive_files(s[1], p, 8, 0);
    receive_files(s[1], p, 8, MSG_DONTWAIT);
    close(p[0]);
    SAY("lost on the way");
    CALL(send_files(s[0], got + 1, 1, "lost"));
    close(got[1]);
    BITS(got[0]);
    close(s[1]);
    BITS(got[0]);
    close(s[0]);
    close(got[0]);
}

int main(void)
{
    snprintf(folder, sizeof(folder), "/tmp/unix-%d", (int)getpid());
    mkdir("/tmp", 0777);
    MUST(mkdir(folder, 0755));
    binding();
    abstract_names();
    streams(SOCK_STREAM);
    streams(SOCK_SEQPACKET);
    backlog();
    epolled();
    rights(SOCK_STREAM);
    rights(SOCK_SEQPACKET);
    rights(SOCK_DGRAM);
    CALL(rmdir(folder));
    return end();
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* Names of hosts: /etc/hosts, localhost, our own, and DNS with a server that means it well or not. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <pith/heap.h>

#include "check.h"
#include "server.h"

/* Addresses of a name, "A B C"; or the name of the error. */
static const char *find(const char *name, int family, int flags)
{
    static char text[300];
    struct addrinfo hints = {.ai_family = family, .ai_socktype = SOCK_STREAM, .ai_flags = flags}, *list;
    int r = getaddrinfo(name, NULL, &hints, &list);
    if (r != 0) {
        snprintf(text, sizeof(text), "%s", gai_strerror(r));
        return text;
    }
    text[0] = '\0';
    for (struct addrinfo *i = list; i != NULL; i = i->ai_next) {
        size_t len = strlen(text);
        if (len > 0) {
            text[len++] = ' ';
        }
        getnameinfo(i->ai_addr, i->ai_addrlen, text + len, (socklen_t)(sizeof(text) - len), NULL, 0,
                    NI_NUMERICHOST);
    }
    freeaddrinfo(list);
    return text;
}

static void same(const char *have, const char *want, int line)
{
    if (strcmp(have, want) != 0) {
        CHECK_FAIL("line %d: '%s', not '%s'", line, have, want);
    }
}

#define FINDS(name, family, want) same(find(name, family, 0), want, __LINE__)

#define NO_NAME "Name or service not known"
#define NO_DATA_FOR "No address associated with hostname"
#define AGAIN "Temporary failure in name resolution"

static void local_names(void)
{
    FINDS("localhost", AF_UNSPEC, "::1 127.0.0.1");
    FINDS("LocalHost.", AF_INET, "127.0.0.1");
    FINDS("some.localhost", AF_INET6, "::1");
    char own[65];
    CHECK_EQ(gethostname(own, sizeof(own)), 0);
    CHECK(strcmp(own, "named") == 0);
    FINDS(own, AF_INET, "127.0.0.1");
    CHECK_EQ(server_udp, 0); /* nobody was asked */
    same(find("ok.test", AF_INET, AI_NUMERICHOST), NO_NAME, __LINE__);
    CHECK_EQ(server_udp, 0);
}

static void hosts_file(void)
{
    static const char text[] =
        "# a remark\n10.9.8.7 first.test second.test # ok.test\r\n\n2001:db8::5\tsecond.test\n"
        "garbage ok.test\n10.9.8.6 ok.testing\n 10.0.0.5 indented.test\n10.9.8.5 last.test";
    mkdir("/etc", 0755);
    int fd = open("/etc/hosts", O_WRONLY | O_CREAT | O_TRUNC, 0644);
    if (!CHECK(fd >= 0)) {
        return;
    }
    CHECK_EQ(write(fd, text, sizeof(text) - 1), (ssize_t)sizeof(text) - 1);
    close(fd);
    FINDS("first.test", AF_UNSPEC, "10.9.8.7");
    FINDS("SECOND.test", AF_INET, "10.9.8.7");
    FINDS("second.test", AF_INET6, "2001:db8::5");
    FINDS("indented.test", AF_INET, "10.0.0.5");
    FINDS("last.test", AF_INET, "10.9.8.5");
    FINDS("ok.test", AF_INET, "10.1.2.3 10.1.2.4"); /* not from the file */
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = inet_addr("10.9.8.7")};
    char name[64];
    CHECK_EQ(getnameinfo((struct sockaddr *)&a, sizeof(a), name, sizeof(name), NULL, 0, NI_NAMEREQD), 0);
    CHECK(strcmp(name, "first.test") == 0);
    unlink("/etc/hosts");
}

static void by_dns(void)
{
    FINDS("ok.test", AF_INET, "10.1.2.3 10.1.2.4");
    FINDS("ok.test", AF_INET6, "2001:db8::1");
    FINDS("v4.test", AF_UNSPEC, "10.1.2.3 10.1.2.4");
    FINDS("alias.test", AF_INET, "10.1.2.3 10.1.2.4");
    struct addrinfo hints = {.ai_family = AF_INET, .ai_flags = AI_CANONNAME}, *list;
    if (CHECK_EQ(getaddrinfo("alias.test", "http", &hints, &list), 0)) {
        CHECK(strcmp(list->ai_canonname, "ok.test") == 0);
        CHECK_EQ(ntohs(((struct sockaddr_in *)list->ai_addr)->sin_port), 80);
        freeaddrinfo(list);
    }
    struct hostent *h = gethostbyname("ok.test");
    CHECK(h != NULL && h->h_length == 4 && h->h_addr_list[1] != NULL && h->h_addr_list[2] == NULL);
    same(find("v4.test", AF_INET6, AI_V4MAPPED), "::ffff:10.1.2.3 ::ffff:10.1.2.4", __LINE__);
}

static void nothing_found(void)
{
    FINDS("none.test", AF_UNSPEC, NO_NAME);
    FINDS("nodata.test", AF_UNSPEC, NO_DATA_FOR);
    FINDS("v4.test", AF_INET6, NO_DATA_FOR);
    FINDS("fail.test", AF_UNSPEC, AGAIN);
    FINDS("a..b", AF_UNSPEC, NO_NAME);
    FINDS(".", AF_UNSPEC, NO_NAME);
    char name[300];
    memset(name, 'x', sizeof(name));
    name[299] = '\0';
    FINDS(name, AF_UNSPEC, NO_NAME);
    name[100] = '\0';
    FINDS(name, AF_UNSPEC, NO_NAME);
    CHECK(gethostbyname("none.test") == NULL && h_errno == HOST_NOT_FOUND);
    CHECK(gethostbyname("nodata.test") == NULL && h_errno == NO_DATA);
    CHECK(gethostbyname("fail.test") == NULL && h_errno == TRY_AGAIN);
}

static void hostile(void)
{
    FINDS("forged.test", AF_INET, "10.1.2.3 10.1.2.4");
    FINDS("loop.test", AF_INET, NO_DATA_FOR);
    FINDS("cut.test", AF_INET, AGAIN);
    unsigned before = server_tcp;
    FINDS("trunc.test", AF_INET, "10.2.0.0 10.2.0.1 10.2.0.2 10.2.0.3 10.2.0.4");
    CHECK_EQ(server_tcp, before + 1);
}

static void waiting(void)
{
    FINDS("late.test", AF_UNSPEC, "10.1.2.3 10.1.2.4");
    FINDS("silent.test", AF_INET, AGAIN);
}

static void reverse(void)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(443),
                            .sin_addr.s_addr = inet_addr("10.0.0.1")};
    char name[64], service[16];
    CHECK_EQ(getnameinfo((struct sockaddr *)&a, sizeof(a), name, sizeof(name), service,
                         sizeof(service), NI_NAMEREQD), 0);
    CHECK(strcmp(name, "ok.test") == 0 && strcmp(service, "https") == 0);
    a.sin_addr.s_addr = inet_addr("10.0.0.2");
    CHECK_EQ(getnameinfo((struct sockaddr *)&a, sizeof(a), name, sizeof(name), NULL, 0, NI_NAMEREQD),
             EAI_NONAME);
    CHECK_EQ(getnameinfo((struct sockaddr *)&a, sizeof(a), name, sizeof(name), NULL, 0, 0), 0);
    CHECK(strcmp(name, "10.0.0.2") == 0);
    struct hostent *h = gethostbyaddr("\x0a\x00\x00\x01", 4, AF_INET);
    CHECK(h != NULL && strcmp(h->h_name, "ok.test") == 0);
}

static void *many(void *arg)
{
    for (int i = 0; i < 25; i++) {
        struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *list;
        if (CHECK_EQ(getaddrinfo("ok.test", NULL, &hints, &list), 0)) {
            freeaddrinfo(list);
        }
    }
    return arg;
}

/* Threads at once; ids and ports differ; and all memory and descriptors come back. */
static void in_threads(void)
{
    pthread_t threads[8];
    unsigned questions = server_udp, same_id = server_same_id, same_port = server_same_port;
    int before = dup(0);
    close(before);
    for (int i = 0; i < 8; i++) {
        CHECK_EQ(pthread_create(&threads[i], NULL, many, NULL), 0);
    }
    for (int i = 0; i < 8; i++) {
        pthread_join(threads[i], NULL);
    }
    int after = dup(0);
    close(after);
    CHECK_EQ(after, before);
    CHECK_EQ(server_udp - questions, 8 * 25 * 2);
    CHECK(server_same_id - same_id < 4);
    /* Both questions of a look-up come from one port, and the next one's from another. */
    CHECK(server_same_port - same_port <= 8 * 25 + 4);
    struct heap_stats then, now;
    heap_stats(&then);
    many(NULL);
    heap_stats(&now);
    CHECK(now.small_bytes <= then.small_bytes + 4096 && now.large_pages <= then.large_pages);
}

static void services(void)
{
    struct servent *s = getservbyname("http", "tcp");
    CHECK(s != NULL && ntohs((uint16_t)s->s_port) == 80 && strcmp(s->s_proto, "tcp") == 0);
    s = getservbyport(htons(53), "udp");
    CHECK(s != NULL && strcmp(s->s_name, "domain") == 0);
    CHECK(getservbyname("no such service", NULL) == NULL && getservbyname("http", "udp") == NULL);
    struct protoent *p = getprotobyname("tcp");
    CHECK(p != NULL && p->p_proto == 6);
    p = getprotobynumber(17);
    CHECK(p != NULL && strcmp(p->p_name, "udp") == 0 && getprotobyname("nothing") == NULL);
}

int main(void)
{
    if (server_start() != 0) {
        printf("the server does not start: errno %d\n", errno);
        return 1;
    }
    check_run("local_names", local_names);
    check_run("hosts_file", hosts_file);
    check_run("by_dns", by_dns);
    check_run("nothing_found", nothing_found);
    check_run("hostile", hostile);
    check_run("waiting", waiting);
    check_run("reverse", reverse);
    check_run("in_threads", in_threads);
    check_run("services", services);
    return check_done();
}

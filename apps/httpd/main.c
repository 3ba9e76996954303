/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * httpd: serves a folder by HTTP/1.1, event driven, in one thread. The user's manual is
 * docs/httpd.md. It is ordinary POSIX with epoll and sendfile, so that it runs on Linux as well;
 * only machine.c is Pith's.
 */
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "server.h"

const char text_program[] = "httpd";

#define MEMORY_PER_REQUEST (64u * 1024) /* its buffers and those of its socket */

static int stop_fd = -1;

/* SIGTERM, SIGINT: wake the loop. write() on an eventfd is all that is done here. */
static void on_stop(int sig)
{
    const uint64_t one = 1;
    int error = errno;
    (void)sig;
    if (write(stop_fd, &one, sizeof(one)) < 0) {
        /* It is full, so the loop will wake anyway. */
    }
    errno = error;
}

static const char usage_text[] =
    "usage: httpd [options]\n"
    "  -r DIR   folder to serve (/www)\n"
    "  -p PORT  to listen on (8080)\n"
    "  -c N     connections at most (4096)\n"
    "  -n N     requests under way at most (by memory)\n"
    "  -k SEC   an idle connection is closed after (15)\n"
    "  -t SEC   a request has to arrive within (10)\n"
    "  -w SEC   a client that takes nothing is dropped after (30)\n"
    "  -g SEC   on SIGTERM, time for what is under way (10)\n"
    "  -b BYTES largest request body, which is read and ignored (65536)\n"
    "  -4       IPv4 alone\n"
    "  -L       no listings of directories\n"
    "  -M       no /metrics\n"
    "  -l       log requests on stderr\n";

static _Noreturn void usage(int to, int status)
{
    exit(write(to, usage_text, sizeof(usage_text) - 1) < 0 ? 1 : status);
}

/* A whole number from low to high, or the end with a word. */
static unsigned number(int option, const char *text, unsigned long low, unsigned long high)
{
    char *end;
    errno = 0;
    unsigned long v = strtoul(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || text[0] == '-' || v < low || v > high) {
        text_say("-%c %s: a number from %lu to %lu is wanted", option, text, low, high);
        exit(2);
    }
    return (unsigned)v;
}

/*
 * The value of an option: the rest of its word, or the next word. (getopt() would bring printf()
 * along for its messages.)
 */
static const char *value_of(char **argv, int *i)
{
    if (argv[*i][2] != '\0') {
        return argv[*i] + 2;
    }
    if (argv[*i + 1] == NULL) {
        text_say("%s: its value is missing", argv[*i]);
        exit(2);
    }
    *i += 1;
    return argv[*i];
}

/* As many requests at a time as fit in a quarter of the memory, at least 8. */
static unsigned default_requests(void)
{
    long pages = sysconf(_SC_PHYS_PAGES), size = sysconf(_SC_PAGESIZE);
    if (pages <= 0 || size <= 0) {
        return 64;
    }
    unsigned long n = (unsigned long)pages / 4 * (unsigned long)size / MEMORY_PER_REQUEST;
    return n < 8 ? 8 : n > 4096 ? 4096 : (unsigned)n;
}

static struct options parse_options(int argc, char **argv)
{
    struct options o = {
        .root = "/www",
        .port = 8080,
        .max_connections = 4096,
        .max_requests = default_requests(),
        .max_body = 65536,
        .limit_ms = { [WAIT_IDLE] = 15000, [WAIT_HEAD] = 10000, [WAIT_SEND] = 30000,
                      [WAIT_LINGER] = 2000 },
        .grace_ms = 10000,
        .listing = true,
        .metrics = true,
    };
    for (int i = 1; i < argc; i++) {
        char c = argv[i][0] == '-' ? argv[i][1] : '\0';
        bool has_value = c != '\0' && strchr("rpcnktwgb", c) != NULL;
        const char *value = has_value ? value_of(argv, &i) : "";
        switch (c) {
        case 'r': o.root = value; break;
        case 'p': o.port = number(c, value, 1, 65535); break;
        case 'c': o.max_connections = number(c, value, 1, 1000000); break;
        case 'n': o.max_requests = number(c, value, 1, 1000000); break;
        case 'k': o.limit_ms[WAIT_IDLE] = number(c, value, 1, 86400) * 1000; break;
        case 't': o.limit_ms[WAIT_HEAD] = number(c, value, 1, 86400) * 1000; break;
        case 'w': o.limit_ms[WAIT_SEND] = number(c, value, 1, 86400) * 1000; break;
        case 'g': o.grace_ms = number(c, value, 0, 86400) * 1000; break;
        case 'b': o.max_body = number(c, value, 0, INT_MAX); break;
        case '4': o.ipv4_only = true; break;
        case 'L': o.listing = false; break;
        case 'M': o.metrics = false; break;
        case 'l': o.log = true; break;
        case 'h': usage(STDOUT_FILENO, 0);
        default:
            text_say("%s: there is no such option", argv[i]);
            usage(STDERR_FILENO, 2);
        }
        if (!has_value && argv[i][2] != '\0') {
            text_say("%s: one option a word, please", argv[i]);
            usage(STDERR_FILENO, 2);
        }
    }
    return o;
}

int main(int argc, char **argv)
{
    static struct server server;
    struct options o = parse_options(argc, argv);
    if (server_open(&server, &o) < 0) {
        return 1;
    }
    stop_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (stop_fd < 0) {
        text_say("eventfd: %s", strerror(errno));
        return 1;
    }
    signal(SIGPIPE, SIG_IGN);
    signal(SIGTERM, on_stop);
    signal(SIGINT, on_stop);
    text_say("serving %s on port %u", o.root, o.port);
    int status = server_run(&server, stop_fd);
    if (status == 0) {
        text_say("stopped");
    }
    return status;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * httpd: serves a folder by HTTP/1.1, event driven, in one thread. The user's manual is
 * docs/httpd.md. It is ordinary POSIX with epoll and sendfile, so that it runs on Linux as well;
 * only machine.c is Pith's.
 */
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "server.h"

const char text_program[] = "httpd";

#define MEMORY_PER_REQUEST (64u * 1024) /* its buffers and those of its socket */

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
        case 'p': o.port = command_number(c, value, 1, 65535); break;
        case 'c': o.max_connections = command_number(c, value, 1, 1000000); break;
        case 'n': o.max_requests = command_number(c, value, 1, 1000000); break;
        case 'k': o.limit_ms[WAIT_IDLE] = command_number(c, value, 1, 86400) * 1000; break;
        case 't': o.limit_ms[WAIT_HEAD] = command_number(c, value, 1, 86400) * 1000; break;
        case 'w': o.limit_ms[WAIT_SEND] = command_number(c, value, 1, 86400) * 1000; break;
        case 'g': o.grace_ms = command_number(c, value, 0, 86400) * 1000; break;
        case 'b': o.max_body = command_number(c, value, 0, INT_MAX); break;
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
    return command_serve(&server, o.root);
}

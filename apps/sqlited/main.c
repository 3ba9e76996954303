/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sqlited: a SQLite database by HTTP. The user's manual is docs/sqlite.md.
 *
 * One thread talks to the clients (apps/httpd's server); some others, each with a connection to the
 * database of its own, make the answers (pool.c). Ordinary POSIX, so that it runs on Linux as well.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "command.h"
#include "pool.h"
#include "server.h"

const char text_program[] = "sqlited";

static const char usage_text[] =
    "usage: sqlited [options] [FILE]\n"
    "  FILE     the database, made where there is none (/data.db)\n"
    "  -p PORT  to listen on (8080)\n"
    "  -c N     connections at most (1024)\n"
    "  -n N     requests that are worked on at a time (4)\n"
    "  -s SEC   a request may work for (5)\n"
    "  -b BYTES largest body of a request (1048576)\n"
    "  -o BYTES largest answer (4194304)\n"
    "  -g SEC   on SIGTERM, time for what is under way (10)\n"
    "  -j KIND  journal: wal, or delete for a rollback journal (wal)\n"
    "  -M       no /metrics\n"
    "  -l       log requests on stderr\n";

static _Noreturn void usage(int to, int status)
{
    exit(write(to, usage_text, sizeof(usage_text) - 1) < 0 ? 1 : status);
}

static enum journal journal(const char *name)
{
    if (strcmp(name, "wal") != 0 && strcmp(name, "delete") != 0) {
        text_say("-j %s: wal or delete is wanted", name);
        exit(2);
    }
    return strcmp(name, "wal") == 0 ? JOURNAL_WAL : JOURNAL_DELETE;
}

static void parse_options(int argc, char **argv, struct options *o, struct pool_options *p)
{
    int c;
    while ((c = getopt(argc, argv, "p:c:n:s:b:o:g:j:Mlh")) != -1) {
        switch (c) {
        case 'p': o->port = command_number(c, optarg, 1, 65535); break;
        case 'c': o->max_connections = command_number(c, optarg, 1, 1000000); break;
        case 'n': p->threads = command_number(c, optarg, 1, POOL_THREADS_MAX); break;
        case 's': p->seconds = command_number(c, optarg, 1, 86400); break;
        case 'b': o->max_body = command_number(c, optarg, 0, 256 << 20); break;
        case 'o': p->max_answer = command_number(c, optarg, 4096, 256 << 20); break;
        case 'g': o->grace_ms = command_number(c, optarg, 0, 86400) * 1000; break;
        case 'j': p->journal = journal(optarg); break;
        case 'M': o->metrics = false; break;
        case 'l': o->log = true; break;
        case 'h': usage(STDOUT_FILENO, 0);
        default: usage(STDERR_FILENO, 2);
        }
    }
    if (argc - optind > 1) {
        text_say("%s: one database, please", argv[optind + 1]);
        usage(STDERR_FILENO, 2);
    }
    p->file = optind < argc ? argv[optind] : "/data.db";
}

int main(int argc, char **argv)
{
    static struct server server;
    struct options o = {
        .root = "/", /* the server wants some folder */
        .port = 8080,
        .max_connections = 1024,
        .max_requests = 64,
        .max_body = 1u << 20,
        .keep_body = true,
        .work = pool_collect,
        .limit_ms = { [WAIT_IDLE] = 15000, [WAIT_HEAD] = 10000, [WAIT_SEND] = 30000,
                      [WAIT_LINGER] = 2000 },
        .grace_ms = 10000,
        .metrics = true,
    };
    struct pool_options p = { .threads = 4, .seconds = 5, .max_answer = 4u << 20 };
    parse_options(argc, argv, &o, &p);
    int done_fd = pool_open(&p);
    if (done_fd < 0 || server_open(&server, &o) < 0) {
        return 1;
    }
    struct epoll_event e = { .events = EPOLLIN, .data.ptr = &server.opt.work };
    if (epoll_ctl(server.epoll_fd, EPOLL_CTL_ADD, done_fd, &e) < 0) {
        text_say("epoll: %s", strerror(errno));
        return 1;
    }
    int status = command_serve(&server, p.file);
    pool_close();
    return status;
}

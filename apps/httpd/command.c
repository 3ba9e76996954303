/* SPDX-License-Identifier: BSD-2-Clause */
/* Options that are numbers, and serving until a signal ends it. */
#include "command.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "server.h"

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

unsigned command_number(int option, const char *text, unsigned long low, unsigned long high)
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

int command_serve(struct server *s, const char *what)
{
    stop_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (stop_fd < 0) {
        text_say("eventfd: %s", strerror(errno));
        return 1;
    }
    signal(SIGPIPE, SIG_IGN);
    signal(SIGTERM, on_stop);
    signal(SIGINT, on_stop);
    text_say("serving %s on port %u", what, s->opt.port);
    int status = server_run(s, stop_fd);
    if (status == 0) {
        text_say("stopped");
    }
    return status;
}

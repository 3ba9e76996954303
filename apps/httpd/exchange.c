/* SPDX-License-Identifier: BSD-2-Clause */
/* The buffers of one request and its response, while they are under way. */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "server.h"

void exchange_init(struct exchange *x)
{
    x->in_len = x->seen = 0;
    x->body_left = 0;
    x->body = NULL;
    x->line[0] = '\0';
    response_init(&x->out);
}

int exchange_parse(struct exchange *x, size_t n)
{
    int refused = request_parse(x->in, n, &x->request);
    size_t line = x->request.line.n;
    line = line < sizeof(x->line) - 1 ? line : sizeof(x->line) - 1;
    if (line > 0) {
        memcpy(x->line, x->request.line.p, line);
    }
    x->line[line] = '\0';
    x->head_len = n;
    return refused;
}

void exchange_cut(struct exchange *x, size_t at, size_t n)
{
    x->in_len -= n;
    memmove(x->in + at, x->in + at + n, x->in_len - at);
    x->seen = 0;
}

bool exchange_begin_body(struct exchange *x)
{
    size_t want = (size_t)x->request.body, here = x->in_len - x->head_len;
    x->body_len = here < want ? here : want;
    x->body = malloc(want + 1);
    if (x->body == NULL) {
        return false;
    }
    memcpy(x->body, x->in + x->head_len, x->body_len);
    x->body[want] = '\0';
    exchange_cut(x, x->head_len, x->body_len);
    return true;
}

void exchange_end_request(struct exchange *x)
{
    exchange_cut(x, 0, x->head_len);
    free(x->body);
    x->body = NULL;
}

void exchange_log(const struct exchange *x, const struct in6_addr *client)
{
    char peer[INET6_ADDRSTRLEN] = "?", line[4 * sizeof(x->line)];
    struct text t;
    inet_ntop(AF_INET6, client, peer, sizeof(peer));
    text_fixed(&t, line, sizeof(line));
    for (const char *p = x->line; *p != '\0'; p++) {
        if (*p >= ' ' && *p <= '~' && *p != '"' && *p != '\\') {
            text_printf(&t, "%c", *p);
        } else {
            text_printf(&t, "\\x%02x", (unsigned char)*p);
        }
    }
    text_say("%s \"%s\" %d %lu", peer, line, x->out.status, (unsigned long)x->out.sent);
}

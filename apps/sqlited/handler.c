/* SPDX-License-Identifier: BSD-2-Clause */
/* What the server's own thread answers; all that concerns the database goes to the pool. */
#include <stdlib.h>

#include "pool.h"
#include "server.h"

#define ALLOW "Allow: GET, HEAD, POST, PUT, DELETE, OPTIONS\r\n"
#define METRICS_MAX (128u * 1024)
#define HELP_MAX    4096u

static const char help[] =
    "GET    /sql?q=SELECT...    rows as JSON; &NAME=TEXT binds :NAME, &1=TEXT binds ?1\n"
    "POST   /sql                the body is SQL, or {\"sql\": \"...\", \"params\": [...] or {...}}\n"
    "GET    /kv/KEY             the value, as it was put\n"
    "PUT    /kv/KEY             the body becomes the value\n"
    "DELETE /kv/KEY\n"
    "GET    /metrics\n";

static void answer_text(struct response *out, const char *type, struct text *page)
{
    if (page->failed) {
        free(page->p);
        response_error(out, 503, NULL);
        return;
    }
    response_begin(out, 200);
    response_finish_memory(out, type, page);
}

bool handle_request(struct conn *c, const struct request *r, struct response *out)
{
    bool get = r->method == METHOD_GET || r->method == METHOD_HEAD;
    struct text page;
    if (r->method == METHOD_UNKNOWN) {
        response_error(out, 501, NULL);
    } else if (r->method == METHOD_OTHER) {
        response_error(out, 405, ALLOW);
    } else if (r->method == METHOD_OPTIONS) {
        response_begin(out, 204);
        text_add(&out->head, ALLOW "\r\n");
    } else if (get && slice_is(r->target, "/")) {
        text_heap(&page, HELP_MAX);
        text_add(&page, help);
        answer_text(out, "text/plain; charset=utf-8", &page);
    } else if (get && c->server->opt.metrics && slice_is(r->target, "/metrics")) {
        text_heap(&page, METRICS_MAX);
        metrics_page(c->server, &page);
        answer_text(out, "text/plain; version=0.0.4; charset=utf-8", &page);
    } else {
        pool_submit(c);
        return false;
    }
    return true;
}

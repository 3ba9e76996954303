/* SPDX-License-Identifier: BSD-2-Clause */
/* Responses: their heads, the pages for errors, and sending. */
#include "response.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "date.h"

#define ERROR_PAGE_MAX 512u
#define TURN_BYTES     (1024u * 1024) /* of a file, before other connections get their turn */

static const struct {
    int status;
    const char *reason;
} reasons[] = {
    { 200, "OK" },
    { 204, "No Content" },
    { 206, "Partial Content" },
    { 301, "Moved Permanently" },
    { 304, "Not Modified" },
    { 400, "Bad Request" },
    { 403, "Forbidden" },
    { 404, "Not Found" },
    { 405, "Method Not Allowed" },
    { 408, "Request Timeout" },
    { 409, "Conflict" },
    { 411, "Length Required" },
    { 412, "Precondition Failed" },
    { 413, "Content Too Large" },
    { 414, "URI Too Long" },
    { 416, "Range Not Satisfiable" },
    { 417, "Expectation Failed" },
    { 422, "Unprocessable Content" },
    { 431, "Request Header Fields Too Large" },
    { 500, "Internal Server Error" },
    { 501, "Not Implemented" },
    { 503, "Service Unavailable" },
    { 505, "HTTP Version Not Supported" },
    { 507, "Insufficient Storage" },
};

const char *response_reason(int status)
{
    for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
        if (reasons[i].status == status) {
            return reasons[i].reason;
        }
    }
    return "Unknown";
}

void response_init(struct response *r)
{
    r->body = NULL;
    r->fd = -1;
    r->head_sent = r->body_len = r->body_sent = 0;
    r->at = r->end = 0;
    r->sent = 0;
    r->head_only = false;
    text_fixed(&r->head, r->head_room, sizeof(r->head_room));
}

/* The date is written anew once a second. */
static const char *date_now(void)
{
    static char text[DATE_SIZE];
    static time_t written = -1;
    time_t now = time(NULL);
    if (now != written) {
        date_format(now, text);
        written = now;
    }
    return text;
}

void response_begin(struct response *r, int status)
{
    r->status = status;
    text_fixed(&r->head, r->head_room, sizeof(r->head_room));
    text_printf(&r->head, "HTTP/1.1 %d %s\r\nDate: %s\r\nServer: Pith\r\nConnection: %s\r\n",
                status, response_reason(status), date_now(),
                r->keep_alive ? "keep-alive" : "close");
}

void response_finish_memory(struct response *r, const char *type, struct text *body)
{
    text_printf(&r->head, "Content-Type: %s\r\nContent-Length: %zu\r\n\r\n", type, body->len);
    if (r->head_only) {
        free(body->p);
        return;
    }
    r->body = body->p;
    r->body_len = body->len;
}

void response_finish_file(struct response *r, int fd, off_t at, off_t end)
{
    text_add(&r->head, "\r\n");
    if (r->head_only) {
        close(fd);
        return;
    }
    r->fd = fd;
    r->at = at;
    r->end = end;
}

void response_error(struct response *r, int status, const char *field)
{
    struct text page;
    const char *reason = response_reason(status);
    response_begin(r, status);
    if (field != NULL) {
        text_add(&r->head, field);
    }
    text_heap(&page, ERROR_PAGE_MAX);
    text_printf(&page,
                "<!DOCTYPE html>\n<html lang=\"en\"><head><title>%d %s</title></head>\n"
                "<body><h1>%d %s</h1></body></html>\n",
                status, reason, status, reason);
    response_finish_memory(r, "text/html; charset=utf-8", &page); /* without memory: no page */
}

/* Send the head, and the body that lies in memory. */
static ssize_t send_memory(struct response *r, int sock)
{
    struct iovec v[2] = {
        { r->head.p + r->head_sent, r->head.len - r->head_sent },
        { NULL, 0 },
    };
    if (r->body_len > 0) {
        v[1].iov_base = r->body + r->body_sent;
        v[1].iov_len = r->body_len - r->body_sent;
    }
    struct msghdr message = { .msg_iov = v, .msg_iovlen = r->body_len > 0 ? 2 : 1 };
    /* With a file behind it the head waits for it, so that both go in one segment. */
    ssize_t n = sendmsg(sock, &message, MSG_NOSIGNAL | (r->at < r->end ? MSG_MORE : 0));
    if (n <= 0) {
        return n;
    }
    size_t of_head = (size_t)n < v[0].iov_len ? (size_t)n : v[0].iov_len;
    r->head_sent += of_head;
    r->body_sent += (size_t)n - of_head;
    return n;
}

static enum response_progress failed(ssize_t n)
{
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) {
        return RESPONSE_BLOCKED;
    }
    return RESPONSE_BROKEN; /* sendfile() says 0 where a file has become shorter */
}

enum response_progress response_send(struct response *r, int sock, bool *moved)
{
    off_t turn = 0;
    *moved = false;
    while (r->head_sent < r->head.len || r->body_sent < r->body_len) {
        ssize_t n = send_memory(r, sock);
        if (n <= 0) {
            return failed(n);
        }
        r->sent += (uint64_t)n;
        *moved = true;
    }
    while (r->at < r->end) {
        if (turn >= (off_t)TURN_BYTES) {
            return RESPONSE_PAUSED;
        }
        off_t left = r->end - r->at;
        size_t len = left < (off_t)TURN_BYTES ? (size_t)left : TURN_BYTES;
        ssize_t n = sendfile(sock, r->fd, &r->at, len);
        if (n <= 0) {
            return failed(n);
        }
        r->sent += (uint64_t)n;
        turn += n;
        *moved = true;
    }
    return RESPONSE_DONE;
}

void response_free(struct response *r)
{
    free(r->body);
    r->body = NULL;
    if (r->fd >= 0) {
        close(r->fd);
        r->fd = -1;
    }
}

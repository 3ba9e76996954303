/* SPDX-License-Identifier: BSD-2-Clause */
/* From a request to its response: files, directories, /metrics, and refusals. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "condition.h"
#include "date.h"
#include "mime.h"
#include "server.h"
#include "target.h"

#define ALLOW "Allow: GET, HEAD, OPTIONS\r\n"
#define METRICS_MAX (128u * 1024)
#define LISTING_MAX (128u * 1024)

/* What a failed open() means to the client. */
static int status_of(int error)
{
    switch (error) {
    case ENOENT:
    case ENOTDIR:
    case ENAMETOOLONG:
    case ELOOP:
    case ENXIO:
    case ENODEV:
        return 404;
    case EACCES:
    case EPERM:
        return 403;
    case ENOMEM:
    case EMFILE:
    case ENFILE:
        return 503;
    default:
        return 500;
    }
}

/*
 * Open below `dir`. O_NONBLOCK, because opening a FIFO would wait for its writer. Returns the
 * descriptor, or -status.
 */
static int open_below(int dir, const char *path, struct stat *st)
{
    int fd = openat(dir, path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0) {
        return -status_of(errno);
    }
    if (fstat(fd, st) < 0) {
        close(fd);
        return -500;
    }
    return fd;
}

/* A page from the heap, where it could be made. */
static void answer_page(struct response *out, const char *type, struct text *page)
{
    if (page->failed && page->len == 0) {
        free(page->p);
        response_error(out, 503, NULL);
        return;
    }
    response_begin(out, 200);
    text_add(&out->head, "Cache-Control: no-store\r\n");
    response_finish_memory(out, type, page);
}

static void answer_file(const struct request *r, struct response *out, int fd,
                        const struct stat *st, const char *path)
{
    struct validator v;
    uint64_t size = (uint64_t)st->st_size, first = 0, end = size;
    char modified[DATE_SIZE];
    validator_make(&v, size, st->st_mtim.tv_sec, st->st_mtim.tv_nsec);
    date_format(st->st_mtim.tv_sec, modified);
    int status = condition_check(r, &v);
    if (status == 200) {
        status = condition_range(r, &v, size, &first, &end);
    }
    if (status == 412 || status == 416) {
        char field[64];
        struct text t;
        text_fixed(&t, field, sizeof(field));
        text_printf(&t, "Content-Range: bytes */%" PRIu64 "\r\n", size);
        close(fd);
        response_error(out, status, status == 416 ? field : NULL);
        return;
    }
    response_begin(out, status);
    text_printf(&out->head, "Last-Modified: %s\r\nETag: %s\r\nAccept-Ranges: bytes\r\n", modified,
                v.etag);
    if (status == 304) {
        text_add(&out->head, "\r\n");
        close(fd);
        return;
    }
    if (status == 206) {
        text_printf(&out->head, "Content-Range: bytes %" PRIu64 "-%" PRIu64 "/%" PRIu64 "\r\n",
                    first, end - 1, size);
    }
    text_printf(&out->head,
                "Content-Type: %s\r\nContent-Length: %" PRIu64 "\r\n"
                "X-Content-Type-Options: nosniff\r\n",
                mime_type(path), end - first);
    response_finish_file(out, fd, (off_t)first, (off_t)end);
}

/* The same with a slash behind it, which the links of a page in it need. */
static void answer_redirect(struct response *out, const struct target *t)
{
    char encoded[3 * TARGET_PATH_MAX + 2];
    target_encode(t->path, true, encoded, sizeof(encoded));
    size_t query = t->query.n <= 512 ? t->query.n : 0;
    response_begin(out, 301);
    text_printf(&out->head, "Location: %s%s%.*s\r\nContent-Length: 0\r\n\r\n", encoded,
                query > 0 ? "?" : "", (int)query, query > 0 ? t->query.p : "");
}

static void answer_directory(struct server *s, const struct request *r, struct response *out,
                             int fd, const struct target *t)
{
    struct stat st;
    int index = open_below(fd, "index.html", &st);
    if (index >= 0 && S_ISREG(st.st_mode)) {
        close(fd);
        answer_file(r, out, index, &st, "index.html");
        return;
    }
    if (index >= 0) {
        close(index);
    }
    if (!s->opt.listing) {
        close(fd);
        response_error(out, 403, NULL);
        return;
    }
    struct text page;
    text_heap(&page, LISTING_MAX);
    int error = listing_page(fd, t->path, &page);
    if (error < 0) {
        response_error(out, status_of(-error), NULL);
        return;
    }
    answer_page(out, "text/html; charset=utf-8", &page);
}

static void answer_path(struct server *s, const struct request *r, struct response *out)
{
    struct target t;
    struct stat st;
    int refused = target_parse(r->target, &t);
    if (refused != 0) {
        response_error(out, refused, NULL);
        return;
    }
    if (s->opt.metrics && strcmp(t.path, "metrics") == 0 && !t.directory) {
        struct text page;
        text_heap(&page, METRICS_MAX);
        metrics_page(s, &page);
        answer_page(out, "text/plain; version=0.0.4; charset=utf-8", &page);
        return;
    }
    int fd = open_below(s->root_fd, t.path, &st);
    if (fd < 0) {
        response_error(out, -fd, NULL);
    } else if (S_ISDIR(st.st_mode) && t.directory) {
        answer_directory(s, r, out, fd, &t);
    } else if (S_ISDIR(st.st_mode)) {
        close(fd);
        answer_redirect(out, &t);
    } else if (S_ISREG(st.st_mode) && !t.directory) {
        answer_file(r, out, fd, &st, t.path);
    } else {
        close(fd); /* devices and their like, and "file/" */
        response_error(out, 404, NULL);
    }
}

bool handle_request(struct conn *c, const struct request *r, struct response *out)
{
    switch (r->method) {
    case METHOD_UNKNOWN:
        response_error(out, 501, NULL);
        break;
    default:
        response_error(out, 405, ALLOW);
        break;
    case METHOD_OPTIONS:
        response_begin(out, 204);
        text_add(&out->head, ALLOW "\r\n");
        break;
    case METHOD_GET:
    case METHOD_HEAD:
        answer_path(c->server, r, out);
        break;
    }
    return true;
}

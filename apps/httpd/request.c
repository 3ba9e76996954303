/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The parser of request heads. Where the standard lets a server choose between forgiving and
 * refusing, it refuses: a proxy in front that understands such bytes otherwise could be led astray
 * ("request smuggling", RFC 9112, 11.2).
 */
#include "request.h"

/* RFC 9110, 5.6.2: what names and methods are made of. */
static bool is_token_char(unsigned char c)
{
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')) {
        return true;
    }
    return c != 0 && strchr("!#$%&'*+-.^_`|~", c) != NULL;
}

static bool is_token(struct slice s)
{
    for (size_t i = 0; i < s.n; i++) {
        if (!is_token_char((unsigned char)s.p[i])) {
            return false;
        }
    }
    return s.n > 0;
}

long request_find_end(const char *buf, size_t len, size_t seen)
{
    /* An end may have begun in what was seen: CR LF CR is three bytes. */
    for (size_t i = seen; i < len; i++) {
        unsigned char c = (unsigned char)buf[i];
        if (i > 0 && buf[i - 1] == '\r' && c != '\n') {
            return -1;
        }
        if (c == '\n') {
            if (i == 0 || buf[i - 1] != '\r') {
                return -1;
            }
            if (i >= 3 && buf[i - 2] == '\n') {
                return (long)i + 1;
            }
        } else if ((c < 0x20 && c != '\t' && c != '\r') || c == 0x7f) {
            return -1;
        }
    }
    return 0;
}

static enum method method_of(struct slice s)
{
    static const struct {
        const char *name;
        enum method method;
    } known[] = {
        { "GET", METHOD_GET },       { "HEAD", METHOD_HEAD },     { "OPTIONS", METHOD_OPTIONS },
        { "POST", METHOD_POST },     { "PUT", METHOD_PUT },       { "DELETE", METHOD_DELETE },
        { "PATCH", METHOD_OTHER },   { "TRACE", METHOD_OTHER },   { "CONNECT", METHOD_OTHER },
    };
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (slice_is(s, known[i].name)) {
            return known[i].method;
        }
    }
    return METHOD_UNKNOWN;
}

/* "HTTP/1.1", RFC 9112, 2.3. Returns 0 or the status. */
static int parse_version(struct slice s, unsigned *minor)
{
    if (s.n != 8 || memcmp(s.p, "HTTP/", 5) != 0 || s.p[6] != '.' || s.p[5] < '0' || s.p[5] > '9' ||
        s.p[7] < '0' || s.p[7] > '9') {
        return 400;
    }
    *minor = s.p[7] == '0' ? 0 : 1;
    return s.p[5] == '1' ? 0 : 505;
}

static int parse_line(struct slice line, struct request *r)
{
    if (line.n > REQUEST_LINE_MAX) {
        return 414;
    }
    const char *first = memchr(line.p, ' ', line.n);
    if (first == NULL) {
        return 400;
    }
    struct slice method = { line.p, (size_t)(first - line.p) };
    struct slice rest = slice_skip(line, method.n + 1);
    const char *second = rest.n > 0 ? memchr(rest.p, ' ', rest.n) : NULL;
    if (!is_token(method) || second == NULL) {
        return 400; /* without a version it would be HTTP/0.9 */
    }
    r->target = (struct slice){ rest.p, (size_t)(second - rest.p) };
    for (size_t i = 0; i < r->target.n; i++) {
        if (r->target.p[i] <= ' ' || r->target.p[i] > '~') {
            return 400;
        }
    }
    int refused = parse_version(slice_skip(rest, r->target.n + 1), &r->minor);
    if (refused != 0) {
        return refused;
    }
    r->method = method_of(method);
    return r->target.n > 0 ? 0 : 400;
}

/* Digits alone; the limit keeps the sum from wrapping. */
static bool parse_number(struct slice s, uint64_t *out)
{
    uint64_t v = 0;
    if (s.n == 0 || s.n > 18) {
        return false;
    }
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] < '0' || s.p[i] > '9') {
            return false;
        }
        v = v * 10 + (uint64_t)(s.p[i] - '0');
    }
    *out = v;
    return true;
}

/* What has been met so far, for what only the end of the head can judge. */
struct seen {
    bool host, length, coding, keep_alive, close;
};

static void parse_connection(struct slice value, struct seen *seen)
{
    struct slice option;
    while (slice_next(&value, &option)) {
        seen->close = seen->close || slice_is_nocase(option, "close");
        seen->keep_alive = seen->keep_alive || slice_is_nocase(option, "keep-alive");
    }
}

/* The fields that frame the message, where a second one would make two opinions of its length. */
static int parse_framing(struct slice name, struct slice value, struct request *r,
                         struct seen *seen)
{
    if (slice_is_nocase(name, "host")) {
        bool again = seen->host;
        seen->host = true;
        r->host = value;
        return again || memchr(value.p, ' ', value.n) != NULL ? 400 : 0;
    }
    if (slice_is_nocase(name, "content-length")) {
        bool again = seen->length;
        seen->length = true;
        return again || !parse_number(value, &r->body) ? 400 : 0;
    }
    if (slice_is_nocase(name, "transfer-encoding")) {
        seen->coding = true;
    } else if (slice_is_nocase(name, "connection")) {
        parse_connection(value, seen);
    } else if (slice_is_nocase(name, "expect")) {
        r->expects_continue = slice_is_nocase(value, "100-continue");
        return r->expects_continue ? 0 : 417;
    }
    return 0;
}

/* The fields that are only kept; of a repeated one the first counts. */
static void keep_field(struct slice name, struct slice value, struct request *r)
{
    const struct {
        const char *name;
        struct slice *to;
    } kept[] = {
        { "range", &r->range },
        { "if-range", &r->if_range },
        { "if-match", &r->if_match },
        { "if-none-match", &r->if_none_match },
        { "if-modified-since", &r->if_modified_since },
        { "if-unmodified-since", &r->if_unmodified_since },
    };
    for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++) {
        if (kept[i].to->p == NULL && slice_is_nocase(name, kept[i].name)) {
            *kept[i].to = value;
            return;
        }
    }
}

static int parse_field(struct slice line, struct request *r, struct seen *seen)
{
    const char *colon = memchr(line.p, ':', line.n);
    struct slice name = { line.p, colon != NULL ? (size_t)(colon - line.p) : 0 };
    if (!is_token(name)) {
        return 400; /* also a folded line, and a space before the colon: RFC 9112, 5.1 and 5.2 */
    }
    struct slice value = slice_trim(slice_skip(line, name.n + 1));
    keep_field(name, value, r);
    return parse_framing(name, value, r, seen);
}

/* What holds for the head as a whole. */
static int judge(struct request *r, const struct seen *seen)
{
    if (r->minor >= 1 && !seen->host) {
        return 400;
    }
    if (seen->coding) {
        return seen->length || r->minor == 0 ? 400 : 411; /* RFC 9112, 6.1 */
    }
    r->keep_alive = !seen->close && (r->minor >= 1 || seen->keep_alive);
    return 0;
}

int request_parse(const char *head, size_t len, struct request *r)
{
    struct slice rest = { head, len };
    struct seen seen = { 0 };
    *r = (struct request){ .method = METHOD_UNKNOWN };
    for (unsigned n = 0; rest.n > 2; n++) {
        const char *end = memchr(rest.p, '\r', rest.n);
        if (end == NULL) {
            return 400;
        }
        struct slice line = { rest.p, (size_t)(end - rest.p) };
        rest = rest.n >= line.n + 2 ? slice_skip(rest, line.n + 2) : (struct slice){ end, 0 };
        int refused;
        if (n == 0) {
            r->line = line;
            refused = parse_line(line, r);
        } else {
            refused = n > REQUEST_FIELDS_MAX ? 431 : parse_field(line, r, &seen);
        }
        if (refused != 0) {
            return refused;
        }
    }
    return judge(r, &seen);
}

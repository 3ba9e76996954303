/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Targets of requests. Everything is decoded once, before segments are looked at, so that no way of
 * writing ".." or "/" gets past; RFC 3986, 2.4 (when to decode) and 5.2.4 (dot segments).
 */
#include "target.h"

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Decode one character of *s; -1 where it is malformed. */
static int decode_one(struct slice *s)
{
    int c = (unsigned char)s->p[0];
    size_t used = 1;
    if (c == '%') {
        int high = s->n >= 3 ? hex_digit(s->p[1]) : -1;
        int low = s->n >= 3 ? hex_digit(s->p[2]) : -1;
        if (high < 0 || low < 0) {
            return -1;
        }
        c = high << 4 | low;
        used = 3;
    }
    *s = slice_skip(*s, used);
    return c < 0x20 || c == 0x7f ? -1 : c;
}

/* A segment that has just ended: 0, or why it is refused. */
static int judge_segment(const char *p, size_t n)
{
    if (n == 2 && p[0] == '.' && p[1] == '.') {
        return 400;
    }
    if (n > 0 && p[0] == '.' && !slice_is((struct slice){ p, n }, ".well-known")) {
        return 404; /* .git, .htaccess and their like are not for the public */
    }
    return 0;
}

/* The path in `raw`, which begins with a slash, into t->path. */
static int decode_path(struct slice raw, struct target *t)
{
    size_t n = 0, segment = 0; /* where the last segment begins in t->path */
    t->directory = true;
    for (;;) {
        bool end = raw.n == 0;
        int c = end ? '/' : decode_one(&raw);
        if (c < 0) {
            return 400;
        }
        if (c != '/') {
            if (n + 2 > sizeof(t->path)) {
                return 414;
            }
            t->path[n++] = (char)c;
            t->directory = false;
            continue;
        }
        bool here = n - segment == 1 && t->path[segment] == '.';
        int refused = here ? 0 : judge_segment(t->path + segment, n - segment);
        if (refused != 0) {
            return refused;
        }
        if (here) {
            n = segment; /* "/./" is "/" */
        }
        if (end) {
            t->directory = n == segment;
            break;
        }
        if (n > segment) { /* and "//" too */
            if (n + 2 > sizeof(t->path)) {
                return 414;
            }
            t->path[n++] = '/';
            segment = n;
        }
    }
    while (n > 0 && t->path[n - 1] == '/') {
        n--;
    }
    if (n == 0) {
        t->path[n++] = '.';
    }
    t->path[n] = '\0';
    return 0;
}

int target_parse(struct slice raw, struct target *t)
{
    static const char *const schemes[] = { "http://", "https://" };
    *t = (struct target){ .directory = false };
    for (size_t i = 0; i < 2; i++) {
        if (slice_starts_nocase(raw, schemes[i])) {
            raw = slice_skip(raw, strlen(schemes[i]));
            size_t authority = 0;
            while (authority < raw.n && raw.p[authority] != '/' && raw.p[authority] != '?') {
                authority++;
            }
            raw = slice_skip(raw, authority);
            if (authority == 0) {
                return 400;
            }
            break;
        }
    }
    const char *question = raw.n > 0 ? memchr(raw.p, '?', raw.n) : NULL;
    if (question != NULL) {
        size_t n = (size_t)(question - raw.p);
        t->query = slice_skip(raw, n + 1);
        raw.n = n;
    }
    if (raw.n > 0 && raw.p[0] != '/') {
        return 400;
    }
    return decode_path(raw, t);
}

static void put(char *out, size_t cap, size_t *n, const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (*n + 1 < cap) {
            out[*n] = text[i];
        }
        *n += 1;
    }
    if (cap > 0) {
        out[*n < cap ? *n : cap - 1] = '\0';
    }
}

size_t target_encode(const char *path, bool directory, char *out, size_t cap)
{
    static const char hex[] = "0123456789ABCDEF";
    size_t n = 0;
    put(out, cap, &n, "/", 1);
    if (strcmp(path, ".") == 0) {
        return n;
    }
    for (const char *p = path; *p != '\0'; p++) {
        unsigned char c = (unsigned char)*p;
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                     strchr("/-._~", c) != NULL;
        char code[3] = { '%', hex[c >> 4], hex[c & 15] };
        put(out, cap, &n, plain ? p : code, plain ? 1 : 3);
    }
    if (directory) {
        put(out, cap, &n, "/", 1);
    }
    return n;
}

size_t text_escape(const char *text, char *out, size_t cap)
{
    static const struct {
        char c;
        const char *as;
    } references[] = {
        { '&', "&amp;" }, { '<', "&lt;" }, { '>', "&gt;" }, { '"', "&quot;" }, { '\'', "&#39;" },
    };
    size_t n = 0;
    put(out, cap, &n, "", 0);
    for (const char *p = text; *p != '\0'; p++) {
        const char *as = NULL;
        for (size_t i = 0; i < sizeof(references) / sizeof(references[0]); i++) {
            as = references[i].c == *p ? references[i].as : as;
        }
        put(out, cap, &n, as != NULL ? as : p, as != NULL ? strlen(as) : 1);
    }
    return n;
}

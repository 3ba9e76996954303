/* SPDX-License-Identifier: BSD-2-Clause */
/* Conditional requests (RFC 9110, 13) and ranges (14). */
#include "condition.h"

#include <inttypes.h>

#include "date.h"
#include "text.h"

void validator_make(struct validator *v, uint64_t size, time_t seconds, long nanoseconds)
{
    v->modified = seconds;
    struct text t;
    text_fixed(&t, v->etag, sizeof(v->etag));
    text_printf(&t, "\"%" PRIx64 "-%" PRIx64 "-%lx\"", size, (uint64_t)seconds,
                (unsigned long)nanoseconds);
}

/*
 * Is the tag in the list? `weak`: W/"x" counts as "x" (8.8.3.2). Tags may contain commas, so quotes
 * are what ends one.
 */
static bool tag_listed(struct slice list, const char *etag, bool weak)
{
    size_t n = strlen(etag);
    list = slice_trim(list);
    if (slice_is(list, "*")) {
        return true;
    }
    while (list.n > 0) {
        bool is_weak = list.n >= 2 && memcmp(list.p, "W/", 2) == 0;
        struct slice tag = is_weak ? slice_skip(list, 2) : list;
        const char *end = tag.n >= 2 && tag.p[0] == '"' ? memchr(tag.p + 1, '"', tag.n - 1) : NULL;
        if (end == NULL) {
            return false; /* malformed from here on */
        }
        size_t len = (size_t)(end - tag.p) + 1;
        if (len == n && memcmp(tag.p, etag, n) == 0 && (weak || !is_weak)) {
            return true;
        }
        list = slice_skip(tag, len);
        while (list.n > 0 && (list.p[0] == ',' || list.p[0] == ' ' || list.p[0] == '\t')) {
            list = slice_skip(list, 1);
        }
    }
    return false;
}

int condition_check(const struct request *r, const struct validator *v)
{
    time_t when;
    if (r->if_match.p != NULL) {
        if (!tag_listed(r->if_match, v->etag, false)) {
            return 412;
        }
    } else if (date_parse(r->if_unmodified_since, &when) && v->modified > when) {
        return 412;
    }
    if (r->if_none_match.p != NULL) {
        return tag_listed(r->if_none_match, v->etag, true) ? 304 : 200;
    }
    if (date_parse(r->if_modified_since, &when) && v->modified <= when) {
        return 304;
    }
    return 200;
}

/* If-Range (13.1.5): the part is wanted only of the very same file. */
static bool same_file(const struct request *r, const struct validator *v)
{
    time_t when;
    if (r->if_range.p == NULL) {
        return true;
    }
    if (r->if_range.n > 0 && r->if_range.p[0] == '"') {
        return slice_is(r->if_range, v->etag);
    }
    return date_parse(r->if_range, &when) && when == v->modified;
}

/* Digits at the beginning of *s; false without any. Huge numbers stay huge. */
static bool take_number(struct slice *s, uint64_t *out)
{
    uint64_t v = 0;
    size_t n = 0;
    while (n < s->n && s->p[n] >= '0' && s->p[n] <= '9') {
        unsigned digit = (unsigned)(s->p[n] - '0');
        v = v > (UINT64_MAX - digit) / 10 ? UINT64_MAX : v * 10 + digit;
        n++;
    }
    *s = slice_skip(*s, n);
    *out = v;
    return n > 0;
}

int condition_range(const struct request *r, const struct validator *v, uint64_t size,
                    uint64_t *first, uint64_t *end)
{
    struct slice s = r->range;
    uint64_t a, b;
    *first = 0;
    *end = size;
    if (r->method != METHOD_GET || s.p == NULL || !slice_starts_nocase(s, "bytes=") ||
        !same_file(r, v)) {
        return 200;
    }
    s = slice_trim(slice_skip(s, strlen("bytes=")));
    bool has_a = take_number(&s, &a);
    if (s.n == 0 || s.p[0] != '-') {
        return 200;
    }
    s = slice_skip(s, 1);
    bool has_b = take_number(&s, &b);
    if (s.n > 0 || (!has_a && !has_b) || (has_a && has_b && b < a)) {
        return 200; /* several ranges, or none that is valid: the whole (14.2) */
    }
    if (!has_a) { /* the last b bytes */
        if (b == 0 || size == 0) {
            return 416;
        }
        *first = b < size ? size - b : 0;
        return 206;
    }
    if (a >= size) {
        return 416;
    }
    *first = a;
    *end = has_b && b < size - 1 ? b + 1 : size;
    return 206;
}

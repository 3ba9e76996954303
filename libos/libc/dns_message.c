/* SPDX-License-Identifier: BSD-2-Clause */
/* DNS messages (RFC 1035, 4): writing a question, reading an answer. */
#include "dns_message.h"

#include <string.h>

#define HEADER      12
#define LABEL_MAX   63
#define WIRE_MAX    255
#define CLASS_IN    1
#define TYPE_OPT    41
#define MAX_JUMPS   64  /* compression pointers followed in one name */
#define MAX_ALIASES 16  /* of a chain of CNAMEs */

/* Header, third byte and fourth (RFC 1035, 4.1.1). */
#define QR          0x80
#define OPCODE      0x78
#define TC          0x02
#define RD          0x01
#define RCODE       0x0f
#define RCODE_NAME  3

struct message {
    const uint8_t *data;
    size_t len;
};

struct record {
    const uint8_t *data;
    size_t at; /* of data, in the message */
    uint16_t type, class, len;
};

static uint16_t get16(const uint8_t *p)
{
    return (uint16_t)(p[0] << 8 | p[1]);
}

static uint8_t *put16(uint8_t *p, unsigned value)
{
    p[0] = (uint8_t)(value >> 8);
    p[1] = (uint8_t)value;
    return p + 2;
}

/* The name as labels; the byte behind it, or NULL. */
static uint8_t *put_name(uint8_t *p, const char *name)
{
    const uint8_t *begin = p;
    do {
        size_t len = strcspn(name, ".");
        if (len == 0 || len > LABEL_MAX || (size_t)(p - begin) + len + 2 > WIRE_MAX) {
            return NULL;
        }
        *p++ = (uint8_t)len;
        memcpy(p, name, len);
        p += len;
        name += len;
        name += *name == '.';
    } while (*name != '\0');
    *p++ = 0;
    return p;
}

int dns_question(uint8_t out[DNS_QUERY_MAX], uint16_t id, const char *name, uint16_t type)
{
    memset(out, 0, HEADER);
    put16(out, id);
    out[2] = RD;
    out[5] = 1;  /* one question */
    out[11] = 1; /* one additional record: EDNS (RFC 6891), that says how much we take */
    uint8_t *p = put_name(out + HEADER, name);
    if (p == NULL) {
        return -1;
    }
    p = put16(p, type);
    p = put16(p, CLASS_IN);
    *p++ = 0;
    p = put16(p, TYPE_OPT);
    p = put16(p, DNS_UDP_MAX);
    memset(p, 0, 6); /* version 0, no flags, no options */
    return (int)(p + 6 - out);
}

/* The position behind a name, not following pointers; 0 when it runs out of the message. */
static size_t skip_name(struct message m, size_t at)
{
    while (at < m.len) {
        uint8_t len = m.data[at];
        if (len >= 0xc0) {
            return at + 2 <= m.len ? at + 2 : 0;
        }
        if (len > LABEL_MAX) {
            return 0;
        }
        at += 1u + len;
        if (len == 0) {
            return at <= m.len ? at : 0;
        }
    }
    return 0;
}

/*
 * A name as text. What a hostname may not contain (RFC 1123, 2.1, and '_' which is seen in practice)
 * makes it false: no program shall get control characters or quotes from a name server.
 */
static bool read_name(struct message m, size_t at, char out[DNS_NAME_MAX])
{
    size_t used = 0;
    for (int jumps = 0; at < m.len;) {
        uint8_t len = m.data[at];
        if (len >= 0xc0) {
            if (at + 2 > m.len || ++jumps > MAX_JUMPS) {
                return false;
            }
            at = get16(m.data + at) & 0x3fff;
            continue;
        }
        if (len == 0) {
            out[used == 0 ? 0 : used - 1] = '\0'; /* the last dot */
            return used > 0;
        }
        if (len > LABEL_MAX || at + 1 + len > m.len || used + len + 1u >= DNS_NAME_MAX + 1u) {
            return false;
        }
        for (size_t i = at + 1; i < at + 1 + len; i++) {
            uint8_t c = m.data[i];
            bool letter = ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || (c >= '0' && c <= '9');
            if (!letter && c != '-' && c != '_') {
                return false;
            }
            out[used++] = (char)c;
        }
        out[used++] = '.';
        at += 1u + len;
    }
    return false;
}

static bool same_name(const char *a, const char *b)
{
    for (;; a++, b++) {
        char x = *a >= 'A' && *a <= 'Z' ? (char)(*a | 0x20) : *a;
        char y = *b >= 'A' && *b <= 'Z' ? (char)(*b | 0x20) : *b;
        if (x != y) {
            return false;
        }
        if (x == '\0') {
            return true;
        }
    }
}

/* The record at *at, which moves behind it. */
static bool next_record(struct message m, size_t *at, size_t *owner, struct record *r)
{
    *owner = *at;
    size_t p = skip_name(m, *at);
    if (p == 0 || p + 10 > m.len) {
        return false;
    }
    r->type = get16(m.data + p);
    r->class = get16(m.data + p + 2);
    r->len = get16(m.data + p + 8);
    r->at = p + 10;
    r->data = m.data + r->at;
    *at = r->at + r->len;
    return *at <= m.len;
}

/* Is it an answer to this question: id, flags, and the question itself, byte for byte? */
static bool is_answer(struct message m, const uint8_t *question, size_t *behind)
{
    if (m.len < HEADER || memcmp(m.data, question, 2) != 0 || (m.data[2] & QR) == 0 ||
        (m.data[2] & OPCODE) != 0 || get16(m.data + 4) != 1) {
        return false;
    }
    size_t end = skip_name((struct message){question, DNS_QUERY_MAX}, HEADER) + 4;
    if (m.len < end) {
        return false;
    }
    /* Names are compared as bytes: servers repeat the question as it was asked. */
    *behind = end;
    return memcmp(m.data + HEADER, question + HEADER, end - HEADER) == 0;
}

/*
 * Collect the n records from `at` on that are of this type and name, or the alias that the name is.
 * False when the message is damaged.
 */
static bool collect(struct message m, size_t at, unsigned n, uint16_t type, struct dns_answer *out,
                    char alias[DNS_NAME_MAX])
{
    char owner_name[DNS_NAME_MAX];
    struct record r;
    size_t owner;
    alias[0] = '\0';
    for (; n > 0; n--) {
        if (!next_record(m, &at, &owner, &r)) {
            return false;
        }
        if (r.class != CLASS_IN || !read_name(m, owner, owner_name) ||
            !same_name(owner_name, out->name)) {
            continue;
        }
        if (r.type == DNS_TYPE_CNAME) {
            if (!read_name((struct message){m.data, r.at + r.len}, r.at, alias)) {
                alias[0] = '\0';
            }
        } else if (r.type == type && type == DNS_TYPE_PTR && out->count == 0) {
            char target[DNS_NAME_MAX];
            if (read_name((struct message){m.data, r.at + r.len}, r.at, target)) {
                strcpy(alias, target);
                out->count = 1;
            }
        } else if (r.type == type && type != DNS_TYPE_PTR &&
                   r.len == (type == DNS_TYPE_A ? 4 : 16) && out->count < DNS_MAX_RECORDS) {
            memcpy(out->addr[out->count++], r.data, r.len);
        }
    }
    return true;
}

enum dns_verdict dns_read(const uint8_t *msg, size_t len, const uint8_t *question,
                          struct dns_answer *answer)
{
    struct message m = {msg, len};
    char alias[DNS_NAME_MAX];
    size_t at;
    if (!is_answer(m, question, &at)) {
        return DNS_NOT_OURS;
    }
    if ((msg[2] & TC) != 0) {
        return DNS_TRUNCATED;
    }
    if ((msg[3] & RCODE) == RCODE_NAME) {
        return DNS_NO_NAME;
    }
    if ((msg[3] & RCODE) != 0) {
        return DNS_FAILED;
    }
    memset(answer, 0, sizeof(*answer));
    if (!read_name(m, HEADER, answer->name)) {
        return DNS_NOT_OURS;
    }
    uint16_t type = get16(question + (at - 4));
    for (int i = 0; i < MAX_ALIASES; i++) {
        if (!collect(m, at, get16(msg + 6), type, answer, alias)) {
            return DNS_FAILED;
        }
        if (answer->count > 0) {
            if (type == DNS_TYPE_PTR) {
                strcpy(answer->name, alias);
            }
            return DNS_OK;
        }
        if (alias[0] == '\0') {
            return DNS_NO_DATA;
        }
        strcpy(answer->name, alias);
    }
    return DNS_FAILED; /* the aliases lead nowhere */
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* Messages of 9P2000.L, field by field: see p9_wire.h. */
#include "p9_wire.h"

#include <errno.h>
#include <string.h>

static void put(struct p9_out *o, const void *data, size_t len)
{
    if (o->full || len > o->cap - o->len) {
        o->full = true;
        return;
    }
    memcpy(o->buf + o->len, data, len);
    o->len += len;
}

void p9_put8(struct p9_out *o, uint8_t value)
{
    put(o, &value, sizeof(value));
}

/* The machine is little-endian, too. */
void p9_put16(struct p9_out *o, uint16_t value)
{
    put(o, &value, sizeof(value));
}

void p9_put32(struct p9_out *o, uint32_t value)
{
    put(o, &value, sizeof(value));
}

void p9_put64(struct p9_out *o, uint64_t value)
{
    put(o, &value, sizeof(value));
}

void p9_put_text(struct p9_out *o, const char *text, size_t len)
{
    if (len > UINT16_MAX) {
        o->full = true;
        return;
    }
    p9_put16(o, (uint16_t)len);
    put(o, text, len);
}

static void get(struct p9_in *in, void *to, size_t len)
{
    if (in->bad || len > in->left) {
        in->bad = true;
        memset(to, 0, len);
        return;
    }
    memcpy(to, in->at, len);
    in->at += len;
    in->left -= len;
}

uint8_t p9_get8(struct p9_in *in)
{
    uint8_t value;
    get(in, &value, sizeof(value));
    return value;
}

uint16_t p9_get16(struct p9_in *in)
{
    uint16_t value;
    get(in, &value, sizeof(value));
    return value;
}

uint32_t p9_get32(struct p9_in *in)
{
    uint32_t value;
    get(in, &value, sizeof(value));
    return value;
}

uint64_t p9_get64(struct p9_in *in)
{
    uint64_t value;
    get(in, &value, sizeof(value));
    return value;
}

struct p9_qid p9_get_qid(struct p9_in *in)
{
    struct p9_qid qid = { .type = p9_get8(in) };
    (void)p9_get32(in); /* the version is for caches */
    qid.path = p9_get64(in);
    return qid;
}

const char *p9_get_text(struct p9_in *in, size_t *len)
{
    size_t n = p9_get16(in);
    if (in->bad || n > in->left) {
        in->bad = true;
        *len = 0;
        return "";
    }
    const char *text = (const char *)in->at;
    in->at += n;
    in->left -= n;
    *len = n;
    return text;
}

/* Where the numbers differ, from 35 on; what is not there has no name here. */
static const struct {
    uint8_t linux_number;
    uint8_t ours;
} numbers[] = {
    { 35, EDEADLK }, { 36, ENAMETOOLONG }, { 37, ENOLCK }, { 38, ENOSYS }, { 39, ENOTEMPTY },
    { 40, ELOOP }, { 61, ENODATA }, { 62, ETIME }, { 71, EPROTO }, { 75, EOVERFLOW },
    { 84, EILSEQ }, { 95, EOPNOTSUPP }, { 110, ETIMEDOUT }, { 116, ESTALE }, { 122, EDQUOT },
};

int p9_errno(uint32_t ecode)
{
    if (ecode >= 1 && ecode <= 34) {
        return -(int)ecode; /* the old ones, from Unix */
    }
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        if (numbers[i].linux_number == ecode) {
            return -numbers[i].ours;
        }
    }
    return -EIO;
}

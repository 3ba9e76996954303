/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A 9P server in memory for the unit test of the client: it checks each message to its last byte,
 * keeps account of fids, and lies on demand. It has /file, /link, /dir and /dir/inner, for ever.
 */
#pragma once

#include <dirent.h>
#include <stdbool.h>

#include "libos/fs/p9.h"

#include "unit.h"

#define FIDS 4096u
#define ROOM 300000u

enum { NOTHING, ROOT, FILE_, LINK, DIR_, INNER };

static struct {
    int node; /* NOTHING: the fid is not in use */
    bool open;
} fids[FIDS];

static uint8_t message[ROOM], reply[ROOM];
static size_t message_len, reply_len;
static uint64_t rng = 88172645463325252ull;
static unsigned lies;          /* one reply in that many is a lie; 0: none is */
static unsigned again;         /* so often it has no room */
static unsigned messages[256]; /* by type */
static uint32_t error; /* the answer to what changes something */
static size_t missing; /* so many bytes of the next data don't come */
static struct name strange; /* what is listed in place of "link" */
static bool broken;    /* fail() was called */
static char written[64];
static struct p9dev dev;

/* What the client knows of fids is right as long as it was told the truth. */
#define KNOWN(x) EXPECT(lies != 0 || (x))

static struct p9_in rd;
static struct p9_out wr;

static struct p9_qid qid_of(int node)
{
    uint8_t type = node == ROOT || node == DIR_ ? P9_QTDIR : node == LINK ? P9_QTSYMLINK : 0;
    return (struct p9_qid){ type, 100 + (uint64_t)node };
}

static void put_qid(int node)
{
    struct p9_qid q = qid_of(node);
    p9_put8(&wr, q.type);
    p9_put32(&wr, 0);
    p9_put64(&wr, q.path);
}

static int find(int dir, const char *name, size_t len)
{
    static const struct {
        int dir, node;
        const char *name;
    } tree[] = { { ROOT, FILE_, "file" }, { ROOT, LINK, "link" }, { ROOT, DIR_, "dir" }, { DIR_, INNER, "inner" } };
    for (size_t i = 0; i < sizeof(tree) / sizeof(tree[0]); i++) {
        if (tree[i].dir == dir && strlen(tree[i].name) == len && memcmp(name, tree[i].name, len) == 0) {
            return tree[i].node;
        }
    }
    return NOTHING;
}

static uint32_t old_fid(bool open)
{
    uint32_t fid = p9_get32(&rd);
    KNOWN(fid < FIDS && fids[fid].node != NOTHING && (!open || fids[fid].open));
    return fid < FIDS ? fid : 0;
}

static uint32_t new_fid(int node)
{
    uint32_t fid = p9_get32(&rd);
    KNOWN(fid < FIDS && fids[fid].node == NOTHING);
    fid = fid < FIDS ? fid : 0;
    fids[fid].node = node;
    fids[fid].open = false;
    return fid;
}

static void get_name(const char *expected)
{
    size_t len;
    const char *text = p9_get_text(&rd, &len);
    EXPECT(len == strlen(expected) && memcmp(text, expected, len) == 0);
}

/* Tversion and so on: 0 or a Linux errno. */
static uint32_t answer(uint8_t type)
{
    size_t len;
    uint32_t fid, count;
    switch (type) {
    case P9_TVERSION:
        memset(fids, 0, sizeof(fids));
        count = p9_get32(&rd);
        EXPECT(count == dev.max_message);
        get_name("9P2000.L");
        p9_put32(&wr, 8192);
        p9_put_text(&wr, "9P2000.L", 8);
        return 0;
    case P9_TATTACH:
        new_fid(ROOT);
        EXPECT(p9_get32(&rd) == P9_NOFID);
        get_name("");
        get_name("");
        EXPECT(p9_get32(&rd) == 0);
        put_qid(ROOT);
        return 0;
    case P9_TWALK: {
        int node = fids[old_fid(false)].node;
        struct p9_in at = rd;
        (void)p9_get32(&rd);
        uint16_t n = p9_get16(&rd);
        EXPECT(n <= 1);
        if (n == 1) {
            const char *text = p9_get_text(&rd, &len);
            node = find(node, text, len);
        }
        if (node == NOTHING) {
            return 2;
        }
        struct p9_in end = rd;
        rd = at;
        new_fid(node);
        rd = end;
        p9_put16(&wr, n);
        if (n == 1) {
            put_qid(node);
        }
        return 0;
    }
    case P9_TLOPEN:
        fid = old_fid(false);
        (void)p9_get32(&rd);
        KNOWN(!fids[fid].open);
        fids[fid].open = true;
        put_qid(fids[fid].node);
        p9_put32(&wr, 0);
        return 0;
    case P9_TLCREATE:
        fid = old_fid(false);
        get_name("file");
        EXPECT(p9_get32(&rd) == (P9_RDWR | P9_EXCL));
        EXPECT(p9_get32(&rd) == 0640 && p9_get32(&rd) == 0);
        if (error == 0) {
            fids[fid].node = FILE_;
            fids[fid].open = true;
        }
        put_qid(FILE_);
        p9_put32(&wr, 0);
        return error;
    case P9_TMKDIR:
        old_fid(false);
        get_name("dir");
        EXPECT(p9_get32(&rd) == 0750 && p9_get32(&rd) == 0);
        put_qid(DIR_);
        return error;
    case P9_TSYMLINK:
        old_fid(false);
        get_name("link");
        get_name("where/to");
        EXPECT(p9_get32(&rd) == 0);
        put_qid(LINK);
        return error;
    case P9_TLINK:
        old_fid(false);
        old_fid(false);
        get_name("other");
        return error;
    case P9_TRENAMEAT:
        old_fid(false);
        get_name("file");
        old_fid(false);
        get_name("other");
        return error;
    case P9_TUNLINKAT:
        old_fid(false);
        get_name("file");
        EXPECT(p9_get32(&rd) == 0);
        return error;
    case P9_TGETATTR:
        fid = old_fid(false);
        EXPECT(p9_get64(&rd) == P9_GETATTR_BASIC);
        p9_put64(&wr, P9_GETATTR_BASIC);
        put_qid(fids[fid].node);
        p9_put32(&wr, fids[fid].node == ROOT || fids[fid].node == DIR_ ? 040755 : 0100644);
        p9_put32(&wr, 11);
        p9_put32(&wr, 12);
        for (uint64_t i = 1; i <= 15; i++) { /* nlink rdev size blksize blocks, five times, gen, version */
            p9_put64(&wr, i == 3 ? 5000000000ull : i == 4 ? 4096 : i);
        }
        return 0;
    case P9_TSETATTR:
        old_fid(false);
        EXPECT(p9_get32(&rd) == P9_SET_SIZE);
        for (int i = 0; i < 3; i++) {
            EXPECT(p9_get32(&rd) == 0);
        }
        EXPECT(p9_get64(&rd) == 77);
        rd.left -= rd.left >= 32 ? 32 : 0;
        return error;
    case P9_TREADLINK:
        old_fid(false);
        p9_put_text(&wr, "where/to", 8);
        return 0;
    case P9_TREAD:
        old_fid(true);
        EXPECT(p9_get64(&rd) < 1u << 20);
        count = p9_get32(&rd);
        EXPECT(count <= 8192 - P9_WRITE_HEADER);
        p9_put32(&wr, count);
        for (uint32_t i = 0; i < count; i++) {
            p9_put8(&wr, (uint8_t)i);
        }
        return 0;
    case P9_TWRITE:
        old_fid(true);
        (void)p9_get64(&rd);
        count = p9_get32(&rd);
        EXPECT(count == rd.left && count <= 8192 - P9_WRITE_HEADER);
        memcpy(written, rd.at, count < sizeof(written) ? count : sizeof(written));
        rd.left = 0;
        p9_put32(&wr, count);
        return error;
    case P9_TREADDIR: {
        fid = old_fid(true);
        uint64_t from = p9_get64(&rd);
        EXPECT(p9_get32(&rd) <= 16384);
        static const char *const names[] = { ".", "..", "file", "link", "dir" };
        size_t start = wr.len;
        p9_put32(&wr, 0);
        for (uint64_t i = from == INT64_MAX ? 5 : from; i < 5 && i < from + 2; i++) {
            put_qid(i < 2 ? ROOT : (int)i);
            p9_put64(&wr, i == 4 ? INT64_MAX : i + 1);
            p9_put8(&wr, i < 2 || i == 4 ? DT_DIR : i == 3 ? DT_LNK : DT_REG);
            if (i == 3 && strange.len != 0) {
                p9_put_text(&wr, strange.text, strange.len);
            } else {
                p9_put_text(&wr, names[i], strlen(names[i]));
            }
        }
        uint32_t bytes = (uint32_t)(wr.len - start - 4);
        memcpy(wr.buf + start, &bytes, 4);
        return 0;
    }
    case P9_TFSYNC:
        old_fid(true);
        EXPECT(p9_get32(&rd) == 0);
        return error;
    case P9_TSTATFS:
        old_fid(false);
        p9_put32(&wr, 1);
        p9_put32(&wr, 512);
        for (int i = 0; i < 6; i++) {
            p9_put64(&wr, 1000 + (uint64_t)i);
        }
        p9_put32(&wr, 200);
        return 0;
    case P9_TCLUNK:
        fids[old_fid(false)].node = NOTHING;
        return 0;
    default:
        EXPECT(!"a message that is known");
        return 95;
    }
}

/* Turn a reply into something else. */
static void lie(void)
{
    unsigned how = (unsigned)unit_random(&rng) % 8;
    if (how < 4) {
        for (unsigned i = 0; i <= how; i++) {
            reply[unit_random(&rng) % (reply_len < 64 ? reply_len : 64)] = (uint8_t)unit_random(&rng);
        }
    } else if (how == 4) {
        reply_len = unit_random(&rng) % (reply_len + 1);
    } else if (how == 5) {
        reply_len += unit_random(&rng) % 4096;
    } else {
        uint32_t value = how == 6 ? UINT32_MAX : (uint32_t)unit_random(&rng);
        memcpy(reply + unit_random(&rng) % 8, &value, 4);
    }
}

static int submit(struct p9dev *d, struct p9_request *req)
{
    EXPECT(d == &dev);
    if (broken) {
        return -EIO;
    }
    if (req->generation != dev.generation) {
        return -EPIPE;
    }
    if (again != 0) {
        again--;
        return -EAGAIN;
    }
    message_len = 0;
    for (unsigned i = 0; i < req->nout; i++) {
        memcpy(message + message_len, req->out[i].base, req->out[i].len);
        message_len += req->out[i].len;
    }
    memset(reply, 0xa5, 8192);
    rd = (struct p9_in){ .at = message, .left = message_len };
    wr = (struct p9_out){ .buf = reply, .cap = sizeof(reply), .len = P9_HEADER };
    EXPECT(p9_get32(&rd) == message_len);
    uint8_t type = p9_get8(&rd);
    EXPECT(p9_get16(&rd) == req->tag);
    EXPECT(type == P9_TVERSION ? req->tag == P9_NOTAG : req->tag < P9DEV_TAGS);
    messages[type]++;
    uint32_t code = answer(type);
    EXPECT(!rd.bad && (rd.left == 0 || code != 0));
    reply[4] = type + 1;
    if (code != 0) {
        wr.len = P9_HEADER;
        p9_put32(&wr, code);
        reply[4] = P9_RLERROR;
    }
    reply_len = wr.len;
    memcpy(reply, &(uint32_t){ (uint32_t)wr.len }, 4);
    memcpy(reply + 5, &req->tag, 2);
    if (lies != 0 && unit_random(&rng) % lies == 0) {
        lie();
    }
    reply_len -= type == P9_TREAD ? missing : 0;
    size_t done = 0;
    for (unsigned i = 0; i < req->nin && done < reply_len; i++) {
        size_t n = req->in[i].len < reply_len - done ? req->in[i].len : reply_len - done;
        memcpy(req->in[i].base, reply + done, n);
        done += n;
    }
    req->received = done;
    req->status = 0;
    req->done(req);
    return 0;
}

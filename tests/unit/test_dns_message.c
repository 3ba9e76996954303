/* sources: libos/libc/dns_message.c */
/* SPDX-License-Identifier: BSD-2-Clause */
/* DNS messages: good answers, bad ones, and a hundred thousand that were changed at random. */
#include "libos/libc/dns_message.h"
#include "unit.h"

static uint8_t question[DNS_QUERY_MAX];
static struct dns_answer answer;

struct writer {
    uint8_t data[2048];
    size_t len;
};

static void put(struct writer *w, const void *bytes, size_t n)
{
    memcpy(w->data + w->len, bytes, n);
    w->len += n;
}

static void put16(struct writer *w, unsigned value)
{
    put(w, (uint8_t[]){(uint8_t)(value >> 8), (uint8_t)value}, 2);
}

static void put_name(struct writer *w, const char *name)
{
    while (*name != '\0') {
        uint8_t n = (uint8_t)strcspn(name, ".");
        put(w, &n, 1);
        put(w, name, n);
        name += n;
        name += *name == '.';
    }
    put(w, "", 1);
}

/* The header and the question of an answer to `question`, asked for `name`. */
static void start(struct writer *w, const char *name, unsigned type, unsigned flags, unsigned answers)
{
    memset(w, 0, sizeof(*w));
    memset(question, 0, sizeof(question));
    EXPECT(dns_question(question, 0x1234, name, (uint16_t)type) > 0);
    put16(w, 0x1234);
    put16(w, 0x8180 | flags);
    put16(w, 1);
    put16(w, answers);
    put16(w, 0);
    put16(w, 0);
    put_name(w, name);
    put16(w, type);
    put16(w, 1);
}

static void record(struct writer *w, unsigned type, unsigned len)
{
    put16(w, type);
    put16(w, 1);
    put16(w, 0);
    put16(w, 300);
    put16(w, len);
}

static enum dns_verdict read_it(const struct writer *w)
{
    /* Exactly as long as it is, so that the sanitizer sees a byte too many. */
    uint8_t *copy = malloc(w->len);
    memcpy(copy, w->data, w->len);
    enum dns_verdict v = dns_read(copy, w->len, question, &answer);
    free(copy);
    return v;
}

static void test_questions(void)
{
    uint8_t out[DNS_QUERY_MAX];
    char name[300];
    EXPECT(dns_question(out, 0x0102, "a.bc", DNS_TYPE_A) == 12 + 6 + 4 + 11);
    EXPECT(memcmp(out, "\x01\x02\x01\x00\x00\x01\x00\x00\x00\x00\x00\x01\x01" "a\x02" "bc\x00\x00\x01"
                  "\x00\x01\x00\x00\x29", 25) == 0);
    EXPECT(dns_question(out, 1, "a.bc.", DNS_TYPE_A) == 12 + 6 + 4 + 11);
    EXPECT(dns_question(out, 1, "", DNS_TYPE_A) < 0);
    EXPECT(dns_question(out, 1, ".", DNS_TYPE_A) < 0);
    EXPECT(dns_question(out, 1, "a..b", DNS_TYPE_A) < 0);
    EXPECT(dns_question(out, 1, ".a", DNS_TYPE_A) < 0);
    memset(name, 'x', sizeof(name));
    name[63] = '\0';
    EXPECT(dns_question(out, 1, name, DNS_TYPE_A) > 0);
    name[63] = 'x';
    name[64] = '\0';
    EXPECT(dns_question(out, 1, name, DNS_TYPE_A) < 0);
    name[64] = 'x';
    for (int i = 63; i < 255; i += 64) {
        name[i] = '.';
    }
    name[253] = '\0'; /* the longest: 253 characters, 255 bytes */
    EXPECT(dns_question(out, 1, name, DNS_TYPE_A) == 12 + 255 + 4 + 11);
    name[253] = 'x';
    name[254] = '\0';
    EXPECT(dns_question(out, 1, name, DNS_TYPE_A) < 0);
}

static void test_answers(void)
{
    struct writer w;
    start(&w, "host.example", DNS_TYPE_A, 0, 2);
    put16(&w, 0xc00c);
    record(&w, DNS_TYPE_A, 4);
    put(&w, "\x0a\x00\x00\x01", 4);
    put_name(&w, "HOST.Example");
    record(&w, DNS_TYPE_A, 4);
    put(&w, "\x0a\x00\x00\x02", 4);
    EXPECT(read_it(&w) == DNS_OK);
    EXPECT(answer.count == 2 && answer.addr[0][3] == 1 && answer.addr[1][3] == 2);
    EXPECT(strcmp(answer.name, "host.example") == 0);

    start(&w, "www.example", DNS_TYPE_AAAA, 0, 3);
    put_name(&w, "real.example"); /* before the alias that leads to it */
    record(&w, DNS_TYPE_AAAA, 16);
    put(&w, "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x09", 16);
    put16(&w, 0xc00c);
    record(&w, DNS_TYPE_CNAME, 14);
    put_name(&w, "real.example");
    put_name(&w, "other.example"); /* what nobody asked for */
    record(&w, DNS_TYPE_AAAA, 16);
    put(&w, "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x66", 16);
    EXPECT(read_it(&w) == DNS_OK);
    EXPECT(answer.count == 1 && answer.addr[0][15] == 9);
    EXPECT(strcmp(answer.name, "real.example") == 0);

    start(&w, "1.0.0.10.in-addr.arpa", DNS_TYPE_PTR, 0, 1);
    put16(&w, 0xc00c);
    record(&w, DNS_TYPE_PTR, 14);
    put_name(&w, "name.example");
    EXPECT(read_it(&w) == DNS_OK);
    EXPECT(strcmp(answer.name, "name.example") == 0);

    start(&w, "many.example", DNS_TYPE_A, 0, 40);
    for (uint8_t i = 0; i < 40; i++) {
        put16(&w, 0xc00c);
        record(&w, DNS_TYPE_A, 4);
        put(&w, (uint8_t[]){10, 0, 0, i}, 4);
    }
    EXPECT(read_it(&w) == DNS_OK && answer.count == DNS_MAX_RECORDS);
}

static void test_refusals(void)
{
    struct writer w;
    start(&w, "none.example", DNS_TYPE_A, 3, 0);
    EXPECT(read_it(&w) == DNS_NO_NAME);
    start(&w, "none.example", DNS_TYPE_A, 2, 0);
    EXPECT(read_it(&w) == DNS_FAILED);
    start(&w, "none.example", DNS_TYPE_A, 0, 0);
    EXPECT(read_it(&w) == DNS_NO_DATA);
    start(&w, "none.example", DNS_TYPE_A, 0x200, 0);
    EXPECT(read_it(&w) == DNS_TRUNCATED);
    w.data[0] ^= 1; /* another id */
    EXPECT(read_it(&w) == DNS_NOT_OURS);
    start(&w, "none.example", DNS_TYPE_A, 0, 0);
    w.data[2] &= 0x7f; /* a question */
    EXPECT(read_it(&w) == DNS_NOT_OURS);
    start(&w, "none.example", DNS_TYPE_A, 0, 0);
    w.data[13] = 'N'; /* another name */
    EXPECT(read_it(&w) == DNS_NOT_OURS);
    start(&w, "none.example", DNS_TYPE_A, 0, 0);
    for (size_t n = 0; n < w.len; n++) {
        struct writer cut = w;
        cut.len = n;
        EXPECT(n == 0 || read_it(&cut) == DNS_NOT_OURS);
    }
}

static void test_loops(void)
{
    struct writer w;
    start(&w, "loop.example", DNS_TYPE_A, 0, 2);
    put16(&w, 0xc000 | (unsigned)w.len); /* a name that points to itself */
    record(&w, DNS_TYPE_A, 4);
    put(&w, "\x0a\x00\x00\x01", 4);
    size_t two = w.len;
    put16(&w, 0xc000 | (unsigned)(two + 2)); /* and two that point to each other */
    record(&w, DNS_TYPE_A, 4);
    put16(&w, 0xc000 | (unsigned)two);
    put16(&w, 0);
    EXPECT(read_it(&w) == DNS_NO_DATA);

    start(&w, "a.example", DNS_TYPE_A, 0, 2); /* aliases in a circle */
    put16(&w, 0xc00c);
    record(&w, DNS_TYPE_CNAME, 11);
    put_name(&w, "b.example");
    put_name(&w, "b.example");
    record(&w, DNS_TYPE_CNAME, 11);
    put_name(&w, "a.example");
    EXPECT(read_it(&w) == DNS_FAILED);

    start(&w, "1.0.0.10.in-addr.arpa", DNS_TYPE_PTR, 0, 1); /* a name that no program should get */
    put16(&w, 0xc00c);
    record(&w, DNS_TYPE_PTR, 10);
    put_name(&w, "a\x1b;b\n' \"");
    EXPECT(read_it(&w) == DNS_NO_DATA);
}

/* Bytes of good answers changed, cut, or counted wrongly. */
static void test_mutated(void)
{
    srand(3);
    unsigned verdicts[DNS_NOT_OURS + 1] = {0};
    for (int round = 0; round < 200000; round++) {
        struct writer w;
        unsigned type = rand() % 2 ? DNS_TYPE_A : DNS_TYPE_PTR;
        start(&w, "host.example", type, 0, 3);
        put16(&w, 0xc00c);
        record(&w, DNS_TYPE_CNAME, 6);
        put(&w, "\x03www\xc0\x11", 6);
        put(&w, "\x03www\xc0\x11", 6);
        record(&w, type, 4);
        put(&w, "\x01" "a\xc0\x11", 4);
        put16(&w, 0xc000 | (unsigned)(rand() % 80));
        record(&w, type, 4);
        put(&w, "\x0a\x00\x00\x02", 4);
        size_t body = 12 + 18;
        for (int n = rand() % 4; n > 0; n--) {
            w.data[rand() % 4 ? body + (size_t)rand() % (w.len - body) : (size_t)rand() % w.len] =
                (uint8_t)(rand() % 3 ? rand() : 0xc0);
        }
        if (rand() % 4 == 0) {
            w.len -= (size_t)rand() % (w.len - body);
        }
        enum dns_verdict v = read_it(&w);
        EXPECT(v <= DNS_NOT_OURS);
        verdicts[v]++;
        EXPECT(v != DNS_OK || (answer.count >= 1 && answer.count <= DNS_MAX_RECORDS));
        EXPECT(v != DNS_OK || strlen(answer.name) < DNS_NAME_MAX);
    }
    EXPECT(verdicts[DNS_OK] > 1000 && verdicts[DNS_NO_DATA] > 1000 && verdicts[DNS_FAILED] > 1000);
}

int main(void)
{
    test_questions();
    test_answers();
    test_refusals();
    test_loops();
    test_mutated();
    return unit_done();
}

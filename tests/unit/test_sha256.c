/* sources: apps/sha256/sha256.c apps/sha256/sha256_ni.c */
/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SHA-256 against the examples of FIPS 180-4 and NIST's test vectors, and its two codes against
 * each other.
 */
#include "apps/sha256/sha256.h"

#include "unit.h"

static sha256_blocks_fn *code;

static const char *hex(struct sha256 *s)
{
    static char text[2 * SHA256_DIGEST + 1];
    unsigned char digest[SHA256_DIGEST];
    sha256_final(s, digest);
    for (unsigned i = 0; i < SHA256_DIGEST; i++) {
        snprintf(text + 2 * i, 3, "%02x", digest[i]);
    }
    return text;
}

static const char *hash(const char *text, size_t len)
{
    struct sha256 s;
    sha256_init(&s);
    s.blocks = code;
    sha256_update(&s, text, len);
    return hex(&s);
}

static void test_vectors(void)
{
    EXPECT_STR(hash("", 0), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    EXPECT_STR(hash("abc", 3), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    const char *two = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
    EXPECT_STR(hash(two, 56), "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    static char a[1000];
    memset(a, 'a', sizeof(a));
    struct sha256 s;
    sha256_init(&s);
    s.blocks = code;
    for (unsigned i = 0; i < 1000; i++) {
        sha256_update(&s, a, sizeof(a));
    }
    EXPECT_STR(hex(&s), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

/* The same bytes in pieces of any size, at any alignment, give the same sum. */
static void test_pieces(void)
{
    static unsigned char data[1000];
    uint64_t rng = 1234567;
    for (unsigned i = 0; i < sizeof(data); i++) {
        data[i] = (unsigned char)unit_random(&rng);
    }
    for (unsigned len = 0; len < 300; len++) {
        struct sha256 whole, pieces;
        sha256_init(&whole);
        sha256_init(&pieces);
        whole.blocks = sha256_blocks_c;
        pieces.blocks = code;
        unsigned start = len % 7;
        sha256_update(&whole, data + start, len);
        for (unsigned at = 0; at < len;) {
            unsigned n = 1 + (unsigned)(unit_random(&rng) % 130);
            n = n < len - at ? n : len - at;
            sha256_update(&pieces, data + start + at, n);
            at += n;
        }
        char want[2 * SHA256_DIGEST + 1];
        strcpy(want, hex(&whole));
        EXPECT_STR(hex(&pieces), want);
    }
}

int main(void)
{
    code = sha256_blocks_c;
    test_vectors();
    test_pieces();
    if (sha256_has_ni()) {
        code = sha256_blocks_ni;
        test_vectors();
        test_pieces();
    } else {
        printf("this CPU has no SHA instructions: only the portable code was tested\n");
    }
    return unit_done();
}

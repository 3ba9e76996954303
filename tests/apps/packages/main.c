// SPDX-License-Identifier: BSD-2-Clause
/* One use of each library that `pith add` has installed, by its own functions. */

#define PCRE2_CODE_UNIT_WIDTH 8
#include <mbedtls/ctr_drbg.h>
#include <mbedtls/entropy.h>
#include <mbedtls/sha256.h>
#include <pcre2.h>
#include <stdio.h>
#include <string.h>
#include <zlib.h>

static int use_zlib(void)
{
    static unsigned char text[100000], packed[110000], back[100000];
    for (size_t i = 0; i < sizeof(text); i++) {
        text[i] = (unsigned char)(i % 251);
    }
    uLongf length = sizeof(packed), length_back = sizeof(back);
    return compress(packed, &length, text, sizeof(text)) == Z_OK && length < 5000 &&
           uncompress(back, &length_back, packed, length) == Z_OK && length_back == sizeof(back) &&
           memcmp(text, back, sizeof(back)) == 0;
}

static int use_pcre2(void)
{
    int error;
    PCRE2_SIZE at;
    pcre2_code *code = pcre2_compile((PCRE2_SPTR) "(\\w+)@(?<host>\\w+)", PCRE2_ZERO_TERMINATED, 0, &error, &at, NULL);
    if (!code) {
        return 0;
    }
    pcre2_match_data *match = pcre2_match_data_create_from_pattern(code, NULL);
    int found = pcre2_match(code, (PCRE2_SPTR) "to: someone@here", 16, 0, 0, match, NULL);
    PCRE2_SIZE *ends = pcre2_get_ovector_pointer(match);
    return found == 3 && ends[4] == 12 && ends[5] == 16;
}

/* The checksum of "abc" is FIPS 180-4's example; random bytes come by way of the system's source. */
static int use_mbedtls(void)
{
    unsigned char sum[32], bytes[2][16];
    mbedtls_entropy_context entropy;
    mbedtls_ctr_drbg_context random;
    mbedtls_entropy_init(&entropy);
    mbedtls_ctr_drbg_init(&random);
    return mbedtls_sha256_ret((const unsigned char *)"abc", 3, sum, 0) == 0 && sum[0] == 0xba && sum[31] == 0xad &&
           mbedtls_ctr_drbg_seed(&random, mbedtls_entropy_func, &entropy, NULL, 0) == 0 &&
           mbedtls_ctr_drbg_random(&random, bytes[0], 16) == 0 && mbedtls_ctr_drbg_random(&random, bytes[1], 16) == 0 &&
           memcmp(bytes[0], bytes[1], 16) != 0;
}

int main(void)
{
    int zlib = use_zlib(), pcre2 = use_pcre2(), mbedtls = use_mbedtls();
    printf("zlib: %s\npcre2: %s\nmbedtls: %s\n", zlib ? "ok" : "FAILED", pcre2 ? "ok" : "FAILED",
           mbedtls ? "ok" : "FAILED");
    return zlib && pcre2 && mbedtls ? 0 : 1;
}

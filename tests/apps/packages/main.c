// SPDX-License-Identifier: BSD-2-Clause
/* One use of each library that `pith add` has installed, by its own functions. */

#define PCRE2_CODE_UNIT_WIDTH 8
#include <ctype.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <mbedtls/ctr_drbg.h>
#include <mbedtls/entropy.h>
#include <mbedtls/sha256.h>
#include <pcre2.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
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

/* What came at one end goes back in capitals, and the loop ends. */
static void on_read(struct bufferevent *end, void *arg)
{
    char text[16];
    size_t n = bufferevent_read(end, text, sizeof(text));
    for (size_t i = 0; i < n; i++) {
        text[i] = (char)toupper((unsigned char)text[i]);
    }
    evbuffer_add(arg, text, n);
    event_base_loopexit(bufferevent_get_base(end), NULL);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    bufferevent_write(arg, "an event", 8);
}

/* A clock, then bytes through a pair of sockets, by epoll. */
static int use_libevent(void)
{
    evutil_socket_t pair[2];
    struct timeval soon = { 0, 1000 };
    struct event_base *base = event_base_new();
    if (!base || evutil_socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0) {
        return 0;
    }
    evutil_make_socket_nonblocking(pair[0]);
    evutil_make_socket_nonblocking(pair[1]);
    struct evbuffer *got = evbuffer_new();
    struct bufferevent *one = bufferevent_socket_new(base, pair[0], BEV_OPT_CLOSE_ON_FREE);
    struct bufferevent *two = bufferevent_socket_new(base, pair[1], BEV_OPT_CLOSE_ON_FREE);
    bufferevent_setcb(two, on_read, NULL, NULL, got);
    bufferevent_enable(two, EV_READ);
    event_base_once(base, -1, EV_TIMEOUT, on_timer, one, &soon);
    event_base_dispatch(base);
    int right = strcmp(event_base_get_method(base), "epoll") == 0 && evbuffer_get_length(got) == 8 &&
                memcmp(evbuffer_pullup(got, 8), "AN EVENT", 8) == 0;
    bufferevent_free(one);
    bufferevent_free(two);
    evbuffer_free(got);
    event_base_free(base);
    return right;
}

static int tell(const char *name, int right)
{
    printf("%s: %s\n", name, right ? "ok" : "FAILED");
    return !right;
}

int main(void)
{
    return tell("zlib", use_zlib()) | tell("pcre2", use_pcre2()) | tell("mbedtls", use_mbedtls()) |
           tell("libevent", use_libevent());
}

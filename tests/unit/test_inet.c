/* sources: libos/libc/inet_pton.c libos/libc/inet_ntop.c libos/libc/inet_class.c */
/* SPDX-License-Identifier: BSD-2-Clause */
/* Addresses and text, compared with the host's C library: chosen ones, and mutated ones by a seed. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>

#include "unit.h"

static int (*host_pton)(int, const char *, void *);
static const char *(*host_ntop)(int, const void *, char *, socklen_t);
static int (*host_aton)(const char *, struct in_addr *);
static in_addr_t (*host_network)(const char *);

static const char *const texts[] = {
    "0.0.0.0", "1.2.3.4", "255.255.255.255", "256.1.1.1", "1.2.3", "1.2.3.4.5", "1.2.3.4 ", "01.2.3.4",
    "1.2.3.00", "", ".", "1..2.3", "1.2.3.4x", "-1.2.3.4", "0x7f.1", "0177.0.0.1", "127.1", "1.2.65535",
    "1.2.65536", "1.16777215", "1.16777216", "4294967295", "4294967296", "08", "0x", "0xg", "1.2.3.4\t5",
    "10", "10.1", "0xffffffffff", "1.2.3.0400", "::", "::1", "1::", ":::", ":", "1:2:3:4:5:6:7:8",
    "1:2:3:4:5:6:7", "1:2:3:4:5:6:7::", "::2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8:9", "1::2::3", "fe80::1%eth0",
    "::ffff:1.2.3.4", "::1.2.3.4", "1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:7:1.2.3.4", "1.2.3.4::",
    "::1.2.3", "::1.2.3.4:5", "12345::", "g::", "::FFFF", "1:", ":1", "0:0:0:0:0:0:0:0", "1:2:3:4:5:6:7:",
    "1::3:4:5:6:7:8", "::0:0:1.2.3.256", "2001:db8:0:0:1:0:0:1", "1:0:0:2::", "0:0:1::", "1:2:3:4::5:6:7:8",
};

static void compare(const char *text)
{
    for (int i = 0; i < 2; i++) {
        int family = i ? AF_INET6 : AF_INET;
        unsigned char have[16], want[16];
        memset(have, 0xaa, sizeof(have));
        memset(want, 0xaa, sizeof(want));
        int got = inet_pton(family, text, have);
        int expected = host_pton(family, text, want);
        if (got != expected || memcmp(have, want, sizeof(have)) != 0) {
            printf("inet_pton of \"%s\": %d, not %d\n", text, got, expected);
        }
        EXPECT(got == expected);
        EXPECT(memcmp(have, want, sizeof(have)) == 0);
    }
    struct in_addr a = {7}, b = {7};
    int got = inet_aton(text, &a);
    int expected = host_aton(text, &b);
    if (got != expected || a.s_addr != b.s_addr) {
        printf("inet_aton of \"%s\": %d\n", text, got);
    }
    EXPECT(got == expected && a.s_addr == b.s_addr);
}

static void test_texts(void)
{
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        compare(texts[i]);
    }
    EXPECT(inet_pton(AF_UNIX, "1.2.3.4", NULL) == -1 && errno == EAFNOSUPPORT);
    EXPECT(inet_addr("1.2.3.4") == htonl(0x01020304) && inet_addr("x") == INADDR_NONE);
    static const char *const networks[] = {"10", "10.1", "192.168.1", "0x10.1", "300", "1.2.3.4", "x"};
    for (size_t i = 0; i < sizeof(networks) / sizeof(networks[0]); i++) {
        EXPECT(inet_network(networks[i]) == host_network(networks[i]));
    }
}

/* Change a byte or two of a good text: most results are bad ones, and some are not. */
static void test_mutated(void)
{
    srand(1);
    for (int round = 0; round < 200000; round++) {
        char text[64];
        strcpy(text, texts[(size_t)rand() % (sizeof(texts) / sizeof(texts[0]))]);
        size_t len = strlen(text);
        for (int n = rand() % 3; n >= 0 && len > 0; n--) {
            text[(size_t)rand() % len] = "0123456789abcdefFx:.: "[rand() % 22];
        }
        compare(text);
    }
}

static void test_ntop(void)
{
    srand(2);
    for (int round = 0; round < 100000; round++) {
        unsigned char addr[16];
        for (int i = 0; i < 16; i += 2) {
            unsigned word = rand() % 3 ? 0 : rand() % 4 ? (unsigned)rand() & 0xffff : 0xffff;
            addr[i] = (unsigned char)(word >> 8);
            addr[i + 1] = (unsigned char)word;
        }
        for (int i = 0; i < 2; i++) {
            int family = i ? AF_INET6 : AF_INET;
            char have[INET6_ADDRSTRLEN], want[INET6_ADDRSTRLEN];
            EXPECT(inet_ntop(family, addr, have, sizeof(have)) == have);
            host_ntop(family, addr, want, sizeof(want));
            unit_expect_str(have, want, __FILE__, __LINE__);
            char *small = malloc(strlen(want));
            EXPECT(inet_ntop(family, addr, small, (socklen_t)strlen(want)) == NULL && errno == ENOSPC);
            free(small);
        }
    }
    unit_expect_str(inet_ntoa((struct in_addr){htonl(0xc0a80001)}), "192.168.0.1", __FILE__, __LINE__);
    char out[64];
    EXPECT(inet_ntop(99, "", out, sizeof(out)) == NULL && errno == EAFNOSUPPORT);
}

static void test_class(void)
{
    struct in_addr (*make)(in_addr_t, in_addr_t) = dlsym(RTLD_NEXT, "inet_makeaddr");
    in_addr_t (*lnaof)(struct in_addr) = dlsym(RTLD_NEXT, "inet_lnaof");
    in_addr_t (*netof)(struct in_addr) = dlsym(RTLD_NEXT, "inet_netof");
    static const uint32_t nets[] = {0, 10, 127, 128, 0xac10, 0xffff, 0x10000, 0xc0a801, 0x1000000};
    for (size_t i = 0; i < sizeof(nets) / sizeof(nets[0]); i++) {
        struct in_addr a = inet_makeaddr(nets[i], 0x1234567), b = make(nets[i], 0x1234567);
        EXPECT(a.s_addr == b.s_addr);
        EXPECT(inet_lnaof(a) == lnaof(a) && inet_netof(a) == netof(a));
    }
}

int main(void)
{
    host_pton = dlsym(RTLD_NEXT, "inet_pton");
    host_ntop = dlsym(RTLD_NEXT, "inet_ntop");
    host_aton = dlsym(RTLD_NEXT, "inet_aton");
    host_network = dlsym(RTLD_NEXT, "inet_network");
    test_texts();
    test_mutated();
    test_ntop();
    test_class();
    return unit_done();
}

/* sources: libos/net/net_parse.c */
/* SPDX-License-Identifier: BSD-2-Clause */
/* Network options as text: addresses compared with the host's inet_pton(), settings, mutations. */
#include <arpa/inet.h>
#include <errno.h>

#include "libos/net/net_parse.h"

#include "unit.h"

static bool parse(const char *s, struct net_address *a)
{
    /* At the end of its allocation: a read beyond it is seen. */
    size_t len = strlen(s);
    char *copy = malloc(len > 0 ? len : 1);
    memcpy(copy, s, len);
    bool r = net_parse_address(copy, len, a);
    free(copy);
    return r;
}

static void compare(const char *s)
{
    struct net_address a;
    uint8_t want[16];
    bool v6 = strchr(s, ':') != NULL;
    bool good = inet_pton(v6 ? AF_INET6 : AF_INET, s, want) == 1;

    if (parse(s, &a) != good) {
        printf("'%s': ", s);
        EXPECT(!"the host's inet_pton() says otherwise");
        return;
    }
    EXPECT(!good || (a.v6 == v6 && memcmp(a.bytes, want, v6 ? 16 : 4) == 0));
}

static void test_addresses(void)
{
    static const char *const texts[] = {
        "", "0.0.0.0", "255.255.255.255", "256.1.1.1", "1.2.3", "1.2.3.4.5", "01.2.3.4", "1.2.3.4 ",
        "1..2.3", "-1.2.3.4", "1.2.3.+4", "1.2.3.0x4", "::", "::1", "1::", "1:2:3:4:5:6:7:8",
        "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1::2::3", ":1", "1:", ":::", "::1:", "12345::",
        "g::", "::ffff:192.0.2.1", "1:2:3:4:5:6:192.0.2.1", "1:2:3:4:5:6:7:192.0.2.1",
        "::192.0.2.256", "::192.0.2", "192.0.2.1::", "fe80::1%eth0", "2001:DB8::A", "1:2:3:4:5:6:7::",
        "::2:3:4:5:6:7:8", "::1:2:3:4:5:6:7:8", "ffffffffffffffffffffffff::", "1.2.3.99999999999999999999",
    };

    for (unsigned i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        compare(texts[i]);
    }
    uint64_t seed = 1;
    for (unsigned i = 0; i < 200000; i++) {
        static const char alphabet[] = "0123456789abcdef::::....";
        char text[48];
        unsigned len = (unsigned)(unit_random(&seed) % (sizeof(text) - 1));
        for (unsigned k = 0; k < len; k++) {
            text[k] = alphabet[unit_random(&seed) % (sizeof(alphabet) - 1)];
        }
        text[len] = '\0';
        compare(text);
    }
}

static void test_settings(void)
{
    struct net_settings set;
    const char *why;

    EXPECT(net_parse_settings("dhcp", false, &set, &why) == 0 && set.mode == NET_MODE_AUTO);
    EXPECT(net_parse_settings("off", false, &set, &why) == 0 && set.mode == NET_MODE_OFF);
    EXPECT(net_parse_settings("auto", true, &set, &why) == 0 && set.mode == NET_MODE_AUTO);
    EXPECT(net_parse_settings("10.1.2.3/8,gw=10.0.0.1,dns=10.0.0.2,dns=::1,mtu=1400", false, &set,
                              &why) == 0);
    EXPECT(set.mode == NET_MODE_STATIC && set.prefix == 8 && set.address.bytes[3] == 3);
    EXPECT(set.has_gateway && set.gateway.bytes[3] == 1 && set.ndns == 2 && set.dns[1].v6);
    EXPECT(set.mtu == 1400);
    EXPECT(net_parse_settings("2001:db8::5/64,gw=fe80::1", true, &set, &why) == 0);
    EXPECT(set.has_gateway && set.gateway.bytes[0] == 0xfe && set.ndns == 0);
    EXPECT(net_parse_settings("dhcp,mtu=1300,dns=1.1.1.1", false, &set, &why) == 0);
    EXPECT(set.mode == NET_MODE_AUTO && set.mtu == 1300 && set.ndns == 1);
}

static void test_bad_settings(void)
{
    static const char *const bad4[] = {
        "", "auto", "DHCP", "dhcpx", "dhc", "offf", "10.0.0.1", "10.0.0.1/", "10.0.0.1/0", "10.0.0.1/33",
        "10.0.0.1/024", "10.0.0.1/8x", "10.0.0/8", "/8", "::1/64", "10.0.0.1/8,", "10.0.0.1/8,,",
        "10.0.0.1/8,gw", "10.0.0.1/8,gw=", "10.0.0.1/8,gw=::1", "10.0.0.1/8,gw=1.2.3.4x",
        "10.0.0.1/8,dns=", "10.0.0.1/8,dns=1.1.1.1,dns=1.1.1.1,dns=1.1.1.1,dns=1.1.1.1",
        "10.0.0.1/8,mtu=575", "10.0.0.1/8,mtu=65522", "10.0.0.1/8,mtu=", "10.0.0.1/8,mtu=1500x",
        "10.0.0.1/8,foo=1", "dhcp,gw=10.0.0.1", "10.0.0.1/99999999999999999999",
    };
    static const char *const bad6[] = { "dhcp", "::1", "::1/48", "::1/128", "10.0.0.1/8",
                                        "::1/64,gw=10.0.0.1", "auto,gw=fe80::1" };
    struct net_settings set, before;
    const char *why;

    memset(&set, 0x5a, sizeof(set));
    before = set;
    for (unsigned i = 0; i < sizeof(bad4) / sizeof(bad4[0]); i++) {
        why = NULL;
        EXPECT(net_parse_settings(bad4[i], false, &set, &why) == -EINVAL && why != NULL);
    }
    for (unsigned i = 0; i < sizeof(bad6) / sizeof(bad6[0]); i++) {
        why = NULL;
        EXPECT(net_parse_settings(bad6[i], true, &set, &why) == -EINVAL && why != NULL);
    }
    EXPECT(memcmp(&set, &before, sizeof(set)) == 0);
}

static void test_mutated(void)
{
    static const char *const seeds[] = { "10.1.2.3/8,gw=10.0.0.1,dns=10.0.0.2,dns=::1,mtu=1400",
                                         "2001:db8::5/64,gw=fe80::1,dns=2001:db8::53", "dhcp,mtu=1400" };
    uint64_t seed = 2;

    for (unsigned i = 0; i < 200000; i++) {
        char *text = strdup(seeds[i % 3]);
        for (unsigned n = (unsigned)(unit_random(&seed) % 4); n > 0; n--) {
            text[unit_random(&seed) % strlen(seeds[i % 3])] = ",.:/=0129gdm\0x"[unit_random(&seed) % 14];
        }
        struct net_settings set;
        const char *why = NULL;
        int r = net_parse_settings(text, i % 2, &set, &why);
        EXPECT(r == 0 || (r == -EINVAL && why != NULL));
        EXPECT(r != 0 || (set.ndns <= NET_MAX_DNS && set.prefix <= 64 &&
                          (set.mtu == 0 || set.mtu >= NET_MTU_MIN)));
        free(text);
    }
}

static void test_dns(void)
{
    struct net_address list[NET_MAX_DNS];
    unsigned n = 0;
    const char *why;

    EXPECT(net_parse_dns("10.0.2.3,2001:db8::1", list, &n, &why) == 0 && n == 2 && list[1].v6);
    EXPECT(net_parse_dns("1.1.1.1,2.2.2.2", list, &n, &why) == -EINVAL && n == 3);
    n = 0;
    EXPECT(net_parse_dns("", list, &n, &why) == -EINVAL && n == 0);
    EXPECT(net_parse_dns("1.1.1.1,", list, &n, &why) == -EINVAL);
}

int main(void)
{
    test_addresses();
    test_settings();
    test_bad_settings();
    test_mutated();
    test_dns();
    return unit_done();
}

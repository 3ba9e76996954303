/* SPDX-License-Identifier: BSD-2-Clause */
/* Addresses as text, and byte order. */
#define _GNU_SOURCE
#include "../conform.h"

static void hex(const unsigned char *p, int n)
{
    for (int i = 0; i < n; i++) {
        printf("%02x", p[i]);
    }
    printf("\n");
}

static void texts(void)
{
    static const char *const list[] = {
        "0.0.0.0", "1.2.3.4", "255.255.255.255", "256.0.0.1", "1.2.3", "01.2.3.4", "1.2.3.4 ", "",
        "127.1", "0x7f000001", "017700000001", "::", "::1", "1::", "1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7::",
        "::ffff:10.0.0.1", "::10.0.0.1", "1::2::3", ":::", "12345::", "fe80::1%lo", "2001:DB8::F",
    };
    for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
        unsigned char out[16] = {0};
        struct in_addr a = {0};
        int v4ok = inet_pton(AF_INET, list[i], out);
        printf("inet_pton(AF_INET, \"%s\") = %d ", list[i], v4ok);
        hex(out, 4);
        memset(out, 0, sizeof(out));
        int v6ok = inet_pton(AF_INET6, list[i], out);
        printf("inet_pton(AF_INET6, \"%s\") = %d ", list[i], v6ok);
        hex(out, 16);
        if (v6ok == 1) {
            char text[INET6_ADDRSTRLEN];
            printf("inet_ntop = %s\n", inet_ntop(AF_INET6, out, text, sizeof(text)));
            IS(inet_ntop(AF_INET6, out, text, 2) == NULL && errno == ENOSPC);
        }
        int aton = inet_aton(list[i], &a);
        printf("inet_aton(\"%s\") = %d %s\n", list[i], aton != 0, inet_ntoa(a));
    }
    CALL(inet_pton(99, "1.2.3.4", NULL));
    IS(inet_ntop(99, "", NULL, 0) == NULL && errno == EAFNOSUPPORT);
    SHOW(inet_addr("1.2.3.4"));
    SHOW(inet_addr("bad") == INADDR_NONE);
    SHOW(inet_network("10.1"));
    SHOW(inet_lnaof((struct in_addr){htonl(0x0a010203)}));
    SHOW(inet_netof((struct in_addr){htonl(0xc0a80102)}));
    SHOW(ntohl(inet_makeaddr(10, 0x010203).s_addr));
    SHOW(htonl(0x01020304));
    SHOW(htons(0x0102));
    IS(IN6_IS_ADDR_LOOPBACK(&in6addr_loopback));
    IS(IN6_IS_ADDR_UNSPECIFIED(&in6addr_any));
}

int main(void)
{
    begin();
    texts();
    return end();
}

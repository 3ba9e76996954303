/* SPDX-License-Identifier: BSD-2-Clause */
/* <string.h>, <strings.h>, <ctype.h> and the names of errors and signals, with their edges. */
#define _GNU_SOURCE
#define __NO_CTYPE /* functions rather than macros */
#include "../conform.h"

#include <ctype.h>
#include <strings.h>

static char buf[64];

static int sign(int x)
{
    return (x > 0) - (x < 0);
}

/* Where in s a function points. */
static long at(const void *p, const void *s)
{
    return p == NULL ? -2 : (const char *)p - (const char *)s;
}

static char *filled(void)
{
    memset(buf, '#', sizeof(buf) - 1);
    buf[sizeof(buf) - 1] = '\0';
    return buf;
}

static void copying(void)
{
    char s[] = "0123456789";
    SAY("copying");
    STR(strcpy(filled(), ""));
    STR(strcpy(filled(), "abc"));
    STR(strncpy(filled(), "abc", 2));
    STR(strncpy(filled(), "abc", 0));
    BYTES(strncpy(filled(), "abc", 6), 8);
    SHOW(at(stpcpy(filled(), "hello"), buf));
    SHOW(at(stpncpy(filled(), "hello", 3), buf));
    SHOW(at(stpncpy(filled(), "hello", 8), buf));
    BYTES(buf, 10);
    strcpy(buf, "one");
    STR(strcat(buf, ""));
    STR(strcat(buf, "two"));
    STR(strncat(buf, "three", 2));
    STR(strncat(buf, "three", 0));
    STR(strncat(buf, "!", 100));
    BYTES(memcpy(filled(), "a\0b", 3), 5);
    STR(memmove(s + 2, s, 5));
    STR(memmove(s, s + 2, 5));
    STR(memmove(s, s + 1, 0));
    SHOW(at(mempcpy(filled(), "xyz", 3), buf));
    SHOW(at(memccpy(filled(), "find me", 'd', 7), buf));
    SHOW(at(memccpy(filled(), "find me", 'z', 7), buf));
    SHOW(at(memccpy(filled(), "find me", 'f', 0), buf));
    STR(memset(filled(), 'a' + 256, 3));
    STR(memset(filled(), 'b', 0));
    memcpy(buf, "secret", 7);
    bzero(buf, 3);
    BYTES(buf, 7);
    memcpy(buf, "secret", 7);
    explicit_bzero(buf, 7);
    BYTES(buf, 7);
    bcopy("moved", buf, 6);
    STR(buf);
    swab("badcfe", buf, 6);
    BYTES(buf, 6);
    memset(buf, '.', 8);
    swab("badcfe", buf, 5);
    BYTES(buf, 4);
    char *copy = strdup("");
    STR(copy);
    free(copy);
    copy = strndup("abcdef", 3);
    STR(copy);
    free(copy);
    copy = strndup("ab", 100);
    STR(copy);
    free(copy);
}

static void comparing(void)
{
    SAY("comparing");
    SHOW(sign(strcmp("", "")));
    SHOW(sign(strcmp("a", "")));
    SHOW(sign(strcmp("a", "b")));
    SHOW(sign(strcmp("\xff", "a"))); /* as unsigned */
    SHOW(sign(strcmp("abc", "abcd")));
    SHOW(sign(strncmp("abc", "abd", 2)));
    SHOW(sign(strncmp("abc", "abd", 3)));
    SHOW(sign(strncmp("a", "b", 0)));
    SHOW(sign(strncmp("ab\0x", "ab\0y", 4)));
    SHOW(sign(memcmp("ab\0x", "ab\0y", 4)));
    SHOW(sign(memcmp("a", "b", 0)));
    SHOW(sign(memcmp("\x80", "\x7f", 1)));
    SHOW(sign(bcmp("ab", "ab", 2)));
    IS(bcmp("ab", "ac", 2) != 0);
    SHOW(sign(strcasecmp("HeLLo", "hEllO")));
    SHOW(sign(strcasecmp("a", "B")));
    SHOW(sign(strcasecmp("[", "a"))); /* '[' is below 'a', above 'A' */
    SHOW(sign(strncasecmp("ABCd", "abcE", 3)));
    SHOW(sign(strncasecmp("ABCd", "abcE", 4)));
    SHOW(sign(strncasecmp("A", "b", 0)));
    SHOW(sign(strcoll("a", "b")));
    SHOW(sign(strcoll("B", "a")));
    SHOW((long)strxfrm(NULL, "abc", 0));
    SHOW((long)strxfrm(filled(), "abc", 10));
    STR(buf);
    SHOW(sign(strverscmp("item9", "item10")));
    SHOW(sign(strverscmp("1.002", "1.01")));
    SHOW(sign(strverscmp("a", "a")));
    SHOW(sign(strverscmp("000", "00")));
}

static void searching(void)
{
    const char *s = "a needle in a haystack";
    SAY("searching");
    SHOW((long)strlen(""));
    SHOW((long)strlen(s));
    SHOW((long)strnlen(s, 5));
    SHOW((long)strnlen(s, 0));
    SHOW((long)strnlen("ab", 100));
    SHOW(at(strchr(s, 'n'), s));
    SHOW(at(strchr(s, 'z'), s));
    SHOW(at(strchr(s, 0), s));
    SHOW(at(strchr(s, 'n' + 256), s));
    SHOW(at(strrchr(s, 'a'), s));
    SHOW(at(strrchr(s, 0), s));
    SHOW(at(strrchr(s, 'z'), s));
    SHOW(at(strchrnul(s, 'z'), s));
    SHOW(at(index(s, 'i'), s));
    SHOW(at(rindex(s, 'i'), s));
    SHOW(at(memchr(s, 'n', 2), s));
    SHOW(at(memchr(s, 'n', 3), s));
    SHOW(at(memchr(s, 'a', 0), s));
    SHOW(at(memrchr(s, 'a', 5), s));
    SHOW(at(memrchr(s, 'a', 0), s));
    SHOW(at(rawmemchr(s, 'h'), s));
    SHOW(at(strstr(s, "needle"), s));
    SHOW(at(strstr(s, ""), s));
    SHOW(at(strstr(s, "needles"), s));
    SHOW(at(strstr("aaab", "aab"), s) == -2);
    SHOW(at(strstr("", "a"), s));
    SHOW(at(strcasestr(s, "HAY"), s));
    SHOW(at(strcasestr(s, "HAZ"), s));
    SHOW(at(memmem(s, strlen(s), "hay", 3), s));
    SHOW(at(memmem(s, 3, "hay", 3), s));
    SHOW(at(memmem(s, 3, "", 0), s));
    SHOW((long)strspn("aabbc", "ab"));
    SHOW((long)strspn("abc", ""));
    SHOW((long)strspn("", "abc"));
    SHOW((long)strcspn("abc,def", ",;"));
    SHOW((long)strcspn("abc", ""));
    SHOW((long)strcspn("", "x"));
    SHOW(at(strpbrk(s, "hi"), s));
    SHOW(at(strpbrk(s, ""), s));
    SHOW(at(strpbrk(s, "XYZ"), s));
    SHOW(ffs(0));
    SHOW(ffs(1));
    SHOW(ffs((int)0x80000000));
    SHOW(ffsl(0x100000000L));
    SHOW(ffsll(0));
}

static void tokens(void)
{
    char s[] = ",,a,b;;c", t[] = "x  y", u[] = ",,", v[] = "k=v==w", *save, *rest;
    SAY("tokens");
    STR(strtok(s, ",;"));
    STR(strtok(NULL, ","));
    STR(strtok(NULL, ""));
    STR(strtok(NULL, ","));
    STR(strtok(u, ","));
    STR(strtok_r(t, " ", &save));
    STR(strtok_r(NULL, " ", &save));
    STR(strtok_r(NULL, " ", &save));
    rest = v;
    STR(strsep(&rest, "="));
    STR(strsep(&rest, "="));
    STR(strsep(&rest, "="));
    STR(strsep(&rest, "="));
    STR(strsep(&rest, "="));
    STR(basename("/a/b/"));
    STR(basename("name"));
    STR(basename("/"));
}

static void classes(void)
{
    static const struct {
        const char *name;
        int (*is)(int);
    } all[] = {{"alnum", isalnum}, {"alpha", isalpha}, {"blank", isblank}, {"cntrl", iscntrl},
               {"digit", isdigit}, {"graph", isgraph}, {"lower", islower}, {"print", isprint},
               {"punct", ispunct}, {"space", isspace}, {"upper", isupper}, {"xdigit", isxdigit}};
    SAY("classes of characters: how many, their sum, EOF");
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        int n = 0, sum = 0;
        for (int c = 0; c < 256; c++) {
            n += all[i].is(c) != 0;
            sum += all[i].is(c) != 0 ? c : 0;
        }
        printf("%s %d %d %d\n", all[i].name, n, sum, all[i].is(EOF) != 0);
    }
    int up = 0, low = 0;
    for (int c = -1; c < 256; c++) {
        up += toupper(c) != c;
        low += tolower(c) != c;
    }
    SHOW(up);
    SHOW(low);
    SHOW(toupper('q'));
    SHOW(tolower('Q'));
    SHOW(toupper(0xe4));
    SHOW(tolower(EOF));
    SHOW(isascii(127) != 0);
    SHOW(isascii(128) != 0);
    SHOW(toascii('a' | 0x80));
}

static void words(void)
{
    SAY("words for errors and signals");
    for (size_t i = 0; i < sizeof(error_names) / sizeof(error_names[0]); i++) {
        printf("%s: %s\n", error_names[i].name, strerror(error_names[i].number));
    }
    STR(strerror(0));
    STR(strerror(4000));
    STR(strerror(-1));
    SHOW(errno);
    STR(strerror_r(ENOENT, buf, sizeof(buf)));
    STR(strerror_r(ENOENT, buf, 5));
    STR(strerror_r(4000, buf, sizeof(buf)));
    for (int s = 1; s < 32; s++) {
        printf("%d: %s\n", s, strsignal(s));
    }
    STR(strsignal(0));
    STR(strsignal(34));
    STR(strsignal(64));
    STR(strsignal(-1));
    STR(strsignal(1000));
}

int main(void)
{
    begin();
    copying();
    comparing();
    searching();
    tokens();
    classes();
    words();
    return end();
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* Wide and multibyte characters, in the C locale and in C.UTF-8; locales, iconv. */
#define _GNU_SOURCE
#include "../conform.h"

#include <iconv.h>
#include <langinfo.h>
#include <limits.h>
#include <locale.h>
#include <wchar.h>
#include <wctype.h>

static char buf[100];
static wchar_t w[100];

static int sign(int x)
{
    return (x > 0) - (x < 0);
}

static long at(const wchar_t *p, const wchar_t *s)
{
    return p == NULL ? -2 : p - s;
}

static void show(int line, const wchar_t *s, size_t n)
{
    printf("%d:", line);
    for (size_t i = 0; i < n; i++) {
        printf(" %lx", (unsigned long)s[i]);
    }
    putchar('\n');
}

#define W(s, n) show(__LINE__, s, n)

static void strings(void)
{
    const wchar_t *s = L"a needle in a haystack";
    wchar_t t[] = L",a,,b", *save;
    SAY("wide strings");
    SHOW((long)wcslen(L""));
    SHOW((long)wcslen(s));
    SHOW((long)wcsnlen(s, 3));
    W(wcscpy(w, L"abc"), 4);
    W(wcscat(w, L"de"), 6);
    W(wcsncat(w, L"fgh", 2), 8);
    wmemset(w, L'#', 10);
    W(wcsncpy(w, L"ab", 4), 6);
    SHOW(wcpcpy(w, L"xyz") - w);
    SHOW(wcpncpy(w, L"xy", 4) - w);
    W(wmemcpy(w, L"123456", 6), 6);
    W(wmemmove(w + 1, w, 4), 4);
    SHOW(sign(wcscmp(L"a", L"b")));
    SHOW(sign(wcscmp(L"", L"")));
    SHOW(sign(wcsncmp(L"abc", L"abd", 2)));
    SHOW(sign(wmemcmp(L"abc", L"abd", 3)));
    SHOW(sign(wcscasecmp(L"HeY", L"hEy")));
    SHOW(sign(wcsncasecmp(L"HeYa", L"hEyb", 3)));
    SHOW(sign(wcscoll(L"a", L"b")));
    SHOW((long)wcsxfrm(NULL, L"abc", 0));
    SHOW(at(wcschr(s, L'n'), s));
    SHOW(at(wcschr(s, 0), s));
    SHOW(at(wcsrchr(s, L'a'), s));
    SHOW(at(wcsstr(s, L"hay"), s));
    SHOW(at(wcsstr(s, L""), s));
    SHOW(at(wcspbrk(s, L"hi"), s));
    SHOW((long)wcsspn(L"aab", L"a"));
    SHOW((long)wcscspn(L"aab", L"b"));
    SHOW(at(wmemchr(s, L'd', 10), s));
    SHOW(at(wmemchr(s, L'z', 10), s));
    IS(wcscmp(wcstok(t, L",", &save), L"a") == 0);
    IS(wcscmp(wcstok(NULL, L",", &save), L"b") == 0);
    IS(wcstok(NULL, L",", &save) == NULL);
    wchar_t *copy = wcsdup(L"copy");
    IS(wcscmp(copy, L"copy") == 0);
    free(copy);
    struct tm when = {.tm_year = 124, .tm_mday = 1};
    SHOW((long)wcsftime(w, 100, L"%Y-%m-%d", &when));
    IS(wcscmp(w, L"2024-01-01") == 0);
}

/* The first `n` of some characters; in the C locale, what is beyond ASCII is each library's own. */
static void classes(size_t n)
{
    static const wint_t chars[] = {'a', 'Z', '5', ' ', '\t', '\n', '!', 0x7f, 0xe4, 0xc4, 0x3b1, 0x391, 0x416, 0x4e2d, 0x20ac,
                                   0x3000, 0x1f600, 0xfffd};
    for (size_t i = 0; i < n; i++) {
        wint_t c = chars[i];
        printf("%lx:%s%s%s%s%s%s%s%s%s%s%s%s %lx %lx width %d\n", (unsigned long)c, iswalnum(c) ? " alnum" : "", iswalpha(c) ? " alpha" : "",
               iswblank(c) ? " blank" : "", iswcntrl(c) ? " cntrl" : "", iswdigit(c) ? " digit" : "", iswgraph(c) ? " graph" : "",
               iswlower(c) ? " lower" : "", iswprint(c) ? " print" : "", iswpunct(c) ? " punct" : "", iswspace(c) ? " space" : "",
               iswupper(c) ? " upper" : "", iswxdigit(c) ? " xdigit" : "", (unsigned long)towupper(c), (unsigned long)towlower(c),
               wcwidth((wchar_t)c));
    }
    IS(iswctype('a', wctype("alpha")) != 0);
    IS(wctype("nonsense") == 0);
    IS(towctrans('a', wctrans("toupper")) == 'A');
    IS(wctrans("nonsense") == 0);
    SHOW(wcswidth(L"abc", 3));
    SHOW(wcswidth(L"a\tb", 3));
    SHOW(btowc('a') == L'a');
    IS(btowc(EOF) == WEOF);
    SHOW(wctob(L'a'));
    SHOW(wctob(0x4e2d));
}

static void multibyte(void)
{
    static const char *const texts[] = {"", "a", "\xc3\xa4", "\xe2\x82\xac", "\xf0\x9f\x98\x80", "\xc3", "\xe2\x82", "\xff", "\x80", "\xc0\x80",
        "\xe0\x80\x80", "\xc3\x28"};
    mbstate_t st;
    const char *src;
    const wchar_t *wsrc;
    SHOW((long)MB_CUR_MAX);
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        wchar_t c = 0x77;
        size_t len = strlen(texts[i]);
        print_bytes(texts[i], len);
        memset(&st, 0, sizeof(st));
        errno = 0;
        long n = (long)mbrtowc(&c, texts[i], len + (len == 0), &st);
        printf(": mbrtowc %ld %lx %s initial %d,", n, (unsigned long)c, error_name(errno), n != -1 ? mbsinit(&st) != 0 : -1);
        errno = 0;
        mbtowc(NULL, NULL, 0);
        n = mblen(texts[i], len + 1);
        printf(" mblen %ld %s,", n, error_name(errno));
        errno = 0;
        n = (long)mbstowcs(w, texts[i], 10);
        printf(" mbstowcs %ld %s\n", n, error_name(errno));
    }
    SAY("a character in parts");
    memset(&st, 0, sizeof(st));
    SHOW((long)mbrtowc(w, "\xe2", 1, &st));
    SHOW((long)mbrtowc(w, "\x82", 1, &st));
    SHOW(mbsinit(&st) != 0);
    SHOW((long)mbrtowc(w, "\xac", 1, &st));
    W(w, 1);
    memset(&st, 0, sizeof(st));
    SHOW((long)mbrlen("abc", 0, &st));
    SAY("wide to bytes");
    static const wchar_t chars[] = {0, 'a', 0xe4, 0x20ac, 0x1f600, -1};
    for (size_t i = 0; i < sizeof(chars) / sizeof(chars[0]); i++) {
        memset(&st, 0, sizeof(st));
        memset(buf, '#', 8);
        errno = 0;
        long n = (long)wcrtomb(buf, chars[i], &st);
        printf("%lx: %ld %s ", (unsigned long)chars[i], n, error_name(errno));
        print_bytes(buf, n > 0 ? (size_t)n : 0);
        printf(" wctomb %d\n", wctomb(buf, chars[i]));
    }
    SAY("strings");
    errno = 0;
    SHOW((long)mbstowcs(NULL, "abc", 0));
    SHOW((long)mbstowcs(w, "abcdef", 3));
    SHOW((long)wcstombs(buf, L"abc", 2));
    SHOW((long)wcstombs(NULL, L"abc", 0));
    src = "x\xc3\xa4y";
    memset(&st, 0, sizeof(st));
    SHOW((long)mbsrtowcs(NULL, &src, 0, &st));
    errno = 0;
    SHOW((long)mbsrtowcs(w, &src, 10, &st));
    printf("%s\n", src == NULL ? "through" : "not through");
    src = "abc";
    memset(&st, 0, sizeof(st));
    SHOW((long)mbsnrtowcs(w, &src, 2, 10, &st));
    wsrc = L"x\xe4";
    memset(&st, 0, sizeof(st));
    errno = 0;
    SHOW((long)wcsrtombs(buf, &wsrc, 10, &st));
    wsrc = L"abc";
    memset(&st, 0, sizeof(st));
    SHOW((long)wcsnrtombs(buf, &wsrc, 2, 10, &st));
}

static void locales(void)
{
    SAY("locales");
    unsetenv("LANG"), unsetenv("LC_ALL"), unsetenv("LC_CTYPE");
    STR(setlocale(LC_ALL, NULL));
    STR(setlocale(LC_ALL, "C"));
    STR(setlocale(LC_ALL, "POSIX"));
    IS(setlocale(LC_ALL, "xx_YY") == NULL);
    STR(setlocale(LC_ALL, ""));
    STR(setlocale(99, "C"));
    struct lconv *l = localeconv();
    STR(l->decimal_point);
    STR(l->thousands_sep);
    STR(l->grouping);
    STR(l->currency_symbol);
    SHOW(l->frac_digits == CHAR_MAX);
    static const struct {
        const char *name;
        nl_item item;
    } items[] = {{"RADIXCHAR", RADIXCHAR}, {"THOUSEP", THOUSEP}, {"YESEXPR", YESEXPR}, {"NOEXPR", NOEXPR},
                 {"DAY_1", DAY_1}, {"ABDAY_7", ABDAY_7}, {"MON_12", MON_12}, {"ABMON_1", ABMON_1}, {"AM_STR", AM_STR}, {"PM_STR", PM_STR},
                 {"D_T_FMT", D_T_FMT}, {"D_FMT", D_FMT}, {"T_FMT", T_FMT}, {"T_FMT_AMPM", T_FMT_AMPM}, {"ERA", ERA}};
    for (size_t i = 0; i < sizeof(items) / sizeof(items[0]); i++) {
        printf("%s: %s\n", items[i].name, nl_langinfo(items[i].item));
    }
    errno = 0;
    IS(newlocale(LC_ALL_MASK, "xx_YY", (locale_t)0) == (locale_t)0);
    SHOW(errno == ENOENT);
    locale_t c = newlocale(LC_ALL_MASK, "C", (locale_t)0), d = duplocale(c);
    IS(c != (locale_t)0 && d != (locale_t)0);
    IS(uselocale((locale_t)0) == LC_GLOBAL_LOCALE);
    IS(uselocale(c) == LC_GLOBAL_LOCALE);
    IS(uselocale((locale_t)0) == c);
    uselocale(LC_GLOBAL_LOCALE);
    freelocale(d);
    freelocale(c);
}

static void conversions(void)
{
    static const struct {
        const char *to, *from, *text;
    } all[] = {{"UTF-8", "ISO-8859-1", "\xe4\xff"}, {"ISO-8859-1", "UTF-8", "\xc3\xa4"}, {"UTF-16LE", "UTF-8", "a\xe2\x82\xac"},
               {"UTF-16BE", "UTF-8", "\xf0\x9f\x98\x80"}, {"UTF-8", "UTF-16LE", "a"}, {"ASCII", "UTF-8", "ab"}, {"ASCII", "UTF-8", "a\xc3\xa4"},
               {"UTF-8", "UTF-8", "\xc3"}, {"UTF-8", "UTF-8", "\xff" "a"}, {"utf8", "latin1", "\xe4"}};
    SAY("iconv");
    errno = 0;
    IS(iconv_open("UTF-8", "NO-SUCH") == (iconv_t)-1 && errno == EINVAL);
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        errno = 0;
        iconv_t cd = iconv_open(all[i].to, all[i].from);
        printf("%s from %s: ", all[i].to, all[i].from);
        if (cd == (iconv_t)-1) {
            printf("%s\n", error_name(errno));
            continue;
        }
        char in[20], *ip = in, *op = buf;
        strcpy(in, all[i].text);
        size_t il = strlen(in), ol = sizeof(buf);
        errno = 0;
        long n = (long)iconv(cd, &ip, &il, &op, &ol);
        printf("%ld %s, %zu left, ", n, error_name(errno), il);
        print_bytes(buf, sizeof(buf) - ol);
        putchar('\n');
        SHOW((long)iconv(cd, NULL, NULL, NULL, NULL));
        ip = (char *)(uintptr_t)"abcdef";
        il = 6;
        op = buf;
        ol = 1;
        errno = 0;
        CALL(iconv(cd, &ip, &il, &op, &ol));
        CALL(iconv_close(cd));
    }
}

int main(void)
{
    begin();
    strings();
    SAY("the C locale");
    classes(8);
    locales();
    conversions();
    STR(setlocale(LC_ALL, "C.UTF-8"));
    STR(setlocale(LC_CTYPE, NULL));
    STR(nl_langinfo(CODESET));
    classes(18);
    multibyte();
    return end();
}

/* sources: libos/core/cmdline.c */
/* SPDX-License-Identifier: BSD-2-Clause */
/* The command line: words, quotes, options, arguments, and text that means harm. */
#include <pith/boot.h>
#include <pith/cmdline.h>
#include <pith/log.h>

#include "unit.h"

static unsigned warnings;

void klog(enum log_level level, const char *fmt, ...)
{
    (void)level;
    (void)fmt;
    warnings++;
}

static void test_words(void)
{
    cmdline_init("  a=1 bare b='x y' \"c=d e\" f=\\\"\\  b=2 -- one 'two words' \"\" -- --x=\"q\"r\t\n last\\");
    EXPECT_STR(cmdline_get("a"), "1");
    EXPECT_STR(cmdline_get("bare"), "");
    EXPECT_STR(cmdline_get("b"), "2");
    EXPECT_STR(cmdline_get("c"), "d e");
    EXPECT_STR(cmdline_get("f"), "\" ");
    EXPECT(cmdline_get("bar") == NULL);
    const char *first = cmdline_next("b", NULL);
    EXPECT_STR(first, "x y");
    EXPECT_STR(cmdline_next("b", first), "2");
    EXPECT(cmdline_next("b", cmdline_next("b", first)) == NULL);
    EXPECT(cmdline_get("barex") == NULL);
    EXPECT(cmdline_get("one") == NULL);
    EXPECT(cmdline_argc() == 7);
    char **argv = cmdline_argv();
    EXPECT_STR(argv[0], "pith");
    EXPECT_STR(argv[1], "one");
    EXPECT_STR(argv[2], "two words");
    EXPECT_STR(argv[3], "");
    EXPECT_STR(argv[4], "--");
    EXPECT_STR(argv[5], "--x=qr");
    EXPECT_STR(argv[6], "last\\");
    EXPECT(argv[7] == NULL);
}

static void test_small(void)
{
    cmdline_init("");
    EXPECT(cmdline_argc() == 1 && cmdline_argv()[1] == NULL && cmdline_environ()[0] == NULL);
    EXPECT(cmdline_get("a") == NULL);
    EXPECT(cmdline_get("") == NULL);
    cmdline_init("--");
    EXPECT(cmdline_argc() == 1);
    cmdline_init("-- x");
    EXPECT(cmdline_argc() == 2);
    cmdline_init("'--' x");
    EXPECT(cmdline_argc() == 1);
    EXPECT(cmdline_get("x") != NULL);
    cmdline_init("a=1--b -- name=z");
    EXPECT_STR(cmdline_get("a"), "1--b");
    EXPECT_STR(cmdline_argv()[0], "pith");
    cmdline_init("name=prog a==b");
    EXPECT_STR(cmdline_argv()[0], "prog");
    EXPECT_STR(cmdline_get("a"), "=b");
}

static void test_environ(void)
{
    cmdline_init("env.HOME=/x env.EMPTY= 'env.A=b c' env.novalue -- env.NOT=1");
    char **env = cmdline_environ();
    EXPECT_STR(env[0], "HOME=/x");
    EXPECT_STR(env[1], "EMPTY=");
    EXPECT_STR(env[2], "A=b c");
    EXPECT(env[3] == NULL);
    cmdline_init("env.A=1 env.AB=2 env.A=3 env.B= env.B=4 env.AB=");
    env = cmdline_environ();
    EXPECT_STR(env[0], "A=3");
    EXPECT_STR(env[1], "AB=");
    EXPECT_STR(env[2], "B=4");
    EXPECT(env[3] == NULL);
}

static uint64_t number(const char *text)
{
    char line[64];

    snprintf(line, sizeof(line), "n=%s", text);
    cmdline_init(line);
    return cmdline_get_u64("n", 99);
}

static void test_numbers(void)
{
    EXPECT(number("0") == 0);
    EXPECT(number("12") == 12);
    EXPECT(number("0x1F") == 31);
    EXPECT(number("4k") == 4096);
    EXPECT(number("0x2M") == 2u << 20);
    EXPECT(number("3G") == 3ull << 30);
    EXPECT(number("18446744073709551615") == UINT64_MAX);
    EXPECT(number("18446744073709551616") == 99);
    EXPECT(number("17179869184G") == 99);
    EXPECT(number("17179869183G") == 17179869183ull << 30);
    EXPECT(number("") == 99);
    EXPECT(number("0x") == 99);
    EXPECT(number("K") == 99);
    EXPECT(number("1KB") == 99);
    EXPECT(number("-1") == 99);
    EXPECT(number("1f") == 99);
    EXPECT(number("0xg") == 99);
    cmdline_init("");
    EXPECT(cmdline_get_u64("n", 5) == 5);
}

static void test_hostile(void)
{
    static char text[3 * BOOT_CMDLINE_MAX];
    uint64_t seed = 42;

    memset(text, 'a', sizeof(text) - 1);
    warnings = 0;
    cmdline_init(text);
    EXPECT(warnings == 1);
    EXPECT(cmdline_argc() == 1);

    warnings = 0;
    cmdline_init("-- 'open");
    EXPECT(warnings == 1);
    EXPECT_STR(cmdline_argv()[1], "open");

    strcpy(text, "--");
    for (int i = 0; i < 200; i++) {
        strcat(text, " x");
    }
    warnings = 0;
    cmdline_init(text);
    EXPECT(cmdline_argc() == CMDLINE_MAX_ARGS && cmdline_argv()[CMDLINE_MAX_ARGS] == NULL);
    EXPECT(warnings == 200 + 1 - CMDLINE_MAX_ARGS);

    text[0] = '\0';
    for (int i = 0; i < 100; i++) {
        sprintf(text + strlen(text), " env.A%d=1", i);
    }
    cmdline_init(text);
    EXPECT(cmdline_environ()[CMDLINE_MAX_ENV - 1] != NULL);
    EXPECT(cmdline_environ()[CMDLINE_MAX_ENV] == NULL);

    /* Any bytes: the results stay inside the buffer and are terminated (ASan looks on). */
    for (int round = 0; round < 20000; round++) {
        static const char alphabet[] = "ab=-- '\"\\ env.nm\t\x01\xff";
        size_t len = unit_random(&seed) % 80;
        for (size_t i = 0; i < len; i++) {
            text[i] = alphabet[unit_random(&seed) % (sizeof(alphabet) - 1)];
        }
        text[len] = '\0';
        cmdline_init(text);
        size_t sum = 0;
        for (int i = 0; i < cmdline_argc(); i++) {
            sum += strlen(cmdline_argv()[i]);
        }
        const char *value = cmdline_get("a");
        EXPECT(sum <= len + 80 && (value == NULL || strlen(value) <= len));
        if (unit_failed != 0) {
            printf("line: %s\n", text);
            return;
        }
    }
}

int main(void)
{
    test_words();
    test_small();
    test_environ();
    test_numbers();
    test_hostile();
    return unit_done();
}

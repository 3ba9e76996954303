/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The C library in a machine: start, standard streams, descriptors, devices, clocks, signals, ends.
 *
 * The first argument says what to do: `checks` (with more arguments, an environment and standard
 * input as test.cfg gives them) or a way to end.
 */
#include <assert.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check.h"

#include "parts.h"

static int the_argc;
static char **the_argv;

/* Set by a constructor, which runs before main. */
static int constructed;

__attribute__((constructor)) static void construct(void)
{
    constructed = 1;
}

/* Assembly for vectors keeps tables in its text that begin a page: they do so wherever the image lies. */
__attribute__((aligned(4096))) static int own_page(void)
{
    return 1;
}

static void start(void)
{
    int (*volatile page)(void) = own_page;
    CHECK((uintptr_t)page % 4096 == 0 && page() == 1);
    CHECK_EQ(constructed, 1);
    CHECK_EQ(the_argc, 4);
    CHECK(strcmp(the_argv[1], "checks") == 0);
    CHECK(strcmp(the_argv[2], "two words") == 0);
    CHECK(strcmp(the_argv[3], "-x") == 0);
    CHECK(the_argv[4] == NULL);
    CHECK(getenv("COLOUR") != NULL && strcmp(getenv("COLOUR"), "dark green") == 0);
    CHECK(getenv("NOTHING") == NULL);
    CHECK_EQ(setenv("NOTHING", "something", 1), 0);
    CHECK(strcmp(getenv("NOTHING"), "something") == 0);
    CHECK_EQ(getpid(), 1);
}

/*
 * test.cfg gives: a line, an escape byte, a line that a short buffer cuts, and no newline at the
 * end.
 */
static void standard_input(void)
{
    char line[100];
    CHECK(!isatty(0));
    CHECK(isatty(1) && isatty(2));
    CHECK(fgets(line, sizeof(line), stdin) != NULL && strcmp(line, "first line\n") == 0);
    CHECK(fgets(line, sizeof(line), stdin) != NULL && strcmp(line, "a\x10" "b\x04" "c\n") == 0);
    CHECK(fgets(line, sizeof(line), stdin) != NULL && strcmp(line, "end") == 0);
    CHECK(feof(stdin));
    CHECK(fgets(line, sizeof(line), stdin) == NULL);
    CHECK_EQ(read(0, line, sizeof(line)), 0); /* the end stays the end */
    CHECK_EQ(read(0, line, sizeof(line)), 0);
}

static int caught;

static void catches(int sig)
{
    caught += sig;
}

static void signals(void)
{
    CHECK(signal(SIGUSR1, catches) == SIG_DFL);
    CHECK_EQ(raise(SIGUSR1), 0);
    CHECK_EQ(caught, SIGUSR1);
    CHECK(signal(SIGTERM, SIG_IGN) == SIG_DFL);
    CHECK_EQ(kill(getpid(), SIGTERM), 0);
    CHECK(signal(SIGTERM, SIG_DFL) == SIG_IGN);
    CHECK(signal(SIGKILL, catches) == SIG_ERR);
    CHECK_EQ(kill(getpid(), 0), 0);
    CHECK_EQ(kill(4711, SIGTERM), -1);
    CHECK_EQ(raise(1000), -1);
}

/* ---- ends ---- */

static void first_handler(void)
{
    printf("registered first, runs last\n");
}

static void second_handler(void)
{
    printf("registered last, runs first\n");
}

__attribute__((destructor)) static void destruct(void)
{
    if (the_argc == 2) {
        printf("destructor\n");
    }
}

/* The program goes on without its main thread, and ends with its last one as by exit(0). */
static void *outlives_main(void *arg)
{
    usleep(20000);
    printf(", main has gone\n");
    return arg;
}

__attribute__((noinline)) static int end_as(const char *how)
{
    atexit(first_handler);
    atexit(second_handler);
    printf("not flushed"); /* stdout is line-buffered, so exit() has to */
    if (strcmp(how, "return") == 0) {
        return 7;
    }
    if (strcmp(how, "_exit") == 0) {
        _exit(8);
    }
    if (strcmp(how, "pthread_exit") == 0) {
        pthread_t t;
        pthread_create(&t, NULL, outlives_main, NULL);
        pthread_exit(NULL);
    }
    if (strcmp(how, "abort") == 0) {
        abort();
    }
    if (strcmp(how, "assert") == 0) {
        assert(how == NULL);
    }
    if (strcmp(how, "term") == 0) {
        raise(SIGTERM);
    }
    if (strcmp(how, "double-free") == 0) {
        void *volatile p = malloc(100); /* volatile: else the compiler removes it all */
        free(p);
        free(p);
    }
    printf("no way to end: %s\n", how);
    return 99;
}

int main(int argc, char **argv)
{
    the_argc = argc;
    the_argv = argv;
    if (argc == 2) {
        return end_as(argv[1]);
    }
    check_run("start", start);
    check_run("standard_input", standard_input);
    check_run("signals", signals);
    parts_run();
    return check_done();
}

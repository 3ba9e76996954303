/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What always fails: every function that toolchain/cli/support.list calls enosys is called here twice (the check
 * of that table looks for its name), and the log tells each kind once.
 */
#define _GNU_SOURCE
#include "check.h"

#include <dlfcn.h>
#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static char *const args[] = { (char *)"x", NULL };

#define REFUSED(call)                       \
    do {                                    \
        for (int i = 0; i < 2; i++) {       \
            errno = 0;                      \
            CHECK((call) == -1);            \
            CHECK_EQ(errno, ENOSYS);        \
        }                                   \
    } while (0)

static void copies(void)
{
    REFUSED(fork());
    REFUSED(vfork());
    REFUSED(daemon(0, 0));
    REFUSED(chroot("/"));
}

static void other_programs(void)
{
    pid_t pid = 77;
    REFUSED(execve("/x", args, environ));
    REFUSED(execv("/x", args));
    REFUSED(execvp("x", args));
    REFUSED(execvpe("x", args, environ));
    REFUSED(execl("/x", "x", (char *)NULL));
    REFUSED(execle("/x", "x", (char *)NULL, environ));
    REFUSED(execlp("x", "x", (char *)NULL));
    REFUSED(fexecve(0, args, environ));
    CHECK_EQ(posix_spawn(&pid, "/x", NULL, NULL, args, environ), ENOSYS);
    CHECK_EQ(posix_spawnp(&pid, "x", NULL, NULL, args, environ), ENOSYS);
    CHECK_EQ(pid, 77);
}

static void commands(void)
{
    REFUSED(system("true"));
    CHECK_EQ(system(NULL), 0);
    for (int i = 0; i < 2; i++) {
        errno = 0;
        CHECK(popen("true", "r") == NULL);
        CHECK_EQ(errno, ENOSYS);
    }
    CHECK(pclose(stdout) == -1 && errno == ECHILD);
}

static void children(void)
{
    int status;
    CHECK(wait(&status) == -1 && errno == ECHILD);
    CHECK(waitpid(-1, &status, WNOHANG) == -1 && errno == ECHILD);
}

static void libraries(void)
{
    for (int i = 0; i < 2; i++) {
        errno = 0;
        CHECK(dlopen("libm.so.6", RTLD_NOW) == NULL);
        CHECK_EQ(errno, ENOSYS);
        CHECK(strstr(dlerror(), "link it into the image") != NULL);
        CHECK(dlerror() == NULL);
    }
    CHECK(dlopen(NULL, RTLD_NOW) != NULL);
}

static void stopping(void)
{
    REFUSED(raise(SIGSTOP));
    REFUSED(kill(getpid(), SIGSTOP));
}

int main(void)
{
    check_run("copies", copies);
    check_run("programs", other_programs);
    check_run("commands", commands);
    check_run("children", children);
    check_run("libraries", libraries);
    check_run("stopping", stopping);
    return check_done();
}

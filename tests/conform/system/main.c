/* SPDX-License-Identifier: BSD-2-Clause */
/* The process and what it may ask of the system: ids, limits, names, what is configured, users. */
#define _GNU_SOURCE
#include "../conform.h"

#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/times.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <syslog.h>

static char buf[300];

static void ids(void)
{
    gid_t groups[10];
    SAY("ids");
    IS(getpid() > 0);
    IS(getppid() >= 0);
    IS(getuid() == geteuid() && getgid() == getegid());
    IS(getpgrp() == getpgid(0));
    IS(getsid(0) >= 0);
    CALL(getpgid(-1));
    CALL(setuid(getuid()));
    CALL(setgid(getgid()));
    CALL(seteuid(geteuid()));
    CALL(setegid(getegid()));
    IS(getgroups(0, NULL) >= 0);
    IS(getgroups(10, groups) >= 0);
    CALL(getgroups(minus_one, groups));
    SHOW(umask(077));
    SHOW(umask(022));
    SAY("there is nobody to wait for");
    int status;
    CALL(wait(&status));
    CALL(waitpid(-1, &status, WNOHANG));
    CALL(waitpid(12345678, &status, 0));
    CALL(waitpid(-1, &status, 12345));
    CALL(kill(12345678, 0));
    CALL(killpg(getpgrp(), 0));
}

static void limits(void)
{
    struct rlimit l, old;
    struct rusage u;
    SAY("limits");
    CALL(getrlimit(RLIMIT_NOFILE, &l));
    IS(l.rlim_cur >= 1024 && l.rlim_cur <= l.rlim_max);
    old = l;
    l.rlim_cur = 64;
    CALL(setrlimit(RLIMIT_NOFILE, &l));
    CALL(getrlimit(RLIMIT_NOFILE, &l));
    SHOW((long)l.rlim_cur);
    int fd = (int)MUST(open("/dev/null", O_RDONLY)), n = 0, fds[100];
    while (n < 100 && (fds[n] = dup(fd)) >= 0) {
        n++;
    }
    IS(n > 40 && n < 64);
    SHOW(errno == EMFILE);
    CALL(fcntl(fd, F_DUPFD, 64));
    CALL(dup2(fd, 64));
    FD(open("/dev/null", O_RDONLY));
    FD(socket(AF_INET, SOCK_DGRAM, 0));
    int p[2];
    CALL(pipe(p));
    while (n > 0) {
        close(fds[--n]);
    }
    close(fd);
    l.rlim_cur = old.rlim_cur;
    CALL(setrlimit(RLIMIT_NOFILE, &l));
    l.rlim_cur = l.rlim_max + 1;
    l.rlim_max = l.rlim_max;
    CALL(setrlimit(RLIMIT_NOFILE, &l));
    CALL(getrlimit(77, &l));
    CALL(getrlimit(RLIMIT_STACK, &l));
    CALL(getrlimit(RLIMIT_CORE, &l));
    CALL(getrlimit(RLIMIT_AS, &l));
    CALL(getrusage(RUSAGE_SELF, &u));
    CALL(getrusage(77, &u));
    errno = 0;
    IS(getpriority(PRIO_PROCESS, 0) >= -20 && errno == 0);
    CALL(getpriority(77, 0));
    CALL(sched_yield());
}

static void names(void)
{
    struct utsname u;
    SAY("names");
    CALL(uname(&u));
    STR(u.machine);
    IS(strlen(u.sysname) > 0 && strlen(u.release) > 0 && strlen(u.version) > 0);
    CALL(gethostname(buf, sizeof(buf)));
    IS(strcmp(buf, u.nodename) == 0);
    CALL(gethostname(buf, 0));
    STR(ttyname(-1));
    CALL(ttyname_r(-1, buf, sizeof(buf)));
    CALL(isatty(-1));
    int fd = (int)MUST(open("/dev/null", O_RDWR));
    CALL(isatty(fd));
    SHOW(ttyname_r(fd, buf, sizeof(buf)) == ENOTTY);
    close(fd);
}

static void configured(void)
{
    static const struct {
        const char *name;
        int item;
    } exact[] = {{"PAGESIZE", _SC_PAGESIZE}, {"CLK_TCK", _SC_CLK_TCK}, {"IOV_MAX", _SC_IOV_MAX}, {"THREADS", _SC_THREADS},
        {"TIMERS", _SC_TIMERS}, {"SEMAPHORES", _SC_SEMAPHORES}, {"MONOTONIC_CLOCK", _SC_MONOTONIC_CLOCK}, {"FSYNC", _SC_FSYNC},
        {"MAPPED_FILES", _SC_MAPPED_FILES}, {"BARRIERS", _SC_BARRIERS}, {"SPIN_LOCKS", _SC_SPIN_LOCKS}, {"REGEXP", _SC_REGEXP},
        {"READER_WRITER_LOCKS", _SC_READER_WRITER_LOCKS}, {"REALTIME_SIGNALS", _SC_REALTIME_SIGNALS}, {"RTSIG_MAX", _SC_RTSIG_MAX},
        {"THREAD_KEYS_MAX", _SC_THREAD_KEYS_MAX}, {"VERSION", _SC_VERSION}, {"NGROUPS_MAX", _SC_NGROUPS_MAX}, {"TZNAME_MAX", _SC_TZNAME_MAX},
        {"HOST_NAME_MAX", _SC_HOST_NAME_MAX}, {"LOGIN_NAME_MAX", _SC_LOGIN_NAME_MAX}, {"TTY_NAME_MAX", _SC_TTY_NAME_MAX},
        {"SYMLOOP_MAX", _SC_SYMLOOP_MAX}, {"THREAD_STACK_MIN", _SC_THREAD_STACK_MIN}, {"SEM_VALUE_MAX", _SC_SEM_VALUE_MAX},
        {"DELAYTIMER_MAX", _SC_DELAYTIMER_MAX}, {"LINE_MAX", _SC_LINE_MAX}, {"BC_BASE_MAX", _SC_BC_BASE_MAX}, {"RE_DUP_MAX", _SC_RE_DUP_MAX},
        {"THREAD_DESTRUCTOR_ITERATIONS", _SC_THREAD_DESTRUCTOR_ITERATIONS}, {"ATEXIT_MAX", _SC_ATEXIT_MAX},
        {"CLOCK_SELECTION", _SC_CLOCK_SELECTION}, {"CPUTIME", _SC_CPUTIME}, {"IPV6", _SC_IPV6}, {"NAME none", 9999}, {"NAME -1", -1}};
    SAY("sysconf");
    for (size_t i = 0; i < sizeof(exact) / sizeof(exact[0]); i++) {
        errno = 0;
        long v = sysconf(exact[i].item);
        printf("%s: %ld %s\n", exact[i].name, v, error_name(errno));
    }
    IS(sysconf(_SC_NPROCESSORS_ONLN) >= 1 && sysconf(_SC_NPROCESSORS_CONF) >= sysconf(_SC_NPROCESSORS_ONLN));
    IS(sysconf(_SC_PHYS_PAGES) > 1000 && sysconf(_SC_AVPHYS_PAGES) > 100);
    IS(sysconf(_SC_OPEN_MAX) >= 1024);
    IS(sysconf(_SC_ARG_MAX) >= 4096);
    SHOW(getpagesize());
    SAY("pathconf");
    static const struct {
        const char *name;
        int item;
    } paths[] = {{"NAME_MAX", _PC_NAME_MAX}, {"PATH_MAX", _PC_PATH_MAX}, {"PIPE_BUF", _PC_PIPE_BUF}, {"CHOWN_RESTRICTED", _PC_CHOWN_RESTRICTED},
        {"NO_TRUNC", _PC_NO_TRUNC}, {"FILESIZEBITS", _PC_FILESIZEBITS}, {"MAX_CANON", _PC_MAX_CANON}, {"none", 9999}};
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        errno = 0;
        long v = pathconf("/", paths[i].item);
        printf("%s: %ld %s\n", paths[i].name, v, error_name(errno));
    }
    CALL(pathconf("/none", _PC_NAME_MAX));
    CALL(fpathconf(-1, _PC_NAME_MAX));
    CALL(fpathconf(0, _PC_NAME_MAX) == 255);
    struct statvfs v;
    CALL(statvfs("/", &v));
    IS(v.f_bsize > 0 && v.f_namemax == 255);
    CALL(statvfs("/none", &v));
    CALL(fstatvfs(-1, &v));
}

static void users(void)
{
    struct passwd p, *found;
    struct group g, *gfound;
    SAY("users");
    struct passwd *root = getpwuid(0);
    IS(root != NULL && strcmp(root->pw_name, "root") == 0 && root->pw_gid == 0);
    root = getpwnam("root");
    IS(root != NULL && root->pw_uid == 0);
    errno = 0;
    IS(getpwnam("nobody-at-all") == NULL);
    SHOW(errno);
    IS(getpwuid(123456) == NULL);
    SHOW(getpwuid_r(0, &p, buf, sizeof(buf), &found));
    IS(found == &p && strcmp(p.pw_name, "root") == 0);
    SHOW(getpwnam_r("nobody-at-all", &p, buf, sizeof(buf), &found));
    IS(found == NULL);
    struct group *wheel = getgrgid(0);
    IS(wheel != NULL && strcmp(wheel->gr_name, "root") == 0);
    IS(getgrnam("root") != NULL);
    IS(getgrnam("nobody-at-all") == NULL);
    SHOW(getgrgid_r(0, &g, buf, sizeof(buf), &gfound));
    IS(gfound == &g);
    SAY("syslog");
    openlog("conform", LOG_NDELAY, LOG_USER);
    SHOW(setlogmask(LOG_MASK(LOG_ERR)));
    SHOW(setlogmask(0));
    closelog();
}

int main(void)
{
    begin();
    ids();
    limits();
    names();
    configured();
    users();
    return end();
}

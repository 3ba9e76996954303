/* SPDX-License-Identifier: BSD-2-Clause */
/* Calls that Linux programs make often and POSIX has not, or not all: names, times, tables, ids, conversions. */
#define _GNU_SOURCE
#include "../conform.h"

#include <err.h>
#include <error.h>
#include <grp.h>
#include <iconv.h>
#include <libgen.h>
#include <libintl.h>
#include <pthread.h>
#include <pwd.h>
#include <sched.h>
#include <spawn.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

/* In parentheses, so that no header's macro takes its place. */
static void parts_of_paths(void)
{
    static const char *const paths[] = {"", "/", "//", "///", "a", "/a", "//a", "a/", "/a/", "a/b", "/a/b", "a//b",
                                        "/a//b//", "a/b/", ".", "..", "/.", "a/..", "///a///b///", "//a//"};
    char copy[32];
    SAY("dirname, basename");
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        strcpy(copy, paths[i]);
        printf("%s: dirname %s", paths[i], dirname(copy));
        strcpy(copy, paths[i]);
        printf(" basename %s\n", basename(copy));
    }
    printf("NULL: %s %s\n", dirname(NULL), basename(NULL));
}

static void show_tm(const struct tm *t)
{
    printf("%d-%02d-%02d %02d:%02d:%02d day %d of the week, %d of the year\n", t->tm_year + 1900, t->tm_mon + 1,
           t->tm_mday, t->tm_hour, t->tm_min, t->tm_sec, t->tm_wday, t->tm_yday);
}

static void dates(void)
{
    static const struct tm dates[] = {
        {.tm_year = 70, .tm_mday = 1}, {.tm_year = 100, .tm_mon = 1, .tm_mday = 29}, {.tm_year = 0, .tm_mon = 2, .tm_mday = 1},
        {.tm_year = 100, .tm_mon = 2, .tm_mday = 0}, {.tm_year = 69, .tm_mon = 11, .tm_mday = 31, .tm_hour = 23, .tm_min = 59, .tm_sec = 59},
        {.tm_year = 126, .tm_mon = 13, .tm_mday = 32, .tm_hour = 25, .tm_min = 61, .tm_sec = 61},
        {.tm_year = 126, .tm_mon = -1, .tm_mday = -1, .tm_hour = -1, .tm_min = -1, .tm_sec = -1},
        {.tm_year = 126, .tm_mon = -25, .tm_mday = 1000}, {.tm_year = -1899, .tm_mday = 1}, {.tm_year = -1900, .tm_mon = 1, .tm_mday = 29},
        {.tm_year = -1901, .tm_mon = 2, .tm_mday = 1}, {.tm_year = -2300, .tm_mon = 6, .tm_mday = 4}, {.tm_year = 8099, .tm_mon = 11, .tm_mday = 31},
        {.tm_year = 200, .tm_mon = 1, .tm_mday = 29}, {.tm_year = 300, .tm_mon = 1, .tm_mday = 29},
    };
    SAY("timegm");
    for (size_t i = 0; i < sizeof(dates) / sizeof(dates[0]); i++) {
        struct tm t = dates[i];
        printf("%lld: ", (long long)timegm(&t));
        show_tm(&t);
    }
    for (long long day = -800000; day < 800000; day += 12345) {
        time_t then = day * 86400 + 4711;
        struct tm t;
        gmtime_r(&then, &t);
        if (timegm(&t) != then) {
            printf("day %lld does not come back\n", day);
        }
    }
    struct tm late = {.tm_year = 2147483647, .tm_mon = 12, .tm_mday = 1};
    CALL(timegm(&late));
    late = (struct tm){.tm_year = 2147483647, .tm_mon = 11, .tm_mday = 31, .tm_hour = 23, .tm_min = 59, .tm_sec = 59};
    SHOW(timegm(&late));
    late.tm_sec = 60;
    CALL(timegm(&late));
    late = (struct tm){.tm_year = -2147483647 - 1, .tm_mday = 1};
    SHOW(timegm(&late));
    late = (struct tm){.tm_year = -2147483647 - 1, .tm_mday = 1, .tm_sec = -1};
    CALL(timegm(&late));
}

static void lines(void)
{
    char *line = NULL;
    size_t size = 0;
    FILE *f = fmemopen((void *)"one\n\ntwo;three\nend", 18, "r");
    SAY("getline, getdelim");
    SHOW(getline(&line, &size, f));
    SHOW(getline(&line, &size, f));
    SHOW(getdelim(&line, &size, ';', f));
    printf("%s\n", line);
    SHOW(getline(&line, &size, f));
    SHOW(getline(&line, &size, f));
    SHOW(getline(&line, &size, f));
    IS(feof(f));
    CALL(getline(NULL, &size, f));
    free(line);
    fclose(f);
}

static void names(void)
{
    SAY("names of files");
    char *path = canonicalize_file_name("/tmp/../tmp/./");
    printf("%s\n", path);
    free(path);
    IS(canonicalize_file_name("/nonexistent") == NULL && errno == ENOENT);
    CALL(chdir("/tmp"));
    path = get_current_dir_name();
    printf("%s\n", path);
    free(path);
    setenv("A_VARIABLE", "value", 1);
    printf("%s\n", secure_getenv("A_VARIABLE"));
    clearenv();
    IS(getenv("A_VARIABLE") == NULL);
    CALL(setenv("ANOTHER", "value", 1));
    printf("%s\n", getenv("ANOTHER"));
}

static void descriptors(void)
{
    SAY("close_range, lockf, statfs, xattr");
    int p[2];
    MUST(pipe(p));
    CALL(close_range(5, 4, 0));
    CALL(close_range(3, 4, 1 << 10));
    CALL(close_range((unsigned)p[0], (unsigned)p[1], CLOSE_RANGE_CLOEXEC));
    SHOW(fcntl(p[0], F_GETFD));
    CALL(close_range((unsigned)p[0], ~0u, 0));
    CALL(fcntl(p[0], F_GETFD));
    CALL(fcntl(p[1], F_GETFD));
    char name[] = "/tmp/more-XXXXXX";
    int fd = (int)MUST(mkstemp(name));
    CALL(lockf(fd, F_TLOCK, 10));
    CALL(lockf(fd, F_TEST, 0));
    CALL(lockf(fd, F_ULOCK, 0));
    CALL(lockf(fd, F_LOCK, -1));
    CALL(lockf(fd, 9, 0));
    CALL(lockf(1000, F_TEST, 0));
    struct statfs fs;
    CALL(statfs("/tmp", &fs));
    IS(fs.f_bsize > 0 && fs.f_blocks >= fs.f_bfree && fs.f_bfree >= fs.f_bavail && fs.f_namelen == 255);
    CALL(fstatfs(fd, &fs));
    CALL(fstatfs(1000, &fs));
    CALL(statfs("/nonexistent", &fs));
    CALL(syncfs(fd));
    CALL(syncfs(1000));
    CALL(getxattr("/nonexistent", "user.a", NULL, 0));
    CALL(fgetxattr(1000, "user.a", NULL, 0));
    CALL(fsetxattr(fd, "user.a", "b", 1, 8));
    CALL(unlink(name));
    closefrom(fd);
    CALL(fcntl(fd, F_GETFD));
}

static void terminals(void)
{
    int p[2];
    struct termios t;
    SAY("termios");
    memset(&t, 0, sizeof(t));
    MUST(pipe(p));
    CALL(tcgetattr(p[0], &t));
    CALL(tcsetattr(p[0], TCSANOW, &t));
    CALL(tcsetattr(p[0], 9, &t));
    CALL(tcgetattr(1000, &t));
    CALL(tcflush(p[0], TCIFLUSH));
    CALL(tcdrain(p[0]));
    CALL(tcflow(p[0], TCOON));
    CALL(tcgetpgrp(p[0]));
    CALL(tcsetpgrp(p[0], 1));
    IS(ttyname(p[0]) == NULL && errno == ENOTTY);
    SHOW(ttyname_r(1000, (char[20]){0}, 20));
    CALL(cfsetospeed(&t, B9600));
    SHOW(cfgetospeed(&t) == B9600);
    CALL(cfsetispeed(&t, 77777));
    CALL(cfsetspeed(&t, B115200));
    SHOW(t.c_cflag & CBAUD);
    t.c_iflag = t.c_oflag = t.c_lflag = ~0u;
    t.c_cflag |= CSIZE | PARENB;
    cfmakeraw(&t);
    printf("%x %x %x %x %d %d\n", t.c_iflag, t.c_oflag, t.c_cflag, t.c_lflag, t.c_cc[VMIN], t.c_cc[VTIME]);
    close(p[0]);
    close(p[1]);
}

static void scheduling(void)
{
    struct sched_param param = {.sched_priority = 0};
    struct timespec slice;
    cpu_set_t set;
    SAY("sched");
    SHOW(sched_get_priority_min(SCHED_OTHER));
    SHOW(sched_get_priority_max(SCHED_OTHER));
    SHOW(sched_get_priority_min(SCHED_FIFO));
    SHOW(sched_get_priority_max(SCHED_RR));
    SHOW(sched_get_priority_max(SCHED_BATCH));
    CALL(sched_get_priority_max(77));
    SHOW(sched_getscheduler(0));
    CALL(sched_getscheduler(-1));
    CALL(sched_getscheduler(4000000));
    CALL(sched_getparam(0, &param));
    CALL(sched_getparam(0, NULL));
    CALL(sched_setscheduler(0, SCHED_OTHER, &param));
    param.sched_priority = 1;
    CALL(sched_setscheduler(0, SCHED_OTHER, &param));
    param.sched_priority = 100;
    CALL(sched_setscheduler(0, SCHED_FIFO, &param));
    CALL(sched_setscheduler(0, 77, &param));
    CALL(sched_rr_get_interval(4000000, &slice));
    CPU_ZERO(&set);
    CALL(sched_getaffinity(0, sizeof(set), &set));
    IS(CPU_COUNT(&set) > 0 && CPU_COUNT(&set) <= sysconf(_SC_NPROCESSORS_CONF));
    CALL(sched_setaffinity(0, sizeof(set), &set));
    SHOW(pthread_getaffinity_np(pthread_self(), sizeof(set), &set));
    SHOW(pthread_setaffinity_np(pthread_self(), sizeof(set), &set));
    CALL(sched_getaffinity(0, 1, &set));
    CALL(sched_getaffinity(4000000, sizeof(set), &set));
    CPU_ZERO(&set);
    CALL(sched_setaffinity(0, sizeof(set), &set));
    CPU_SET(3, &set);
    CPU_SET(70, &set);
    CPU_CLR(3, &set);
    printf("%d %d %d\n", CPU_COUNT(&set), CPU_ISSET(70, &set) != 0, CPU_ISSET(3, &set) != 0);
    IS(sched_getcpu() >= 0);
    int policy;
    SHOW(pthread_getschedparam(pthread_self(), &policy, &param));
    SHOW(policy == SCHED_OTHER && param.sched_priority == 0);
    SHOW(pthread_setschedparam(pthread_self(), SCHED_OTHER, &param));
    SHOW(pthread_setschedparam(pthread_self(), 77, &param));
    SHOW(pthread_getconcurrency());
    SHOW(pthread_setconcurrency(-1));
    SHOW(pthread_setconcurrency(3));
    SHOW(pthread_getconcurrency());
}

static void ids(void)
{
    uid_t a = 1, b = 1, c = 1;
    SAY("ids, users, the machine");
    CALL(getresuid(&a, &b, &c));
    IS(a == getuid() && b == geteuid() && c == a);
    CALL(setresuid((uid_t)-1, (uid_t)-1, (uid_t)-1));
    IS(gettid() == getpid());
    gid_t list[4];
    int n = 0;
    SHOW(getgrouplist("root", 0, list, &n));
    SHOW(n);
    SHOW(getgrouplist("root", 0, list, &n));
    setpwent();
    struct passwd *first = getpwent();
    printf("%s %d\n", first->pw_name, (int)first->pw_uid);
    endpwent();
    struct sysinfo info;
    CALL(sysinfo(&info));
    IS(info.uptime >= 0 && info.totalram >= info.freeram && info.mem_unit > 0 && info.procs > 0);
    IS(get_nprocs() >= 1 && get_nprocs() <= get_nprocs_conf() && get_phys_pages() > get_avphys_pages());
    char name[16] = "";
    CALL(prctl(PR_SET_NAME, "a long name of a thread"));
    CALL(prctl(PR_GET_NAME, name));
    printf("%s\n", name);
    SHOW(prctl(PR_SET_DUMPABLE, 0));
    SHOW(prctl(PR_GET_DUMPABLE));
    CALL(prctl(PR_SET_DUMPABLE, 7));
    CALL(prctl(12345));
    siginfo_t si;
    CALL(waitid(P_ALL, 0, &si, WEXITED));
    CALL(waitid(P_ALL, 0, &si, 0));
    CALL(waitid(P_PID, 0, &si, WEXITED));
    CALL(waitid(P_ALL, 0, &si, WEXITED | 64));
    CALL(wait3(NULL, WNOHANG, NULL));
    CALL(wait4(-1, NULL, 0, NULL));
    SHOW(pthread_atfork(NULL, NULL, NULL));
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attr;
    SHOW(posix_spawn_file_actions_init(&actions));
    SHOW(posix_spawn_file_actions_adddup2(&actions, 1, 2));
    SHOW(posix_spawn_file_actions_adddup2(&actions, -1, 2));
    SHOW(posix_spawn_file_actions_addclose(&actions, -1));
    SHOW(posix_spawn_file_actions_addopen(&actions, 3, "/x", O_RDONLY, 0));
    SHOW(posix_spawn_file_actions_destroy(&actions));
    SHOW(posix_spawnattr_init(&attr));
    SHOW(posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK));
    SHOW(posix_spawnattr_setflags(&attr, 0x4000));
    SHOW(posix_spawnattr_destroy(&attr));
}

static void convert(const char *to, const char *from, const char *text, size_t in_size, size_t out_size)
{
    iconv_t cd = iconv_open(to, from);
    printf("%s from %s: ", to, from);
    if (cd == (iconv_t)-1) {
        printf("%s\n", error_name(errno));
        return;
    }
    char out[64], *in = (char *)text, *end = out;
    size_t in_left = in_size, out_left = out_size;
    size_t r = iconv(cd, &in, &in_left, &end, &out_left);
    printf("%ld %s, %zu left, %zu room:", (long)r, r == (size_t)-1 ? error_name(errno) : "", in_left, out_left);
    for (char *p = out; p < end; p++) {
        printf(" %02x", *p & 255);
    }
    printf("\n");
    CALL(iconv_close(cd));
}

static void conversions(void)
{
    SAY("iconv");
    convert("UTF-8", "ISO-8859-1", "a\xe4z", 3, 64);
    convert("ISO-8859-1", "UTF-8", "a\xc3\xa4z", 4, 64);
    convert("ISO-8859-15", "UTF-8", "\xe2\x82\xac", 3, 64);
    convert("UTF-16LE", "UTF-8", "\xf0\x9f\x98\x80 x", 6, 64);
    convert("UTF-16BE", "UTF-8", "\xc3\xa4", 2, 64);
    convert("UTF-8", "UTF-16LE", "\x3d\xd8\x00\xde", 4, 64);
    convert("UTF-8", "CP1252", "\x80\x93", 2, 64);
    convert("KOI8-R", "UTF-8", "\xd0\x9f\xd1\x80", 4, 64);
    convert("UTF-8", "CP1251", "\xcf\xf0", 2, 64);
    SAY("what does not fit");
    convert("UTF-8", "ISO-8859-1", "a\xe4z", 3, 2);
    convert("UTF-8", "UTF-8", "a\xc3", 2, 64);
    convert("UTF-16LE", "UTF-8", "a\xff", 2, 64);
    convert("UTF-16LE", "UTF-8", "a\xc3", 2, 64);
    convert("ISO-8859-1", "UTF-8", "\xe2\x82\xac", 3, 64);
    convert("UTF-8", "ISO-8859-1", "", 0, 64);
    convert("ISO-8859-1", "UTF-8", "ab\xe2\x82\xac" "c", 6, 64);
    convert("UTF-8", "NO-SUCH-SET", "", 0, 64);
    convert("NO-SUCH-SET", "UTF-8", "", 0, 0);
}

static void texts(void)
{
    SAY("gettext, err, error");
    printf("%s %s %s\n", gettext("a text"), ngettext("one", "many", 1), ngettext("one", "many", 0));
    printf("%s\n", textdomain(NULL));
    printf("%s\n", textdomain("program"));
    printf("%s\n", textdomain(NULL));
    printf("%s\n", textdomain(""));
    printf("%s\n", bindtextdomain("program", "/somewhere"));
    IS(bindtextdomain("", "/somewhere") == NULL);
    dup2(1, 2);
    program_invocation_name = (char *)"/folder/program";
    program_invocation_short_name = (char *)"program";
    errno = ENOENT;
    warn("file %d", 1);
    errno = EACCES;
    warn(NULL);
    warnx("no error %s", "here");
    warnx(NULL);
    error(0, 0, "plain");
    error(0, EINVAL, "with %s", "number");
    error_at_line(0, 0, "input", 7, "in a line");
    error_one_per_line = 1;
    error_at_line(0, 0, "input", 8, "first");
    error_at_line(0, 0, "input", 8, "second");
    printf("%u messages\n", error_message_count);
}

int main(void)
{
    begin();
    parts_of_paths();
    dates();
    lines();
    descriptors();
    terminals();
    scheduling();
    ids();
    conversions();
    texts();
    names();
    return end();
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* Small questions: tables of the network, the process, its start, the heap, the chain of calls, statx(). */
#define _GNU_SOURCE
#include <execinfo.h>
#include <malloc.h>
#include <netdb.h>
#include <pthread.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "../conform.h"

static void show_protocol(const struct protoent *p)
{
    printf("%s %d, %s\n", p->p_name, p->p_proto, p->p_aliases[0]);
}

static void network_tables(void)
{
    struct servent s, *found;
    struct protoent p, *protocol;
    char buf[512];
    SAY("services and protocols");
    SHOW(getservbyname_r("http", "tcp", &s, buf, sizeof(buf), &found));
    IS(found == &s);
    printf("%s %d %s\n", s.s_name, ntohs((uint16_t)s.s_port), s.s_proto);
    SHOW(getservbyport_r(htons(53), "udp", &s, buf, sizeof(buf), &found));
    printf("%s %d %s\n", s.s_name, ntohs((uint16_t)s.s_port), s.s_proto);
    SHOW(getprotobyname_r("TCP", &p, buf, sizeof(buf), &protocol));
    IS(protocol == &p);
    show_protocol(protocol);
    SHOW(getprotobynumber_r(17, &p, buf, sizeof(buf), &protocol));
    show_protocol(protocol);
    IS(getprotobynumber_r(17, &p, buf, 1, &protocol) == ERANGE && protocol == NULL);
    IS(getservbyname_r("no such service", "tcp", &s, buf, sizeof(buf), &found) == 0 || found == NULL);
    IS(found == NULL);
    unsigned all = 0, http = 0;
    setservent(1);
    for (struct servent *e; (e = getservent()) != NULL; all++) {
        http += strcmp(e->s_name, "http") == 0 && e->s_port == htons(80);
    }
    IS(all > 20 && http >= 1);
    IS(getservent() == NULL);
    setservent(0);
    IS(getservent() != NULL);
    endservent();
    all = 0;
    setprotoent(0);
    for (struct protoent *e; (e = getprotoent()) != NULL;) {
        all += e->p_proto == 6 || e->p_proto == 17;
    }
    SHOW(all);
    endprotoent();
}

static void start(void)
{
    SAY("getauxval");
    IS(getauxval(AT_PAGESZ) == (unsigned long)sysconf(_SC_PAGESIZE));
    IS(getauxval(AT_CLKTCK) == (unsigned long)sysconf(_SC_CLK_TCK));
    IS(getauxval(AT_UID) == getuid() && getauxval(AT_EGID) == getegid());
    SHOW(getauxval(AT_SECURE));
    IS(getauxval(AT_MINSIGSTKSZ) >= 1024 || getauxval(AT_MINSIGSTKSZ) == 0);
    const unsigned char *bytes = (const unsigned char *)getauxval(AT_RANDOM);
    unsigned sum = 0;
    for (int i = 0; i < 16; i++) {
        sum += bytes[i];
    }
    IS(sum != 0 && bytes == (const unsigned char *)getauxval(AT_RANDOM));
    STR((const char *)getauxval(AT_PLATFORM));
    errno = 0;
    IS(getauxval(4711) == 0 && errno == ENOENT);
}

static void process(void)
{
    char text[64];
    SAY("the process");
    memset(text, 'x', sizeof(text));
    SHOW(confstr(_CS_PATH, NULL, 0));
    SHOW(confstr(_CS_PATH, text, sizeof(text)));
    STR(text);
    SHOW(confstr(_CS_PATH, text, 5));
    STR(text);
    errno = 0;
    IS(confstr(4711, text, sizeof(text)) == 0 && errno == EINVAL);
    STR(ctermid(NULL));
    STR(ctermid(text));
    IS(!group_member(4711));
}

static void clocks(void)
{
    struct timespec ts, now;
    clockid_t clock;
    SAY("clocks");
    SHOW(timespec_get(&ts, TIME_UTC));
    clock_gettime(CLOCK_REALTIME, &now);
    IS(now.tv_sec - ts.tv_sec <= 5 && ts.tv_nsec >= 0 && ts.tv_nsec < 1000000000);
    SHOW(timespec_get(&ts, 0));
    SHOW(timespec_get(&ts, 4711));
    SHOW(clock_getcpuclockid(0, &clock));
    IS(clock_gettime(clock, &ts) == 0);
    SHOW(clock_getcpuclockid(getpid(), &clock) == 0);
    SHOW(clock_getcpuclockid(0x7ffffff0, &clock) == ESRCH);
}

static void heap(void)
{
    SAY("mallinfo2");
    char *volatile small = malloc(1000);
    struct mallinfo2 before = mallinfo2();
    char *volatile large[10];
    for (int i = 0; i < 10; i++) {
        large[i] = malloc(20000);
    }
    struct mallinfo2 m = mallinfo2();
    IS(m.uordblks + m.hblkhd >= before.uordblks + 200000 && m.arena + m.hblkhd >= 201000);
    for (int i = 0; i < 10; i++) {
        free(large[i]);
    }
    IS(mallinfo2().uordblks < m.uordblks);
    free(small);
    SHOW(mallopt(M_TRIM_THRESHOLD, 128 * 1024));
}

__attribute__((noinline)) static int inner(void **chain)
{
    int n = backtrace(chain, 30);
    __asm__ volatile("" : : : "memory");
    return n;
}

static void calls(void)
{
    void *chain[30];
    SAY("backtrace");
    int n = inner(chain);
    IS(n >= 3 && n <= 30);
    IS(backtrace(chain, 1) == 1);
    IS(backtrace(chain, 0) == 0);
    char **lines = backtrace_symbols(chain, 1);
    IS(lines != NULL && strchr(lines[0], '(') != NULL && strstr(lines[0], "[0x") != NULL);
    free(lines);
    int p[2];
    char text[400];
    MUST(pipe(p));
    backtrace_symbols_fd(chain, 1, p[1]);
    ssize_t len = read(p[0], text, sizeof(text));
    IS(len > 5 && text[len - 1] == '\n' && memchr(text, '(', (size_t)len) != NULL);
    close(p[0]);
    close(p[1]);
}

static void files(void)
{
    struct statx x;
    struct stat st;
    char name[64], link[64];
    SAY("statx, lchmod, sync_file_range");
    snprintf(name, sizeof(name), "/tmp/lookups-%d", (int)getpid());
    snprintf(link, sizeof(link), "/tmp/lookups-link-%d", (int)getpid());
    int fd = FD(open(name, O_RDWR | O_CREAT, 0640));
    CALL(write(fd, "12345", 5));
    CALL(symlink(name, link));
    CALL(statx(AT_FDCWD, name, 0, STATX_BASIC_STATS, &x));
    MUST(fstat(fd, &st));
    IS((x.stx_mask & STATX_BASIC_STATS) == STATX_BASIC_STATS);
    IS(x.stx_size == 5 && x.stx_mode == (S_IFREG | 0640) && x.stx_nlink == 1 && x.stx_ino == st.st_ino);
    IS(x.stx_mtime.tv_sec == st.st_mtim.tv_sec && x.stx_mtime.tv_nsec == (uint32_t)st.st_mtim.tv_nsec);
    IS(makedev(x.stx_dev_major, x.stx_dev_minor) == st.st_dev && x.stx_uid == 0);
    CALL(statx(AT_FDCWD, link, AT_SYMLINK_NOFOLLOW | AT_STATX_DONT_SYNC, STATX_TYPE, &x));
    IS(S_ISLNK(x.stx_mode));
    CALL(statx(fd, "", AT_EMPTY_PATH | AT_STATX_FORCE_SYNC, STATX_SIZE, &x));
    IS(x.stx_size == 5);
    CALL(statx(AT_FDCWD, "/dev/null", AT_NO_AUTOMOUNT, STATX_ALL, &x));
    IS(S_ISCHR(x.stx_mode) && x.stx_rdev_major == 1 && x.stx_rdev_minor == 3);
    IS(major(makedev(1234567, 7654321)) == 1234567 && minor(makedev(1234567, 7654321)) == 7654321);
    CALL(statx(AT_FDCWD, "", 0, STATX_ALL, &x));
    CALL(statx(AT_FDCWD, "/no/such", 0, STATX_ALL, &x));
    CALL(statx(AT_FDCWD, name, 0, 0x80000000u, &x));
    CALL(statx(AT_FDCWD, name, AT_STATX_SYNC_TYPE, STATX_ALL, &x));
    CALL(statx(-1, name + 1, 0, STATX_ALL, &x));
    CALL(lchmod(name, 0600));
    CALL(lchmod(link, 0600));
    CALL(lchmod("/no/such", 0600));
    MUST(fstat(fd, &st));
    SHOW(st.st_mode);
    CALL(sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WRITE));
    CALL(sync_file_range(fd, 0, 5, SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE |
                                       SYNC_FILE_RANGE_WAIT_AFTER));
    CALL(sync_file_range(fd, -1, 5, SYNC_FILE_RANGE_WRITE));
    CALL(sync_file_range(fd, 0, -5, SYNC_FILE_RANGE_WRITE));
    CALL(sync_file_range(fd, 0, 5, 0x100));
    CALL(sync_file_range(-1, 0, 5, 0));
    int p[2];
    MUST(pipe(p));
    CALL(sync_file_range(p[0], 0, 0, SYNC_FILE_RANGE_WRITE));
    CALL(close(fd) | close(p[0]) | close(p[1]) | unlink(name) | unlink(link));
}

int main(void)
{
    begin();
    network_tables();
    start();
    process();
    clocks();
    heap();
    calls();
    files();
    return end();
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* Locks of files, copy_file_range, fallocate, and descriptors that exec would close. */
#define _GNU_SOURCE
#include "../conform.h"

#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/uio.h>

static char name[64], other[64];

static int reopen(int flags)
{
    return (int)MUST(open(name, flags, 0644));
}

static void *lock_exclusively(void *arg)
{
    int *fd = arg;
    return (void *)(intptr_t)flock(*fd, LOCK_EX);
}

static void whole_files(void)
{
    SAY("flock");
    int a = reopen(O_RDWR), b = reopen(O_RDONLY), c = (int)MUST(dup(a)), p[2];
    MUST(pipe(p));
    CALL(flock(a, LOCK_EX));
    CALL(flock(a, LOCK_EX | LOCK_NB));
    CALL(flock(b, LOCK_SH | LOCK_NB));
    CALL(flock(c, LOCK_EX | LOCK_NB));
    CALL(flock(c, LOCK_SH));
    CALL(flock(b, LOCK_SH | LOCK_NB));
    CALL(flock(a, LOCK_EX | LOCK_NB));
    CALL(flock(b, LOCK_EX | LOCK_NB));
    CALL(flock(a, LOCK_EX | LOCK_NB));
    CALL(flock(a, LOCK_UN));
    CALL(flock(a, LOCK_UN));
    CALL(flock(b, LOCK_EX | LOCK_NB));
    CALL(close(b));
    CALL(flock(a, LOCK_EX | LOCK_NB));
    SAY("given up with the last descriptor of it");
    b = reopen(O_RDWR);
    CALL(close(a));
    CALL(flock(b, LOCK_EX | LOCK_NB));
    pthread_t thread;
    void *result;
    MUST(-pthread_create(&thread, NULL, lock_exclusively, &b));
    settle();
    CALL(close(c));
    MUST(-pthread_join(thread, &result));
    SHOW((intptr_t)result);
    CALL(flock(b, LOCK_SH | LOCK_EX));
    CALL(flock(b, 0));
    CALL(flock(b, LOCK_NB));
    CALL(flock(1000, LOCK_SH));
    CALL(flock(p[0], LOCK_SH | LOCK_NB));
    CALL(flock(p[1], LOCK_SH | LOCK_NB));
    close(b);
    close(p[0]);
    close(p[1]);
}

static void lock(int line, int fd, int command, int type, int whence, long start, long len)
{
    struct flock l = {.l_type = (short)type, .l_whence = (short)whence, .l_start = start, .l_len = len};
    errno = 0;
    int r = fcntl(fd, command, &l);
    printf("%d: %s type %s from %ld + %ld: %s, type now %s\n", line,
           command == F_GETLK ? "F_GETLK" : command == F_SETLK ? "F_SETLK" : "F_SETLKW",
           type == F_RDLCK ? "read" : type == F_WRLCK ? "write" : type == F_UNLCK ? "none" : "?", start,
           len, r == 0 ? "0" : error_name(errno), l.l_type == F_UNLCK ? "none" : "the same");
}

#define LOCK(...) lock(__LINE__, __VA_ARGS__)

static void records(void)
{
    SAY("fcntl");
    int a = reopen(O_RDWR), r = reopen(O_RDONLY), w = reopen(O_WRONLY);
    LOCK(a, F_SETLK, F_WRLCK, SEEK_SET, 0, 10);
    LOCK(r, F_SETLK, F_RDLCK, SEEK_SET, 5, 10);
    LOCK(a, F_GETLK, F_WRLCK, SEEK_SET, 0, 0);
    LOCK(r, F_SETLK, F_WRLCK, SEEK_SET, 0, 1);
    LOCK(w, F_SETLK, F_RDLCK, SEEK_SET, 0, 1);
    LOCK(w, F_SETLKW, F_WRLCK, SEEK_END, -3, 3);
    LOCK(a, F_SETLK, F_UNLCK, SEEK_SET, 0, 0);
    LOCK(a, F_SETLK, F_RDLCK, SEEK_SET, -1, 0);
    LOCK(a, F_SETLK, F_RDLCK, SEEK_CUR, 5, -5);
    LOCK(a, F_SETLK, F_RDLCK, SEEK_CUR, 5, -6);
    LOCK(a, F_SETLK, F_RDLCK, 7, 0, 1);
    LOCK(a, F_SETLK, 77, SEEK_SET, 0, 1);
    LOCK(a, F_GETLK, F_UNLCK, SEEK_SET, 0, 1);
    LOCK(a, F_SETLK, F_RDLCK, SEEK_SET, 0x7ffffffffffffff0, 0x100);
    LOCK(1000, F_SETLK, F_RDLCK, SEEK_SET, 0, 1);
    close(a);
    close(r);
    close(w);
}

/* The same for a lock of the open file: who has it is told. */
static void ofd(int line, int fd, int command, int type, int whence, long start, long len)
{
    struct flock l = {.l_type = (short)type, .l_whence = (short)whence, .l_start = start, .l_len = len};
    errno = 0;
    int r = fcntl(fd, command, &l);
    printf("%d: %s: %s", line, type == F_RDLCK ? "read" : type == F_WRLCK ? "write" : "none",
           r == 0 ? "0" : error_name(errno));
    if (r == 0 && command == F_OFD_GETLK && l.l_type != F_UNLCK) {
        printf(", %s from %ld + %ld, pid %d, whence %d", l.l_type == F_RDLCK ? "read" : "write", (long)l.l_start,
               (long)l.l_len, (int)l.l_pid, (int)l.l_whence);
    }
    printf("%s\n", r == 0 && command == F_OFD_GETLK && l.l_type == F_UNLCK ? ", free" : "");
}

#define OFD(...) ofd(__LINE__, __VA_ARGS__)

static void *lock_waiting(void *arg)
{
    struct flock l = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 25, .l_len = 1};
    return (void *)(intptr_t)fcntl(*(int *)arg, F_OFD_SETLKW, &l);
}

static void open_files(void)
{
    SAY("fcntl, locks of open files");
    int a = reopen(O_RDWR), b = reopen(O_RDWR), same = (int)MUST(dup(a));
    int r = reopen(O_RDONLY), w = reopen(O_WRONLY);
    OFD(a, F_OFD_SETLK, F_WRLCK, SEEK_SET, 10, 20);
    OFD(a, F_OFD_GETLK, F_WRLCK, SEEK_SET, 0, 0);
    OFD(same, F_OFD_GETLK, F_WRLCK, SEEK_SET, 0, 0);
    OFD(b, F_OFD_GETLK, F_WRLCK, SEEK_SET, 0, 0);
    OFD(b, F_OFD_GETLK, F_RDLCK, SEEK_SET, 29, 1);
    OFD(b, F_OFD_GETLK, F_RDLCK, SEEK_SET, 30, 1);
    OFD(b, F_OFD_SETLK, F_RDLCK, SEEK_SET, 0, 11);
    OFD(b, F_OFD_SETLK, F_RDLCK, SEEK_SET, 0, 10);
    OFD(a, F_OFD_SETLK, F_WRLCK, SEEK_SET, 5, 5);
    SAY("a part is given up, a part becomes another kind, parts grow together");
    OFD(a, F_OFD_SETLK, F_UNLCK, SEEK_SET, 15, 5);
    OFD(b, F_OFD_GETLK, F_WRLCK, SEEK_SET, 15, 5);
    OFD(b, F_OFD_GETLK, F_WRLCK, SEEK_SET, 10, 5);
    OFD(b, F_OFD_GETLK, F_WRLCK, SEEK_SET, 20, 1);
    OFD(a, F_OFD_SETLK, F_RDLCK, SEEK_SET, 10, 5);
    OFD(b, F_OFD_GETLK, F_RDLCK, SEEK_SET, 10, 5);
    OFD(b, F_OFD_GETLK, F_WRLCK, SEEK_SET, 10, 5);
    OFD(a, F_OFD_SETLK, F_WRLCK, SEEK_SET, 30, 0);
    OFD(b, F_OFD_GETLK, F_WRLCK, SEEK_SET, 1000000, 1);
    OFD(a, F_OFD_SETLK, F_UNLCK, SEEK_SET, 40, 0);
    OFD(b, F_OFD_GETLK, F_WRLCK, SEEK_SET, 35, 0);
    SAY("waiting");
    pthread_t thread;
    void *result;
    MUST(-pthread_create(&thread, NULL, lock_waiting, &b));
    settle();
    OFD(a, F_OFD_SETLK, F_UNLCK, SEEK_SET, 20, 5);
    settle();
    OFD(a, F_OFD_SETLK, F_UNLCK, SEEK_SET, 25, 5);
    MUST(-pthread_join(thread, &result));
    SHOW((intptr_t)result);
    OFD(a, F_OFD_GETLK, F_WRLCK, SEEK_SET, 20, 10);
    SAY("they go with the last descriptor of it");
    OFD(b, F_OFD_SETLK, F_UNLCK, SEEK_SET, 0, 0);
    CALL(flock(a, LOCK_EX | LOCK_NB)); /* another kind of lock */
    CALL(close(a));
    OFD(b, F_OFD_GETLK, F_WRLCK, SEEK_SET, 0, 0);
    CALL(flock(b, LOCK_EX | LOCK_NB));
    CALL(close(same));
    OFD(b, F_OFD_GETLK, F_WRLCK, SEEK_SET, 0, 0);
    CALL(flock(b, LOCK_EX | LOCK_NB));
    SAY("what is wrong");
    OFD(r, F_OFD_SETLK, F_WRLCK, SEEK_SET, 0, 1);
    OFD(w, F_OFD_SETLK, F_RDLCK, SEEK_SET, 0, 1);
    OFD(b, F_OFD_SETLK, 77, SEEK_SET, 0, 1);
    OFD(b, F_OFD_SETLK, F_RDLCK, 7, 0, 1);
    OFD(b, F_OFD_SETLK, F_RDLCK, SEEK_SET, -1, 1);
    OFD(1000, F_OFD_SETLK, F_RDLCK, SEEK_SET, 0, 1);
    struct flock l = {.l_type = F_RDLCK, .l_pid = 1};
    CALL(fcntl(b, F_OFD_SETLK, &l));
    OFD(b, F_OFD_SETLKW, F_WRLCK, SEEK_END, 0, 10);
    OFD(w, F_OFD_SETLK, F_WRLCK, SEEK_END, 5, 1);
    close(b);
    close(r);
    close(w);
}

static void copying(void)
{
    SAY("copy_file_range");
    int a = reopen(O_RDWR), b = (int)MUST(open(other, O_RDWR | O_CREAT | O_TRUNC, 0644)), p[2];
    int r = reopen(O_RDONLY), append = (int)MUST(open(other, O_WRONLY | O_APPEND));
    int dir = (int)MUST(open("/tmp", O_RDONLY));
    char text[16] = "";
    MUST(pipe(p));
    MUST(pwrite(a, "0123456789", 10, 0));
    off_t from = 2, to = 5;
    CALL(copy_file_range(a, &from, b, &to, 4, 0));
    SHOW(from);
    SHOW(to);
    SHOW(lseek(a, 0, SEEK_CUR));
    CALL(copy_file_range(a, NULL, b, NULL, 100, 0));
    SHOW(lseek(a, 0, SEEK_CUR));
    SHOW(lseek(b, 0, SEEK_CUR));
    CALL(copy_file_range(a, NULL, b, NULL, 100, 0));
    CALL(pread(b, text, 15, 0));
    IS(memcmp(text, "0123456789", 10) == 0);
    from = 0;
    to = 5;
    CALL(copy_file_range(a, &from, a, &to, 6, 0));
    from = 0;
    to = 5;
    CALL(copy_file_range(a, &from, a, &to, 5, 0));
    CALL(pread(a, text, 10, 0));
    IS(memcmp(text, "0123401234", 10) == 0);
    CALL(copy_file_range(a, NULL, r, NULL, 1, 0));
    CALL(copy_file_range(append, NULL, b, NULL, 1, 0));
    CALL(copy_file_range(a, NULL, append, NULL, 1, 0));
    CALL(copy_file_range(a, NULL, dir, NULL, 1, 0));
    CALL(copy_file_range(a, NULL, p[1], NULL, 1, 0));
    CALL(copy_file_range(a, NULL, b, NULL, 1, 1));
    CALL(copy_file_range(a, NULL, 1000, NULL, 1, 0));
    SAY("fallocate");
    struct stat st;
    CALL(fallocate(b, 0, 0, 5000));
    MUST(fstat(b, &st));
    SHOW(st.st_size);
    CALL(fallocate(b, 0, -1, 5));
    CALL(fallocate(b, 0, 0, 0));
    CALL(fallocate(r, 0, 0, 5));
    CALL(fallocate(p[1], 0, 0, 5));
    CALL(fallocate(1000, 0, 0, 5));
    int all[] = {a, b, r, append, dir, p[0], p[1]};
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        close(all[i]);
    }
}

static int held;

static void on_alarm(int sig)
{
    (void)sig;
    printf("alarm\n");
    flock(held, LOCK_UN);
}

static void wait_for_lock(int fd, int flags)
{
    struct sigaction a = {.sa_handler = on_alarm, .sa_flags = flags};
    struct itimerval soon = {.it_value = {0, 20000}};
    MUST(sigaction(SIGALRM, &a, NULL));
    MUST(flock(held, LOCK_EX));
    MUST(setitimer(ITIMER_REAL, &soon, NULL));
    CALL(flock(fd, LOCK_EX));
    CALL(flock(fd, LOCK_UN));
}

static void interrupted(void)
{
    SAY("a wait that a handler interrupts");
    held = (int)MUST(open(name, O_RDWR));
    int fd = (int)MUST(open(name, O_RDWR));
    wait_for_lock(fd, 0);
    wait_for_lock(fd, SA_RESTART);
    close(fd);
    close(held);
}

static int closes(int fd)
{
    int flags = fcntl(fd, F_GETFD);
    close(fd);
    return flags;
}

static void close_on_exec(void)
{
    SAY("FD_CLOEXEC");
    int p[2];
    SHOW(closes(open(name, O_RDONLY | O_CLOEXEC)));
    SHOW(closes(open(name, O_RDONLY)));
    MUST(pipe2(p, O_CLOEXEC));
    SHOW(fcntl(p[1], F_GETFD));
    SHOW(closes(dup(p[1])));
    SHOW(closes(fcntl(p[1], F_DUPFD, 50)));
    SHOW(closes(fcntl(p[1], F_DUPFD_CLOEXEC, 50)));
    SHOW(closes(dup2(p[1], 60)));
    SHOW(closes(dup3(p[1], 60, O_CLOEXEC)));
    CALL(fcntl(p[1], F_SETFD, 0));
    SHOW(fcntl(p[1], F_GETFD));
    CALL(fcntl(p[1], F_SETFD, FD_CLOEXEC));
    SHOW(fcntl(p[1], F_GETFD));
    CALL(write(p[1], "x", 1));
    SHOW(closes(p[0]) + closes(p[1]));
    SHOW(closes(eventfd(0, EFD_CLOEXEC)));
    SHOW(closes(epoll_create1(EPOLL_CLOEXEC)));
    SHOW(closes(timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC)));
    MUST(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, p));
    SHOW(closes(p[0]) + closes(p[1]));
    SHOW(fcntl(1000, F_GETFD));
    CALL(fcntl(1000, F_SETFD, 0));
}

int main(void)
{
    snprintf(name, sizeof(name), "/tmp/locks-%d", (int)getpid());
    snprintf(other, sizeof(other), "/tmp/locks-other-%d", (int)getpid());
    close((int)MUST(open(name, O_RDWR | O_CREAT | O_TRUNC, 0644)));
    whole_files();
    interrupted();
    records();
    open_files();
    copying();
    close_on_exec();
    unlink(name);
    unlink(other);
    return end();
}

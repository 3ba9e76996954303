/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Just enough of a libOS to link an image in a test of the toolchain, without the rest of the
 * tree. Nothing here runs: the tests look at the file.
 */
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

int main(int argc, char **argv);

struct __lock {
    int unused;
};
struct __lock __lock___sfp_recursive_mutex;
struct __lock __lock___atexit_recursive_mutex;

__attribute__((section(".text.boot"))) void boot_header(void);
void start_linux64(void);
void start_pvh(void);
void start_mb2(void);
void start_pv(void);
void __stack_chk_fail(void);
void __assert_func(const char *file, int line, const char *function, const char *expression);

void boot_header(void) {}
void start_linux64(void) { exit(main(0, NULL)); }
void start_pvh(void) { start_linux64(); }
void start_mb2(void) { start_linux64(); }
void start_pv(void) { start_linux64(); }

void _exit(int status)
{
    (void)status;
    for (;;) {
    }
}
void __stack_chk_fail(void) { _exit(1); }
void abort(void) { _exit(1); }
void __assert_func(const char *file, int line, const char *function, const char *expression)
{
    (void)file;
    (void)line;
    (void)function;
    (void)expression;
    _exit(1);
}

void *malloc(size_t size) { return (void)size, NULL; }
void *calloc(size_t count, size_t size) { return (void)count, (void)size, NULL; }
void *realloc(void *old, size_t size) { return (void)old, (void)size, NULL; }
void free(void *block) { (void)block; }

ssize_t read(int fd, void *data, size_t size) { return (void)fd, (void)data, (void)size, 0; }
ssize_t write(int fd, const void *data, size_t size) { return (void)fd, (void)data, (ssize_t)size; }
off_t lseek(int fd, off_t offset, int whence) { return (void)fd, (void)whence, offset; }
int close(int fd) { return (void)fd, 0; }
int fstat(int fd, struct stat *status) { return (void)fd, (void)status, -1; }
int isatty(int fd) { return (void)fd, 1; }

void __retarget_lock_init_recursive(struct __lock **lock) { *lock = NULL; }
void __retarget_lock_close_recursive(struct __lock *lock) { (void)lock; }
void __retarget_lock_acquire_recursive(struct __lock *lock) { (void)lock; }
int __retarget_lock_try_acquire_recursive(struct __lock *lock) { return (void)lock, 1; }
int __retarget_lock_acquire_at_exit(struct __lock *lock) { return (void)lock, 1; }
void __retarget_lock_release_recursive(struct __lock *lock) { (void)lock; }

int pthread_mutex_lock(void *mutex) { return (void)mutex, 0; }
void libc_mutex_lock(void *mutex) { (void)mutex; }
int pthread_mutex_unlock(void *mutex) { return (void)mutex, 0; }

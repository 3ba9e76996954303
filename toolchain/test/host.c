/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Runs programs that are compiled for Pith and linked with its newlib as processes of the build
 * machine, for tests of the library: entry, thread-local storage and a few Linux system calls.
 * Only the toolchain's tests use it.
 */
#include <elf.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SYS_WRITE      1
#define SYS_EXIT       60
#define SYS_ARCH_PRCTL 158
#define ARCH_SET_FS    0x1002

int main(void);

extern const Elf64_Ehdr __ehdr_start;

static _Alignas(64) char tls_area[8192];
static _Alignas(16) char heap[1 << 20];
static size_t heap_used;

static long linux_call(long number, long a, long b, long c)
{
    long result;

    __asm__ volatile("syscall" : "=a"(result) : "0"(number), "D"(a), "S"(b), "d"(c)
                     : "rcx", "r11", "memory");
    return result;
}

/* Without canary: it lies at %fs:0x28, and %fs is set in here. */
__attribute__((optimize("no-stack-protector"))) void host_start(void)
{
    const Elf64_Phdr *segment = (const void *)((const char *)&__ehdr_start + __ehdr_start.e_phoff);
    char *thread = tls_area + sizeof(tls_area) - 256;

    for (int i = 0; i < __ehdr_start.e_phnum; i++) {
        if (segment[i].p_type == PT_TLS) {
            size_t size = (segment[i].p_memsz + segment[i].p_align - 1) & -segment[i].p_align;
            memcpy(thread - size, (const void *)segment[i].p_vaddr, segment[i].p_filesz);
        }
    }
    *(void **)thread = thread;
    linux_call(SYS_ARCH_PRCTL, ARCH_SET_FS, (long)thread, 0);
    exit(main());
}

__asm__(".globl _start\n_start: and $-16, %rsp\ncall host_start\n");

struct __lock {
    int unused;
};
struct __lock __lock___sfp_recursive_mutex, __lock___atexit_recursive_mutex;
struct __lock __lock___env_recursive_mutex, __lock___tz_mutex;

void __retarget_lock_init_recursive(struct __lock **lock) { *lock = NULL; }
void __retarget_lock_close_recursive(struct __lock *lock) { (void)lock; }
void __retarget_lock_acquire_recursive(struct __lock *lock) { (void)lock; }
int __retarget_lock_try_acquire_recursive(struct __lock *lock) { return (void)lock, 1; }
int __retarget_lock_acquire_at_exit(struct __lock *lock) { return (void)lock, 1; }
void __retarget_lock_release_recursive(struct __lock *lock) { (void)lock; }
void __retarget_lock_acquire(struct __lock *lock) { (void)lock; }
void __retarget_lock_release(struct __lock *lock) { (void)lock; }
int pthread_mutex_lock(void *mutex) { return (void)mutex, 0; }
void libc_mutex_lock(void *mutex) { (void)mutex; }
int pthread_mutex_unlock(void *mutex) { return (void)mutex, 0; }

void _exit(int status)
{
    for (;;) {
        linux_call(SYS_EXIT, status, 0, 0);
    }
}

void __stack_chk_fail(void) { _exit(99); }
void abort(void) { _exit(98); }

void __assert_func(const char *file, int line, const char *function, const char *expression)
{
    (void)file;
    (void)line;
    (void)function;
    (void)expression;
    abort();
}

ssize_t write(int fd, const void *data, size_t size)
{
    return linux_call(SYS_WRITE, fd, (long)data, (long)size);
}

ssize_t read(int fd, void *data, size_t size) { return (void)fd, (void)data, (void)size, 0; }
int close(int fd) { return (void)fd, 0; }
int isatty(int fd) { return (void)fd, 0; }
int fstat(int fd, struct stat *status) { return (void)fd, (void)status, -1; }

off_t lseek(int fd, off_t offset, int whence)
{
    (void)fd;
    (void)offset;
    (void)whence;
    errno = ESPIPE;
    return -1;
}

/* A heap that only grows; the size is kept in front of each block, for realloc. */
void *malloc(size_t size)
{
    size = (size + 31) & ~(size_t)15;
    if (size > sizeof(heap) - heap_used) {
        return NULL;
    }
    char *block = heap + heap_used;
    heap_used += size;
    memcpy(block, &size, sizeof(size));
    return block + 16;
}

void free(void *block) { (void)block; }

void *calloc(size_t count, size_t size)
{
    void *block = malloc(count * size);
    return block == NULL ? NULL : memset(block, 0, count * size);
}

void *realloc(void *old, size_t size)
{
    void *block = malloc(size);
    size_t before = 0;

    if (block != NULL && old != NULL) {
        memcpy(&before, (char *)old - 16, sizeof(before));
        memcpy(block, old, before - 16 < size ? before - 16 : size);
    }
    return block;
}

void *reallocf(void *old, size_t size) { return realloc(old, size); }

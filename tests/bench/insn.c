/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A QEMU TCG plugin that counts executed guest instructions into a file that others map and read at any time.
 *
 *     -plugin insn.so,to=PATH[,blocks=on][,stop=HEXADDRESS][,range=HEX-HEX]...[,stamps=PATH[,at=HEXADDRESS]...]
 *
 * The file is `struct head`, padded to HEAD_SIZE, then one `struct block` per translated block when
 * blocks=on or stop= is given; its unused part is a hole. Words are the host's, 64 bits.
 * `range`, up to RANGES times: what is executed from the first of these addresses to the last is counted as well, in
 * range[] by their order. At `stop` each block's count so far is kept as `at_stop`. A block that an exception leaves early counts as a
 * whole. Each time that a block begins at one of `at`, up to PLACES, a struct stamp goes to the file `stamps`, which is a
 * struct stamps_head and then a ring of MAX_STAMPS of them. The plugin interface (QEMU's qemu-plugin.h, version 1) is declared here, because distributions
 * do not install that header. Counters are plain: one virtual CPU.
 */
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

typedef uint64_t plugin_id;
struct plugin_block;
struct plugin_info;

enum { INLINE_ADD_U64 = 0 };
enum { CALLBACK_NO_REGS = 0 };

typedef void (*translate_callback)(plugin_id id, struct plugin_block *block);
typedef void (*execute_callback)(unsigned cpu, void *data);

void qemu_plugin_register_vcpu_tb_trans_cb(plugin_id id, translate_callback callback);
size_t qemu_plugin_tb_n_insns(const struct plugin_block *block);
uint64_t qemu_plugin_tb_vaddr(const struct plugin_block *block);
void qemu_plugin_register_vcpu_tb_exec_inline(struct plugin_block *block, int op, void *at, uint64_t n);
void qemu_plugin_register_vcpu_tb_exec_cb(struct plugin_block *block, execute_callback callback,
                                          int flags, void *data);
int qemu_plugin_install(plugin_id id, const struct plugin_info *info, int argc, char **argv);

#define EXPORT __attribute__((visibility("default")))
EXPORT int qemu_plugin_version = 1;

#define HEAD_SIZE  4096
#define MAX_BLOCKS (1u << 20)
#define RANGES     4
#define PLACES     32
#define MAX_STAMPS (1u << 16)

/* Read by toolchain/cli/bench/plugin.py. */
struct head {
    uint64_t total; /* instructions */
    uint64_t nblocks;
    uint64_t lost; /* translations beyond MAX_BLOCKS */
    uint64_t stopped;
    uint64_t range[RANGES]; /* instructions */
};

struct block {
    uint64_t address;
    uint64_t instructions;
    uint64_t executed;
    uint64_t at_stop;
};

struct stamps_head {
    uint64_t written; /* in all; the last MAX_STAMPS are there */
};

struct stamp {
    uint64_t place;        /* which of `at` */
    uint64_t instructions; /* executed until then, from the machine's start */
    uint64_t ns;           /* of the host's monotonic clock */
};

static struct head *head;
static struct block *blocks; /* NULL: only the total is wanted */
static uint64_t stop;
static struct {
    uint64_t first, last;
} ranges[RANGES];
static unsigned nranges;
static struct stamps_head *stamps;
static uint64_t places[PLACES];
static unsigned nplaces;

static void reached_stop(unsigned cpu, void *data)
{
    (void)cpu;
    (void)data;
    if (head->stopped) {
        return;
    }
    head->stopped = 1;
    for (uint64_t i = 0; i < head->nblocks; i++) {
        blocks[i].at_stop = blocks[i].executed;
    }
}

static void reached_place(unsigned cpu, void *data)
{
    struct stamp *ring = (struct stamp *)(void *)((char *)stamps + HEAD_SIZE);
    struct timespec t;

    (void)cpu;
    clock_gettime(CLOCK_MONOTONIC, &t);
    ring[stamps->written % MAX_STAMPS] = (struct stamp){
        (uint64_t)(uintptr_t)data, head->total, (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec
    };
    __atomic_store_n(&stamps->written, stamps->written + 1, __ATOMIC_RELEASE);
}

static void translated(plugin_id id, struct plugin_block *tb)
{
    (void)id;
    uint64_t n = qemu_plugin_tb_n_insns(tb);
    uint64_t address = qemu_plugin_tb_vaddr(tb);

    /* The callback comes before the additions, so that `stop` itself is not counted. */
    if (stop != 0 && address == stop) {
        qemu_plugin_register_vcpu_tb_exec_cb(tb, reached_stop, CALLBACK_NO_REGS, NULL);
    }
    for (unsigned i = 0; i < nplaces; i++) {
        if (address == places[i]) {
            qemu_plugin_register_vcpu_tb_exec_cb(tb, reached_place, CALLBACK_NO_REGS, (void *)(uintptr_t)i);
        }
    }
    qemu_plugin_register_vcpu_tb_exec_inline(tb, INLINE_ADD_U64, &head->total, n);
    for (unsigned i = 0; i < nranges; i++) {
        if (address >= ranges[i].first && address <= ranges[i].last) {
            qemu_plugin_register_vcpu_tb_exec_inline(tb, INLINE_ADD_U64, &head->range[i], n);
        }
    }
    if (blocks == NULL) {
        return;
    }
    if (head->nblocks == MAX_BLOCKS) {
        head->lost++;
        return;
    }
    struct block *b = &blocks[head->nblocks];
    b->address = address;
    b->instructions = n;
    head->nblocks++;
    qemu_plugin_register_vcpu_tb_exec_inline(tb, INLINE_ADD_U64, &b->executed, 1);
}

/* A new file of HEAD_SIZE bytes and `more`, in memory; NULL when that fails. */
static char *map_file(const char *path, size_t more)
{
    size_t size = HEAD_SIZE + more;
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0644);
    if (fd < 0 || ftruncate(fd, (off_t)size) != 0) {
        perror(path);
        return NULL;
    }
    char *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (at == MAP_FAILED) {
        perror(path);
        return NULL;
    }
    return at;
}

/* "HEX-HEX"; false when it is not that, or one too many. */
static bool add_range(const char *text)
{
    char *end;

    if (nranges == RANGES) {
        return false;
    }
    ranges[nranges].first = strtoull(text, &end, 16);
    if (*end != '-') {
        return false;
    }
    ranges[nranges++].last = strtoull(end + 1, &end, 16);
    return *end == '\0';
}

EXPORT int qemu_plugin_install(plugin_id id, const struct plugin_info *info, int argc, char **argv)
{
    const char *path = NULL, *stamps_path = NULL;
    bool each = false;

    (void)info;
    for (int i = 0; i < argc; i++) {
        if (strncmp(argv[i], "to=", 3) == 0) {
            path = argv[i] + 3;
        } else if (strcmp(argv[i], "blocks=on") == 0) {
            each = true;
        } else if (strncmp(argv[i], "stop=", 5) == 0) {
            stop = strtoull(argv[i] + 5, NULL, 16);
            each = true;
        } else if (strncmp(argv[i], "stamps=", 7) == 0) {
            stamps_path = argv[i] + 7;
        } else if (strncmp(argv[i], "at=", 3) == 0 && nplaces < PLACES) {
            places[nplaces++] = strtoull(argv[i] + 3, NULL, 16);
        } else if (strncmp(argv[i], "range=", 6) != 0 || !add_range(argv[i] + 6)) {
            fprintf(stderr, "insn: unknown argument %s\n", argv[i]);
            return 1;
        }
    }
    if (path == NULL || (nplaces > 0 && stamps_path == NULL)) {
        fprintf(stderr, "insn: to= or stamps= is missing\n");
        return 1;
    }
    char *counts = map_file(path, each ? MAX_BLOCKS * sizeof(struct block) : 0);
    char *times = nplaces > 0 ? map_file(stamps_path, MAX_STAMPS * sizeof(struct stamp)) : NULL;
    if (counts == NULL || (nplaces > 0 && times == NULL)) {
        return 1;
    }
    head = (struct head *)(void *)counts;
    blocks = each ? (struct block *)(void *)(counts + HEAD_SIZE) : NULL;
    stamps = (struct stamps_head *)(void *)times;
    qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
    return 0;
}

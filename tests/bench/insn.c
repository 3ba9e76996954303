/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A QEMU TCG plugin that counts executed guest instructions per translated block.
 *
 *     -plugin insn.so,out=FILE,stop=HEXADDRESS
 *
 * At QEMU's end FILE gets one line per block: address, instructions in it, times executed when the block
 * at `stop` ran first, times executed in all (the first is -1 when `stop` was never reached).
 * The plugin interface (QEMU's qemu-plugin.h, version 1) is declared here, because distributions do
 * not install that header. A block that an exception leaves early counts as a whole.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
void qemu_plugin_register_atexit_cb(plugin_id id, void (*callback)(plugin_id id, void *data),
                                    void *data);
int qemu_plugin_install(plugin_id id, const struct plugin_info *info, int argc, char **argv);

#define EXPORT __attribute__((visibility("default")))
EXPORT int qemu_plugin_version = 1;

#define MAX_BLOCKS (1u << 20)

struct block {
    uint64_t address;
    uint64_t instructions;
    uint64_t executed;
    uint64_t at_stop;
};

static struct block *blocks;
static unsigned nblocks;
static uint64_t lost; /* translations beyond MAX_BLOCKS */
static uint64_t stop;
static bool stopped;
static const char *out = "insn.out";

static void reached_stop(unsigned cpu, void *data)
{
    (void)cpu;
    (void)data;
    if (stopped) {
        return;
    }
    stopped = true;
    for (unsigned i = 0; i < nblocks; i++) {
        blocks[i].at_stop = blocks[i].executed;
    }
}

static void translated(plugin_id id, struct plugin_block *tb)
{
    (void)id;
    if (nblocks == MAX_BLOCKS) {
        lost++;
        return;
    }
    struct block *b = &blocks[nblocks++];
    b->address = qemu_plugin_tb_vaddr(tb);
    b->instructions = qemu_plugin_tb_n_insns(tb);
    /* The callback comes before the addition, so that `stop` itself is not counted. */
    if (b->address == stop) {
        qemu_plugin_register_vcpu_tb_exec_cb(tb, reached_stop, CALLBACK_NO_REGS, NULL);
    }
    qemu_plugin_register_vcpu_tb_exec_inline(tb, INLINE_ADD_U64, &b->executed, 1);
}

static void finish(plugin_id id, void *data)
{
    (void)id;
    (void)data;
    FILE *f = fopen(out, "w");
    if (f == NULL) {
        perror(out);
        return;
    }
    for (unsigned i = 0; i < nblocks; i++) {
        const struct block *b = &blocks[i];
        fprintf(f, "%" PRIx64 " %" PRIu64 " %" PRId64 " %" PRIu64 "\n", b->address, b->instructions,
                stopped ? (int64_t)b->at_stop : -1, b->executed);
    }
    fprintf(f, "lost %" PRIu64 "\n", lost);
    fclose(f);
}

EXPORT int qemu_plugin_install(plugin_id id, const struct plugin_info *info, int argc, char **argv)
{
    (void)info;
    for (int i = 0; i < argc; i++) {
        if (strncmp(argv[i], "out=", 4) == 0) {
            out = argv[i] + 4;
        } else if (strncmp(argv[i], "stop=", 5) == 0) {
            stop = strtoull(argv[i] + 5, NULL, 16);
        } else {
            fprintf(stderr, "insn: unknown argument %s\n", argv[i]);
            return 1;
        }
    }
    blocks = calloc(MAX_BLOCKS, sizeof(*blocks));
    if (blocks == NULL) {
        return 1;
    }
    qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
    qemu_plugin_register_atexit_cb(id, finish, NULL);
    return 0;
}

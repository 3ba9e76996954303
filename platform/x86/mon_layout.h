/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The monitor's own data. Nothing outside this folder may use it after MON_START, nor can it: the
 * pages are U=0.
 */
#pragma once

/*
 * Selectors: user ones equal a 64-bit Linux host's, which the software KVM's native IRETQ needs
 * (0x33, 0x2b).
 */
#define SEL_KCODE 0x10
#define SEL_KDATA 0x18
#define SEL_UDATA 0x2b
#define SEL_UCODE 0x33
#define SEL_TSS   0x40
#define GDT_BYTES 0x50

/*
 * Layout of a CPU's block, aligned to its size, so that a handler finds it from its stack pointer.
 */
#define MON_CPU_SIZE    16384
#define MON_TSS         0x0000 /* TSS and I/O bitmap: 104 + 8193 bytes */
#define MON_GDT         0x2080
#define MON_VARS        0x2100
#define MON_BOOT_IDT    0x2400 /* boot: 14 gates, where the #DF stack will be */
#define MON_STACK_DF    0x2800 /* tops of the stacks; each grows down to the one before */
#define MON_STACK_NMI   0x2c00
#define MON_STACK_MC    0x3000
#define MON_STACK_DB    0x3400
#define MON_STACK_MAIN  0x4000

#define TSS_IOMAP 104

/* Offsets in struct mon_state that assembly uses. */
#define MON_STATE_CALL_SITE 0
#define MON_STATE_XEN       8
#define MON_STATE_CR4      16
#define MON_STATE_XCR0     24

#define MON_STATE_SEALED   12
#define MON_STATE_CR3      32
#define MON_STATE_ARRIVING 40

/* The trampoline's page: two words that the monitor fills in (mon_cpu_start.S). */
#define MON_TRAMPOLINE_CR3    8
#define MON_TRAMPOLINE_ARRIVE 16

#define MON_EXCEPTIONS      22 /* 0..21; the reserved ones behind have no gate, which is #NP */
#define MON_STUB_BYTES      6 /* an exception's stub: two pushes and a short jump */
#define MON_IDLE_STUB(v)    ((v) * 4 + (v) / 32 * 8) /* where one is: a push and a short jump; 8 bytes per half */

#ifndef __ASSEMBLER__
#include <stddef.h>
#include <stdint.h>

#include <x86/percpu_slots.h>

/* Hidden: no address goes through the global offset table, which CPL 3 can write. */
#pragma GCC visibility push(hidden)

/* Page-table entries (Intel SDM vol 3, "4-Level Paging"). */
#define PTE_P    1UL
#define PTE_W    2UL
#define PTE_U    4UL
#define PTE_UC   0x18UL /* PCD, PWT */
#define PTE_PS   0x80UL
#define PTE_AWAY 0x200UL /* our own, in the home entry of a frame that Xen has got back */
#define PTE_NX   (1UL << 63)
#define PTE_ADDR 0x000ffffffffff000UL
#define PTE_TABLE (PTE_P | PTE_W | PTE_U)

#define MON_OWNED 255 /* in mon_state.uses: page table or monitor; CPL 3 gets no mapping of it */

#define DOMID_SELF 0x7ff0UL /* xen public/xen.h */

#define VECTOR_DB  1
#define VECTOR_NMI 2

#define MSR_FS_BASE  0xc0000100u
#define MSR_KVM_WALL 0x4b564d00u
#define MSR_KVM_TIME 0x4b564d01u

struct mon_tss {
    uint32_t reserved0;
    uint64_t rsp[3];
    uint64_t reserved1;
    uint64_t ist[7];
    uint64_t reserved2;
    uint16_t reserved3, iomap_base;
    uint8_t iomap[8193]; /* all ports open: device access at CPL 3, IOPL is not honoured everywhere */
} __attribute__((packed));

struct mon_vars {
    uint64_t percpu;                /* CPL 3's per-CPU block; %gs is not trusted here */
    uint64_t fault_low, fault_high; /* CPL 3's stack for faults */
    uint64_t entry, stack;          /* CPL 3's state when the CPU arrives; mon_cpu_start.S knows the offsets */
};

struct mon_cpu {
    struct mon_tss tss;
    uint8_t pad0[MON_GDT - sizeof(struct mon_tss)];
    uint64_t gdt[GDT_BYTES / 8];
    uint8_t pad1[MON_VARS - MON_GDT - GDT_BYTES];
    struct mon_vars vars;
    uint8_t stacks[MON_CPU_SIZE - MON_VARS - sizeof(struct mon_vars)];
};

_Static_assert(offsetof(struct mon_tss, iomap) == TSS_IOMAP, "Intel SDM vol 3, 64-bit TSS");
_Static_assert(sizeof(struct mon_cpu) == MON_CPU_SIZE, "block size");

struct mon_gate {
    uint64_t low, high;
};

/* What an exception leaves on a monitor stack. */
struct mon_frame {
    uint64_t r11, r10, r9, r8, rdi, rsi, rdx, rcx, rax;
    struct fault_event event;
};

/*
 * Facts that boot code at CPL 3 sets before MON_START; read-only afterwards, as all of this is
 * then.
 */
struct mon_state {
    uint64_t call_site;        /* the one `hlt` that is a call */
    uint32_t xen;              /* hypercall instruction: 0 none, 1 vmcall, 2 vmmcall */
    uint32_t sealed;
    uint64_t cr4;
    uint64_t xcr0;
    uint64_t cr3;              /* paddr of mon_pml4 */
    uint64_t arriving;         /* block of the CPU that is being started */
    uint64_t home_base;        /* paddr 0 is mapped at this address, U=0 or U=1 by its class */
    uint64_t ram_pages;        /* frames below this have a byte in `uses` */
    uint8_t *uses;             /* mappings beside the home one and other holds; or MON_OWNED */
    uint64_t image_base;       /* virtual */
    uint64_t image_paddr;
    uint64_t image_ro_pages;   /* text and constants: never writable through any alias */
    uint64_t image_pages;
    uint64_t trap_entry;       /* CPL 3 entry for reflected faults */
    uint64_t pool;             /* paddr of the first free page table, linked through their first words; 0: none */
    uint64_t trampoline;       /* paddr of the page below 1 MiB for starting CPUs, 0: none */
};

_Static_assert(offsetof(struct mon_state, call_site) == MON_STATE_CALL_SITE, "asm offset");
_Static_assert(offsetof(struct mon_state, xen) == MON_STATE_XEN, "asm offset");
_Static_assert(offsetof(struct mon_state, cr4) == MON_STATE_CR4, "asm offset");
_Static_assert(offsetof(struct mon_state, xcr0) == MON_STATE_XCR0, "asm offset");

_Static_assert(offsetof(struct mon_state, sealed) == MON_STATE_SEALED, "asm offset");
_Static_assert(offsetof(struct mon_state, cr3) == MON_STATE_CR3, "asm offset");
_Static_assert(offsetof(struct mon_state, arriving) == MON_STATE_ARRIVING, "asm offset");

extern struct mon_state mon_state;
extern struct mon_cpu mon_cpu0;
extern struct mon_gate mon_idt[256];
extern struct mon_gate mon_idle_idt[256];
extern uint64_t mon_pml4[512];
extern uint64_t mon_boot_tables[2][512];

/* Entry points, for the IDT: the exceptions, and the idle stubs of the interrupt vectors. */
void mon_base(void);
void mon_idle_stub(void);

/* Inside the monitor. */
struct mon_hypercall;
extern char mon_fixup_start[], mon_fixup_end[]; /* a fault between them continues at the end */
extern const uint64_t mon_trampoline[], mon_trampoline_end[];
extern const char mon_cpu_arrive[];
void mon_flush(void);
void mon_fault(struct mon_frame *frame);
int mon_copy(void *dst, const void *src, size_t words);
int mon_wrmsr(uint64_t msr, uint64_t value);
int64_t mon_vmcall(const struct mon_hypercall *c);
int mon_copy_in(void *dst, const void *src, size_t n);  /* -EFAULT unless CPL 3 may read it; n: words' bytes */
int mon_copy_out(void *dst, const void *src, size_t n); /* -EFAULT unless CPL 3 may write it */
int mon_owned(uint64_t frame);                          /* a page table or the monitor's */
int mon_user_ok(uint64_t va, uint64_t n, int write);     /* may CPL 3 itself touch it? n: 1..4096 */
int mon_count(uint64_t va, uint64_t paddr, int step);   /* one use more or less, unless va is home: 0 or -EPERM */
int mon_protect(uint64_t paddr, uint64_t npages);       /* make frames the monitor's: 0, -EPERM, -ENOMEM */
int64_t mon_move_frame(struct mon_hypercall *c);

/* The operations, called by number (x86/mon.h). */
struct mon_map;
struct mon_cpu_start;
int64_t mon_op_start(void);
int64_t mon_pages(const struct mon_map *op, uint64_t n, uint64_t *done);
int64_t mon_op_wrmsr(uint64_t msr, uint64_t value);
int64_t mon_op_hypercall(struct mon_hypercall *call, uint64_t n);
int64_t mon_cpu_prepare(const struct mon_cpu_start *args);
int64_t mon_donate(uint64_t paddr);

/* A TSS's two entries of the GDT (Intel SDM vol 3, "TSS Descriptor in 64-bit mode"). */
static inline void mon_describe_tss(uint64_t *gdt, uint64_t at)
{
    const uint64_t limit = TSS_IOMAP + 8192;
    gdt[SEL_TSS / 8] = limit | (at & 0xffffff) << 16 | 0x89UL << 40 | (at >> 24 & 0xff) << 56;
    gdt[SEL_TSS / 8 + 1] = at >> 32;
}

static inline void *mon_home(uint64_t paddr)
{
    return (void *)(mon_state.home_base + paddr);
}

#pragma GCC visibility pop
#endif

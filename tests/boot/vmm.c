/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A virtual machine monitor of the smallest kind, to test the entry that QEMU has no loader for.
 *
 *     vmm [-m MIB] [-i INITRD] IMAGE [COMMAND LINE]
 *
 * It starts IMAGE as the Linux 64-bit boot protocol says (Documentation/arch/x86/boot.rst): long
 * mode, low memory identity mapped, RSI = zero page. There are KVM's interrupt controllers, a
 * serial port for output, and QEMU's debug-exit port. Exit status: 0 when the guest ended by that,
 * 1 when it did not, 77 when there is no KVM.
 */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define MIB (1UL << 20)

/* What lies in low memory. The protocol leaves the places to the loader. */
#define GDT       0x500
#define ZERO_PAGE 0x7000
#define PML4      0x9000
#define PDPT      0xa000
#define PD        0xb000
#define CMDLINE   0x20000
#define LOW_END   0x9fc00
#define CMDLINE_MAX 2048

/* Fields of the zero page (Documentation/arch/x86/zero-page.rst and boot.rst). */
#define E820_COUNT     0x1e8
#define BOOT_FLAG      0x1fe
#define LOADER_TYPE    0x210
#define RAMDISK        0x218
#define CMDLINE_PTR    0x228
#define E820_TABLE     0x2d0
#define E820_RAM       1
#define E820_RESERVED  2

#define COM1       0x3f8
#define UART_LCR   3
#define UART_LSR   5
#define LCR_DLAB   0x80
#define LSR_EMPTY  0x60
#define DEBUG_EXIT 0xf4
#define NO_KVM     77
#define STOPPED    1
#define CPUID_MAX  256

static char *memory;
static unsigned long memory_size = 64 * MIB;

__attribute__((format(printf, 2, 3), noreturn))
static void fail(int status, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    fprintf(stderr, "vmm: ");
    vfprintf(stderr, fmt, ap);
    fprintf(stderr, "\n");
    va_end(ap);
    exit(status);
}

static int call(int fd, unsigned long request, void *argument, const char *name)
{
    int rc = ioctl(fd, request, argument);
    if (rc < 0) {
        fail(NO_KVM, "%s: %s", name, strerror(errno));
    }
    return rc;
}

static void put(unsigned long at, const void *data, size_t len)
{
    if (at > memory_size || len > memory_size - at) {
        fail(STOPPED, "no memory at %lx for %zu bytes", at, len);
    }
    memcpy(memory + at, data, len);
}

static void put64(unsigned long at, uint64_t value)
{
    put(at, &value, sizeof(value));
}

static char *map_file(const char *path, size_t *len)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    char *data = MAP_FAILED;
    if (fd >= 0 && fstat(fd, &st) == 0) {
        data = mmap(NULL, *len = (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    }
    if (data == MAP_FAILED) {
        fail(STOPPED, "%s: %s", path, strerror(errno));
    }
    return data;
}

/* Load the segments at their physical addresses; returns the entry, a physical address too. */
static uint64_t load_image(const char *path)
{
    size_t len;
    char *file = map_file(path, &len);
    const Elf64_Ehdr *head = (const void *)file;

    if (len < sizeof(*head) || memcmp(head->e_ident, ELFMAG, SELFMAG) != 0 ||
        head->e_ident[EI_CLASS] != ELFCLASS64 || head->e_phoff > len ||
        head->e_phnum * sizeof(Elf64_Phdr) > len - head->e_phoff) {
        fail(STOPPED, "%s is no 64-bit ELF image", path);
    }
    const Elf64_Phdr *segment = (const void *)(file + head->e_phoff);
    for (unsigned i = 0; i < head->e_phnum; i++) {
        if (segment[i].p_type == PT_LOAD) {
            if (segment[i].p_offset > len || segment[i].p_filesz > len - segment[i].p_offset) {
                fail(STOPPED, "%s is cut off", path);
            }
            put(segment[i].p_paddr, file + segment[i].p_offset, segment[i].p_filesz);
        }
    }
    return head->e_entry;
}

static void load_initrd(const char *path)
{
    size_t len;
    char *file = map_file(path, &len);
    if (len > memory_size) {
        fail(STOPPED, "%s is larger than memory", path);
    }
    unsigned long at = (memory_size - len) & ~4095UL;
    put(at, file, len);
    put64(ZERO_PAGE + RAMDISK, at | (uint64_t)len << 32); /* start and size, 32 bits each */
}

static void add_e820(uint64_t start, uint64_t end, uint32_t type)
{
    unsigned char n = (unsigned char)memory[ZERO_PAGE + E820_COUNT];
    unsigned long at = ZERO_PAGE + E820_TABLE + n * 20UL;
    put64(at, start);
    put64(at + 8, end - start);
    put(at + 16, &type, sizeof(type));
    memory[ZERO_PAGE + E820_COUNT] = (char)(n + 1);
}

static void fill_zero_page(const char *cmdline)
{
    if (strlen(cmdline) >= CMDLINE_MAX) {
        fail(STOPPED, "the command line is too long");
    }
    put(CMDLINE, cmdline, strlen(cmdline) + 1);
    put(ZERO_PAGE + BOOT_FLAG, "\x55\xaa\0\0HdrS", 8); /* and the header's signature */
    memory[ZERO_PAGE + LOADER_TYPE] = (char)0xff; /* none that has a number */
    put(ZERO_PAGE + CMDLINE_PTR, &(uint32_t){CMDLINE}, 4);
    add_e820(0, LOW_END, E820_RAM);
    add_e820(LOW_END, MIB, E820_RESERVED);
    add_e820(MIB, memory_size, E820_RAM);
}

static struct kvm_segment segment(unsigned selector, unsigned type, int is_code)
{
    return (struct kvm_segment){.limit = 0xffffffff, .selector = (uint16_t)selector,
                                .type = (uint8_t)type, .present = 1, .s = 1, .g = 1,
                                .l = (uint8_t)is_code, .db = (uint8_t)!is_code};
}

/* Long mode, the first GiB identity mapped; CS = 0x10 and DS = 0x18, as the protocol wants. */
static void set_state(int cpu, uint64_t entry)
{
    struct kvm_sregs s;

    put64(PML4, PDPT | 3);
    put64(PDPT, PD | 3);
    for (uint64_t i = 0; i < 512; i++) {
        put64(PD + i * 8, i << 21 | 0x83);
    }
    put64(GDT + 0x10, 0x00af9b000000ffff);
    put64(GDT + 0x18, 0x00cf93000000ffff);
    call(cpu, KVM_GET_SREGS, &s, "KVM_GET_SREGS");
    s.gdt.base = GDT;
    s.gdt.limit = 0x1f;
    s.idt.base = s.idt.limit = 0;
    s.cs = segment(0x10, 11, 1);
    s.ds = s.es = s.fs = s.gs = s.ss = segment(0x18, 3, 0);
    s.cr3 = PML4;
    s.cr4 |= 0x20;                 /* PAE */
    s.cr0 |= 0x80000001;           /* PG, PE */
    s.efer |= 0x500;               /* LMA, LME */
    call(cpu, KVM_SET_SREGS, &s, "KVM_SET_SREGS");
    struct kvm_regs r = {.rip = entry, .rsi = ZERO_PAGE, .rsp = ZERO_PAGE, .rflags = 2};
    call(cpu, KVM_SET_REGS, &r, "KVM_SET_REGS");
}

static void set_cpuid(int kvm, int cpu)
{
    static union {
        struct kvm_cpuid2 head;
        char room[sizeof(struct kvm_cpuid2) + CPUID_MAX * sizeof(struct kvm_cpuid_entry2)];
    } id = {.head = {.nent = CPUID_MAX}};

    call(kvm, KVM_GET_SUPPORTED_CPUID, &id, "KVM_GET_SUPPORTED_CPUID");
    for (unsigned i = 0; i < id.head.nent; i++) {
        if (id.head.entries[i].function == 1) {
            id.head.entries[i].ecx |= 1u << 31; /* there is a hypervisor */
            id.head.entries[i].ebx &= 0xffffff; /* APIC id 0 */
        }
    }
    call(cpu, KVM_SET_CPUID2, &id, "KVM_SET_CPUID2");
}

static void input_output(struct kvm_run *run)
{
    static unsigned char uart[8]; /* what was written: all but the status reads back */
    unsigned char *data = (unsigned char *)run + run->io.data_offset;
    size_t bytes = (size_t)run->io.size * run->io.count;
    unsigned offset = run->io.port - COM1;

    if (run->io.direction == KVM_EXIT_IO_IN) {
        memset(data, 0xff, bytes); /* nothing there */
        if (offset < 8) {
            data[0] = offset == UART_LSR ? LSR_EMPTY : uart[offset];
        }
    } else if (offset == 0 && !(uart[UART_LCR] & LCR_DLAB)) {
        fwrite(data, 1, bytes, stdout);
    } else if (offset < 8) {
        uart[offset] = data[0];
    } else if (run->io.port == DEBUG_EXIT) {
        fflush(stdout);
        exit(0);
    }
}

static void run_machine(int kvm, int cpu)
{
    size_t size = (size_t)call(kvm, KVM_GET_VCPU_MMAP_SIZE, NULL, "KVM_GET_VCPU_MMAP_SIZE");
    struct kvm_run *run = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, cpu, 0);
    if (run == MAP_FAILED) {
        fail(NO_KVM, "mmap: %s", strerror(errno));
    }
    for (;;) {
        if (ioctl(cpu, KVM_RUN, 0) < 0 && errno != EINTR) {
            fail(STOPPED, "KVM_RUN: %s", strerror(errno));
        }
        if (run->exit_reason == KVM_EXIT_IO) {
            input_output(run);
        } else if (run->exit_reason == KVM_EXIT_MMIO) {
            memset(run->mmio.data, 0xff, sizeof(run->mmio.data));
        } else if (run->exit_reason != KVM_EXIT_INTR) {
            fflush(stdout);
            fail(STOPPED, "the guest stopped, KVM's exit reason %u", run->exit_reason);
        }
    }
}

int main(int argc, char **argv)
{
    const char *initrd = NULL;
    int option;

    while ((option = getopt(argc, argv, "m:i:")) != -1) {
        memory_size = option == 'm' ? strtoul(optarg, NULL, 10) * MIB : memory_size;
        initrd = option == 'i' ? optarg : initrd;
    }
    if (optind >= argc || memory_size < 2 * MIB || memory_size > 3072 * MIB) {
        fail(2, "usage: vmm [-m MIB] [-i INITRD] IMAGE [COMMAND LINE]; 2 to 3072 MiB");
    }
    int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
    if (kvm < 0) {
        fail(NO_KVM, "/dev/kvm: %s", strerror(errno));
    }
    int vm = call(kvm, KVM_CREATE_VM, NULL, "KVM_CREATE_VM");
    memory = mmap(NULL, memory_size, PROT_READ | PROT_WRITE,
                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) {
        fail(STOPPED, "no memory for the machine");
    }
    call(vm, KVM_SET_TSS_ADDR, (void *)0xfffbd000, "KVM_SET_TSS_ADDR");
    call(vm, KVM_CREATE_IRQCHIP, NULL, "KVM_CREATE_IRQCHIP");
    struct kvm_userspace_memory_region region = {
        .memory_size = memory_size, .userspace_addr = (uint64_t)memory};
    call(vm, KVM_SET_USER_MEMORY_REGION, &region, "KVM_SET_USER_MEMORY_REGION");
    int cpu = call(vm, KVM_CREATE_VCPU, NULL, "KVM_CREATE_VCPU");
    set_cpuid(kvm, cpu);
    fill_zero_page(optind + 1 < argc ? argv[optind + 1] : "");
    if (initrd) {
        load_initrd(initrd);
    }
    set_state(cpu, load_image(argv[optind]));
    run_machine(kvm, cpu);
}

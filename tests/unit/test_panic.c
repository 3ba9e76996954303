/*
 * sources: libos/core/panic.c libos/core/backtrace.c libos/core/stack_check.c libos/core/log.c
 * libos/core/log_format.c
 */
/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Crash reports: that they name the right thing, and that broken stacks and a second crash don't
 * stop them.
 */
#include <errno.h>
#include <setjmp.h>
#include <sys/wait.h>

#include <pith/cmdline.h>
#include <pith/exit.h>
#include <pith/symbols.h>
#include <pith/trap.h>

#include "libos/core/backtrace.h"
#include "libos/core/sched.h"

#include "unit.h"

#define FAKE_CPU_OWN_PANIC
#include "fake_cpu.h"

/* ---- the machine: what may be read is `memory`, functions are 0x1000 bytes each ---- */

#define MEMORY_WORDS 512

const char __image_start[1];

static char report[1 << 16];
static size_t report_len;
static jmp_buf end;
enum { END_CRASH = 1, END_STOP = 2 };
static uint64_t memory[MEMORY_WORDS];
static bool crash_in_lookup;
static struct trap_frame frame;

void platform_console_write(const char *data, size_t len)
{
    if (report_len + len < sizeof(report)) {
        memcpy(report + report_len, data, len);
        report_len += len;
    }
}

_Noreturn void machine_crash(void)
{
    longjmp(end, END_CRASH);
}

_Noreturn void platform_stop(enum platform_stop how, int status)
{
    EXPECT(how == PLATFORM_CRASH && status != 0);
    longjmp(end, END_STOP);
}

uint64_t platform_clock_ns(void)
{
    return 1500000000;
}

uint64_t cmdline_get_u64(const char *name, uint64_t fallback)
{
    (void)name;
    return fallback;
}

void platform_irq_replay(void)
{
}

const char *trap_name(uint64_t vector)
{
    return vector == 14 ? "page fault" : "divide error";
}

int platform_probe_read(void *dst, const void *src, size_t n)
{
    uintptr_t at = (uintptr_t)src;
    uintptr_t low = (uintptr_t)memory;

    if (at < low || at - low > sizeof(memory) - n) {
        return -EFAULT;
    }
    memcpy(dst, src, n);
    return 0;
}

int symbol_lookup(uintptr_t addr, char *name, size_t len, size_t *offset)
{
    if (crash_in_lookup) {
        panic_trap(&frame);
    }
    if (addr < 0x400000 || addr >= 0x500000) {
        return -ENOENT;
    }
    snprintf(name, len, "function_%lx", addr >> 12);
    *offset = addr & 0xfff;
    return 0;
}

/* ---- threads.c stands aside ---- */

static struct thread crashed = { .id = 7, .name = "victim", .state = THREAD_RUNNING };
static struct thread other = { .id = 9, .name = "onlooker", .state = THREAD_BLOCKED };

uint32_t thread_id(const struct thread *t)
{
    return t->id;
}

const char *thread_name(const struct thread *t)
{
    return t->name;
}

void thread_for_each(void (*fn)(struct thread *t, void *arg), void *arg)
{
    fn(&crashed, arg);
    fn(&other, arg);
}

const struct thread *thread_guarded_at(uintptr_t addr)
{
    return addr >= 0x7000 && addr < 0x8000 ? &other : NULL;
}

/* ---- the tests; each in a process of its own, since a machine crashes once ---- */

static int run_trap(void)
{
    int how = setjmp(end);

    if (how == 0) {
        panic_trap(&frame);
    }
    report[report_len] = '\0';
    return how;
}

static unsigned lines_with(const char *text)
{
    unsigned n = 0;

    for (const char *at = report; (at = strstr(at, text)) != NULL; at++) {
        n++;
    }
    return n;
}

#define EXPECT_REPORT(text)                                        \
    do {                                                           \
        EXPECT(strstr(report, text) != NULL);                      \
        if (strstr(report, text) == NULL) {                        \
            printf("no \"%s\" in the report:\n%s\n", text, report); \
        }                                                          \
    } while (0)

/* frame n of a chain at memory[4n]: two words */
static void chain(unsigned frames)
{
    for (unsigned i = 0; i < frames; i++) {
        memory[4 * i] = i + 1 < frames ? (uint64_t)&memory[4 * (i + 1)] : 0;
        memory[4 * i + 1] = 0x410000 + i * 0x1000 + 0x10;
    }
}

static void test_null_write(void)
{
    chain(3);
    other.context.sp = &memory[100];
    memory[100] = (uint64_t)&memory[104];
    memory[105] = 0x450123;
    frame = (struct trap_frame){ .vector = 14, .error = 6, .address = 0x10, .rip = 0x401234,
                                 .rbp = (uint64_t)&memory[0], .rax = 0xabcdef };
    EXPECT(run_trap() == END_CRASH);
    EXPECT_REPORT("*** Crash: page fault, write to 0x10, which is a null pointer");
    EXPECT_REPORT("    at 0x0000000000401234 function_401+0x234\n");
    EXPECT_REPORT("in thread 7 \"victim\", CPU 0, 1.500000 s after boot");
    EXPECT_REPORT("rax 0000000000abcdef");
    EXPECT_REPORT("    0x0000000000410010 function_410+0x10\n");
    EXPECT_REPORT("    0x0000000000412010 function_412+0x10\n");
    EXPECT_REPORT("thread 9 \"onlooker\" (blocked)\n    0x0000000000450123 function_450+0x123\n");
    EXPECT(lines_with("\n") < 25);
}

static void test_stack_overflow(void)
{
    frame = (struct trap_frame){ .vector = 14, .error = 6, .address = 0x7ff8, .rip = 0x401234 };
    other.memory.stack_size = 128 << 10;
    EXPECT(run_trap() == END_CRASH);
    EXPECT_REPORT("*** Crash: stack overflow of thread 9 \"onlooker\" (128 KiB), write to 0x7ff8");
}

static void test_bad_jump(void)
{
    memory[10] = 0x430020; /* the caller, on top of the stack */
    frame = (struct trap_frame){ .vector = 14, .error = 0x14, .address = 0xdead000,
                                 .rip = 0xdead000, .rsp = (uint64_t)&memory[10] };
    EXPECT(run_trap() == END_CRASH);
    EXPECT_REPORT("execution of 0xdead000, which is not mapped");
    EXPECT_REPORT("    at 0x000000000dead000 ?\n");
    EXPECT_REPORT("    0x0000000000430020 function_430+0x20\n");
}

/* At its first instruction a function has no frame, and its caller would be missing. */
static void test_first_instruction(void)
{
    chain(2);
    memory[20] = 0x430020;
    frame = (struct trap_frame){ .vector = 13, .rip = 0x401000, .rsp = (uint64_t)&memory[20],
                                 .rbp = (uint64_t)&memory[0] };
    EXPECT(run_trap() == END_CRASH);
    EXPECT_REPORT("stack\n    0x0000000000401000 function_401+0x0\n"
                  "    0x0000000000430020 function_430+0x20\n"
                  "    0x0000000000410010 function_410+0x10\n");
}

static void test_recursion(void)
{
    chain(110);
    for (unsigned i = 2; i < 102; i++) {
        memory[4 * i + 1] = 0x450040;
    }
    backtrace_print((uintptr_t)&memory[0], 32, "");
    report[report_len] = '\0';
    EXPECT(lines_with("function_450+0x40") == 1 && lines_with("(99 more of it)\n") == 1);
    EXPECT(lines_with("\n") == 2 + 2 + 8);
}

static void test_protection(void)
{
    frame = (struct trap_frame){ .vector = 14, .error = 7, .address = 0x400000, .rip = 0x401234 };
    EXPECT(run_trap() == END_CRASH);
    EXPECT_REPORT("write to 0x400000, which is not permitted there");
}

static void test_other_trap(void)
{
    frame = (struct trap_frame){ .vector = 0, .rip = 0x401234 };
    fake_percpu.irq_depth = 1;
    EXPECT(run_trap() == END_CRASH);
    EXPECT_REPORT("*** Crash: divide error, error code 0x0");
    EXPECT_REPORT("\"victim\" (interrupt handler)");
}

static void test_broken_chains(void)
{
    chain(2);
    memory[4] = (uint64_t)&memory[0]; /* a loop */
    frame = (struct trap_frame){ .vector = 0, .rip = 0x401234, .rbp = (uint64_t)&memory[0] };
    EXPECT(run_trap() == END_CRASH);
    EXPECT(lines_with("function_410+0x10") == 1 && lines_with("function_411+0x10") == 1);
}

static void test_wild_chain(void)
{
    static const uint64_t wild[] = { 1, 8, UINT64_MAX, UINT64_MAX - 7, 0x8000000000000000 };

    for (unsigned i = 0; i < sizeof(wild) / sizeof(wild[0]); i++) {
        backtrace_print(wild[i], 32, "");
    }
    chain(1);
    memory[0] = UINT64_MAX - 7;
    backtrace_print((uintptr_t)&memory[0], 32, "");
    EXPECT(lines_with("function_410") == 1);
    /* The last frame that fits is read, the one behind isn't. */
    backtrace_print((uintptr_t)&memory[MEMORY_WORDS - 1], 32, "");
    report[report_len] = '\0';
    EXPECT(lines_with("\n") == 1);
}

static void test_deep_chain(void)
{
    chain(100);
    backtrace_print((uintptr_t)&memory[0], 32, "");
    report[report_len] = '\0';
    EXPECT(lines_with("\n") == 33 && lines_with("...\n") == 1);
}

static void test_crash_in_report(void)
{
    crash_in_lookup = true;
    frame = (struct trap_frame){ .vector = 14, .rip = 0x401234 };
    EXPECT(run_trap() == END_CRASH);
    EXPECT_REPORT("*** Crash during the crash report: page fault");
    EXPECT(lines_with("*** Crash") == 2);
    EXPECT(run_trap() == END_STOP); /* not even one line more */
    EXPECT(lines_with("*** Crash") == 2);
}

static void test_panic(void)
{
    volatile int how = setjmp(end);

    if (how == 0) {
        PANIC("value %d", 42);
    }
    report[report_len] = '\0';
    EXPECT(how == END_CRASH);
    EXPECT_REPORT("*** Crash: value 42\n    at tests/unit/test_panic.c:");
    EXPECT(irq_is_masked());
}

_Noreturn void __stack_chk_fail(void);

static void test_canary(void)
{
    if (setjmp(end) == 0) {
        __stack_chk_fail();
    }
    report[report_len] = '\0';
    EXPECT_REPORT("stack of thread \"victim\" was overrun");
}

static void in_child(void (*test)(void))
{
    int status = -1;

    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        unit_failed = 0;
        fake_cpu_init();
        fake_percpu.current = &crashed;
        test();
        fflush(stdout);
        _exit(unit_failed != 0 || unit_passed == 0);
    }
    EXPECT(waitpid(pid, &status, 0) == pid && status == 0);
}

int main(void)
{
    in_child(test_null_write);
    in_child(test_stack_overflow);
    in_child(test_bad_jump);
    in_child(test_first_instruction);
    in_child(test_recursion);
    in_child(test_protection);
    in_child(test_other_trap);
    in_child(test_broken_chains);
    in_child(test_wild_chain);
    in_child(test_deep_chain);
    in_child(test_crash_in_report);
    in_child(test_panic);
    in_child(test_canary);
    return unit_done();
}

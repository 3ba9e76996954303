/* SPDX-License-Identifier: BSD-2-Clause */
/* Does one forbidden thing, named by the argument; nothing may be left to print "survived". */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OUT __attribute__((noinline))

OUT static void fault_null(void)
{
    char *volatile p = NULL;
    printf("%d\n", *(volatile char *)p);
}

OUT static void fault_write_text(void)
{
    char *volatile p = (char *)(void *)fault_null;
    *p = 1;
}

static unsigned char code[16] = {0xc3};

OUT static void fault_run_data(void)
{
    void (*volatile fn)(void) = (void (*)(void))(void *)code;
    fn();
    printf("returned\n"); /* not a tail call */
}

OUT static void fault_run_stack(void)
{
    volatile unsigned char on_stack[16] = {0xc3};
    void (*volatile fn)(void) = (void (*)(void))(void *)on_stack;
    fn();
    printf("returned %d\n", on_stack[0]);
}

OUT static void fault_divide(void)
{
    volatile int zero = 0;
    printf("%d\n", 7 / zero);
}

OUT static void fault_opcode(void)
{
    __asm__ volatile("ud2");
}

OUT static void fault_privileged(void)
{
    __asm__ volatile("movq %%rax, %%cr3" : : "a"(0L));
}

OUT static void fault_breakpoint(void)
{
    __asm__ volatile("int3");
}

OUT static void fault_noncanonical(void)
{
    volatile long *volatile p = (volatile long *)0x8000000000000000;
    printf("%ld\n", *p);
}

OUT static void fault_smash(void)
{
    char small[8];
    char *volatile p = small;
    memset(p, 'x', 64);
    printf("%.3s\n", small);
}

OUT static int fault_overflow(int depth)
{
    volatile char big[1024];
    memset((char *)big, depth, sizeof(big));
    return depth < 0 ? 0 : fault_overflow(depth + 1) + big[depth & 1023];
}

OUT static void fault_assert(const char *what)
{
    assert(what == NULL);
}

int main(int argc, char **argv)
{
    const char *kind = argc > 1 ? argv[1] : "";
    static const struct {
        const char *name;
        void (*fn)(void);
    } kinds[] = {
        {"null", fault_null}, {"write_text", fault_write_text}, {"run_data", fault_run_data},
        {"run_stack", fault_run_stack},
        {"divide", fault_divide}, {"opcode", fault_opcode}, {"privileged", fault_privileged},
        {"breakpoint", fault_breakpoint}, {"noncanonical", fault_noncanonical}, {"smash", fault_smash},
        {"abort", abort},
    };

    for (unsigned i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (strcmp(kind, kinds[i].name) == 0) {
            kinds[i].fn();
        }
    }
    if (strcmp(kind, "overflow") == 0) {
        printf("%d\n", fault_overflow(0));
    }
    if (strcmp(kind, "assert") == 0) {
        fault_assert(kind);
    }
    printf("survived\n");
    return 1;
}

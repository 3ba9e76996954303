/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Refuse code that uses memory below the stack pointer.
 *
 * usage: pith-redzone-scan [--objdump=PROGRAM] FILE...
 *
 * Interrupt frames are pushed on the running thread's stack, so what lies below %rsp (the "red
 * zone" of the System V ABI) may change between any two instructions. Compiled code respects that
 * with -mno-red-zone; this finds what was compiled elsewhere or written by hand.
 *
 * The code is read from `objdump -d`. Refused is any access at a negative displacement from %rsp,
 * and from a register that holds a copy of it (a frame pointer before the frame is allocated).
 * Copies are followed only inside a basic block and forgotten when in doubt, so that correct code
 * is never refused. An access with an index register is not judged: its address is not known.
 * Code between the labels __noscan_begin* and __noscan_end* (16 and 32 bit entry code, which
 * objdump reads wrongly) is skipped.
 */
#define _GNU_SOURCE
#include <ctype.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NREGISTERS   16
#define RSP          4
#define MAX_REPORTED 20
#define LINE_SIZE    512

static const char *const register_names[NREGISTERS] = {
    "rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi",
    "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15",
};

/* What is known of a register: its distance from %rsp. */
struct copy {
    bool known;
    int64_t distance;
};

struct instruction {
    uint64_t address;
    char *text; /* mnemonic and operands */
};

struct function {
    char name[LINE_SIZE];
    struct instruction *code;
    size_t count;
    size_t allocated;
    uint64_t *targets; /* addresses that a jump of this function goes to */
    size_t ntargets;
    size_t targets_allocated;
};

static unsigned findings;
static struct copy copies[NREGISTERS];

static void *grow(void *array, size_t count, size_t *allocated, size_t size)
{
    if (count < *allocated) {
        return array;
    }
    *allocated = *allocated == 0 ? 256 : *allocated * 2;
    array = realloc(array, *allocated * size);
    if (array == NULL) {
        perror("redzone-scan");
        exit(2);
    }
    return array;
}

static void forget_all(void)
{
    memset(copies, 0, sizeof(copies));
}

/* The number of the 64-bit register at the start of text ("%rax"), or -1. */
static int register_at(const char *text)
{
    if (*text != '%') {
        return -1;
    }
    for (int i = 0; i < NREGISTERS; i++) {
        size_t length = strlen(register_names[i]);
        if (strncmp(text + 1, register_names[i], length) == 0 &&
            !isalnum((unsigned char)text[1 + length])) {
            return i;
        }
    }
    return -1;
}

/* The register of which `text` names any part (%rax, %eax, %ax, %al), or -1. */
static int register_part_at(const char *text)
{
    static const char *const parts[8][4] = {
        { "eax", "ax", "al", "ah" }, { "ecx", "cx", "cl", "ch" }, { "edx", "dx", "dl", "dh" },
        { "ebx", "bx", "bl", "bh" }, { "esp", "sp", "spl", "" }, { "ebp", "bp", "bpl", "" },
        { "esi", "si", "sil", "" }, { "edi", "di", "dil", "" },
    };
    int number;

    if (*text != '%') {
        return -1;
    }
    if (text[1] == 'r' && isdigit((unsigned char)text[2])) {
        number = atoi(text + 2);
        return number >= 8 && number < NREGISTERS ? number : -1;
    }
    number = register_at(text);
    for (int i = 0; number < 0 && i < 8; i++) {
        for (int j = 0; j < 4; j++) {
            size_t length = strlen(parts[i][j]);
            if (length > 0 && strncmp(text + 1, parts[i][j], length) == 0 &&
                !isalnum((unsigned char)text[1 + length])) {
                number = i;
            }
        }
    }
    return number;
}

/* Everything moves away from %rsp by `bytes` when %rsp goes down. */
static void stack_grows(int64_t bytes)
{
    for (int i = 0; i < NREGISTERS; i++) {
        copies[i].distance += bytes;
    }
}

static bool starts(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

/* The last operand, which AT&T syntax writes to; skips commas inside of parentheses. */
static const char *last_operand(const char *operands)
{
    const char *last = operands;
    int depth = 0;

    for (const char *at = operands; *at != '\0'; at++) {
        depth += (*at == '(') - (*at == ')');
        if (*at == ',' && depth == 0) {
            last = at + 1;
        }
    }
    return last;
}

/* Report an access whose address is known to be below %rsp. */
static void check_access(const struct function *function, const struct instruction *instruction,
                         const char *operands)
{
    for (const char *open = strchr(operands, '('); open != NULL; open = strchr(open + 1, '(')) {
        int base = register_at(open + 1);
        if (base < 0 || open[1 + 1 + strlen(register_names[base])] != ')') {
            continue; /* no base, or an index that makes the address unknown */
        }
        const char *start = open;
        while (start > operands && (isxdigit((unsigned char)start[-1]) || start[-1] == 'x' ||
                                    start[-1] == '-')) {
            start--;
        }
        if (start > operands && start[-1] == ':') {
            continue; /* %fs:, %gs: are not the stack */
        }
        int64_t address = start == open ? 0 : (int64_t)strtoull(start, NULL, 16);
        if (base != RSP) {
            if (!copies[base].known) {
                continue;
            }
            address += copies[base].distance;
        }
        if (address < 0) {
            if (findings++ < MAX_REPORTED) {
                fprintf(stderr, "red zone: %s accesses memory %lld bytes below %%rsp: %llx: %s\n",
                        function->name, (long long)-address,
                        (unsigned long long)instruction->address, instruction->text);
            }
            return;
        }
    }
}

/* `mov %rsp,%reg` and `lea disp(%rsp),%reg` make a copy. Returns whether this was one. */
static bool follow_copy(const char *mnemonic, const char *operands)
{
    const char *last = last_operand(operands);
    int to = register_at(last);

    if (to < 0 || to == RSP || last == operands) {
        return false;
    }
    if (strcmp(mnemonic, "mov") == 0) {
        int from = register_at(operands);
        if (from == RSP) {
            copies[to] = (struct copy){ true, 0 };
            return true;
        }
        if (from >= 0 && copies[from].known) {
            copies[to] = copies[from];
            return true;
        }
    }
    const char *open = strchr(operands, '(');
    if (strcmp(mnemonic, "lea") == 0 && open != NULL) {
        int base = register_at(open + 1);
        if (base >= 0 && open[2 + strlen(register_names[base])] == ')' &&
            (base == RSP || copies[base].known)) {
            int64_t distance = open == operands ? 0 : (int64_t)strtoull(operands, NULL, 16);
            copies[to] = (struct copy){ true, distance +
                                              (base == RSP ? 0 : copies[base].distance) };
            return true;
        }
    }
    return false;
}

/* What the instruction does to %rsp and to the registers that hold copies of it. */
static void follow(const char *mnemonic, const char *operands)
{
    const char *last = last_operand(operands);
    int to = register_part_at(last);

    if (starts(mnemonic, "push")) {
        stack_grows(8);
        return;
    }
    if (starts(mnemonic, "call")) {
        /* The callee keeps rbx, rbp, r12-r15. */
        for (int i = 0; i < NREGISTERS; i++) {
            copies[i].known = copies[i].known && (i == 3 || i == 5 || i >= 12);
        }
        return;
    }
    if (starts(mnemonic, "jmp") || starts(mnemonic, "ret") || starts(mnemonic, "leave") ||
        starts(mnemonic, "enter") || starts(mnemonic, "iret") || starts(mnemonic, "sys") ||
        starts(mnemonic, "xchg") || starts(mnemonic, "cpuid") || starts(mnemonic, "rep") ||
        starts(mnemonic, "mul") || starts(mnemonic, "div") || starts(mnemonic, "imul") ||
        starts(mnemonic, "idiv") || starts(mnemonic, "xadd") || starts(mnemonic, "cmpxchg") ||
        starts(mnemonic, "lock") || starts(mnemonic, "lods") || starts(mnemonic, "stos") ||
        starts(mnemonic, "movs") || starts(mnemonic, "(bad)") || starts(mnemonic, "notrack")) {
        forget_all();
        return;
    }
    if (starts(mnemonic, "pop") && *operands == '%') {
        stack_grows(-8);
    } else if ((starts(mnemonic, "sub") || starts(mnemonic, "add")) && to == RSP) {
        if (*operands != '$') {
            forget_all();
        } else {
            int64_t bytes = (int64_t)strtoull(operands + 1, NULL, 16);
            stack_grows(starts(mnemonic, "sub") ? bytes : -bytes);
        }
        return;
    } else if (starts(mnemonic, "cmp") || starts(mnemonic, "test")) {
        return;
    } else if (follow_copy(mnemonic, operands)) {
        return;
    }
    if (to == RSP) {
        forget_all();
    } else if (to >= 0) {
        copies[to].known = false;
    }
}

static int compare_addresses(const void *left, const void *right)
{
    uint64_t a = *(const uint64_t *)left;
    uint64_t b = *(const uint64_t *)right;
    return a < b ? -1 : a > b;
}

static void scan_function(struct function *function)
{
    qsort(function->targets, function->ntargets, sizeof(uint64_t), compare_addresses);
    forget_all();
    for (size_t i = 0; i < function->count; i++) {
        struct instruction *instruction = &function->code[i];
        if (bsearch(&instruction->address, function->targets, function->ntargets,
                    sizeof(uint64_t), compare_addresses) != NULL) {
            forget_all(); /* reached from elsewhere, too */
        }
        char *mnemonic = instruction->text;
        size_t length = strcspn(mnemonic, " ");
        char *operands = mnemonic + length;
        operands += strspn(operands, " ");
        char name[16];
        snprintf(name, sizeof(name), "%.*s", (int)length, mnemonic);
        if (!starts(name, "lea") && !starts(name, "nop")) {
            check_access(function, instruction, operands);
        }
        follow(name, operands);
        free(instruction->text);
    }
    function->count = 0;
    function->ntargets = 0;
}

static void add_instruction(struct function *function, uint64_t address, const char *text)
{
    function->code = grow(function->code, function->count, &function->allocated,
                          sizeof(*function->code));
    function->code[function->count].address = address;
    function->code[function->count].text = strdup(text);
    function->count++;
    if (text[0] == 'j') {
        const char *operand = text + strcspn(text, " ");
        function->targets = grow(function->targets, function->ntargets,
                                 &function->targets_allocated, sizeof(uint64_t));
        function->targets[function->ntargets++] = strtoull(operand, NULL, 16);
    }
}

/* Read objdump's output: "ADDRESS <NAME>:" starts a function, " ADDRESS:\tTEXT" is a line of it. */
static void scan_file(const char *objdump, const char *path)
{
    static struct function function;
    char command[4096];
    char line[LINE_SIZE];
    bool skipping = false;

    snprintf(command, sizeof(command), "exec '%s' -d -w --no-show-raw-insn '%s'", objdump, path);
    FILE *in = popen(command, "r");
    if (in == NULL) {
        perror(objdump);
        exit(2);
    }
    while (fgets(line, sizeof(line), in) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        char *open = strchr(line, '<');
        if (isxdigit((unsigned char)line[0]) && open != NULL && line[strlen(line) - 1] == ':') {
            scan_function(&function);
            line[strlen(line) - 2] = '\0';
            snprintf(function.name, sizeof(function.name), "%s", open + 1);
            if (starts(function.name, "__noscan_begin")) {
                skipping = true;
            } else if (starts(function.name, "__noscan_end")) {
                skipping = false;
            }
            continue;
        }
        char *tab = strchr(line, '\t');
        if (line[0] == ' ' && tab != NULL && !skipping) {
            char *comment = strchr(tab, '#');
            if (comment != NULL) {
                *comment = '\0';
            }
            add_instruction(&function, strtoull(line, NULL, 16), tab + 1);
        }
    }
    scan_function(&function);
    if (pclose(in) != 0) {
        fprintf(stderr, "redzone-scan: objdump cannot read %s\n", path);
        exit(2);
    }
}

int main(int argc, char **argv)
{
    const char *objdump = "objdump";
    int first = 1;

    if (argc > 1 && starts(argv[1], "--objdump=")) {
        objdump = argv[1] + strlen("--objdump=");
        first = 2;
    }
    if (first >= argc) {
        fprintf(stderr, "usage: %s [--objdump=PROGRAM] FILE...\n", argv[0]);
        return 2;
    }
    for (int i = first; i < argc; i++) {
        scan_file(objdump, argv[i]);
    }
    if (findings > MAX_REPORTED) {
        fprintf(stderr, "red zone: %u more\n", findings - MAX_REPORTED);
    }
    return findings > 0;
}

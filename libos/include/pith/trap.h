/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The saved registers of a fault, the same on every platform.
 *
 * Built on the faulting thread's stack (or the emergency stack) by platform/x86/trap_entry.S.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct trap_frame {
    uint64_t r15, r14, r13, r12, r11, r10, r9, r8;
    uint64_t rdi, rsi, rbp, rbx, rdx, rcx, rax;
    uint64_t vector;  /* Intel SDM vol 3, "Exception and Interrupt Reference" */
    uint64_t error;   /* error code, 0 where the vector has none */
    uint64_t rip, cs, rflags, rsp, ss;
    uint64_t address; /* CR2 of a page fault, else 0 */
};

/* A short name of the exception: "page fault", "divide error", ...; never NULL. */
const char *trap_name(uint64_t vector);

/* Who deals with faults of the program: trap_take() and trap_run() of pith/platform.h. */
struct trap_user {
    bool (*take)(struct trap_frame *frame);
    void (*run)(struct trap_frame *frame, void *fp);
};

/* There is one. Context: any. */
void trap_set_user(const struct trap_user *user);

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a signal handler is told of the code that it interrupted, in glibc's words. For a fault all
 * general registers are there, and what the handler changes is what the code goes on with; for
 * other signals only REG_RIP and REG_RSP, and those only where a running program was interrupted.
 */
#pragma once

#include <signal.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef long long greg_t;

#define NGREG 23
typedef greg_t gregset_t[NGREG];

/* Indexes of gregset_t; Linux, arch/x86/include/uapi/asm/sigcontext.h. */
enum {
    REG_R8, REG_R9, REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15,
    REG_RDI, REG_RSI, REG_RBP, REG_RBX, REG_RDX, REG_RAX, REG_RCX, REG_RSP, REG_RIP, REG_EFL,
    REG_CSGSFS, REG_ERR, REG_TRAPNO, REG_OLDMASK, REG_CR2
};
#define REG_R8      REG_R8
#define REG_RSP     REG_RSP
#define REG_RIP     REG_RIP
#define REG_EFL     REG_EFL
#define REG_ERR     REG_ERR
#define REG_TRAPNO  REG_TRAPNO
#define REG_CR2     REG_CR2

typedef struct {
    gregset_t gregs;
    void *fpregs; /* a fault's: the state that XSAVE or FXSAVE has stored; else NULL */
} mcontext_t;

typedef struct ucontext_t {
    unsigned long uc_flags;
    struct ucontext_t *uc_link;
    stack_t uc_stack;
    mcontext_t uc_mcontext;
    sigset_t uc_sigmask; /* in force again when the handler has returned */
} ucontext_t;

#ifdef __cplusplus
}
#endif

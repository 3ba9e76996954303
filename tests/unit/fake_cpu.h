/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One CPU of Pith inside a Linux process: %gs points to a percpu block, so that masking, spin locks
 * and the scheduler run as they are. Included once per test program that needs it.
 */
#pragma once

#include <asm/prctl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <pith/log.h>
#include <pith/panic.h>
#include <pith/percpu.h>
#include <pith/platform.h>

static struct percpu fake_percpu;

static inline void fake_cpu_init(void)
{
    fake_percpu.self = &fake_percpu;
    if (syscall(SYS_arch_prctl, ARCH_SET_GS, &fake_percpu) != 0) {
        perror("arch_prctl");
        exit(2);
    }
}

#ifndef FAKE_CPU_OWN_PANIC /* for the test of panic.c itself */
/* PANIC ends the process with a message, or goes where a test that provokes it has set it to. */
static void (*fake_panic_hook)(void);

_Noreturn void panic_at(const char *file, int line, const char *fmt, ...)
{
    va_list ap;

    if (fake_panic_hook != NULL) {
        fake_panic_hook();
    }
    printf("PANIC at %s:%d: ", file, line);
    va_start(ap, fmt);
    vprintf(fmt, ap);
    va_end(ap);
    printf("\n");
    exit(2);
}
#endif

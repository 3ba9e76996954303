/* SPDX-License-Identifier: BSD-2-Clause */
/* The entry of libos: what is set up before the program's main(), in this order. */
#include <pith/boot.h>
#include <pith/cmdline.h>
#include <pith/exit.h>
#include <pith/libc.h>
#include <pith/log.h>
#include <pith/machine.h>
#include <pith/page.h>
#include <pith/platform.h>
#include <pith/random.h>
#include <pith/stop.h>
#include <pith/thread.h>
#include <pith/trace.h>

#include <string.h>

#include "cold.h"
#include "sched.h"

#define MAIN_STACK_MAX   (256UL * 1024)
#define MAIN_STACK_MIN   (32UL * 1024)
#define MAIN_STACK_SHARE 16 /* of RAM, on small machines */
#define EXIT_NO_MEMORY   127

static const struct boot_info *boot_info;

const struct boot_info *machine_boot_info(void)
{
    return boot_info;
}

static void *main_thread(void *arg)
{
    (void)arg;
    boot_trace(__func__);
    libc_start();
}

COLD static size_t default_stack_size(void)
{
    size_t size = (boot_info->ram_total / MAIN_STACK_SHARE) & ~(PAGE_SIZE - 1);

    size = size > MAIN_STACK_MAX ? MAIN_STACK_MAX : size;
    return size < MAIN_STACK_MIN ? MAIN_STACK_MIN : size;
}

/*
 * The first thread, which runs main(). `stack=` is the user's: what can't be had is told and
 * replaced.
 */
COLD static void start_main_thread(void)
{
    size_t fallback = default_stack_size();
    struct thread_attr attr = { .name = "main", .stack_size = cmdline_get_u64("stack", fallback) };
    struct thread *t;

    int rc = thread_create(&t, &attr, main_thread, NULL);
    if (rc != 0 && attr.stack_size != fallback) {
        klog(LOG_ERROR, "stack=%lu can't be had (%d), using %lu", attr.stack_size, rc, fallback);
        attr.stack_size = fallback;
        rc = thread_create(&t, &attr, main_thread, NULL);
    }
    if (rc != 0) {
        klog(LOG_ERROR, "no memory for the main thread (%d)", rc);
        machine_exit(EXIT_NO_MEMORY);
    }
}

_Noreturn void libos_main(const struct boot_info *info)
{
    boot_trace(__func__);
    boot_info = info;
    cmdline_init(info->cmdline); /* first: the rest has options */
    const char *boot = cmdline_get("boot");
    boot_trace_enable(boot != NULL && strcmp(boot, "trace") == 0);
    log_init();                  /* loglevel= */
    page_init(info);             /* the free RAM */
    random_init();               /* canaries, placement */
    thread_init();               /* this stack becomes the idle thread */
    platform_page_seal();        /* no new code from here on */
    klog(LOG_INFO, "%s on %s, %lu KiB", info->entry, info->platform, info->ram_total >> 10);
    stop_init();                 /* a power button, later */
    start_main_thread();         /* runs as soon as this one idles */
    sched_idle();
}

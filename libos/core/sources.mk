# SPDX-License-Identifier: BSD-2-Clause
# Sources of libos/core, one subject each.
LIBOS_CORE_SRCS := main.c \
	cmdline.c log.c log_format.c trace.c exit.c stop.c panic.c backtrace.c stack_check.c symbols.c \
	page.c page_buddy.c chacha.c random.c rngdev.c \
	thread.c thread_create.c thread_memory.c tls.c sched.c waitq.c attention.c trap.c pollq.c iowait.c iopoll.c timer.c timer_heap.c \
	blkdev_driver.c netdev_driver.c

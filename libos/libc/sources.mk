# SPDX-License-Identifier: BSD-2-Clause
LIBOS_LIBC_SRCS := abort.c clock.c errno.c exit.c fd.c heap.c heap_large.c heap_map.c io.c \
    locks.c malloc.c process.c pthread_mutex.c signal.c sleep.c start.c sysconf.c

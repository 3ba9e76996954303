# SPDX-License-Identifier: BSD-2-Clause
LIBOS_FS_SRCS := blkdev.c blkfile.c filewait.c console.c console_input.c devfs.c file.c open.c
LIBOS_FS_SRCS += anonfile.c epoll.c epoll_items.c epoll_nest.c eventfd.c fifo.c pipe.c timerfd.c

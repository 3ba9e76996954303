# SPDX-License-Identifier: BSD-2-Clause
LIBOS_NET_SRCS := net.c net_errno.c net_memory.c net_random.c net_timers.c siphash.c
LIBOS_NET_SRCS += netinfo.c netinfo_ioctl.c

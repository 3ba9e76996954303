# SPDX-License-Identifier: BSD-2-Clause
# The stack and its interfaces.
LIBOS_NET_SRCS := net.c net_checksum.c net_config.c net_dns.c net_errno.c net_icmp.c net_card.c net_card_attach.c net_card_rx.c \
    net_card_tx.c net_memory.c net_parse.c net_random.c net_stats.c net_timers.c net_wait.c siphash.c
LIBOS_NET_SRCS += netinfo.c netinfo_ioctl.c
LIBOS_NET_SRCS += netdev.c

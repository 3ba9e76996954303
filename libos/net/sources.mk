# SPDX-License-Identifier: BSD-2-Clause
# The stack and its interfaces.
LIBOS_NET_SRCS := net.c net_announce.c net_checksum.c net_config.c net_dns.c net_errno.c net_icmp.c net_card.c net_card_attach.c net_card_cut.c net_card_rx.c \
    net_card_tx.c net_memory.c net_parse.c net_poll.c net_pool.c net_random.c net_stats.c net_tcp_lists.c net_tcp_short.c net_tcp_short_out.c net_tcp_ticks.c net_timers.c net_wait.c siphash.c
LIBOS_NET_SRCS += netinfo.c netinfo_ioctl.c
LIBOS_NET_SRCS += netdev.c
# Sockets.
LIBOS_NET_SRCS += sock.c sock_addr.c sock_exit.c sock_icmp.c sock_multicast.c sock_opt.c sock_opt_ip.c sock_port.c sock_tcp.c \
    sock_tcp_close.c sock_tcp_connect.c sock_tcp_listen.c sock_tcp_opt.c sock_tcp_rx.c sock_tcp_tx.c sock_udp.c \
    sock_udp_io.c sock_udp_opt.c sock_zerocopy.c sock_zerocopy_tcp.c sock_zerocopy_udp.c

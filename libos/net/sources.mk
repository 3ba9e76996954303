# SPDX-License-Identifier: BSD-2-Clause
LIBOS_NET_SRCS :=

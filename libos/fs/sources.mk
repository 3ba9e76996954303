# SPDX-License-Identifier: BSD-2-Clause
LIBOS_FS_SRCS := console.c console_input.c file.c

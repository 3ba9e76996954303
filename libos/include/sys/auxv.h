/* SPDX-License-Identifier: BSD-2-Clause */
/* getauxval(3): what Linux tells a program at its start. Numbers as there (uapi/linux/auxvec.h). */
#pragma once

#ifdef __cplusplus
extern "C" {
#endif

#define AT_NULL         0
#define AT_IGNORE       1
#define AT_EXECFD       2
#define AT_PHDR         3
#define AT_PHENT        4
#define AT_PHNUM        5
#define AT_PAGESZ       6
#define AT_BASE         7
#define AT_FLAGS        8
#define AT_ENTRY        9
#define AT_UID          11
#define AT_EUID         12
#define AT_GID          13
#define AT_EGID         14
#define AT_PLATFORM     15
#define AT_HWCAP        16
#define AT_CLKTCK       17
#define AT_SECURE       23
#define AT_RANDOM       25
#define AT_HWCAP2       26
#define AT_EXECFN       31
#define AT_SYSINFO_EHDR 33
#define AT_MINSIGSTKSZ  51

/* 0 with ENOENT: it is not known here. */
unsigned long getauxval(unsigned long type);

#ifdef __cplusplus
}
#endif

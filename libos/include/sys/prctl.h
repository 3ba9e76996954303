/* SPDX-License-Identifier: BSD-2-Clause */
/* What of prctl(2) means something for the one program of an image. Numbers: uapi/linux/prctl.h. */
#pragma once

#ifdef __cplusplus
extern "C" {
#endif

#define PR_SET_PDEATHSIG     1
#define PR_GET_PDEATHSIG     2
#define PR_GET_DUMPABLE      3
#define PR_SET_DUMPABLE      4
#define PR_GET_KEEPCAPS      7
#define PR_SET_KEEPCAPS      8
#define PR_SET_NAME          15 /* const char *, of which 15 bytes count: the calling thread's */
#define PR_GET_NAME          16 /* char[16] */
#define PR_SET_NO_NEW_PRIVS  38
#define PR_GET_NO_NEW_PRIVS  39

int prctl(int option, ...);

#ifdef __cplusplus
}
#endif

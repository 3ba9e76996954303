/* SPDX-License-Identifier: BSD-2-Clause */
/* Exit statuses with a meaning, as 4.3BSD and Linux number them (sysexits(3)). */
#pragma once

#define EX_OK          0
#define EX__BASE       64
#define EX_USAGE       64 /* a mistake on the command line */
#define EX_DATAERR     65 /* bad input */
#define EX_NOINPUT     66 /* input that can't be opened */
#define EX_NOUSER      67
#define EX_NOHOST      68
#define EX_UNAVAILABLE 69 /* a service that is missing */
#define EX_SOFTWARE    70 /* a bug of the program's own */
#define EX_OSERR       71 /* what the system refused */
#define EX_OSFILE      72 /* a file of the system's */
#define EX_CANTCREAT   73
#define EX_IOERR       74
#define EX_TEMPFAIL    75 /* try again later */
#define EX_PROTOCOL    76
#define EX_NOPERM      77
#define EX_CONFIG      78
#define EX__MAX        78

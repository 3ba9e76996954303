/* SPDX-License-Identifier: BSD-2-Clause */
/* Names of files by patterns: POSIX's <glob.h> with what Linux adds. */
#pragma once

#include <sys/cdefs.h>
#include <sys/types.h>

typedef struct {
    size_t gl_pathc;  /* how many names there are */
    char **gl_pathv;  /* gl_offs NULLs, the names, NULL */
    size_t gl_offs;
    int gl_flags;
} glob_t;

#define GLOB_ERR      0x001 /* stop where a folder can't be read */
#define GLOB_MARK     0x002 /* a slash behind folders */
#define GLOB_NOSORT   0x004
#define GLOB_DOOFFS   0x008 /* gl_offs is set */
#define GLOB_NOCHECK  0x010 /* the pattern itself where nothing matches */
#define GLOB_APPEND   0x020 /* to what an earlier call has found */
#define GLOB_NOESCAPE 0x040 /* a backslash is one */
#define GLOB_PERIOD   0x080 /* names with a leading dot match, too */
#define GLOB_BRACE    0x400 /* {a,b} */
#define GLOB_NOMAGIC  0x800 /* GLOB_NOCHECK where the pattern has none of *?[ */
#define GLOB_TILDE    0x1000 /* a leading ~ is $HOME */
#define GLOB_ONLYDIR  0x2000 /* a hint: only folders are wanted */

#define GLOB_NOSPACE 1 /* no memory */
#define GLOB_ABORTED 2 /* a folder can't be read */
#define GLOB_NOMATCH 3
#define GLOB_NOSYS   4

__BEGIN_DECLS

/*
 * Find the names that match. error(path, errno), where given, is told of folders that can't be read;
 * nonzero ends the search. Returns 0 or one of the above; what has been found is to be freed either way.
 */
int glob(const char *__restrict pattern, int flags, int (*error)(const char *path, int errnum),
         glob_t *__restrict out);
void globfree(glob_t *g);

__END_DECLS

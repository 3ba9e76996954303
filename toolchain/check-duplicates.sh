#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# No function may be defined in two of the libraries that every image is linked with: which one
# an image gets would depend on the order in which members are pulled in.
# What the libOS defines has to leave newlib by toolchain/newlib-omit.
#
# usage: toolchain/check-duplicates.sh [BUILD]

set -eu
build=${1:-$(dirname "$0")/../build}

for library in "$build/lib/libpith.a" "$build"/sysroot/lib/libc.a "$build"/sysroot/lib/libm.a \
    "$build"/sysroot/lib/libpithrt.a; do
    nm -A -g --defined-only "$library" 2> /dev/null
done | awk '
    # "path/libx.a:member.o:ADDRESS TYPE NAME"; libm has copies of a few members of libc.
    {
        split($1, part, ":")
        library = part[1]
        sub(/.*\//, "", library)
        where = library "(" part[2] ")"
        if ($3 in first && first_library[$3] != library) {
            pair = first_library[$3] library
            if (pair !~ /^libc.alibm.a$/) {
                print $3 ": " first[$3] " and " where
                bad = 1
            }
        } else {
            first[$3] = where
            first_library[$3] = library
        }
    }
    END { exit bad }
'

#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# Build the toolchain: newlib, compiler builtins, image tools and the x86_64-pith-elf- commands.
#
# usage: toolchain/build.sh
#
# Each stage has a stamp with a hash of everything that went into it, and is redone only when
# that changes. Progress goes to the terminal, everything else to build/log.
# Environment: PITH_BUILD (where to build), HOST_GCC, JOBS; for downloads see fetch.sh.

set -eu

here=$(cd "$(dirname "$0")" && pwd)
build=${PITH_BUILD:-$here/../build}
mkdir -p "$build/log" "$build/obj" "$build/bin" "$build/share" "$build/stamp"
build=$(cd "$build" && pwd)
sysroot=$build/sysroot
HOST_GCC=${HOST_GCC:-gcc}
jobs=${JOBS:-$(nproc)}
start=$(date +%s)

fail() {
    echo "toolchain: $*" >&2
    exit 1
}

for tool in "$HOST_GCC" make patch xz ar objcopy; do
    command -v "$tool" > /dev/null || fail "'$tool' is missing (Debian: install build-essential xz-utils)"
done

# Two builds in one tree would write the same files.
exec 9> "$build/toolchain.lock"
flock 9

host_include=$($HOST_GCC -print-file-name=include)
target_flags=$(cat "$here/target-flags")
host_version=$($HOST_GCC --version | head -n 1)
export here build sysroot HOST_GCC host_include target_flags jobs

say() {
    printf '[%3ds] %s\n' $(($(date +%s) - start)) "$*"
}

# stage NAME TEXT SCRIPT INPUT...: run SCRIPT when an input, the compiler or the flags changed.
stage() {
    stage_name=$1
    stage_text=$2
    script=$3
    shift 3
    hash=$( (echo "$host_version $target_flags $build"; cat "$here/$script" "$@") |
        sha256sum | cut -d' ' -f1)
    stamp=$build/stamp/$stage_name
    if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$hash" ]; then
        return 0
    fi
    say "$stage_text"
    rm -f "$stamp"
    log=$build/log/$stage_name.log
    if ! sh "$here/$script" > "$log" 2>&1; then
        tail -n 15 "$log" >&2
        fail "$stage_name failed; the whole log is $log"
    fi
    echo "$hash" > "$stamp"
    touch "$something"
}

# Headers of the libOS that newlib itself is compiled with: those that replace one of newlib's.
# pthread types and the like are only for users of the library, so a change there costs nothing.
library_headers() {
    for header in sys/lock.h sys/reent.h sys/config.h sys/features.h sys/signal.h sys/stat.h \
        sys/dirent.h sys/_types.h sys/syslimits.h signal.h dirent.h; do
        if [ -f "$here/../libos/include/$header" ]; then
            echo "$here/../libos/include/$header"
        fi
    done
}

something=$build/stamp/something
rm -f "$something"
# Newlib's configure uses one CPU, and these need nothing of newlib's.
(
    stage builtins "compiler builtins: fetch, compile" builtins.sh \
        "$here/pins.sh" "$here"/builtins/*
    stage ext2fs "libext2fs: fetch, patch" ext2fs.sh \
        "$here/pins.sh" "$here"/patches/e2fsprogs/*.patch
) &
others=$!
trap 'wait' EXIT
stage newlib "newlib: fetch, configure, compile" newlib.sh \
    "$here/pins.sh" "$here"/patches/newlib/*.patch $(library_headers)
stage libc "sysroot: headers and libraries" newlib-install.sh \
    "$build/stamp/newlib" "$here/newlib-omit" "$here"/string/*.[chS] "$here/../libos/include/pith/plain_string.h" \
    "$here/../libos/include/pith/percpu.h"
stage tools "commands and image tools" tools.sh \
    "$here"/gcc-wrapper.sh "$here"/*.in "$here"/image/*.c
stage lwip "lwIP: fetch, patch" lwip.sh \
    "$here/pins.sh" "$here"/patches/lwip/*.patch "$here"/../libos/net/lwip/*.h \
    "$here"/../libos/net/lwip/arch/*.h "$here"/../libos/net/lwip/sources.mk
wait "$others" || exit 1
if [ -e "$something" ]; then
    rm -f "$something"
    say "toolchain ready: $build/bin/x86_64-pith-elf-gcc"
fi

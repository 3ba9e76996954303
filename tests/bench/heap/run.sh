#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Instructions per operation of the heap, beside newlib's allocator, mimalloc and the host's.
#
#   tests/bench/heap/run.sh
#
# Counted by valgrind (Debian: valgrind, libmimalloc-dev) as the difference of two runs of different
# length. An operation is a malloc/free pair, in `growth` a buffer grown from 16 bytes to 64 KiB.

set -eu
cd "$(dirname "$0")/../../.."
out=build/bench/heap
mkdir -p "$out"
here=tests/bench/heap
cc="gcc -std=gnu11 -O2 -I $here"
command -v valgrind > /dev/null || { echo "valgrind is missing" >&2; exit 2; }

built=
$cc -DALLOCATOR_PITH -iquote . -idirafter libos/include $here/bench.c $here/pith.c libos/libc/heap.c \
    libos/libc/heap_large.c libos/libc/heap_map.c libos/libc/heap_slab.c libos/core/page*.c -o "$out/pith"
built="$built pith"
source=$(ls -d build/src/newlib-*/newlib/libc/stdlib/_mallocr.c 2> /dev/null | head -n 1)
if [ -n "$source" ]; then
    # Each function is a part of that file, chosen by a macro; free and malloc come with the arena.
    for part in MALLOC FREE REALLOC; do
        build/bin/x86_64-pith-elf-gcc -O2 -w -fno-stack-protector -DDEFINE_$part \
            -D_LIBC -U__pith__ -c "$source" -o "$out/newlib-$part.o"
    done
    $cc -DALLOCATOR_NEWLIB $here/bench.c $here/newlib.c "$out"/newlib-*.o -o "$out/newlib" &&
        built="$built newlib"
fi
if echo '#include <mimalloc.h>' | gcc -E - > /dev/null 2>&1; then
    $cc -DALLOCATOR_MIMALLOC $here/bench.c -lmimalloc -o "$out/mimalloc"
    built="$built mimalloc"
fi
$cc $here/bench.c -o "$out/host"
built="$built host"

# count BINARY WORK N: instructions of the whole run.
count() {
    valgrind --tool=callgrind --callgrind-out-file=/dev/null "$1" "$2" "$3" 2>&1 |
        sed -n 's/.*Collected : \([0-9]*\).*/\1/p'
}

printf '%-10s' work
for name in $built; do
    printf '%10s' "$name"
done
echo
for work in pair-64 pair-1k pair-64k churn growth; do
    printf '%-10s' $work
    for name in $built; do
        short=$(count "$out/$name" $work 1000)
        long=$(count "$out/$name" $work 6000)
        printf '%10d' $(((long - short) / 5000))
    done
    echo
done

#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# Build libpithrt.a: the functions that gcc calls for what the processor cannot do in one
# instruction (128-bit division, complex and quad arithmetic, ...). The host's libgcc.a has them
# too, but compiled with a red zone, which interrupt frames would overwrite.
# Run by build.sh, which has set: here, build, sysroot, HOST_GCC, host_include, target_flags, jobs.

set -eu
. "$here/pins.sh"

version=$(gcc_version "$($HOST_GCC -dumpversion | cut -d. -f1)")
obj=$build/obj/builtins
src=$build/src/gcc-$version

if [ ! -f "$src/unpacked" ]; then
    tarball=$("$here/fetch.sh" libgcc)
    rm -rf "$src"
    mkdir -p "$src"
    tar -xf "$tarball" -C "$src" --strip-components=1 --wildcards '*/libgcc/*.[ch]' \
        '*/libgcc/config/i386/*' '*/libgcc/soft-fp/*' '*/gcc/common/config/i386/*.h' \
        '*/include/longlong.h'
    touch "$src/unpacked"
fi

rm -rf "$obj"
mkdir -p "$obj/include"

# libgcc's own configure writes these; for one known target their content is known.
cat > "$obj/include/tm.h" << 'EOF'
#define BITS_PER_UNIT 8
#define MIN_UNITS_PER_WORD 8
#define UNITS_PER_WORD 8
#define TARGET_64BIT 1
#define HAVE_GAS_HIDDEN 1
EOF
cat > "$obj/include/tsystem.h" << 'EOF'
#include <stddef.h>
#include <float.h>
extern void abort(void) __attribute__((noreturn));
#define gcc_assert(x) ((x) ? (void)0 : __builtin_trap())
EOF
for header in tconfig.h coretypes.h libgcc_tm.h auto-target.h auto-host.h; do
    : > "$obj/include/$header"
done
cp "$src/libgcc/config/i386/sfp-machine.h" "$obj/include/"

flags="$target_flags -O2 -w -nostdinc -isystem $host_include -fbuilding-libgcc -fno-stack-protector
    -fvisibility=hidden -DHIDE_EXPORTS -DIN_GCC -DIN_LIBGCC2 -Dinhibit_libc
    -I$obj/include -I$src/libgcc -I$src/libgcc/soft-fp -I$src/libgcc/config/i386 -I$src/include -I$src/gcc"

# One compile command per line, run by as many processes as there are CPUs.
sed 's/#.*//' "$here/builtins/functions" | while read -r kind names; do
    for name in $names; do
        case $kind in
        libgcc2) echo "-DL$name $src/libgcc/libgcc2.c -o $obj/$name.o" ;;
        softfp) echo "-msse2 $src/libgcc/soft-fp/$name.c -o $obj/$name.o" ;;
        i386) echo "$src/libgcc/config/i386/$name.c -o $obj/$name.o" ;;
        esac
    done
done > "$obj/commands"
xargs -P "$jobs" -I{} sh -c "exec $HOST_GCC $(echo $flags) -c {}" < "$obj/commands"

mkdir -p "$sysroot/lib"
rm -f "$obj/libpithrt.a"
ar rcsD "$obj/libpithrt.a" "$obj"/*.o
mv "$obj/libpithrt.a" "$sysroot/lib/libpithrt.a"

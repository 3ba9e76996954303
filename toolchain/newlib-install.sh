#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# Install newlib's headers and libraries into build/sysroot, without what the libOS defines.
# Run by build.sh after newlib.sh, with the same variables.

set -eu
obj=$build/obj/newlib

make -C "$obj" install-data DESTDIR="$obj/install"
fresh=$obj/install/x86_64-pith-elf/include
# These only include a system's own header, which does not exist here: "no such header" is
# what a configure script should find.
(cd "$fresh" && rm -rf termios.h threads.h utmp.h sys/custom_file.h rpc)
mkdir -p "$sysroot/lib"
rm -rf "$sysroot/include"
mv "$fresh" "$sysroot/include"

# Ours instead of newlib's, and what the libOS defines in every image.
cp "$obj/libc.a" "$obj/libc.tmp.a"
rm -rf "$obj/string"
mkdir "$obj/string"
for source in "$here"/string/*.S; do
    $HOST_GCC $target_flags -I "$here/../libos/include" -c "$source" -o "$obj/string/$(basename "$source" .S).o"
done
for source in "$here"/string/*.c; do
    $HOST_GCC $target_flags -O2 -g -Wall -Werror -fno-builtin -fno-tree-loop-distribute-patterns -ffunction-sections \
        -nostdinc -isystem "$sysroot/include" -isystem "$host_include" -c "$source" \
        -o "$obj/string/$(basename "$source" .c).o"
done
# Those with vector registers are for threads; newlib's get names of their own for interrupts.
for function in $(sed -n 's/.* PLAIN(\([a-z]*\));$/\1/p' "$here/../libos/include/pith/plain_string.h"); do
    $HOST_GCC $target_flags -Os -g -mgeneral-regs-only -fno-builtin -ffunction-sections "-D$function=plain_$function" \
        -nostdinc -isystem "$sysroot/include" -isystem "$host_include" \
        -c "$build"/src/newlib-*/newlib/libc/string/"$function.c" -o "$obj/string/plain_$function.o"
    ar d "$obj/libc.tmp.a" "libc_a-$function.o"
done
ar d "$obj/libc.tmp.a" $(sed 's/#.*//; s/^\([A-Za-z0-9_]\+\).*/libc_a-\1.o/' "$here/newlib-omit")
ar rcsD "$obj/libc.tmp.a" "$obj"/string/*.o
mv "$obj/libc.tmp.a" "$sysroot/lib/libc.a"
cp "$obj/libm.a" "$sysroot/lib/libm.a"
ar d "$sysroot/lib/libm.a" libm_a-s_fma.o libm_a-sf_fma.o # libos: fma.c
# Programs ask for these by name; everything in them is part of libpith or libc.
for empty in pthread rt dl; do
    rm -f "$sysroot/lib/lib$empty.a"
    ar rcD "$sysroot/lib/lib$empty.a"
done

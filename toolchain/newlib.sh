#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# Build newlib's libc.a and libm.a with the host's gcc. newlib-install.sh puts them into the sysroot.
# Run by build.sh, which has set: here, build, sysroot, HOST_GCC, host_include, target_flags, jobs.

set -eu
. "$here/pins.sh"

src=$build/src/newlib-$NEWLIB_VERSION
obj=$build/obj/newlib

# Plain "unix" makes system() fork. The errors are what newer compilers refuse by themselves; they
# have found real mistakes (patches 0010 and 0011).
target_flags="$target_flags -Uunix -Werror=implicit-function-declaration
    -Werror=incompatible-pointer-types -Werror=int-conversion"
target_flags=$(echo $target_flags)

# -O2 for strings and mathematics, -Os for the rest: see the measurement in docs/toolchain.md.
opt_small=-Os
opt_fast=-O2

# What iconv() converts. Tables of two bytes per character are for Asia's scripts and many times as large.
encodings=us_ascii,utf_8,utf_16,utf_16be,utf_16le,ucs_2,ucs_2be,ucs_2le,ucs_2_internal,ucs_4,ucs_4be,ucs_4le
encodings=$encodings,ucs_4_internal,iso_8859_1,iso_8859_2,iso_8859_3,iso_8859_4,iso_8859_5,iso_8859_6,iso_8859_7
encodings=$encodings,iso_8859_8,iso_8859_9,iso_8859_10,iso_8859_11,iso_8859_13,iso_8859_14,iso_8859_15
encodings=$encodings,win_1250,win_1251,win_1252,win_1253,win_1254,win_1255,win_1256,win_1257,win_1258,koi8_r,koi8_u
encodings=$encodings,cp850,cp852,cp866

unpack() {
    tarball=$("$here/fetch.sh" newlib)
    rm -rf "$src" "$obj"
    mkdir -p "$build/src" "$obj"
    # libgloss, documentation and the test-suite are of no use here.
    tar -xf "$tarball" -C "$build/src" --exclude='*/libgloss' --exclude='*/newlib/testsuite' \
        --exclude='*/ChangeLog*'
    for patch in "$here"/patches/newlib/*.patch; do
        patch -d "$src" -p1 -s -f < "$patch"
    done
    # Headers of the libOS that replace newlib's are ABI of the library, too.
    (cd "$here/../libos/include" 2> /dev/null && find . -name '*.h' ! -path './pith/*') |
        while read -r header; do
            if [ -f "$src/newlib/libc/include/$header" ]; then
                cp "$here/../libos/include/$header" "$src/newlib/libc/include/$header"
            fi
        done
    # Its header is the libOS's by now, and so is the function.
    : > "$src/newlib/libc/posix/glob.c"
}

configure_newlib() {
    cd "$obj"
    "$src/newlib/configure" --host=x86_64-pith-elf --build=x86_64-pc-linux-gnu --prefix=/ \
        --disable-multilib --disable-dependency-tracking --enable-silent-rules \
        --enable-newlib-multithread \
        --enable-newlib-retargetable-locking \
        --enable-newlib-reent-thread-local \
        --enable-newlib-io-c99-formats \
        --enable-newlib-io-long-long \
        --enable-newlib-io-long-double \
        --enable-newlib-io-pos-args \
        --enable-newlib-mb \
        --enable-newlib-iconv \
        --enable-newlib-iconv-encodings="$encodings" \
        --enable-lite-exit \
        --disable-newlib-supplied-syscalls \
        CC="$HOST_GCC $target_flags -nostdinc -isystem $host_include" \
        AR=ar RANLIB=ranlib CFLAGS="$opt_small"
}

# objects_of DIRECTORY: the make targets of one source directory, from the generated Makefile.
objects_of() {
    grep -o "$1/lib[cm]_a-[A-Za-z0-9_]*\.\$(OBJEXT)" "$obj/Makefile" | sort -u |
        sed 's/\$(OBJEXT)/o/'
}

# build TARGET...: newlib's Makefile expects this CC from its own "all", which would build all of it.
build() {
    make -C "$obj" -j"$jobs" CC="$HOST_GCC $target_flags -nostdinc -I$obj/targ-include \
        -I$src/newlib/libc/include -isystem $host_include" "$@"
}

compile() {
    build stmp-targ-include
    # Interrupt handlers call mem* and str*; vector registers are not saved there.
    build CFLAGS="$opt_fast -mgeneral-regs-only" \
        $(objects_of libc/string | grep -v 'wcswidth')
    # Without it gcc makes rint() of the absolute value, which rounds up and down the wrong way.
    build CFLAGS="$opt_fast -frounding-math" libm.a
    build libc.a
}

unpack
configure_newlib
compile

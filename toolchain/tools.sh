#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# Install the x86_64-pith-elf- commands and compile the image tools. Run by build.sh, which has
# set: here, build, sysroot, HOST_GCC, host_include, target_flags.

set -eu

bin=$build/bin
triple=x86_64-pith-elf
root=$(cd "$here/.." && pwd)

# fill TEMPLATE: print it with the paths of this build.
fill() {
    sed -e "s|@HOST_GCC@|$HOST_GCC|g" -e "s|@HOST_INCLUDE@|$host_include|g" \
        -e "s|@ROOT@|$root|g" -e "s|@BUILD@|$build|g" -e "s|@SYSROOT@|$sysroot|g" \
        -e "s|@TARGET_FLAGS@|$target_flags|g" "$1"
}

mkdir -p "$bin" "$build/share" "$sysroot/lib" "$sysroot/usr/lib/pkgconfig"
fill "$here/gcc-wrapper.sh" > "$bin/$triple-gcc.new"
chmod +x "$bin/$triple-gcc.new"
mv "$bin/$triple-gcc.new" "$bin/$triple-gcc"
ln -sf $triple-gcc "$bin/$triple-cc"
printf '#!/bin/sh\nexec "%s" -E "$@"\n' "$bin/$triple-gcc" > "$bin/$triple-cpp"
chmod +x "$bin/$triple-cpp"

# The host's binutils know this format; only their names differ.
for tool in ar as ld nm ranlib objcopy objdump strip readelf size addr2line; do
    ln -sf "$(command -v $tool)" "$bin/$triple-$tool"
done

for tool in mksyms finish redzone-scan; do
    if [ -f "$here/image/$tool.c" ]; then
        $HOST_GCC -std=gnu11 -O2 -Wall -Wextra -Werror "$here/image/$tool.c" -o "$bin/pith-$tool"
    fi
done

fill "$here/pith-toolchain.cmake.in" > "$build/share/pith-toolchain.cmake"
fill "$here/config.site.in" > "$build/share/config.site"
fill "$here/pkg-config.in" > "$bin/$triple-pkg-config"
chmod +x "$bin/$triple-pkg-config"

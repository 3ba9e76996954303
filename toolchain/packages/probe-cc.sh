#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# A compiler for configure scripts that run what they have compiled: x86_64-pith-elf-gcc, whose result is
# a small script that starts the image in a virtual machine and has its output and its exit status.

top=$(cd "$(dirname "$0")/../.." && pwd)
x86_64-pith-elf-gcc "$@" || exit
out=a.out
mode=link
previous=
for word; do
    [ "$previous" != -o ] || out=$word
    case $word in
    -c | -S | -E | -M | -MM | -v | -V | --version | -dump*) mode=other ;;
    esac
    previous=$word
done
# Some ask for the version, or compile to an object.
[ "$mode" = link ] && [ -f "$out" ] || exit 0
mv "$out" "$out.image" || exit
out=$(realpath "$out")
# By TCG: whether KVM works would be tried with hello, and built for it, which waits for the build that asks.
cat > "$out" <<EOF
#!/bin/sh
exec "$top/pith" run "$out.image" --on tcg --net none --timeout 60 2> /dev/null
EOF
chmod +x "$out"

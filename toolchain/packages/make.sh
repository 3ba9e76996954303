#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# Builds third-party libraries and programs from their recipes.
#
# usage: toolchain/packages/make.sh library NAME         install a library into the sysroot
#        toolchain/packages/make.sh program FOLDER OUT   compile FOLDER/recipe; OUT/link gets the linker's words
#
# A recipe is a file of shell: toolchain/packages/NAME.recipe for a library, FOLDER/recipe for a program.
# Its first comment line says what it is. It sets
#
#   source, version, suite, tarball   Debian's source package and the file in it that counts; its
#                                     checksum stands in toolchain/packages/pins; a program whose source
#                                     is all in its folder has none of these
#   debian                            Debian's own changes to that source, *.debian.tar.xz, with a checksum as well:
#                                     the patches of its debian/patches/series, security fixes above all
#   debian_without                    patches of that series that are not wanted
#   source_of NAME                    a command, in place of all these: the source of that library
#   needs                             libraries that have to be installed before ("zlib pcre2")
#   host_tools                        commands of this machine that it needs besides the usual ones
#
# and has one function, build, which is run in the unpacked source and may use
#
#   $CC $AR $RANLIB $CFLAGS $host     for make; CONFIG_SITE, PKG_CONFIG and PATH are in the environment too
#   $prefix                           where a library goes with `make install`
#   $revision                         the version with Debian's own number behind it, where `debian` says it
#   $folder, $out                     a program's own folder, and where its image will be
#   $root                             a program's folder of files for the image (app_root := recipe)
#   link WORD...                      objects, archives and options that the image is linked from
#   describe NAME "LIBS" "TEXT"       write NAME.pc, where the library's own build writes none
#   own_names FILE...                 rename the globals of these objects and archives that Pith has as well
#   probe_cc                          a compiler whose programs run: each in a virtual machine
#
# A patch is a file FOLDER/*.patch (NAME.*.patch for a library) whose first lines say why it is there.

set -eu

here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
build=${PITH_BUILD:-$top/build}
build=$(cd "$build" && pwd)
prefix=$build/sysroot/usr

# What make and the caller's shell have set is about their own work.
unset MAKEFLAGS MFLAGS MAKELEVEL CDPATH
export LC_ALL=C
PATH=$build/bin:$PATH
host=x86_64-pith-elf
CC=$host-gcc AR=$host-ar RANLIB=$host-ranlib
CONFIG_SITE=$build/share/config.site PKG_CONFIG=$build/bin/$host-pkg-config
jobs=${JOBS:-$(nproc)}
export PATH CC AR RANLIB CONFIG_SITE PKG_CONFIG

fail() {
    echo "$*" >&2
    exit 1
}

link() {
    for word; do
        case $word in
        -*) echo "$word" ;;
        *)
            [ -f "$word" ] || fail "$recipe: it has not made $word"
            realpath "$word"
            ;;
        esac
    done >> "$out/link.new"
}

describe() {
    printf '%s\n' "Name: $1" "Description: $3" "Version: ${version#*:}" "Cflags: -I$prefix/include" \
        "Libs: -L$prefix/lib $2" > "$prefix/lib/pkgconfig/$1.pc"
}

# One address space, one name each: where a package's function is called as one inside of libpith is, the
# package's gets its source's name in front. All files that know the name have to be given at once.
own_names() {
    mkdir -p "$build/packages"
    nm -gP --defined-only "$@" 2> /dev/null | cut -d' ' -f1 | sort -u |
        comm -12 - "$build/lib/private.symbols" |
        awk -v prefix="$(echo "$source" | tr -c 'a-z0-9\n' _)_" '{ print $1, prefix $1 }' > "$build/packages/names"
    for file; do
        objcopy --redefine-syms="$build/packages/names" "$file"
    done
}

# A configure script that insists on running what it compiles gets answers from the machine itself.
probe_cc() {
    cat > "$out/probe-cc" <<EOF
#!/bin/sh
exec sh "$here/probe-cc.sh" "\$@"
EOF
    chmod +x "$out/probe-cc"
    echo "$out/probe-cc"
}

# For a recipe whose program is from the same source as a library.
source_of() {
    . "$here/$1.recipe"
    needs= host_tools=
}

read_recipe() {
    recipe=$1
    source= version= needs= host_tools= debian= debian_without=
    [ -f "$recipe" ] || fail "there is no $recipe"
    . "$recipe"
    for tool in $host_tools; do
        command -v "$tool" > /dev/null || fail "$recipe needs the command $tool of this machine, which has it not"
    done
}

# patch_as_debian WHERE: Debian's own changes to a source that is unpacked there, in Debian's order.
patch_as_debian() {
    file=$("$here/../fetch.sh" changes "$source" "$version" "$suite" "$debian")
    revision=$(basename "$file")
    revision=${revision#*_}
    revision=${revision%.debian.tar.*}
    tar -xf "$file" -C "$1" --no-same-owner debian/patches
    count=0
    for name in $(sed -n 's/^\([^# \t][^ \t]*\).*/\1/p' "$1/debian/patches/series"); do
        case " $(echo $debian_without) " in
        *" $name "*) continue ;;
        esac
        patch -d "$1" -p1 -s -f --no-backup-if-mismatch < "$1/debian/patches/$name" >&2 ||
            fail "$recipe: Debian's patch $name of $source $revision does not apply, see above; a recipe may leave" \
                "patches out by debian_without=\"...\""
        count=$((count + 1))
    done
    echo "       with $count patches of Debian's $revision" >&2
}

# unpack WHERE PATCH...: a fresh copy of the source.
unpack() {
    where=$1
    shift
    revision=${version#*:}
    if [ -z "$source" ]; then
        mkdir -p "$where"
        return
    fi
    file=$("$here/../fetch.sh" package "$source" "$version" "$suite" "$tarball")
    rm -rf "$where"
    mkdir -p "$where"
    tar -xf "$file" -C "$where" --strip-components=1 --no-same-owner
    [ -z "$debian" ] || patch_as_debian "$where"
    for patch; do
        [ ! -f "$patch" ] || patch -d "$where" -p1 -s -f < "$patch"
    done
}

# What a library was made of; another compiler or another newlib makes it anew.
library_hash() {
    cat "$here/make.sh" "$here/pins" "$here/$1".*  "$build"/stamp/newlib "$build"/stamp/libc "$build"/stamp/tools \
        $(for need in $needs; do echo "$build/stamp/package-$need"; done) | sha256sum | cut -d' ' -f1
}

# In a shell of its own, because a recipe's variables are those of the one who reads it.
install_library() (
    read_recipe "$here/$1.recipe"
    for need in $needs; do
        install_library "$need"
    done
    stamp=$build/stamp/package-$1
    mkdir -p "$build/log" "$build/packages" "$prefix/include" "$prefix/lib/pkgconfig"
    hash=$(library_hash "$1")
    if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$hash" ]; then
        exit 0
    fi
    rm -f "$stamp"
    echo "  LIB  $1 $version" >&2
    CFLAGS="-O2 -g -ffunction-sections -fdata-sections -ffile-prefix-map=$build/packages/="
    export CFLAGS
    unpack "$build/packages/$1" "$here/$1".*.patch
    run_build "$build/packages/$1" "$build/log/package-$1.log"
    # Of no use without shared libraries, and a trap: they name folders of this machine.
    rm -f "$prefix"/lib/*.la
    echo "$hash" > "$stamp"
)

# run_build FOLDER LOG: the recipe's function, in a shell that stops at the first error.
run_build() {
    log=$2
    # Not as a condition: there, sh would go on after an error.
    set +e
    (
        set -e
        cd "$1"
        build
    ) > "$log" 2>&1
    status=$?
    set -e
    if [ "$status" != 0 ]; then
        tail -n 15 "$log" >&2
        fail "$recipe failed; the whole log is $log"
    fi
}

make_program() {
    folder=$(cd "$1" && pwd)
    mkdir -p "$2"
    out=$(cd "$2" && pwd)
    root=$out/root
    read_recipe "$folder/recipe"
    for need in $needs; do
        install_library "$need"
    done
    [ -z "$source" ] || echo "  MAKE $source $version" >&2
    CFLAGS="-O2 -g -ffunction-sections -fdata-sections -ffile-prefix-map=$out/="
    export CFLAGS
    rm -rf "$root" "$out/link.new" "$out/link"
    mkdir -p "$root"
    : > "$out/link.new"
    unpack "$out/source" "$folder"/*.patch
    run_build "$out/source" "$out/build.log"
    [ -s "$out/link.new" ] || fail "$recipe has called \`link\` for nothing"
    mv "$out/link.new" "$out/link"
}

# Two at a time would write the same files. Waiting is for the other one's end.
mkdir -p "$build"
exec 9> "$build/packages.lock"
flock 9

case ${1:-}/$# in
library/2) install_library "$2" ;;
program/3) make_program "$2" "$3" ;;
*) fail "usage: $0 library NAME | program FOLDER OUT" ;;
esac

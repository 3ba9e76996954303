#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# Fetch the pinned third-party sources of the toolchain into build/download.
#
# usage: toolchain/fetch.sh newlib|libgcc|lwip|e2fsprogs|xen      prints the path of the verified tarball
#        toolchain/fetch.sh package SOURCE VERSION SUITE FILE      the same for a file of a Debian source package
#        toolchain/fetch.sh changes SOURCE VERSION SUITE FILE      Debian's own changes to it, *.debian.tar.xz
#
# In this order: the file named by PITH_NEWLIB_TARBALL, PITH_GCC_TARBALL and so on (for packages, the file of
# its name in the folder PITH_TARBALLS); a file already in build/download; Debian's source package through a private apt configuration (private-apt.sh).
# Every file is compared with its SHA-256 in pins.sh or packages/pins. Another version is never taken instead, with
# one exception: where Debian has replaced its changes to a pinned source by later ones, those are taken, on Debian's
# signature, which apt checks. They are the security fixes, and the earlier ones are no longer to be had.

set -eu

here=$(cd "$(dirname "$0")" && pwd)
build=${PITH_BUILD:-$here/../build}
download=$build/download
. "$here/pins.sh"
. "$here/private-apt.sh"

fail() {
    echo "fetch.sh: $*" >&2
    exit 1
}

# pin_package FILE-NAME: as the functions of pins.sh, from the list of the packages.
pin_package() {
    awk -v file="$1" '$1 !~ /^#/ && $2 == file { print $1 }' "$here/packages/pins"
}

# verify PIN-FUNCTION FILE: is the file's name known, and its checksum right?
verify() {
    want=$($1 "$(basename "$2")")
    [ -n "$want" ] && [ "$(sha256sum < "$2" | cut -d' ' -f1)" = "$want" ]
}

# A file the user names must be right: falling back to something else would hide a mistake.
from_user() {
    [ -f "$2" ] || fail "$2 does not exist"
    [ -n "$($1 "$(basename "$2")")" ] ||
        fail "$(basename "$2") is not a file name known in toolchain/pins.sh"
    verify "$1" "$2" || fail "$2 has the wrong SHA-256 (want $($1 "$(basename "$2")"))"
    realpath "$2"
}

# from_cache PIN-FUNCTION NAME...: the first of these files in build/download that is intact.
from_cache() {
    pin=$1
    shift
    for cached in "$@"; do
        if [ -f "$download/$cached" ]; then
            if verify "$pin" "$download/$cached"; then
                echo "$download/$cached"
                return 0
            fi
            echo "fetch.sh: $download/$cached is damaged, fetching it again" >&2
            rm -f "$download/$cached"
        fi
    done
    return 1
}

# newest_matching PACKAGE VERSION: the package version that carries this upstream version.
newest_matching() {
    private_apt apt-cache madison "$1" 2>> "$build/apt.log" |
        awk -v want="$2" '$3 == want || index($3, want "-") == 1 { print $3; exit }'
}

# from_debian PIN-FUNCTION PACKAGE VERSION TARBALL: take the tarball out of a source package.
from_debian() {
    command -v apt-get > /dev/null && command -v dpkg-deb > /dev/null ||
        fail "no apt here; give $4 (or upstream's release file) by hand, see docs/toolchain.md"
    private_apt_setup "$build/apt" "$NEWLIB_SUITE" ||
        fail "no Debian archive in this machine's apt sources; give $4 by hand, see docs/toolchain.md"
    version=$(newest_matching "$2" "$3")
    if [ -z "$version" ]; then
        # Another suite of the list may be missing on this mirror; what counts is the package.
        private_apt apt-get -q update > "$build/apt.log" 2>&1 || true
        version=$(newest_matching "$2" "$3")
    fi
    [ -n "$version" ] || fail "$2 $3 is not in suite $NEWLIB_SUITE of this machine's Debian" \
        "mirror (details: $build/apt.log); give $4 by hand, see docs/toolchain.md"
    scratch=$download/$2.tmp
    rm -rf "$scratch"
    mkdir -p "$scratch"
    (cd "$scratch" && private_apt apt-get -q download "$2=$version") >> "$build/apt.log" 2>&1 ||
        fail "download of $2 $version failed (details: $build/apt.log)"
    dpkg-deb --fsys-tarfile "$scratch"/*.deb |
        tar -xf - -C "$scratch" --wildcards --transform 's|.*/||' "*/$4" ||
        fail "$2 $version does not contain $4"
    verify "$1" "$scratch/$4" || fail "$4 from $2 $version has the wrong SHA-256"
    mv "$scratch/$4" "$download/$4"
    rm -rf "$scratch"
    echo "$download/$4"
}

# archive_versions SOURCE: what the archive has of a source package, the newest last.
archive_versions() {
    private_apt apt-cache showsrc "$1" 2>> "$build/apt.log" | awk '$1 == "Version:" { print $2 }' | sort -uV
}

# of_upstream VERSION: of these versions, those of Debian's that are of this upstream version.
of_upstream() {
    awk -v want="$1" '$1 == want || index($1, want "-") == 1 || index($1, want "+") == 1'
}

# ask_sources FILE SUITE: the lists of source packages, which have configurations of their own.
ask_sources() {
    command -v apt-get > /dev/null ||
        fail "no apt here; give $1 by hand, see docs/toolchain.md"
    private_apt_setup "$build/apt-src-$2" "$2" deb-src ||
        fail "no Debian archive in this machine's apt sources; give $1 by hand, see docs/toolchain.md"
    private_apt apt-get -q update > "$build/apt.log" 2>&1 || true
}

# try_source SOURCE PART VERSION...: the first that is to be had, into $scratch, is $version; PART is tar or diff.
try_source() {
    name=$1
    part=$2
    shift 2
    scratch=$download/$name.tmp
    for version; do
        rm -rf "$scratch"
        mkdir -p "$scratch"
        if (cd "$scratch" && private_apt apt-get -q source "--$part-only" --download-only "$name=$version") \
            >> "$build/apt.log" 2>&1; then
            return 0
        fi
    done
    return 1
}

# from_debian_source PIN-FUNCTION SOURCE VERSION TARBALL SUITE: take the tarball that a package is built from.
from_debian_source() {
    ask_sources "$4" "$5"
    versions=$(archive_versions "$2")
    found=$(echo "$versions" | of_upstream "$3" | tac)
    [ -n "$found" ] || fail "source package $2 $3 is not in suite $5 of this machine's Debian mirror, which has" \
        "$(echo "${versions:-nothing of that name}" | tr '\n' ' ')(details: $build/apt.log); give $4 by hand, see docs/toolchain.md"
    try_source "$2" tar $found || fail "download of $2 $3 failed (details: $build/apt.log)"
    [ -f "$scratch/$4" ] || fail "$2 $version does not contain $4"
    verify "$1" "$scratch/$4" || fail "$4 from $2 $version has the wrong SHA-256"
    mv "$scratch/$4" "$download/$4"
    rm -rf "$scratch"
    echo "$download/$4"
}

# later_changes SOURCE VERSION: changes that have been taken in place of the pinned ones before.
later_changes() {
    for sum in "$download/$1_${2#*:}-"*.debian.tar.*.sha256; do
        file=${sum%.sha256}
        if [ -f "$file" ] && [ "$(sha256sum < "$file" | cut -d' ' -f1)" = "$(cat "$sum")" ]; then
            echo "$file"
        fi
    done | sort -V | tail -n 1
}

# take_changes FILE: what try_source has brought: as pinned, or FILE itself is no longer to be had.
take_changes() {
    file=$(ls "$scratch"/*.debian.tar.* 2> /dev/null) || fail "there are no changes of Debian's in $version"
    name=$(basename "$file")
    if [ "$name" = "$1" ]; then
        verify pin_package "$file" || fail "$1 has the wrong SHA-256"
    else
        echo "fetch.sh: Debian has replaced $1: $name is taken, on Debian's signature" >&2
        sha256sum < "$file" | cut -d' ' -f1 > "$download/$name.sha256"
    fi
    mv "$file" "$download"
    rm -rf "$scratch"
    echo "$download/$name"
}

# changes SOURCE VERSION FILE SUITE: Debian's changes, as pinned, else the present ones of the same upstream version.
# Security updates have lists of their own, of which not each machine has some.
changes() {
    from_cache pin_package "$3" && return
    later=$(later_changes "$1" "$2")
    if [ -n "$later" ]; then
        echo "fetch.sh: Debian has replaced $3: $(basename "$later") is taken" >&2
        echo "$later"
        return
    fi
    revision=${3#*_}
    pinned=${2%"${2#*:}"}${revision%.debian.tar.*} # with the epoch, which names of files have not
    seen=
    for lists in "$4" "$4-security"; do
        [ "$lists" = "$4" ] || private_apt_setup "$build/apt-src-$lists" "$lists" deb-src || continue
        ask_sources "$3" "$lists"
        versions=$(archive_versions "$1")
        seen=${seen:+$seen }$versions
        if echo "$versions" | grep -qFx "$pinned" && try_source "$1" diff "$pinned"; then
            take_changes "$3"
            return
        fi
    done
    for lists in "$4-security" "$4"; do
        private_apt_setup "$build/apt-src-$lists" "$lists" deb-src || continue
        if try_source "$1" diff $(archive_versions "$1" | of_upstream "$2" | tac); then
            take_changes "$3"
            return
        fi
    done
    fail "Debian's changes to $1 $2 are not to be had from suite $4 of this machine's Debian mirror, which has" \
        "$(echo ${seen:-nothing of that name}) (details: $build/apt.log); give $3 by hand, see docs/toolchain.md"
}

mkdir -p "$download"
build=$(cd "$build" && pwd)
download=$build/download

# One at a time: they share apt's folders.
exec 8> "$download/.lock"
flock 8

case ${1:-} in
newlib)
    name=newlib-$NEWLIB_VERSION
    if [ -n "${PITH_NEWLIB_TARBALL:-}" ]; then
        from_user pin_newlib "$PITH_NEWLIB_TARBALL"
    else
        from_cache pin_newlib "$name.tar.xz" "$name.tar.gz" ||
            from_debian pin_newlib newlib-source "$NEWLIB_VERSION" "$name.tar.xz"
    fi
    ;;
libgcc)
    major=$(${HOST_GCC:-gcc} -dumpversion | cut -d. -f1)
    version=$(gcc_version "$major")
    [ -n "$version" ] || fail "gcc $major is not known in toolchain/pins.sh (12, 13 and 14 are);" \
        "set HOST_GCC to one of these"
    name=gcc-$version
    if [ -n "${PITH_GCC_TARBALL:-}" ]; then
        from_user pin_gcc "$PITH_GCC_TARBALL"
    else
        from_cache pin_gcc "$name-dfsg.tar.xz" "$name.tar.xz" ||
            from_debian pin_gcc "gcc-$major-source" "$version" "$name-dfsg.tar.xz"
    fi
    ;;
lwip)
    name=lwip_$LWIP_VERSION+dfsg1.orig.tar.xz
    if [ -n "${PITH_LWIP_TARBALL:-}" ]; then
        from_user pin_lwip "$PITH_LWIP_TARBALL"
    else
        from_cache pin_lwip "$name" || from_debian_source pin_lwip lwip "$LWIP_VERSION" "$name" \
            "$LWIP_SUITE"
    fi
    ;;
e2fsprogs)
    name=e2fsprogs_$E2FSPROGS_VERSION.orig.tar.gz
    if [ -n "${PITH_E2FSPROGS_TARBALL:-}" ]; then
        from_user pin_e2fsprogs "$PITH_E2FSPROGS_TARBALL"
    else
        from_cache pin_e2fsprogs "$name" || from_debian_source pin_e2fsprogs e2fsprogs \
            "$E2FSPROGS_VERSION" "$name" "$E2FSPROGS_SUITE"
    fi
    ;;
xen)
    name=xen_$XEN_VERSION.orig.tar.xz
    if [ -n "${PITH_XEN_TARBALL:-}" ]; then
        from_user pin_xen "$PITH_XEN_TARBALL"
    else
        from_cache pin_xen "$name" ||
            from_debian_source pin_xen xen "$XEN_VERSION" "$name" "$XEN_SUITE"
    fi
    ;;
package | changes)
    [ $# = 5 ] || fail "usage: $0 $1 SOURCE VERSION SUITE FILE"
    [ -n "$(pin_package "$5")" ] || fail "$5 has no checksum in toolchain/packages/pins"
    if [ -n "${PITH_TARBALLS:-}" ] && [ -f "$PITH_TARBALLS/$5" ]; then
        from_user pin_package "$PITH_TARBALLS/$5"
    elif [ "$1" = changes ]; then
        changes "$2" "$3" "$5" "$4"
    else
        from_cache pin_package "$5" || from_debian_source pin_package "$2" "$3" "$5" "$4"
    fi
    ;;
*)
    fail "usage: $0 newlib|libgcc|lwip|e2fsprogs|xen|package|changes"
    ;;
esac

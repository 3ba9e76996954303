#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Builds and runs the unit tests on the host, under AddressSanitizer and UBSan.
#
#   tests/unit/run.sh [NAME...]     all, or test_NAME.c; PITH_LONG=1: those that draw lots draw more
#
# One line per test; the output of a test is shown when it fails. Last line: N passed, N failed, N skipped.

set -u
cd "$(dirname "$0")/../.." || exit 2
out=build/unit
mkdir -p "$out"

flags="-std=gnu11 -g -O1 -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all"
flags="$flags -Wall -Wextra -Wshadow -Wvla -Wstrict-prototypes -Werror"
# libos/include comes after the host's headers: what it has of POSIX must not hide theirs.
flags="$flags -iquote . -idirafter libos/include -idirafter platform/x86/include"
flags="$flags -idirafter platform/kvm/include -idirafter platform/xen/include"
# LWIP among a test's sources: all of the TCP/IP stack below the sockets. lwIP's own code doesn't have our warnings.
lwip=build/src/lwip-2.2.1/src
lwip_flags="-iquote libos/net -I libos/net/lwip -I build/include/lwip -isystem $lwip/include"
lwip_flags="$lwip_flags -fno-sanitize=alignment"
stack="net net_card net_card_attach net_card_cut net_card_rx net_card_tx net_announce net_checksum net_config net_dns net_errno net_icmp"
stack="$stack net_memory net_parse net_poll net_random net_stats net_tcp_lists net_tcp_short net_tcp_short_out net_tcp_ticks net_timers net_wait siphash"
limit=120
[ -z "${PITH_LONG:-}" ] || limit=3600
passed=0
failed=0

# build_lwip: its objects in $out/lwip, anew when the toolchain has unpacked or configured it anew. In a subshell,
# for the lock: several tests may begin at once.
build_lwip() {
    exec 9> "$out/lwip.lock"
    flock 9
    [ "$out/lwip/stamp" -nt build/stamp/lwip ] && return 0
    rm -rf "$out/lwip"
    mkdir -p "$out/lwip"
    for source in $(grep -o '[a-z0-9_/]*\.c' libos/net/lwip/sources.mk | grep -v -e memp.c -e timeouts.c); do
        # shellcheck disable=SC2086
        ${HOSTCC:-gcc} $flags $lwip_flags -w -c "$lwip/$source" -o "$out/lwip/$(echo "$source" | tr / _).o" ||
            return 1
    done
    touch "$out/lwip/stamp"
}

# What is tested together with libext2fs: its objects in $out/ext2fs, and our files beside it.
ext2fs=build/src/e2fsprogs-1.47.0/lib
ext2fs_flags="-I libos/fs/ext2fs -isystem build/include/ext2fs -isystem $ext2fs -isystem $ext2fs/ext2fs"
ext2fs_flags="$ext2fs_flags -fno-sanitize=alignment"

build_ext2fs() {
    exec 9> "$out/ext2fs.lock"
    flock 9
    [ "$out/ext2fs/stamp" -nt build/stamp/ext2fs ] && return 0
    rm -rf "$out/ext2fs"
    mkdir -p "$out/ext2fs"
    for source in $(grep -v '^#' libos/fs/ext2fs/sources.mk | grep -o '[a-z0-9_]*\.c'); do
        # shellcheck disable=SC2086
        ${HOSTCC:-gcc} $flags $ext2fs_flags -ffunction-sections -w -c "$ext2fs/ext2fs/$source" \
            -o "$out/ext2fs/${source%.c}.o" || return 1
    done
    touch "$out/ext2fs/stamp"
}

# run_one FILE: compile the test with the sources that its first comment names, and run it.
run_one() {
    name=$(basename "$1" .c)
    name=${name#test_}
    sources=$(awk '{ print } /\*\// { exit }' "$1" | tr '\n' ' ' |
        sed -n 's|\*/.*||; s| \* | |g; s|^.*sources: ||p')
    if [ -z "$sources" ]; then
        echo "the first comment names no sources" >"$out/$name.log"
        return 1
    fi
    case $sources in
    "none "*) sources= ;; # what it tests is in a header
    esac
    more=
    case $sources in
    *LWIP_HEADERS*)
        sources=$(echo "$sources" | sed 's/LWIP_HEADERS//')
        more=$lwip_flags
        ;;
    *LWIP*)
        (build_lwip) >"$out/$name.log" 2>&1 || return 1
        sources=$(echo "$sources" | sed 's/LWIP//')" $(printf 'libos/net/%s.c ' $stack) $out/lwip/*.o"
        more=$lwip_flags
        ;;
    *EXT4*)
        (build_ext2fs) >"$out/$name.log" 2>&1 || return 1
        sources=$(echo "$sources" | sed 's/EXT4//')" $(ls libos/fs/ext_*.c) $out/ext2fs/*.o"
        more="$ext2fs_flags -Wl,--gc-sections"
        ;;
    esac
    case $sources in
    *libos/fs/* | *libos/net/*) sources="$sources tests/unit/host_locks.c" ;;
    esac
    # shellcheck disable=SC2086
    ${HOSTCC:-gcc} $flags $more -o "$out/$name" "$1" $sources >"$out/$name.log" 2>&1 || return 1
    # detect_stack_use_after_return moves locals off the stack, which the thread tests must not have.
    ASAN_OPTIONS=detect_stack_use_after_return=0:detect_leaks=1 UBSAN_OPTIONS=print_stacktrace=1 \
        timeout "$limit" "$out/$name" >>"$out/$name.log" 2>&1
}

if [ $# -eq 0 ]; then
    set -- tests/unit/test_*.c
else
    for name; do
        shift
        set -- "$@" "tests/unit/test_$name.c"
    done
fi
for file; do
    if [ ! -f "$file" ]; then
        echo "FAIL  unit/$(basename "$file" .c): no such test"
        failed=$((failed + 1))
    elif run_one "$file"; then
        echo "ok    unit/$name: $(tail -n 1 "$out/$name.log")"
        passed=$((passed + 1))
    else
        echo "FAIL  unit/$name"
        sed 's/^/      /' "$out/$name.log"
        failed=$((failed + 1))
    fi
done
echo "$passed passed, $failed failed, 0 skipped"
[ "$failed" -eq 0 ]

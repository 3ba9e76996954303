#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# Test the toolchain: string functions, red zone scan, wrapper, images, other build systems.
#
# usage: toolchain/test/run.sh        (after toolchain/build.sh; nothing else needs to be built)

set -u
here=$(cd "$(dirname "$0")" && pwd)
build=$(cd "${PITH_BUILD:-$here/../../build}" && pwd)
bin=$build/bin
cc=$bin/x86_64-pith-elf-gcc
work=$build/toolchain-test
failures=0
passes=0

rm -rf "$work"
mkdir -p "$work"
cd "$work" || exit 2

ok() {
    passes=$((passes + 1))
}

bad() {
    echo "FAIL: $*" >&2
    failures=$((failures + 1))
}

# check TEXT COMMAND...: the command must succeed
check() {
    text=$1
    shift
    if "$@" > out 2>&1; then
        ok
    else
        bad "$text"
        sed 's/^/    /' out >&2
    fi
}

# refuse TEXT WORDS COMMAND...: the command must fail and say these words
refuse() {
    text=$1
    words=$2
    shift 2
    if "$@" > out 2>&1; then
        bad "$text: was accepted"
    elif ! grep -q -e "$words" out; then
        bad "$text: failed without saying '$words'"
        sed 's/^/    /' out >&2
    else
        ok
    fi
}

# same TEXT WANT GOT
same() {
    if [ "$2" = "$3" ]; then
        ok
    else
        bad "$1: want '$2', got '$3'"
    fi
}

test_string() {
    for file in "$here"/../string/*.S; do
        # A process has no block at %gs that says whether vectors may be used: a variable of the test does.
        sed -e 's/\bmem\(cpy\|move\|set\)\b/pith_mem\1/g; s/%gs:PERCPU_IRQ_MASK/masked(%rip)/' "$file" > "$(basename "$file")"
    done
    for file in "$here"/../string/*.c; do
        sed -e 's/^\([a-z].*[ *]\)\(\(mem\|str\|stp\)[a-z]*(\)/\1pith_\2/' "$file" > "pith_$(basename "$file")"
    done
    mkdir -p include/pith
    cp "$here/../../libos/include/pith/percpu.h" include/pith/
    gcc -O2 -g -Wall -fno-builtin -fno-tree-loop-distribute-patterns -I "$here/../string" -I include "$here/string.c" "$here/search.c" \
        pith_*.c memcpy.S memset.S -o string || bad "string: compile"
    check "string functions" ./string
    # Interrupt handlers call what is in newlib's string directory, too. Ours with vectors are for threads; memcpy and
    # memset look at the interrupt mask (guest/events has them called in interrupts).
    mkdir members
    (cd members && ar x "$build/sysroot/lib/libc.a" && cd .. &&
        for name in $(cd "$build"/src/newlib-*/newlib/libc/string && ls ./*.c); do
            object=members/libc_a-$(basename "$name" .c).o
            [ ! -f "$object" ] || echo "$object"
        done) > string-members
    [ "$(wc -l < string-members)" -gt 80 ] || bad "newlib's string functions were not found"
    same "vector registers in string functions" "" \
        "$(xargs objdump -d members/plain_*.o < string-members 2> /dev/null |
            grep '[xyz]mm[0-9]' | head -n 3)"
}

test_scan() {
    "$cc" -c "$here/redzone.S" -o redzone.o || bad "redzone.S"
    "$bin/pith-redzone-scan" redzone.o > out 2>&1
    same "scan: status" 1 $?
    for function in $(nm redzone.o | awk '$3 ~ /^bad_/ { print $3 }'); do
        grep -q "$function " out || bad "scan: $function was not found"
        ok
    done
    same "scan: correct code refused" "" "$(grep -E 'good_|noscan' out)"
    # The compilers of other people: a leaf function with the red zone of the ABI.
    echo 'int leaf(int i) { volatile int a[4] = { 1, 2, 3, 4 }; return a[i]; }' > leaf.c
    gcc -O2 -c leaf.c -o leaf.o
    refuse "scan: gcc's leaf function" "leaf accesses memory" "$bin/pith-redzone-scan" leaf.o
    for library in libc libm libpithrt; do
        check "scan: $library.a" "$bin/pith-redzone-scan" "$build/sysroot/lib/$library.a"
    done
}

# Those files of libos/libc that newlib itself calls, in place of members of its own (newlib-omit).
parts="strerror strtol strtol_l time_zone time_break time_make environ"

test_parts() {
    objects=
    for part in $parts; do
        "$cc" -O2 -w -c "$here/../../libos/libc/$part.c" -o "$part.o" || bad "libos/libc/$part.c"
        objects="$objects $part.o"
    done
    rm -f libtestparts.a
    ar rcs libtestparts.a $objects
}

# link ARGS...: the wrapper with the libOS of this test
link() {
    "$cc" -T "$here/link.ld" -nostdlib "$@" -L. -Wl,--start-group -ltestpith -ltestparts -lc -lm \
        -lpithrt -Wl,--end-group
}

test_link() {
    "$cc" -O2 -w -c "$here/libpith.c" -o libpith.o && ar rcs libtestpith.a libpith.o
    cat > hello.c << 'EOF'
#include <stdio.h>
static __thread int counter = 1;
static const char *const table[] = { "a", "b" };
int visible_function(int i) { return printf("%s %d\n", table[i & 1], counter++); }
int main(void) { return visible_function(1); }
EOF
    check "link from source" link -O2 -g hello.c -o hello.elf
    check "link from an object" "$cc" -c -O2 hello.c -o hello.o
    check "link from an object" link hello.o -o hello2.elf
    same "type" DYN "$(readelf -h hello.elf | awk '/Type:/ { print $2 }')"
    same "RELA sections" "" "$(readelf -SW hello.elf | grep ' RELA ')"
    same "undefined symbols" "" "$(nm -u hello.elf)"
    same "writable and executable" "" "$(readelf -lW hello.elf | grep 'LOAD.*RWE')"
    # The table in the image names its own functions.
    objcopy -O binary --only-section=.pith.symtab hello.elf table
    "$bin/pith-mksyms" hello.elf again
    check "symbol table" cmp table again
    same "symbol table: magic" PSYM "$(head -c 4 table)"
    check "strip" link -s hello.o -o stripped.elf
    same "strip" "" "$(nm stripped.elf 2> /dev/null)"

    refuse "red zone in an image" "leaf accesses memory" link hello.o leaf.o -Wl,-u,leaf -o bad.elf
    [ ! -f bad.elf ] || bad "a refused image was left behind"
    check "PITH_NO_SCAN" env PITH_NO_SCAN=1 "$cc" -T "$here/link.ld" -nostdlib hello.o leaf.o \
        -Wl,-u,leaf -L. -Wl,--start-group -ltestpith -ltestparts -lc -lpithrt -Wl,--end-group -o bad.elf
    refuse "shared library" "no shared libraries" "$cc" -shared hello.o -o hello.so
    echo 'extern int x; struct __attribute__((packed)) s { char c; int *p; } s = { 1, &x }; int x;' \
        > packed.c
    refuse "unaligned pointer" "not packed" link hello.c packed.c -Wl,-u,s -o packed.elf
    echo 'int missing(void); int main(void) { return missing(); }' > missing.c
    refuse "undefined function" "undefined reference" link -w missing.c -o missing.elf
    refuse "a host library" "cannot find -lsystemd" link hello.o -lsystemd -o host.elf
    check "libraries that programs ask for" link hello.o -lpthread -lrt -ldl -lm -lc -o libs.elf
    if [ -f "$bin/../lib/private.symbols" ]; then # the library of the whole project is there
        echo 'int page_alloc(int x) { return x; } int main(void) { return page_alloc(0); }' > clash.c
        refuse "a name of Pith's own" "page_alloc: Pith has a global of this name" \
            "$cc" clash.c -o clash.elf
    fi
    # The builtins are ours.
    echo 'int main(int n, char **v) { (void)v; return (int)((unsigned __int128)n << 70) / n +
          (int)(((unsigned __int128)n << 90) / (unsigned)(n + 3)) + __builtin_cpu_supports("avx2") +
          __builtin_popcount((unsigned)n) + (int)((__float128)n * 3); }' > builtins.c
    check "builtins" link builtins.c -o builtins.elf
}

# The library itself, as a process of this machine (host.c).
test_newlib() {
    "$cc" -O2 -w -c "$here/host.c" -o host.o && "$cc" -O1 -Wall -c "$here/newlib.c" -o newlib.o ||
        bad "newlib: compile"
    ld -static -z noexecstack --gc-sections -nostdlib host.o newlib.o -L . -L "$build/sysroot/lib" \
        --start-group -ltestparts -lc -lm -lpithrt --end-group -o newlib || bad "newlib: link"
    ./newlib > newlib.out || bad "newlib: $(cat newlib.out)"
    same "newlib: exit order" "handler 2
handler 1
destructor, " "$(sed 1d newlib.out; echo)"
}

test_wrapper() {
    same "-dumpmachine" x86_64-pith-elf "$("$cc" -dumpmachine)"
    check "--version" "$cc" --version
    same "-print-libgcc-file-name" "$build/sysroot/lib/libpithrt.a" "$("$cc" -print-libgcc-file-name)"
    cat > macros.c << 'EOF'
#if defined __linux__ || defined __linux || defined linux || defined __gnu_linux__
#error "this is not Linux"
#endif
#if !defined __pith__ || !defined __unix__ || !defined __PIE__
#error "a macro is missing"
#endif
#include <dirent.h>
#include <immintrin.h>
#include <limits.h>
#include <regex.h>
#include <stdatomic.h>
#include <sys/select.h>
#include <sys/stat.h>
#include <unistd.h>
_Static_assert(sizeof(time_t) == 8 && sizeof(off_t) == 8 && sizeof(ino_t) == 8 && FD_SETSIZE == 1024, "");
_Static_assert(PATH_MAX >= 1024 && INT_MAX == 0x7fffffff && SSIZE_MAX == LONG_MAX, "");
ssize_t (*reader)(int, void *, size_t) = read;
EOF
    check "macros and headers" "$cc" -Wall -Werror -std=gnu11 -c macros.c -o macros.o
    same "host headers" "" "$("$cc" -M macros.c | tr ' ' '\n' | grep '^/usr/include')"
    check "flags of others" "$cc" -fno-pie -mred-zone -flto -c leaf.c -O2 -o leaf2.o
    check "red zone stays off" "$bin/pith-redzone-scan" leaf2.o
    check "preprocess" "$cc" -E macros.c
    echo 'int main(void) { return 0; }' > 'with space.c'
    check "names with spaces" link 'with space.c' "-DTEXT=\"a b\"" -o 'with space.elf'
}

test_build_systems() {
    check "config.sub" sh "$build"/src/newlib-*/config.sub x86_64-pith-elf
    # What it lists has been installed here (`pith add`), and nothing of the host is among it.
    same "pkg-config sees the host's packages" \
        "$(cd "$build/sysroot/usr" && find lib/pkgconfig share/pkgconfig -name '*.pc' 2> /dev/null |
            sed 's|.*/||; s|\.pc$||' | sort)" \
        "$("$bin/x86_64-pith-elf-pkg-config" --list-all 2> /dev/null | cut -d' ' -f1 | sort)"
    same "config.site for Pith" no \
        "$(host=x86_64-pith-elf; . "$build/share/config.site"; echo "${ac_cv_func_fork-}")"
    same "config.site for others" "" \
        "$(host=x86_64-pc-linux-gnu; . "$build/share/config.site"; echo "${ac_cv_func_fork-}")"
    if command -v cmake > /dev/null; then
        printf 'cmake_minimum_required(VERSION 3.13)\nproject(t C)\nadd_library(t STATIC leaf.c)\n' \
            > CMakeLists.txt
        check "cmake" cmake -DCMAKE_TOOLCHAIN_FILE="$build/share/pith-toolchain.cmake" -B cmake .
        check "cmake --build" cmake --build cmake
    fi
}

test_private_apt() {
    . "$here/../private-apt.sh"
    cat > a.sources << 'EOF'
# A dated snapshot, with options and a key in place.
Types: deb deb-src
URIs: http://mirror.test/archive/debian/20250520T000000Z
Suites: bookworm bookworm-updates
Components: main contrib
Check-Valid-Until: no
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 mQINBF
 -----END PGP PUBLIC KEY BLOCK-----

Types: deb
URIs: http://mirror.test/archive/debian-security/20250520T000000Z
Suites: bookworm-security
Components: main

Types: deb
URIs: http://vendor.test/apt
Suites: nodistro
Components: main

Enabled: no
Types: deb
URIs: http://off.test/debian
Suites: bookworm
Components: main

Types: deb
URIs: http://docker.test/linux
Suites: bookworm
Components: stable
EOF
    deb822_for_suite a.sources trixie deb > a.out
    same "deb822: stanzas" 1 "$(grep -c '^URIs:' a.out)"
    same "deb822: uri" "URIs: http://mirror.test/archive/debian/20250520T000000Z" "$(grep URIs a.out)"
    same "deb822: suite" "Suites: trixie" "$(grep Suites a.out)"
    same "deb822: type" "Types: deb" "$(grep Types a.out)"
    same "deb822: components" "Components: main" "$(grep Components a.out)"
    same "deb822: option" "Check-Valid-Until: no" "$(grep Valid a.out)"
    same "deb822: key" 4 "$(grep -c '^ ' a.out)"
    cat > a.list << 'EOF'
# deb http://comment.test/debian bookworm main
deb [ arch=amd64 signed-by=/usr/share/keyrings/x.gpg ] http://mirror.test/debian bookworm main contrib
deb-src http://mirror.test/debian bookworm main
deb http://security.test/debian-security bookworm-security main
deb [check-valid-until=no] http://snapshot.test/20250520T000000Z trixie main
deb http://vendor.test/apt cloud-sdk-bookworm main
deb http://docker.test/linux bookworm stable
EOF
    list_for_suite a.list trixie deb > a.out
    same "list" "deb [ arch=amd64 signed-by=/usr/share/keyrings/x.gpg ] http://mirror.test/debian trixie main
deb [check-valid-until=no] http://snapshot.test/20250520T000000Z trixie main" "$(cat a.out)"
    list_for_suite a.list trixie-security deb-src > a.out
    same "list of security updates" "deb-src http://security.test/debian-security trixie-security main" "$(cat a.out)"
}

test_fetch() {
    # No download here: files given by hand, right ones, wrong ones and unknown ones.
    echo damaged > newlib-4.5.0.20241231.tar.xz
    refuse "fetch: wrong checksum" "wrong SHA-256" env PITH_BUILD="$work/fetch" \
        PITH_NEWLIB_TARBALL=newlib-4.5.0.20241231.tar.xz "$here/../fetch.sh" newlib
    echo other > newlib-3.3.0.tar.gz
    refuse "fetch: another version" "not a file name known" env PITH_BUILD="$work/fetch" \
        PITH_NEWLIB_TARBALL=newlib-3.3.0.tar.gz "$here/../fetch.sh" newlib
    refuse "fetch: missing file" "does not exist" env PITH_BUILD="$work/fetch" \
        PITH_GCC_TARBALL=nowhere "$here/../fetch.sh" libgcc
    for file in "$build"/download/newlib-4.5.0.*; do
        same "fetch: given by hand" "$(realpath "$file")" \
            "$(PITH_BUILD="$work/fetch" PITH_NEWLIB_TARBALL="$file" "$here/../fetch.sh" newlib)"
    done
}

# An apt of our own: `showsrc` answers with the versions in the file `archive`, a download makes a file of the version's name.
fake_apt() {
    mkdir -p apt
    printf '#!/bin/sh\nsed "s/^/Version: /" %s/archive\n' "$work" > apt/apt-cache
    cat > apt/apt-get << 'EOF'
#!/bin/sh
for last; do :; done
case "$*" in
*=5:7.0.15-1~deb12u13) exit 100 ;; # in the list, and not to be had
*--diff-only*) echo "changes of $last" > "${last%%=*}_$(echo "${last#*=}" | sed 's/^[0-9]*://').debian.tar.xz" ;;
esac
EOF
    chmod +x apt/apt-cache apt/apt-get
}

test_changes() {
    # Debian's changes to a source, pinned and replaced by later ones; no download here either.
    fake_apt
    pinned=redis_7.0.15-1~deb12u10.debian.tar.xz
    changes="env PITH_BUILD=$work/changes PATH=$work/apt:$PATH $here/../fetch.sh changes redis 5:7.0.15 bookworm"
    mkdir -p changes
    refuse "changes: without a checksum" "no checksum in" $changes redis_7.0.15-0.debian.tar.xz
    echo 5:7.0.16-1 > archive
    refuse "changes: of another version" "which has 5:7.0.16-1" $changes $pinned
    : > archive
    refuse "changes: none at all" "nothing of that name" $changes $pinned
    printf '%s\n' 5:7.0.15-1~deb12u9 5:7.0.15-1~deb12u10 5:7.0.15-1~deb12u12 > archive
    refuse "changes: others under the pinned name" "wrong SHA-256" $changes $pinned
    printf '%s\n' 5:7.0.15-1~deb12u9 5:7.0.16-1 5:7.0.15-1~deb12u12 5:7.0.15-1~deb12u13 > archive
    later=$work/changes/download/redis_7.0.15-1~deb12u12.debian.tar.xz
    same "changes: replaced" "$later" "$($changes $pinned 2> changes.err)"
    same "changes: replaced, and it is said" 1 "$(grep -c "Debian has replaced $pinned" changes.err)"
    : > archive
    same "changes: replaced before" "$later" "$($changes $pinned 2> changes.err)"
    echo damaged > "$later"
    refuse "changes: damaged" "nothing of that name" $changes $pinned
}

test_private_apt
test_fetch
test_changes
test_string
test_scan
test_parts
test_newlib
test_link
test_wrapper
test_build_systems
echo "toolchain: $passes passed, $failures failed"
[ "$failures" -eq 0 ]

# SPDX-License-Identifier: BSD-2-Clause
#
# Third-party sources of the toolchain and of a hypervisor for tests: versions and SHA-256. Sourced by fetch.sh and build.sh.
#
# A checksum is that of the source tarball, not of the package that carries it: a distribution
# rebuilds packages, the tarball inside stays the same. Each source is known in two forms:
# as Debian ships it and as its project released it.

NEWLIB_VERSION=4.5.0.20241231
NEWLIB_SUITE=trixie

# pin_newlib FILE-NAME: print the checksum, or nothing for an unknown file.
pin_newlib() {
    case $1 in
    newlib-4.5.0.20241231.tar.xz)
        echo 8505a1c0ce94d9bdcdc62cc6ae6b91ce1554a840a1185f048a1a1dc65f90e49f ;;
    newlib-4.5.0.20241231.tar.gz)
        echo 33f12605e0054965996c25c1382b3e463b0af91799001f5bb8c0630f2ec8c852 ;;
    esac
}

# gcc_version MAJOR: the version whose libgcc is built with a host gcc of that major version.
# They have to agree: __builtin_cpu_supports reads __cpu_model and __cpu_features2, whose layout
# belongs to the major version.
gcc_version() {
    case $1 in
    12) echo 12.4.0 ;;
    13) echo 13.3.0 ;;
    14) echo 14.2.0 ;;
    esac
}

pin_gcc() {
    case $1 in
    gcc-12.4.0-dfsg.tar.xz)
        echo c33d4a372b929f2fdc952978a6f1455aac60348d717d24ef71c2af8f788d0f08 ;;
    gcc-12.4.0.tar.xz)
        echo 704f652604ccbccb14bdabf3478c9511c89788b12cb3bbffded37341916a9175 ;;
    gcc-13.3.0-dfsg.tar.xz)
        echo 2a18319ef14f6a5f31a48c333a734d9f5e6f0776ceb3c04c4f6393a521891aec ;;
    gcc-13.3.0.tar.xz)
        echo 0845e9621c9543a13f484e94584a49ffc0129970e9914624235fc1d061a0c083 ;;
    gcc-14.2.0-dfsg.tar.xz)
        echo 8a4a42c41cabb37b61de3a5ef3ef62b4e10b79decfb504705b5cefa092da765f ;;
    gcc-14.2.0.tar.xz)
        echo a7b39bc69cbf9e25826c5a60ab26477001f7c08d85cec04bc0e29cabed6f3cc9 ;;
    esac
}

LWIP_VERSION=2.2.1
LWIP_SUITE=trixie

pin_lwip() {
    case $1 in
    lwip_2.2.1+dfsg1.orig.tar.xz)
        echo 83729c274c499d3348e9fbbe043a3113f3fa8953e7efddc7c21c7fcbb1f2b7b1 ;;
    esac
}

E2FSPROGS_VERSION=1.47.0
E2FSPROGS_SUITE=bookworm

pin_e2fsprogs() {
    case $1 in
    e2fsprogs_1.47.0.orig.tar.gz)
        echo 6667afde56eef0c6af26684974400e4d2288ea49e9441bf5e6229195d51a3578 ;;
    esac
}

# For tests only: toolchain/cli/xen_shadow.py.
XEN_VERSION=4.17.5+72-g01140da4e8
XEN_SUITE=bookworm

pin_xen() {
    case $1 in
    xen_4.17.5+72-g01140da4e8.orig.tar.xz)
        echo 53922f4d0a02c577f2ea9d63f65989cd88715779eebeed879ca1d314103ee06e ;;
    esac
}

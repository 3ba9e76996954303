/* sources: platform/kvm/virtio_mmio_parse.c */
/* SPDX-License-Identifier: BSD-2-Clause */
/* The command line's virtio-mmio devices: Linux's syntax, and what is not. */
#include <kvm/virtio_mmio_parse.h>

#include "unit.h"

static void expect_place(const char *text, unsigned i, uint64_t len, uint64_t base, uint32_t gsi)
{
    struct virtio_mmio_place p = { 0, 0, 0 };
    EXPECT(virtio_mmio_parse(text, i, &p) == 0);
    EXPECT(p.len == len && p.base == base && p.gsi == gsi);
}

int main(void)
{
    static const char *const bad[] = {
        "",
        "virtio_mmio.device=",
        "virtio_mmio.device=4K",
        "virtio_mmio.device=4K@",
        "virtio_mmio.device=@1:2",
        "virtio_mmio.device=4K@0xd0000000",
        "virtio_mmio.device=4K@0xd0000000:",
        "virtio_mmio.device=4K@0:5",
        "virtio_mmio.device=0@0xd0000000:5",
        "virtio_mmio.device=4K@0xd0000000:5x",
        "virtio_mmio.device=4KK@1:5",
        "virtio_mmio.device=4K@0x:5",
        "virtio_mmio.device=4K@0x10000000000000000:5",
        "virtio_mmio.device=99999999999999999999@1:5",
        "virtio_mmio.device=5000M@1:5",
        "virtio_mmio.device=4K@0xd0000000:65536",
        "xvirtio_mmio.device=4K@0xd0000000:5",
        "virtio_mmio.devic=4K@0xd0000000:5",
        "a=virtio_mmio.device=4K@0xd0000000:5",
    };
    struct virtio_mmio_place p;
    for (unsigned i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        EXPECT(virtio_mmio_parse(bad[i], 0, &p) < 0);
    }
    expect_place("virtio_mmio.device=4K@0xd0000000:5", 0, 4096, 0xd0000000, 5);
    expect_place("virtio_mmio.device=512@0xfeb00e00:12", 0, 512, 0xfeb00e00, 12);
    expect_place("virtio_mmio.device=0x1000@3489660928:0x10:3", 0, 4096, 0xd0000000, 16);
    expect_place("virtio_mmio.device=1m@0x100000000:1", 0, 1 << 20, 0x100000000, 1);
    const char *two = "quiet virtio_mmio.device=4K@0xd0000000:5 virtio_mmio.device=junk\t"
                      "virtio_mmio.device=4K@0xd0001000:6 -- arg";
    expect_place(two, 0, 4096, 0xd0000000, 5);
    expect_place(two, 1, 4096, 0xd0001000, 6);
    EXPECT(virtio_mmio_parse(two, 2, &p) < 0);
    /* QEMU's microvm appends its own to the whole line. */
    expect_place("a=b -- arg virtio_mmio.device=512@0xfeb00e00:12", 0, 512, 0xfeb00e00, 12);
    return unit_done();
}

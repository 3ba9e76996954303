/* SPDX-License-Identifier: BSD-2-Clause */
/* The end of parsing on all platforms: boot_info with home addresses, RAM in use taken out. */
#include <x86/boot.h>

#define PAGE 4096UL

static size_t smallest(const struct boot_info *info)
{
    size_t least = 0;
    for (size_t i = 1; i < info->nram; i++) {
        if (info->ram[i].npages < info->ram[least].npages) {
            least = i;
        }
    }
    return least;
}

static void give(struct boot_info *info, uint64_t start, uint64_t end, void *(*to_home)(uint64_t pa))
{
    start = (start + PAGE - 1) & ~(PAGE - 1);
    end &= ~(PAGE - 1);
    if (end <= start) {
        return;
    }
    size_t npages = (end - start) / PAGE, i = info->nram;
    if (i == BOOT_MAX_RAM) { /* no room: the smallest range is dropped */
        i = smallest(info);
        if (info->ram[i].npages >= npages) {
            return;
        }
    } else {
        info->nram++;
    }
    info->ram[i].start = to_home(start);
    info->ram[i].npages = npages;
}

static bool in_ram(const struct boot_raw *raw, const struct boot_raw_module *m)
{
    for (size_t i = 0; i < raw->nram; i++) {
        if (m->start >= raw->ram[i].start && m->start < raw->ram[i].end &&
            m->len <= raw->ram[i].end - m->start) {
            return true;
        }
    }
    return false;
}

/*
 * The lowest range in use that touches [at, end): skips and modules alike. Returns its end, *start
 * is set.
 */
static uint64_t next_used(const struct boot_raw *raw, const struct boot_range *skip, size_t nskip,
                          uint64_t at, uint64_t end, uint64_t *start)
{
    uint64_t used_end = 0;

    *start = end;
    for (size_t i = 0; i < nskip + raw->nmodules; i++) {
        uint64_t s = i < nskip ? skip[i].start : raw->module[i - nskip].start;
        uint64_t e = i < nskip ? skip[i].end : s + raw->module[i - nskip].len;
        if (s < *start && e > at) {
            *start = s;
            used_end = e;
        }
    }
    return used_end;
}

void boot_finish(struct boot_info *info, const struct boot_raw *raw, void *(*to_home)(uint64_t pa),
                 const struct boot_range *skip, size_t nskip)
{
    info->entry = raw->entry;
    info->cmdline = raw->cmdline;
    for (size_t i = 0; i < raw->nram; i++) {
        uint64_t at = raw->ram[i].start, end = raw->ram[i].end;
        info->ram_total += end - at;
        while (at < end) {
            uint64_t start;
            uint64_t used_end = next_used(raw, skip, nskip, at, end, &start);
            give(info, at, start, to_home);
            at = start < end ? used_end : end;
        }
    }
    for (size_t i = 0; i < raw->nmodules; i++) {
        const struct boot_raw_module *m = &raw->module[i];
        if (!m->internal && in_ram(raw, m)) {
            info->module[info->nmodules].start = to_home(m->start);
            info->module[info->nmodules].len = m->len;
            info->module[info->nmodules++].cmdline = m->cmdline;
        }
    }
}

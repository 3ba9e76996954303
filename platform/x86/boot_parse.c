/* SPDX-License-Identifier: BSD-2-Clause */
/* Boot parsing: the RAM list and strings, common to all protocols. Pure: tested on the host. */
#include <string.h>

#include <x86/boot.h>

#define PAGE 4096UL
#define RAM_LIMIT (512UL << 30) /* what one PML4 slot maps */

void boot_add_ram(struct boot_raw *raw, uint64_t start, uint64_t end)
{
    if (start > RAM_LIMIT || end < start) {
        return;
    }
    start = (start + PAGE - 1) & ~(PAGE - 1);
    end = (end > RAM_LIMIT ? RAM_LIMIT : end) & ~(PAGE - 1);
    if (start == 0) {
        start = PAGE; /* real-mode vectors; and no page of ours has address 0 */
    }
    if (end <= start) {
        return;
    }
    size_t i = 0;
    while (i < raw->nram && raw->ram[i].end < start) {
        i++;
    }
    size_t j = i;
    while (j < raw->nram && raw->ram[j].start <= end) { /* [i, j) overlap or touch the new one */
        start = raw->ram[j].start < start ? raw->ram[j].start : start;
        end = raw->ram[j].end > end ? raw->ram[j].end : end;
        j++;
    }
    if (i == j && raw->nram == BOOT_MAX_RAM) {
        size_t least = 0;
        for (size_t k = 1; k < raw->nram; k++) {
            if (raw->ram[k].end - raw->ram[k].start < raw->ram[least].end - raw->ram[least].start) {
                least = k;
            }
        }
        if (raw->ram[least].end - raw->ram[least].start >= end - start) {
            return;
        }
        memmove(&raw->ram[least], &raw->ram[least + 1],
                (raw->nram - least - 1) * sizeof(raw->ram[0]));
        raw->nram--;
        boot_add_ram(raw, start, end);
        return;
    }
    memmove(&raw->ram[i + 1], &raw->ram[j], (raw->nram - j) * sizeof(raw->ram[0]));
    raw->nram = raw->nram + 1 - (j - i);
    raw->ram[i].start = start;
    raw->ram[i].end = end;
}

void boot_copy_string(char *dst, size_t size, uint64_t pa, boot_reader *read)
{
    size_t n = 0;

    while (pa != 0 && n + 1 < size) {
        const char *c = read(pa + n, 1);
        if (!c || *c == '\0') {
            break;
        }
        dst[n++] = *c;
    }
    dst[n] = '\0';
}

int boot_option(const char *cmdline, const char *word)
{
    size_t len = strlen(word);

    for (const char *p = cmdline; *p != '\0';) {
        while (*p == ' ') {
            p++;
        }
        size_t n = strcspn(p, " ");
        if (n == 2 && p[0] == '-' && p[1] == '-') {
            return 0; /* the program's arguments begin */
        }
        if (n == len && memcmp(p, word, len) == 0) {
            return 1;
        }
        p += n;
    }
    return 0;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Relocation and random placement of the image.
 *
 * The image has packed relative relocations only (SHT_RELR, ELF gABI): a word with bit 0 clear is
 * the address of a pointer; one with bit 0 set is a bitmap over the 63 words that follow.
 */
#include <x86/image.h>

#include <x86/cpu.h>

extern uint64_t __relr_start[];
extern uint64_t __relr_end[];

/* Slots 256-271 are Xen's, 511 holds a PV guest's boot mapping; the software KVM can't use 256. */
#define SLOT_FIRST 272u
#define SLOT_COUNT 238u

void image_relocate(intptr_t delta)
{
    intptr_t at = image_offset();
    uint64_t *next = 0;

    if (delta == 0) {
        return;
    }
    for (const uint64_t *entry = __relr_start; entry < __relr_end; entry++) {
        uint64_t word = *entry;
        if ((word & 1) == 0) {
            next = (uint64_t *)(word + (uint64_t)at);
            *next++ += (uint64_t)delta;
            continue;
        }
        uint64_t *p = next;
        for (word >>= 1; word != 0; word >>= 1, p++) {
            if (word & 1) {
                *p += (uint64_t)delta;
            }
        }
        next += 63;
    }
}

enum image_kind image_kind_at(uintptr_t offset)
{
    const char *p = __image_start + offset;

    if (p < __monitor_text_start) {
        return IMAGE_TEXT;
    }
    if (p < __text_end) {
        return IMAGE_MONITOR_TEXT;
    }
    if (p < __data_start) {
        return IMAGE_RODATA;
    }
    return p < __data_end ? IMAGE_DATA : IMAGE_MONITOR_DATA;
}

/* One 64-bit draw: the CPU's generator where it has one, else the time of day in cycles, mixed. */
static uint64_t draw(uint64_t salt)
{
    uint64_t r = rdtsc() + salt * 0x9e3779b97f4a7c15ULL;
    uint32_t eax = 1, ebx, ecx = 0, edx;

    __asm__ volatile("cpuid" : "+a"(eax), "=b"(ebx), "+c"(ecx), "=d"(edx));
    if (ecx >> 30 & 1) {
        uint64_t v;
        unsigned char ok;
        __asm__ volatile("rdrand %0\n\tsetc %1" : "=r"(v), "=qm"(ok) : : "cc");
        if (ok) {
            r ^= v;
        }
    }
    r ^= r >> 29;
    r *= 0xbf58476d1ce4e5b9ULL;
    return r ^ r >> 32;
}

void image_choose_bases(int fixed, uint64_t npages, uint64_t *image_base, uint64_t *home_base)
{
    const uint64_t top = 0xffff000000000000ULL;
    const uint64_t slot_pages = 1ULL << 27;

    if (fixed) {
        *image_base = top | 300ULL << 39;
        *home_base = top | 400ULL << 39;
        return;
    }
    uint64_t r = draw(1);
    uint64_t image_slot = r % SLOT_COUNT;
    uint64_t home_slot = (image_slot + 1 + (r >> 16) % (SLOT_COUNT - 1)) % SLOT_COUNT;
    uint64_t page = draw(2) % (slot_pages - npages) & ~15ULL; /* 64 KiB, which data may want to be aligned to */

    *image_base = top | (SLOT_FIRST + image_slot) << 39 | page << 12;
    *home_base = top | (SLOT_FIRST + home_slot) << 39;
}

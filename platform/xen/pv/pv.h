/* SPDX-License-Identifier: BSD-2-Clause */
/* What the PV files share among themselves: the memory map, and the steps of the boot. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <pith/boot.h>
#include <pith/platform.h>
#include <x86/mem.h>
#include <xenplat/hypercall.h>

/*
 * Page-table entry bits (Intel SDM vol 3, "4-Level Paging"). Everything is a user page: a PV guest
 * runs at ring 3.
 */
#define PTE_PRESENT  0x01ULL
#define PTE_WRITE    0x02ULL
#define PTE_USER     0x04ULL
#define PTE_ACCESSED 0x20ULL
#define PTE_DIRTY    0x40ULL
#define PTE_NX       (1ULL << 63)
#define PTE_ADDRESS  0x000ffffffffff000ULL
/* Bits 9-11 are the guest's to use: a note in the home entry of a frame. */
#define PTE_FIXED (1ULL << 9) /* never to be mapped otherwise: page table or p2m */

#define PTE_TABLE (PTE_PRESENT | PTE_WRITE | PTE_USER | PTE_ACCESSED)
#define PTE_RO    (PTE_PRESENT | PTE_USER | PTE_ACCESSED | PTE_NX)
#define PTE_RW    (PTE_RO | PTE_WRITE | PTE_DIRTY)
#define PTE_RX    (PTE_PRESENT | PTE_USER | PTE_ACCESSED)

#define PT_ENTRIES 512u
#define PFN_NONE   (~0UL)

/* The address space after the move; constant afterwards. */
struct pv_map {
    char *home;               /* where all RAM is mapped: page frame 0 */
    uint64_t npages;          /* page frames of the domain */
    const uint64_t *p2m;      /* machine frame of each page frame, PFN_NONE where there is none */
    char *image;              /* where the image runs */
    uint64_t image_pfn;       /* its first page frame */
    uint64_t image_npages;    /* its pages, and two more: a gap and the shared info page */
    uint64_t l4_pfn;
    uint64_t table_pfn;       /* first of the page tables that we built */
    uint64_t ntables;
    uint64_t boot_pfn;        /* [boot_pfn, boot_end_pfn): what Xen put behind the image */
    uint64_t boot_end_pfn;
};

extern struct pv_map pv_map;

#define PV_IMAGE_EXTRA 2u /* pages behind the image: a gap, the shared info page */

/*
 * Build the page tables of pv_map and hook them into the table we run on. Afterwards the image is
 * mapped at its old and at its new place. Context: boot mapping. Ends the machine when there is too
 * little memory.
 */
void pv_build_map(const struct start_info *si, bool fixed_bases);

/* Remove the boot mapping. Context: new place. */
void pv_drop_boot_map(void);

/* The RAM that nobody uses, and the modules. */
void pv_fill_boot_info(const struct start_info *si, struct boot_info *info);

/* The memory part of the ops table: pv/mmu.c */
int pv_page_ops(const struct page_op *ops, size_t n);
void pv_page_seal(void);

/*
 * mem_to_paddr() and mem_from_paddr() by machine addresses. PV memory is contiguous within a page
 * only, unless by luck; pv_mem_from_paddr() serves no range that leaves a page.
 */
paddr_t pv_mem_to_paddr(const void *p, size_t want, size_t *len);
void *pv_mem_from_paddr(paddr_t pa, size_t len);

/*
 * Unmap what xen_pv_map_foreign() has mapped, and map it again. Returns how many there are; more than
 * max: nothing was done. Context: masked, alone.
 */
unsigned pv_foreign_unmap(uint64_t *frames, unsigned max);
void pv_foreign_restore(const uint64_t *frames, unsigned n);

/* start_info by its home address. */
extern struct start_info *pv_start_info;

/* Have Xen use our per-CPU block for its vcpu_info; 0 or Xen's error. Context: masked. */
long pv_register_vcpu(void);

/* Tell where console and xenstore are, by what start_info says. */
void pv_find_given(void);

/* Tell Xen where exceptions and events enter. Context: new place, %gs set. */
void pv_set_traps(void);

/* End the machine with a message: something at boot that can't go on. Context: any. */
_Noreturn void pv_boot_fail(const char *what, long error);

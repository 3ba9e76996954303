/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Last changes to a linked image, in place.
 *
 * usage: pith-finish IMAGE
 *
 * 1. A loaded section of relocations stops being of type RELA, when it is empty: GRUB refuses a file with any
 *    REL or RELA section header. platform/x86/link.ld makes none; another script may.
 * 2. e_type becomes ET_DYN. The linker writes ET_EXEC for a position-independent image whose base
 *    is not 0; gdb and others ought to know that it moves.
 * It also refuses what no later check would see: a segment that is writable and executable.
 */
#include "elffile.h"

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: %s IMAGE\n", argv[0]);
        return 2;
    }
    struct elffile elf = elf_open(argv[1], 1);

    for (size_t i = 0; i < elf.nsections; i++) {
        Elf64_Shdr *section = &elf.sections[i];
        if (!(section->sh_flags & SHF_ALLOC) ||
            (section->sh_type != SHT_RELA && section->sh_type != SHT_REL)) {
            continue;
        }
        if (section->sh_size != 0) {
            elf_fail(argv[1], "relocations that are not packed (section %s)",
                     elf_section_name(&elf, section));
        }
        section->sh_type = SHT_PROGBITS;
        section->sh_entsize = 0;
        section->sh_link = 0;
        section->sh_info = 0;
    }

    Elf64_Phdr *segments = elf_bytes(&elf, elf.header->e_phoff,
                                     elf.header->e_phnum * sizeof(Elf64_Phdr));
    for (size_t i = 0; i < elf.header->e_phnum; i++) {
        if (segments[i].p_type == PT_LOAD && (segments[i].p_flags & PF_W) &&
            (segments[i].p_flags & PF_X)) {
            elf_fail(argv[1], "segment %zu is writable and executable", i);
        }
    }
    elf.header->e_type = ET_DYN;
    return 0;
}

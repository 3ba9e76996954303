/* SPDX-License-Identifier: BSD-2-Clause */
/* A mapped ELF64 file for the image tools: sections and symbols, each access bounds-checked. */
#pragma once

#include <elf.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

struct elffile {
    const char *path;
    uint8_t *data;
    size_t size;
    Elf64_Ehdr *header;
    Elf64_Shdr *sections;
    size_t nsections;
};

__attribute__((noreturn, format(printf, 2, 3)))
static inline void elf_fail(const char *path, const char *format, ...)
{
    va_list args;

    fprintf(stderr, "%s: ", path);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    exit(1);
}

/* The bytes [offset, offset + size) of the file; ends the program when they are not all there. */
static inline void *elf_bytes(const struct elffile *elf, uint64_t offset, uint64_t size)
{
    if (offset > elf->size || size > elf->size - offset) {
        elf_fail(elf->path, "damaged: bytes %#lx+%#lx are outside of the file",
                 (unsigned long)offset, (unsigned long)size);
    }
    return elf->data + offset;
}

/* A string of the string table in section number `strings`. */
static inline const char *elf_string(const struct elffile *elf, uint32_t strings, uint32_t offset)
{
    if (strings >= elf->nsections || offset >= elf->sections[strings].sh_size) {
        elf_fail(elf->path, "damaged: string outside of its table");
    }
    Elf64_Shdr *table = &elf->sections[strings];
    const char *text = elf_bytes(elf, table->sh_offset, table->sh_size);
    if (text[table->sh_size - 1] != '\0') {
        elf_fail(elf->path, "damaged: string table without end");
    }
    return text + offset;
}

static inline const char *elf_section_name(const struct elffile *elf, const Elf64_Shdr *section)
{
    return elf_string(elf, elf->header->e_shstrndx, section->sh_name);
}

/* The first section of this type, or NULL. */
static inline Elf64_Shdr *elf_section_of_type(const struct elffile *elf, uint32_t type)
{
    for (size_t i = 0; i < elf->nsections; i++) {
        if (elf->sections[i].sh_type == type) {
            return &elf->sections[i];
        }
    }
    return NULL;
}

/* Map a file; a writable map changes the file in place. */
static inline struct elffile elf_open(const char *path, int writable)
{
    struct elffile elf = { .path = path };
    struct stat status;

    int fd = open(path, writable ? O_RDWR : O_RDONLY);
    if (fd < 0 || fstat(fd, &status) != 0) {
        perror(path);
        exit(1);
    }
    elf.size = (size_t)status.st_size;
    if (elf.size < sizeof(Elf64_Ehdr)) {
        elf_fail(path, "not an ELF file");
    }
    elf.data = mmap(NULL, elf.size, PROT_READ | (writable ? PROT_WRITE : 0), MAP_SHARED, fd, 0);
    close(fd);
    if (elf.data == MAP_FAILED) {
        perror(path);
        exit(1);
    }
    elf.header = (Elf64_Ehdr *)elf.data;
    if (memcmp(elf.data, ELFMAG, SELFMAG) != 0 || elf.data[EI_CLASS] != ELFCLASS64 ||
        elf.header->e_machine != EM_X86_64) {
        elf_fail(path, "not an x86-64 ELF file");
    }
    elf.nsections = elf.header->e_shnum;
    if (elf.header->e_shoff % _Alignof(Elf64_Shdr) != 0) {
        elf_fail(path, "damaged: section table not aligned");
    }
    elf.sections = elf_bytes(&elf, elf.header->e_shoff, elf.nsections * sizeof(Elf64_Shdr));
    return elf;
}

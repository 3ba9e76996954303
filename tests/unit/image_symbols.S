/* SPDX-License-Identifier: BSD-2-Clause */
/* For test_image.c, the linker script's symbols: two pages of each part, eight of data, and room for a RELR table. */
    .globl __image_start, __monitor_text_start, __text_end, __rodata_start, __rodata_end
    .globl image_data_start, __data_end, __monitor_data_start, __monitor_data_end, __image_end
    .globl __relr_start, __relr_end

    .bss
    .balign 4096
__image_start:
    .skip 8192
__monitor_text_start:
    .skip 8192
__text_end:
__rodata_start:
    .skip 8192
__rodata_end:
image_data_start:
    .skip 32768
__data_end:
__monitor_data_start:
    .skip 8192
__monitor_data_end:
__image_end:
    .skip 4096
__relr_start:
    .skip 8192
__relr_end:
    .section .note.GNU-stack, "", @progbits

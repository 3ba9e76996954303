# SPDX-License-Identifier: BSD-2-Clause
# The files of libext2fs that are compiled. What else these call is in libos/fs/ext_lib.c and ext_crc.c.
EXT2FS_SRCS := alloc.c alloc_sb.c alloc_stats.c bitmaps.c bitops.c blkmap64_ba.c blkmap64_rb.c blknum.c block.c bmap.c \
    closefs.c crc16.c csum.c extent.c freefs.c gen_bitmap.c gen_bitmap64.c get_num_dirs.c i_block.c ind_block.c inode.c \
    io_manager.c openfs.c punch.c rbtree.c rw_bitmaps.c valid_blk.c

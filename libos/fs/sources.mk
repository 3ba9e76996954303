# SPDX-License-Identifier: BSD-2-Clause
LIBOS_FS_SRCS := blkdev.c blkdev_list.c blkfile.c condev.c confile.c filewait.c filesleep.c console.c console_input.c devfs.c file.c
LIBOS_FS_SRCS += cpio.c devfs_tree.c initrd.c ramfs.c ramfs_data.c ramfs_dir.c sendfile.c vfs.c \
    vfs_attr.c vfs_file.c vfs_names.c vfs_open.c vfs_path.c vfs_sync.c
LIBOS_FS_SRCS += mmap.c mmap_file.c mmap_list.c
LIBOS_FS_SRCS += mounts.c p9_attr.c p9_call.c p9_data.c p9_fid.c p9_mount.c p9_names.c p9_node.c p9_wire.c p9dev.c
LIBOS_FS_SRCS += anonfile.c epoll.c epoll_items.c epoll_nest.c eventfd.c fifo.c pair.c pair_io.c pair_opt.c pair_rights.c pipe.c unix.c unix_names.c unix_socket.c \
	timerfd.c
LIBOS_FS_SRCS += ext_attr.c ext_cache.c ext_crc.c ext_data.c ext_dev.c ext_dir.c ext_feature.c ext_index.c ext_journal.c \
    ext_lib.c ext_map.c ext_meta.c ext_mount.c ext_names.c ext_node.c ext_orphan.c ext_part.c ext_recover.c ext_rename.c ext_step.c

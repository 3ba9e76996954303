/* SPDX-License-Identifier: BSD-2-Clause */
/* The files that come with the machine: packed into the image, and as a module of the boot loader. */
#pragma once

#include "vfs.h"

/*
 * Put them below `root`, an empty ramfs: first the image's, then the modules'. What is wrong with an
 * archive is told in the log; the entries before the damage are there. Called once.
 */
void initrd_load(struct vnode *root);

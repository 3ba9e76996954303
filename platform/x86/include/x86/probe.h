/* SPDX-License-Identifier: BSD-2-Clause */
/* The drivers' probe functions, and the table of them of each device class (probe_block.c and so on). */
#pragma once

/* Each finds the devices of its kind and attaches them; returns how many. Context: thread. */
int virtio_blk_probe(void);
int virtio_net_probe(void);
int virtio_console_probe(void);
int virtio_rng_probe(void);
int virtio_9p_probe(void);
int xen_blkfront_probe(void);
int xen_netfront_probe(void);
int xen_9p_probe(void);

struct x86_source {
    const char *platform; /* the name in platform_ops */
    int (*probe)(void);
};

/* Call those of this platform; returns how many devices they have attached. */
int x86_probe(const struct x86_source *sources, unsigned n);

# Sources of platform/xen, relative to this folder.
PLATFORM_XEN_SRCS := \
    blkfront.c \
    blkfront_connect.c \
    blkfront_name.c \
    blkfront_options.c \
    blkfront_pages.c \
    blkfront_probe.c \
    blkfront_request.c \
    blkfront_watch.c \
    hypercall.c \
    events.c \
    time.c \
    console.c \
    console_ring.c \
    given.c \
    grant.c \
    grant_frames.c \
    stop.c \
    frontend.c \
    suspend.c \
    control.c \
    xenstore_resume.c \
    xenbus.c \
    xenstore.c \
    xenstore_ring.c \
    pv/start.S \
    pv/entry.S \
    pv/traps.c \
    pv/build.c \
    pv/mmu.c \
    pv/pv.c \
    pv/pv_suspend.c \
    pvh/pvh.c \
    pvh/pvh_suspend.c

# Sources of this room. The files of monitor/ are named mon_*: link.ld gathers them by that name.
PLATFORM_X86_SRCS := \
    boot_start.S boot_machine.c boot_parse.c boot_parse_pvh.c boot_parse_mb2.c boot_parse_linux.c boot_xen_map.c \
    boot_tables.c boot_monitor.c boot_high.c boot_finish.c image.c \
    monitor/mon_entry.S monitor/mon_pages.c monitor/mon_ops.c monitor/mon_cpu.c monitor/mon_cpu_start.S mon_data.c \
    call_site.S monitor_calls.c \
    irq_entry.S irq_run.c irq.c trap_entry.S trap.c divert_entry.S divert.c context_switch.S context_init.c xstate.c \
    lapic.c clock.c pvclock.c mem.c pages.c cpu.c entropy.c \
    platform.c probe.c probe_platform.c probe_block.c probe_net.c probe_console.c probe_entropy.c probe_share.c

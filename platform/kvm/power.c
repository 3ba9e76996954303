/* SPDX-License-Identifier: BSD-2-Clause */
/* Ending the machine: the ways that a PC and the virtual machine monitors know, surest first. */
#include <kvm/power.h>

#include <stddef.h>
#include <stdint.h>

#include <kvm/acpi.h>
#include <pith/cmdline.h>
#include <x86/cpu.h>

/* The host stops us some time after the write; about 100 ms at any usual clock rate. */
#define WAIT_CYCLES (1ULL << 28)

#define KEYBOARD_COMMAND  0x64
#define KEYBOARD_PULSE    0xfe /* pulses the reset line; also how Firecracker is told to end */
#define RESET_CONTROL     0xcf9 /* Intel chipsets since PIIX3 */
#define RESET_FULL        0x06
#define QEMU_PM1A_CONTROL 0x604 /* where QEMU's firmware puts it on pc and q35 */
#define BOCHS_PM1A        0xb004 /* the same on QEMU's pc before 2.0, and on Bochs */
#define PM1_SLEEP_S5      0x2000 /* SLP_EN, type 0: QEMU's soft-off */

static void wait_for_host(void)
{
    uint64_t start = rdtsc();
    while (rdtsc() - start < WAIT_CYCLES) {
        cpu_relax();
    }
}

/* QEMU's isa-debug-exit: the port that the command line names ends the process at once. */
static void debug_exit(int status)
{
    uint64_t port = cmdline_get_u64("debugexit", 0);
    if (port != 0 && port <= 0xffff) {
        outb((uint16_t)port, (uint8_t)status);
    }
}

static void acpi_off(int status)
{
    (void)status;
    if (acpi_power_off()) {
        wait_for_host();
    }
}

/* Machines without ACPI tables that have the ports all the same. */
static void known_off_ports(int status)
{
    (void)status;
    outw(QEMU_PM1A_CONTROL, PM1_SLEEP_S5);
    outw(BOCHS_PM1A, PM1_SLEEP_S5);
    wait_for_host();
}

static void acpi_restart(int status)
{
    (void)status;
    if (acpi_reset()) {
        wait_for_host();
    }
}

static void chipset_reset(int status)
{
    (void)status;
    outb(RESET_CONTROL, RESET_FULL);
    wait_for_host();
}

static void keyboard_reset(int status)
{
    (void)status;
    outb(KEYBOARD_COMMAND, KEYBOARD_PULSE);
    wait_for_host();
}

typedef void power_way(int status);

/*
 * A power-off that nobody obeys ends as a reset, which is a monitor's usual end of a guest. After a
 * crash ACPI comes late: finding its tables maps memory, and that may be what has crashed.
 */
#define NWAYS 5
static power_way *const off_ways[NWAYS] = {
    debug_exit, acpi_off, known_off_ports, keyboard_reset, chipset_reset
};
static power_way *const crash_ways[NWAYS] = {
    debug_exit, known_off_ports, acpi_off, keyboard_reset, chipset_reset
};
static power_way *const reset_ways[NWAYS] = { acpi_restart, keyboard_reset, chipset_reset };

/* The next way to try; kept over calls, since a way may crash. */
static unsigned next_way;

void power_stop(enum platform_stop how, int status)
{
    power_way *const *ways = off_ways;
    if (how == PLATFORM_CRASH) {
        ways = crash_ways;
    } else if (how == PLATFORM_REBOOT) {
        ways = reset_ways;
    }
    while (next_way < NWAYS && ways[next_way] != NULL) {
        power_way *way = ways[next_way++];
        way(status);
    }
}

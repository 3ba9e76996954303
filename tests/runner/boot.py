# SPDX-License-Identifier: BSD-2-Clause
"""Loaders besides QEMU's: GRUB (multiboot2) on BIOS and UEFI, the Linux entry by our own VMM.

A disk is made without any file system: GRUB's boot sector, then a core image that carries its
configuration, the image and the modules in an archive.
"""

import io
import os
import re
import secrets
import shutil
import subprocess
import tarfile
import threading
import time

import accel
import image
import packages
from machine import QEMU, TCG_CPU
from results import log_path
from words import BUILD, TOP, Failure

GRUB = "/usr/lib/grub"
BIOS_CODE = GRUB + "/i386-pc/boot.img"
EFI_CODE = GRUB + "/x86_64-efi/multiboot2.mod"
OVMF_CODE = "/usr/share/OVMF/OVMF_CODE.fd"
OVMF_VARS = "/usr/share/OVMF/OVMF_VARS.fd"

packages.PACKAGE_OF.update({
    "grub-mkimage": "grub-common",
    BIOS_CODE: "grub-pc-bin",
    EFI_CODE: "grub-efi-amd64-bin",
    OVMF_CODE: "ovmf",
})

VMM = os.path.join(BUILD, "boot", "vmm")
VMM_SOURCE = os.path.join(TOP, "tests", "boot", "vmm.c")
NO_KVM = 77  # the VMM's exit status

SECONDS = 60
DISK_BYTES = 16 << 20  # SeaBIOS finds no cylinder on a disk of less than some 500 KiB
LOADED = "tests/boot/loaded"
MODULES = ((1, "one byte"), (4096, "a page"), (70001, ""), (12345, "words of the last"))


def module_bytes(number, size):
    """The same as in tests/boot/loaded/main.c."""
    return bytes((o * 7 + (o >> 8) * 13 + number * 31 + 5) & 0xff for o in range(size))


class Boot:
    """One image with what it is given, and what has to come of it."""

    def __init__(self, elf, options=(), args=(), modules=(), want=()):
        self.elf = elf
        self.nonce = secrets.token_hex(8)
        words = [f"nonce={self.nonce}", "debugexit=0xf4", "loglevel=2", *options]
        quoted = [f'"{a}"' if " " in a else a for a in args]
        self.cmdline = " ".join(words + (["--"] + quoted if quoted else []))
        self.modules = modules
        self.want = want  # regular expressions

    def problem(self, output):
        text = output.decode(errors="replace").replace("\r", "")
        end = re.search(rf"^\[pith-exit {self.nonce} (\w+)\]$", text, re.MULTILINE)
        failed = re.findall(r"^FAIL .*$", text, re.MULTILINE)
        if failed:
            return "; ".join(failed)
        if not end:
            return f"no exit line; the last output is {text[-200:]!r}"
        if end[1] != "0":
            return f"the exit status is {end[1]}"
        for pattern in self.want:
            if not re.search(pattern, text, re.MULTILINE):
                return f"no match for /{pattern}/ in the output"
        return None


def hello(entry):
    return Boot(os.path.join(BUILD, "hello", "hello.elf"), ["boot=trace"],
                want=[rf"^boot: {entry}\nboot: x86_boot$", r"^Hello from"])


def loaded(entry, moved, rsdp, modules):
    """`modules` as the guest sees them: (size, words)."""
    described = [f"{size}:{words}" for size, words in modules]
    return Boot(os.path.join(BUILD, LOADED, "loaded.elf"),
                args=[entry, "moved" if moved else "fixed", "rsdp" if rsdp else "-", *described],
                modules=modules, want=[r"^checks: 6 ok, 0 failed, 0 skipped$"])


def execute(words, log):
    """The output of one machine; (output, status) or a Failure."""
    with open(log, "wb") as f:
        try:
            done = subprocess.run(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                  stderr=subprocess.PIPE, timeout=SECONDS, check=False)
        except subprocess.TimeoutExpired as e:
            f.write(e.stdout or b"")
            raise Failure(f"no end within {SECONDS} s; it said {(e.stdout or b'')[-200:]!r}") from e
        f.write(" ".join(words).encode() + b"\n\n" + done.stdout + b"\n" + done.stderr)
    return done


# ---- GRUB ----

def write_archive(path, boot, strip):
    """The image, stripped as a user would do it, and the modules."""
    elf = path + ".elf"
    shutil.copy(boot.elf, elf)
    if strip:
        subprocess.run(["strip", elf], check=True)
    with tarfile.open(path, "w", format=tarfile.USTAR_FORMAT) as tar:
        tar.add(elf, "image.elf")
        for number, (size, _) in enumerate(boot.modules):
            info = tarfile.TarInfo(f"module{number}")
            info.size = size
            tar.addfile(info, io.BytesIO(module_bytes(number, size)))
    os.unlink(elf)


def write_configuration(path, boot):
    lines = [f"multiboot2 (memdisk)/image.elf {grub_words(boot.cmdline)}"]
    lines += [f"module2 (memdisk)/module{n} {words}" for n, (_, words) in enumerate(boot.modules)]
    with open(path, "w", encoding="ascii") as f:
        f.write("\n".join(lines + ["boot", ""]))


def grub_words(cmdline):
    """Words with blanks as GRUB's scripts quote them; it hands them on in double quotes again."""
    return re.sub(r'"([^"]*)"', lambda m: "'" + m[1] + "'", cmdline)


def grub_core(folder, boot, target, output, modules, strip=True):
    archive, configuration = os.path.join(folder, "archive.tar"), os.path.join(folder, "grub.cfg")
    write_archive(archive, boot, strip)
    write_configuration(configuration, boot)
    subprocess.run(["grub-mkimage", "-O", target, "-p", "/", "-c", configuration, "-m", archive,
                    "-o", output, "memdisk", "tar", "multiboot2", *modules],
                   check=True, stderr=subprocess.PIPE)


def bios_disk(folder, boot, strip):
    core, disk = os.path.join(folder, "core.img"), os.path.join(folder, "disk.img")
    grub_core(folder, boot, "i386-pc", core, ["biosdisk"], strip)
    with open(disk, "wb") as out:
        for part in (BIOS_CODE, core):
            with open(part, "rb") as f:
                out.write(f.read())
        out.truncate(DISK_BYTES)
    return ["-drive", f"file={disk},format=raw,snapshot=on"]


def efi_disk(folder, boot, _strip):
    system = os.path.join(folder, "esp", "EFI", "BOOT")
    os.makedirs(system, exist_ok=True)
    grub_core(folder, boot, "x86_64-efi", os.path.join(system, "BOOTX64.EFI"), [])
    variables = os.path.join(folder, "variables.fd")
    shutil.copy(OVMF_VARS, variables)
    blockdev = f"driver=vvfat,node-name=esp,dir={os.path.join(folder, 'esp')},read-only=on"
    return ["-drive", f"if=pflash,format=raw,readonly=on,file={OVMF_CODE}",
            "-drive", f"if=pflash,format=raw,snapshot=on,file={variables}",
            "-blockdev", blockdev, "-device", "virtio-blk-pci,drive=esp,bootindex=0"]


def grub_job(name, boot, mib, machine="pc", disk=bios_disk, strip=True, times=1):
    """GRUB starts the image, `times` times: what happens now and then is caught, too."""
    def job(results):
        began, problem = time.monotonic(), None
        folder = os.path.dirname(log_path("boot", name, "x"))
        log = os.path.join(folder, "output.log")
        try:
            words = [QEMU, "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
                     "-M", machine, "-m", f"{mib}M", "-smp", "1,maxcpus=2",
                     "-accel", "tcg", "-cpu", TCG_CPU, "-serial", "stdio",
                     "-device", "isa-debug-exit,iobase=0xf4,iosize=4",
                     "-object", f"memory-backend-ram,id=ram,size={mib}M,reserve=off",
                     "-machine", "memory-backend=ram", *disk(folder, boot, strip)]
            for _ in range(times):
                problem = problem or boot.problem(execute(words, log).stdout)
        except (Failure, OSError, subprocess.CalledProcessError) as e:
            problem = f"{type(e).__name__}: {e}"
        results.check(f"boot/{name}", time.monotonic() - began,
                      f"{problem} [{os.path.relpath(log, TOP)}]" if problem else None)
    return job


def grub_jobs(full):
    jobs = {
        "grub-hello": grub_job("grub-hello", hello("start_mb2"), 64),
        "grub-loaded": grub_job("grub-loaded", loaded("multiboot2", True, True, MODULES), 64),
        # Without modules GRUB's own data lie at the start of what is free.
        "grub-alone": grub_job("grub-alone", loaded("multiboot2", True, True, ()), 64),
        # Little memory, where the BIOS' timer once hit the boot.
        "grub-8": grub_job("grub-8", hello("start_mb2"), 8, times=3),
    }
    if full:
        jobs["grub-unstripped"] = grub_job("grub-unstripped", hello("start_mb2"), 64, strip=False)
        jobs["grub-q35"] = grub_job("grub-q35", hello("start_mb2"), 64, machine="q35")
        jobs["grub-often"] = grub_job("grub-often", hello("start_mb2"), 8, times=20)
        for mib in (16, 1024, 3072, 6144, 65536):
            jobs[f"grub-{mib}"] = grub_job(f"grub-{mib}", hello("start_mb2"), mib)
    return jobs


def efi_jobs():
    return {
        "uefi-hello": grub_job("uefi-hello", hello("start_mb2"), 256, "q35", efi_disk),
        "uefi-loaded": grub_job("uefi-loaded", loaded("multiboot2", True, True, MODULES), 256,
                                "q35", efi_disk),
    }


# ---- the Linux 64-bit entry ----

vmm_lock = threading.Lock()


def build_vmm():
    with vmm_lock:
        if not os.path.exists(VMM) or os.path.getmtime(VMM) < os.path.getmtime(VMM_SOURCE):
            os.makedirs(os.path.dirname(VMM), exist_ok=True)
            subprocess.run(["gcc", "-std=gnu11", "-O2", "-Wall", "-Wextra", "-Wshadow", "-Wvla",
                            "-Werror", "-o", VMM, VMM_SOURCE], check=True)


def vmm_job(name, boot, mib):
    def job(results):
        began, problem = time.monotonic(), None
        folder = os.path.dirname(log_path("boot", name, "x"))
        log = os.path.join(folder, "output.log")
        try:
            build_vmm()
            words = [VMM, "-m", str(mib)]
            for number, (size, _) in enumerate(boot.modules):
                path = os.path.join(folder, f"module{number}")
                with open(path, "wb") as f:
                    f.write(module_bytes(number, size))
                words += ["-i", path]
            done = execute(words + [boot.elf, boot.cmdline], log)
            if done.returncode == NO_KVM:
                results.skip(f"boot/{name}", time.monotonic() - began,
                             done.stderr.decode(errors="replace"))
                return
            problem = boot.problem(done.stdout)
            if not problem and done.returncode != 0:
                problem = done.stderr.decode(errors="replace")
        except (Failure, OSError, subprocess.CalledProcessError) as e:
            problem = f"{type(e).__name__}: {e}"
        results.check(f"boot/{name}", time.monotonic() - began,
                      f"{problem} [{os.path.relpath(log, TOP)}]" if problem else None)
    return job


def vmm_jobs(full):
    jobs = {
        "linux64-hello": vmm_job("linux64-hello", hello("start_linux64"), 64),
        "linux64-loaded": vmm_job("linux64-loaded",
                                  loaded("linux64", False, False, [(12345, "")]), 64),
        "linux64-2": vmm_job("linux64-2", hello("start_linux64"), 2),
    }
    if full:
        jobs["linux64-3072"] = vmm_job("linux64-3072", hello("start_linux64"), 3072)
    return jobs


def missing(needs):
    """Install what is missing; why that failed, or None."""
    try:
        packages.ensure(needs)
    except Failure as e:
        return str(e)
    return None


def jobs(wanted, full, results):
    groups = [
        (grub_jobs(full), lambda: missing(["grub-mkimage", BIOS_CODE])),
        (vmm_jobs(full), lambda: accel.openable() or accel.try_kvm()),
    ]
    if full or any(w.startswith("uefi") for w in wanted):
        groups.append((efi_jobs(), lambda: missing(["grub-mkimage", EFI_CODE, OVMF_CODE])))
    found = []
    for group, why_not in groups:
        chosen = {n: j for n, j in group.items()
                  if not wanted or any(n.startswith(w) for w in wanted)}
        reason = why_not() if chosen else None
        for name, job in chosen.items():
            if reason:
                results.skip(f"boot/{name}", 0, reason)
            else:
                found.append(job)
    if found:
        image.build([image.find("hello")], quiet=True)
        image.make(["app", "APP=" + LOADED], quiet=True)
    return found

# SPDX-License-Identifier: BSD-2-Clause
"""Try an image as a guest of a real Xen: python3 tests/xen/try.py IMAGE... pv|pvh [options].

Prints what the guest said on its console, why it ended, and Xen's messages since it was created.
"""

import argparse
import os
import sys
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path[:0] = [os.path.join(TOP, "toolchain", "cli")]

import nics  # noqa: E402
import xen_dom0  # noqa: E402
from words import Failure  # noqa: E402
from xen_host import BRIDGE, KINDS, XenHost  # noqa: E402


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("what", nargs="+", metavar="IMAGE|pv|pvh",
                        help="images (`linux` is the bed's own), and the kinds to try each as")
    parser.add_argument("--mem", type=int, default=64, help="MiB of a guest (default: 64)")
    parser.add_argument("--cmdline", default="", help="a guest's command line")
    parser.add_argument("--vif", action="store_true", help="give it a card on the bridge")
    parser.add_argument("-p", metavar="HOST:GUEST", action="append", default=[], help="publish a port")
    parser.add_argument("--disk", metavar="SPEC", action="append", default=[],
                        help="xl's disk specification, like file:/share/files/d.img,xvda,w")
    parser.add_argument("--put", metavar="FILE", action="append", default=[],
                        help="copy to dom0's /share/files first")
    parser.add_argument("--config", metavar="KEY=VALUE", action="append", default=[],
                        help="more for xl's configuration, like vcpus=2")
    parser.add_argument("--seconds", type=float, default=20, help="wait that long for its end")
    parser.add_argument("--dom0", metavar="TEXT", action="append", default=[],
                        help="shell text to run in dom0 while the guest is there, after --seconds")
    parser.add_argument("--cpus", type=int, default=1, help="processors of the machine")
    parser.add_argument("--shell", action="store_true", help="then read shell text for dom0 from stdin")
    parser.add_argument("--dir", default=os.path.join(TOP, "build", "xen", "try"), help="for logs")
    return parser.parse_args()


def config_of(options):
    config = {"memory": options.mem}
    if options.cmdline:
        config["cmdline"] = options.cmdline
    if options.vif or options.p:
        config["vif"] = [f"bridge={BRIDGE}"]
    if options.disk:
        config["disk"] = options.disk
    for word in options.config:
        key, _, value = word.partition("=")
        config[key] = int(value) if value.isdigit() else value
    return config


def try_one(host, name, kind, image, options):
    began, before = time.monotonic(), len(host.dmesg())
    config = config_of(options)
    if image == "linux":
        image = xen_dom0.KERNEL
        config.update(memory=max(options.mem, 128), ramdisk=xen_dom0.LINUX_GUEST,
                      cmdline="console=hvc0 quiet panic=1 " + options.cmdline)
    print(f"==== {name}: {image} as {kind}", flush=True)
    try:
        host.create(name, kind, image, **config)
        print(f"created in {time.monotonic() - began:.1f} s", flush=True)
        reason = host.wait_end(name, options.seconds)
        print(f"---- {name}: ended: {reason} after {time.monotonic() - began:.1f} s")
        print(f"---- console\n{host.console(name)}")
        for text in options.dom0:
            status, said = host.run(text, check=False)
            print(f"---- dom0$ {text}  (status {status})\n{said}")
        host.run(f"xl destroy {name}", check=False)
    except Failure as e:
        print(f"---- {e}\n---- console\n{host.console(name)}")
    print(f"---- Xen's messages\n{host.dmesg()[before:]}", flush=True)


def main():
    options = arguments()
    kinds = [w for w in options.what if w in KINDS]
    images = [w for w in options.what if w not in KINDS]
    nic = nics.Nic(ports=[nics.parse_port(word) for word in options.p])
    os.makedirs(options.dir, exist_ok=True)
    host = XenHost(options.dir, cpus=options.cpus, nic=nic)
    began = time.monotonic()
    try:
        with host:
            print(f"bed ready after {time.monotonic() - began:.1f} s; logs in {options.dir}", flush=True)
            for path in options.put:
                host.put(path)
            for number, image in enumerate(images):
                for kind in kinds:
                    name = os.path.splitext(os.path.basename(image))[0]
                    try_one(host, f"{name}-{kind}-{number}", kind, image, options)
            for line in sys.stdin if options.shell else ():
                status, said = host.run(line, check=False, timeout=600)
                print(f"{said}[{status}]", flush=True)
    except Failure as e:
        print(e)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

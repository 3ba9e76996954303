# SPDX-License-Identifier: BSD-2-Clause
"""Presses the button, or the keys, when the guest is ready."""

import qmp


def beside(run):
    run.expect(r"^ready")

    def press(command, **arguments):
        try:
            run.guest.control.execute(command, **arguments)
        except qmp.Refused:
            pass  # the guest may be gone before QEMU answers; whether it heard is judged by its end

    if run.case.full_name.endswith("keyboard"):
        press("send-key", keys=[{"type": "qcode", "data": key} for key in ("ctrl", "alt", "delete")])
        return
    press("system_powerdown")
    if run.case.full_name.endswith("twice"):
        run.expect(r"^handler 15")
        press("system_powerdown")

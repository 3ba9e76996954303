# SPDX-License-Identifier: BSD-2-Clause
"""The benchmark kit: workloads on Pith, on a Linux guest of the same machine, and as a process of the host.

frame.py lets the sides take turns and keeps the figures; sides.py starts them; plugin.py counts their
instructions; loads.py drives them; one file per workload; report.py, page.py and against.py tell.
"""

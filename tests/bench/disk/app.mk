# SPDX-License-Identifier: BSD-2-Clause
app_mounts := ext4

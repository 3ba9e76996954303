/* SPDX-License-Identifier: BSD-2-Clause */
/* nginx includes it where it takes the system for Linux; configure has found out that there is no crypt(). */

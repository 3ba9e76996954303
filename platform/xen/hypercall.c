/* SPDX-License-Identifier: BSD-2-Clause */
/* The hypercall itself, and Xen's error numbers as ours (xen public/errno.h). */
#include <xenplat/hypercall.h>

#include <errno.h>

#include <x86/mon.h>

enum {
#define XEN_ERRNO(name, value) XEN_##name = value,
#include <xen/errno.h>
};

bool xen_pv;

/*
 * Source  xen docs/guest-guide/x86/hypercall-abi.rst: number in rax, arguments in rdi rsi rdx r10
 *         r8, result in rax. 64-bit PV uses SYSCALL, which destroys rcx and r11; debug builds of
 *         Xen overwrite the arguments.
 */
static long pv_hypercall(unsigned nr, unsigned long a1, unsigned long a2, unsigned long a3,
                         unsigned long a4, unsigned long a5)
{
    long result;
    register unsigned long r10 __asm__("r10") = a4;
    register unsigned long r8 __asm__("r8") = a5;

    __asm__ volatile("syscall"
                     : "=a"(result), "+D"(a1), "+S"(a2), "+d"(a3), "+r"(r10), "+r"(r8)
                     : "0"((unsigned long)nr)
                     : "rcx", "r11", "memory", "cc");
    return result;
}

long xen_hypercall(unsigned nr, unsigned long a1, unsigned long a2, unsigned long a3,
                   unsigned long a4, unsigned long a5)
{
    if (xen_pv) {
        return pv_hypercall(nr, a1, a2, a3, a4, a5);
    }
    return (long)mon_hypercall(nr, a1, a2, a3, a4, a5);
}

long xen_errno(long raw)
{
    /* Those whose number differs here, and those that callers tell apart; the rest is EIO. */
    static const struct {
        unsigned char xen, ours;
    } map[] = {
        {XEN_EPERM, EPERM}, {XEN_ENOENT, ENOENT}, {XEN_ESRCH, ESRCH}, {XEN_EIO, EIO},
        {XEN_ENXIO, ENXIO}, {XEN_E2BIG, E2BIG}, {XEN_EAGAIN, EAGAIN}, {XEN_ENOMEM, ENOMEM},
        {XEN_EACCES, EACCES}, {XEN_EFAULT, EFAULT}, {XEN_EBUSY, EBUSY}, {XEN_EEXIST, EEXIST},
        {XEN_ENODEV, ENODEV}, {XEN_EINVAL, EINVAL}, {XEN_ENOSPC, ENOSPC}, {XEN_EROFS, EROFS},
        {XEN_ERANGE, ERANGE}, {XEN_ENOSYS, ENOSYS}, {XEN_ENODATA, ENODATA},
        {XEN_ETIME, ETIMEDOUT}, {XEN_EOVERFLOW, EOVERFLOW}, {XEN_EOPNOTSUPP, EOPNOTSUPP},
        {XEN_EISCONN, EISCONN}, {XEN_ENOTCONN, ENOTCONN}, {XEN_ETIMEDOUT, ETIMEDOUT},
    };

    /* Anything further below zero is no error number but a value with its top bit set. */
    if (raw >= 0 || raw < -4095) {
        return raw;
    }
    for (unsigned i = 0; i < sizeof map / sizeof map[0]; i++) {
        if (map[i].xen == -raw) {
            return -(long)map[i].ours;
        }
    }
    return -EIO;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* strerror() and its kin: what Linux calls its errors, since that is what people search for. */
#define _GNU_SOURCE /* strerror_r() is GNU's */
#include <errno.h>
#include <locale.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define ERRORS(X) \
    X(EPERM, "Operation not permitted") \
    X(ENOENT, "No such file or directory") \
    X(ESRCH, "No such process") \
    X(EINTR, "Interrupted system call") \
    X(EIO, "Input/output error") \
    X(ENXIO, "No such device or address") \
    X(E2BIG, "Argument list too long") \
    X(ENOEXEC, "Exec format error") \
    X(EBADF, "Bad file descriptor") \
    X(ECHILD, "No child processes") \
    X(EAGAIN, "Resource temporarily unavailable") \
    X(ENOMEM, "Cannot allocate memory") \
    X(EACCES, "Permission denied") \
    X(EFAULT, "Bad address") \
    X(ENOTBLK, "Block device required") \
    X(EBUSY, "Device or resource busy") \
    X(EEXIST, "File exists") \
    X(EXDEV, "Invalid cross-device link") \
    X(ENODEV, "No such device") \
    X(ENOTDIR, "Not a directory") \
    X(EISDIR, "Is a directory") \
    X(EINVAL, "Invalid argument") \
    X(ENFILE, "Too many open files in system") \
    X(EMFILE, "Too many open files") \
    X(ENOTTY, "Inappropriate ioctl for device") \
    X(ETXTBSY, "Text file busy") \
    X(EFBIG, "File too large") \
    X(ENOSPC, "No space left on device") \
    X(ESPIPE, "Illegal seek") \
    X(EROFS, "Read-only file system") \
    X(EMLINK, "Too many links") \
    X(EPIPE, "Broken pipe") \
    X(EDOM, "Numerical argument out of domain") \
    X(ERANGE, "Numerical result out of range") \
    X(ENOMSG, "No message of desired type") \
    X(EIDRM, "Identifier removed") \
    X(ECHRNG, "Channel number out of range") \
    X(EL2NSYNC, "Level 2 not synchronized") \
    X(EL3HLT, "Level 3 halted") \
    X(EL3RST, "Level 3 reset") \
    X(ELNRNG, "Link number out of range") \
    X(EUNATCH, "Protocol driver not attached") \
    X(ENOCSI, "No CSI structure available") \
    X(EL2HLT, "Level 2 halted") \
    X(EDEADLK, "Resource deadlock avoided") \
    X(ENOLCK, "No locks available") \
    X(EBADE, "Invalid exchange") \
    X(EBADR, "Invalid request descriptor") \
    X(EXFULL, "Exchange full") \
    X(ENOANO, "No anode") \
    X(EBADRQC, "Invalid request code") \
    X(EBADSLT, "Invalid slot") \
    X(EBFONT, "Bad font file format") \
    X(ENOSTR, "Device not a stream") \
    X(ENODATA, "No data available") \
    X(ETIME, "Timer expired") \
    X(ENOSR, "Out of streams resources") \
    X(ENONET, "Machine is not on the network") \
    X(ENOPKG, "Package not installed") \
    X(EREMOTE, "Object is remote") \
    X(ENOLINK, "Link has been severed") \
    X(EADV, "Advertise error") \
    X(ESRMNT, "Srmount error") \
    X(ECOMM, "Communication error on send") \
    X(EPROTO, "Protocol error") \
    X(EMULTIHOP, "Multihop attempted") \
    X(EDOTDOT, "RFS specific error") \
    X(EBADMSG, "Bad message") \
    X(EFTYPE, "Inappropriate file type or format") \
    X(ENOTUNIQ, "Name not unique on network") \
    X(EBADFD, "File descriptor in bad state") \
    X(EREMCHG, "Remote address changed") \
    X(ELIBACC, "Can not access a needed shared library") \
    X(ELIBBAD, "Accessing a corrupted shared library") \
    X(ELIBSCN, ".lib section in a.out corrupted") \
    X(ELIBMAX, "Attempting to link in too many shared libraries") \
    X(ELIBEXEC, "Cannot exec a shared library directly") \
    X(ENOSYS, "Function not implemented") \
    X(ENOTEMPTY, "Directory not empty") \
    X(ENAMETOOLONG, "File name too long") \
    X(ELOOP, "Too many levels of symbolic links") \
    X(EOPNOTSUPP, "Operation not supported") \
    X(EPFNOSUPPORT, "Protocol family not supported") \
    X(ECONNRESET, "Connection reset by peer") \
    X(ENOBUFS, "No buffer space available") \
    X(EAFNOSUPPORT, "Address family not supported by protocol") \
    X(EPROTOTYPE, "Protocol wrong type for socket") \
    X(ENOTSOCK, "Socket operation on non-socket") \
    X(ENOPROTOOPT, "Protocol not available") \
    X(ESHUTDOWN, "Cannot send after transport endpoint shutdown") \
    X(ECONNREFUSED, "Connection refused") \
    X(EADDRINUSE, "Address already in use") \
    X(ECONNABORTED, "Software caused connection abort") \
    X(ENETUNREACH, "Network is unreachable") \
    X(ENETDOWN, "Network is down") \
    X(ETIMEDOUT, "Connection timed out") \
    X(EHOSTDOWN, "Host is down") \
    X(EHOSTUNREACH, "No route to host") \
    X(EINPROGRESS, "Operation now in progress") \
    X(EALREADY, "Operation already in progress") \
    X(EDESTADDRREQ, "Destination address required") \
    X(EMSGSIZE, "Message too long") \
    X(EPROTONOSUPPORT, "Protocol not supported") \
    X(ESOCKTNOSUPPORT, "Socket type not supported") \
    X(EADDRNOTAVAIL, "Cannot assign requested address") \
    X(ENETRESET, "Network dropped connection on reset") \
    X(EISCONN, "Transport endpoint is already connected") \
    X(ENOTCONN, "Transport endpoint is not connected") \
    X(ETOOMANYREFS, "Too many references: cannot splice") \
    X(EUSERS, "Too many users") \
    X(EDQUOT, "Disk quota exceeded") \
    X(ESTALE, "Stale file handle") \
    X(ENOTSUP, "Operation not supported") \
    X(ENOMEDIUM, "No medium found") \
    X(EILSEQ, "Invalid or incomplete multibyte or wide character") \
    X(EOVERFLOW, "Value too large for defined data type") \
    X(ECANCELED, "Operation canceled") \
    X(ENOTRECOVERABLE, "State not recoverable") \
    X(EOWNERDEAD, "Owner died") \
    X(ESTRPIPE, "Streams pipe error")

/* The texts one behind the other, and where each begins: no pointers, which would be relocated. */
#define FIELD(name, text) char of_##name[sizeof(text)];
#define TEXT(name, text) .of_##name = text,
#define PLACE(name, text) [name] = offsetof(struct texts, of_##name) + 1,

struct texts {
    ERRORS(FIELD)
};

static const struct texts texts = { ERRORS(TEXT) };
static const unsigned short places[] = { ERRORS(PLACE) };

int __xpg_strerror_r(int error, char *buf, size_t len);
char *_strerror_r(struct _reent *unused, int error, int internal, int *result);

static _Thread_local char unknown[32];

static const char *text_of(int error)
{
    if (error == 0) {
        return "Success";
    }
    if (error < 0 || (size_t)error >= sizeof(places) / sizeof(places[0]) || places[error] == 0) {
        return NULL;
    }
    return (const char *)&texts + places[error] - 1;
}

/* "Unknown error", the number and a zero into a buffer of any length; without printf, which is large. */
static void say_unknown(int error, char *buf, size_t len)
{
    static const char words[] = "Unknown error ";
    char digits[12], *d = digits + sizeof(digits);
    unsigned n = error < 0 ? -(unsigned)error : (unsigned)error;
    *--d = '\0';
    do {
        *--d = (char)('0' + n % 10);
        n /= 10;
    } while (n != 0);
    if (error < 0) {
        *--d = '-';
    }
    buf[0] = '\0';
    strncat(buf, words, len - 1);
    strncat(buf, d, len - 1 - strlen(buf));
}

char *strerror(int error)
{
    const char *text = text_of(error);
    if (text == NULL) {
        say_unknown(error, unknown, sizeof(unknown));
        return unknown;
    }
    return (char *)(uintptr_t)text;
}

char *strerror_l(int error, locale_t locale)
{
    (void)locale;
    return strerror(error);
}

/* GNU's: it may leave buf alone. */
char *strerror_r(int error, char *buf, size_t len)
{
    const char *text = text_of(error);
    if (text == NULL && len > 0) {
        say_unknown(error, buf, len);
        return buf;
    }
    return (char *)(uintptr_t)(text != NULL ? text : "");
}

/* POSIX's. */
int __xpg_strerror_r(int error, char *buf, size_t len)
{
    const char *text = text_of(error);
    if (len == 0) {
        return ERANGE;
    }
    if (text == NULL) {
        say_unknown(error, buf, len);
        return EINVAL;
    }
    buf[0] = '\0';
    strncat(buf, text, len - 1);
    return strlen(text) < len ? 0 : ERANGE;
}

/* perror() of newlib calls it. */
char *_strerror_r(struct _reent *unused, int error, int internal, int *result)
{
    (void)unused, (void)internal;
    *result = text_of(error) == NULL ? EINVAL : 0;
    return strerror(error);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sending and receiving without a copy: borrow received data where the driver or the stack has put
 * it, and hand memory over to be sent. These calls are Pith's own; they work beside the usual ones
 * on the same sockets (TCP and UDP), in any mixture.
 *
 * Received data is lent: it counts against the socket's receive buffer and occupies the device's
 * ring until zc_return(), so give it back soon.
 *
 * Memory that is sent must stay as it is until done(): TCP may have to send it again, and the
 * device reads it after the call has returned.
 *
 * For example, what arrives is looked at where it lies, and a page goes out without a copy:
 *
 *     struct zc_loan in;
 *     while (zc_recv(fd, &in, 0, NULL, NULL) > 0) {
 *         for (int i = 0; i < in.n; i++) {
 *             parse(in.piece[i].iov_base, in.piece[i].iov_len);
 *         }
 *         zc_return(&in);
 *     }
 *
 *     static struct zc_buffer out = { .done = page_is_free }; // not used again before done()
 *     ssize_t n = zc_send(fd, &out, page, sizeof(page), 0, NULL, 0);
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <pith/list.h>

#ifdef __cplusplus
extern "C" {
#endif

#define ZC_PIECES 16

/* Lent data: the pieces in their order. The structure is the caller's. */
struct zc_loan {
    struct iovec piece[ZC_PIECES]; /* read them, do not write to them */
    int n;
    void *owner; /* private: the socket, which the loan keeps, and the data */
    void *data;
};

/*
 * Borrow what has been received, waiting for it as recv() does: of TCP what is there, at most
 * ZC_PIECES pieces; of UDP one datagram. `flags`: MSG_DONTWAIT. from, fromlen: the sender, or NULL.
 * Returns the bytes in loan->piece, 0 at the end of the stream (then there is no loan to return; a
 * UDP datagram may have 0 bytes and is a loan, with owner set).
 * Errors: -1 with errno, as recv(); EOPNOTSUPP: this kind of socket does not lend.
 */
ssize_t zc_recv(int fd, struct zc_loan *loan, int flags, struct sockaddr *from,
                socklen_t *fromlen);

/* Give it back, from any thread, also after the descriptor has been closed. */
void zc_return(struct zc_loan *loan);

/* Memory on its way out; one for each call of zc_send() until its done(). */
struct zc_buffer {
    /*
     * The memory is free again. error: 0 when all that was taken has been acknowledged (TCP) or
     * given to the device (UDP), -ECANCELED when the connection broke or was closed before.
     * Context: a thread, with the network's lock: it may wake others and touch its own data; it
     * must not sleep and must not call anything on a socket.
     */
    void (*done)(struct zc_buffer *b, int error);
    void *arg;         /* the user's */

    /* Private, under the network's lock: */
    struct list link;  /* among the socket's */
    void *socket;      /* NULL: it has been closed */
    uint32_t refs;     /* by pieces in queues, and by the call while it runs */
    uint32_t end_seq;  /* TCP: sequence number after its last byte */
    bool acked;
};

/*
 * Send `len` bytes at `data`, which stay where they are, under `b` with done and arg set. `flags`
 * and errors as send() and sendto(); to is NULL on a connected socket. Returns how many bytes have
 * been taken, maybe fewer than len; then done() will be called once, maybe before this returns.
 * After an error it is not called. EOPNOTSUPP: this kind of socket cannot.
 */
ssize_t zc_send(int fd, struct zc_buffer *b, const void *data, size_t len, int flags,
                const struct sockaddr *to, socklen_t tolen);

#ifdef __cplusplus
}
#endif

# SPDX-License-Identifier: BSD-2-Clause
"""The server: it gives back a line and closes."""

import socket
import threading


def serve(listener):
    while True:
        try:
            client = listener.accept()[0]
        except OSError:  # it has been shut down
            return
        with client:
            try:
                client.sendall(client.recv(100))
            except OSError:  # the guest tells of it
                pass


def prepare(run):
    listener = socket.create_server(("127.0.0.1", 0), backlog=128)
    thread = threading.Thread(target=serve, args=(listener,), daemon=True)
    thread.start()

    def cleanup():
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()
        listener.close()

    run.cleanup.append(cleanup)
    run.machine.args = [*run.machine.args, str(listener.getsockname()[1])]

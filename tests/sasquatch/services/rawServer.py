# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""A server that answers what a test tells it to, byte by byte."""

from __future__ import annotations

import socket
import ssl
import struct
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Self

__all__ = ["RawServer", "Step", "makeAnswer"]

Step = bytes | float | None
"""What is sent, where ``{auth}`` stands for what the client says who it is; how long to wait, s, unless the
server is left before; or None to reset the connection."""


def makeAnswer(status: int, body: bytes = b"{}", **headers: str) -> bytes:
    """Make an answer as it should be."""
    headers = {"Content-Length": str(len(body))} | {
        name.replace("_", "-"): value for name, value in headers.items()
    }
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"HTTP/1.1 {status} Words\r\n{lines}\r\n".encode() + body


class RawServer:
    """Serves one request a connection.

    Parameters
    ----------
    choose
        Takes the request; returns what to answer, step by step. Then the connection is closed.
    readsAll
        Whether requests are read before they are answered; else answers come at once.
    context
        For TLS.
    """

    def __init__(
        self,
        choose: Callable[[bytes], Sequence[Step]],
        *,
        readsAll: bool = True,
        context: ssl.SSLContext | None = None,
    ) -> None:
        self._choose = choose
        self._readsAll = readsAll
        self._context = context
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.requests: list[bytes] = []
        self._isLeft = threading.Event()
        self._threads = [threading.Thread(target=self._serve, daemon=True)]

    @property
    def url(self) -> str:
        """Address of the server."""
        return f"{'https' if self._context else 'http'}://127.0.0.1:{self._socket.getsockname()[1]}/base"

    def __enter__(self) -> Self:
        self._threads[0].start()
        return self

    def __exit__(self, *error: object) -> None:
        self._isLeft.set()
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        for thread in self._threads:
            thread.join(10)

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._socket.accept()
                self._threads.append(threading.Thread(target=self._answer, args=(connection,), daemon=True))
                self._threads[-1].start()

    def _answer(self, connection: socket.socket) -> None:
        with suppress(OSError), connection:
            if self._context is not None:
                connection = self._context.wrap_socket(connection, server_side=True)
            request = _read(connection) if self._readsAll else b""
            if self._readsAll and not request:
                return
            self.requests.append(request)
            given = request.partition(b"Authorization: ")[2].partition(b"\r\n")[0]
            for step in self._choose(request):
                if isinstance(step, bytes):
                    connection.sendall(step.replace(b"{auth}", given))
                elif step is None:
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    connection.close()
                    return
                elif self._isLeft.wait(step):
                    return
            connection.shutdown(socket.SHUT_WR)
            while self._readsAll and connection.recv(1 << 16):
                pass


def _read(connection: socket.socket) -> bytes:
    """Read a request; nothing if it is not complete."""
    data = b""
    while True:
        head, end, body = data.partition(b"\r\n\r\n")
        length = int((head.partition(b"Content-Length: ")[2] or b"0").split(b"\r\n")[0])
        if end and len(body) >= length:
            return data
        block = connection.recv(1 << 20)
        if not block:
            return b""
        data += block

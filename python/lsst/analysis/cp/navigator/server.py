# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Running of the server until it is told to end."""

from __future__ import annotations

import ipaddress
import signal
import socket
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import uvicorn

from .guard import LOCAL_HOSTS, HostNames

if TYPE_CHECKING:
    from fastapi import FastAPI

__all__ = ["Listener", "makeServer", "serve"]

_PATIENCE = 5
"""Longest time that requests are given to end when the server does, s."""


@dataclass(frozen=True)
class Listener:
    """Where the server is reached.

    Parameters
    ----------
    host
        Name or address of a network interface of this machine.
    socket
        The socket, which is bound to it.
    """

    host: str
    socket: socket.socket

    @classmethod
    def bind(cls, host: str, port: int) -> Listener:
        """Take a port.

        Parameters
        ----------
        host
            Name or address of a network interface of this machine.
        port
            Number of the port; 0 for any that is free.

        Returns
        -------
        listener
            The port.

        Raises
        ------
        OSError
            Raised if the port is taken, or there is no such interface; it names both.
        """
        try:
            family, kind, protocol, _, place = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
            # Which port it is matters to those who keep links: another one is not taken in its place.
            return cls(host, socket.create_server(place, family=family))
        except OSError as error:
            reason = error.strerror or str(error)
            raise OSError(
                f"Cannot listen at port {port} of {host}: {reason}. Choose another with --port or --host."
            ) from error

    @property
    def isLocal(self) -> bool:
        """Whether only this machine gets there."""
        return ipaddress.ip_address(self._place[0]).is_loopback

    @property
    def address(self) -> str:
        """Address of the first page."""
        host, port = self._place
        if ipaddress.ip_address(host).is_unspecified:
            host = socket.gethostname()
        return f"http://{f'[{host}]' if ':' in host else host}:{port}/"

    @property
    def hosts(self) -> HostNames:
        """Names by which browsers may call the server."""
        if self.isLocal:
            return HostNames(LOCAL_HOSTS | {self._place[0], self.host.lower()})
        own = {self.host, socket.gethostname(), socket.getfqdn()}
        return HostNames(LOCAL_HOSTS | {name.lower() for name in own}, areAddressesAllowed=True)

    @property
    def _place(self) -> tuple[str, int]:
        host, port = self.socket.getsockname()[:2]
        return str(host), int(port)


class _Server(uvicorn.Server):
    """A server that says when it listens."""

    def __init__(self, config: uvicorn.Config, announce: Callable[[], None]) -> None:
        super().__init__(config)
        self._announce = announce

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._announce()


def makeServer(app: FastAPI, announce: Callable[[], None]) -> uvicorn.Server:
    """Make what runs the server.

    Parameters
    ----------
    app
        What answers.
    announce
        Called when it can be reached.

    Returns
    -------
    server
        The server, which runs with the sockets that it is given.
    """
    config = uvicorn.Config(
        app,
        log_level="warning",
        lifespan="on",
        ws="none",
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=_PATIENCE,
    )
    return _Server(config, announce)


def serve(app: FastAPI, listener: Listener, announce: Callable[[], None]) -> None:
    """Serve until SIGINT or SIGTERM.

    Parameters
    ----------
    app, announce
        See `makeServer`.
    listener
        Where the server is reached.
    """
    # When it has ended uvicorn raises the signals again, which would end the process as if it were killed.
    previous = signal.signal(signal.SIGTERM, lambda *_: None)
    try:
        with suppress(KeyboardInterrupt):
            makeServer(app, announce).run([listener.socket])
    finally:
        signal.signal(signal.SIGTERM, previous)
        listener.socket.close()

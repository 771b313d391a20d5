# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""What stands before all routes: who may ask, for what, and what a browser may do with the answer."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Collection
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["LOCAL_HOSTS", "Guard", "HostNames"]

LOCAL_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})
"""What this machine calls itself."""

_PAGES = (
    "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self' data: blob:; connect-src 'self'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'"
)
# Browsers make a page of their own, with a style, of a picture that is looked at alone.
_PICTURES = "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'"
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-cache",
}
"""What each answer says that does not say otherwise."""
_MAX_LENGTH = 8192
"""Most bytes of a path with its query."""

_HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^\[\]:]*)(:\d{1,5})?")


@dataclass(frozen=True)
class HostNames:
    """Names by which browsers may call the server.

    A page of another site can let a name of its own point to this machine (DNS rebinding), and would then
    read all that is served; its requests still carry that name.

    Parameters
    ----------
    names
        Names, in lower case, and IP addresses without brackets.
    areAddressesAllowed
        Whether any IP address is one, too: no other site is called by an address of this machine.
    """

    names: Collection[str] = LOCAL_HOSTS
    areAddressesAllowed: bool = False

    def include(self, header: str) -> bool:
        """Tell whether a ``Host`` header names the server."""
        match = _HOST.fullmatch(header)
        if match is None:
            return False
        name = match[1].strip("[]").lower()
        return name in self.names or (self.areAddressesAllowed and _isAddress(name))


def _isAddress(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


class Guard:
    """Refuses all but short requests to read, and adds what browsers must obey to each answer.

    Parameters
    ----------
    app
        The server behind it.
    hosts
        Names by which it may be called.
    """

    def __init__(self, app: ASGIApp, hosts: HostNames) -> None:
        self._app = app
        self._hosts = hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            return

        async def sendGuarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                is_picture = headers.get("content-type", "").startswith("image/")
                policy = {"Content-Security-Policy": _PICTURES if is_picture else _PAGES}
                for name, value in (_HEADERS | policy).items():
                    headers.setdefault(name, value)
            await send(message)

        answer = self._refuse(scope)
        # Routes know GET only; the server leaves out the body of what was asked for by HEAD.
        await (answer or self._app)({**scope, "method": "GET"}, receive, sendGuarded)

    def _refuse(self, scope: Scope) -> PlainTextResponse | None:
        """Make the answer to a request that is not even looked at."""
        if not self._hosts.include(Headers(scope=scope).get("host", "")):
            return _explain(HTTPStatus.MISDIRECTED_REQUEST, "This server is not called by this name.")
        if scope["method"] not in ("GET", "HEAD"):
            answer = _explain(HTTPStatus.METHOD_NOT_ALLOWED, "This server can be read only.")
            answer.headers["Allow"] = "GET, HEAD"
            return answer
        if len(scope["raw_path"]) + len(scope["query_string"]) > _MAX_LENGTH:
            return _explain(HTTPStatus.REQUEST_URI_TOO_LONG, f"The address has over {_MAX_LENGTH} bytes.")
        return None


def _explain(status: HTTPStatus, text: str) -> PlainTextResponse:
    return PlainTextResponse(f"{status} {status.phrase}: {text}\n", status_code=status)

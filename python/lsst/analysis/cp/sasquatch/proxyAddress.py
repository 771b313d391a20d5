# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Where the proxy is, and the token that opens it."""

from __future__ import annotations

import ipaddress
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from .proxyErrors import ProxyError

__all__ = ["TOKEN_VARIABLE", "AccessToken", "ProxyAddress"]

TOKEN_VARIABLE = "SASQUATCH_TOKEN"
"""Environment variable that may hold the token."""

_DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True)
class ProxyAddress:
    """Address of a REST proxy."""

    scheme: str
    """``http`` or ``https``."""

    host: str
    """Name or number of the host, in lower case."""

    port: int
    """Port."""

    path: str
    """What is put before each route: empty, or starting and not ending with a slash."""

    @classmethod
    def parse(cls, url: str) -> Self:
        """Read an address.

        Parameters
        ----------
        url
            As in ``https://sasquatch.example.org/rest-proxy``.

        Raises
        ------
        ProxyError
            Raised if this is no http or https address, or holds a password, a query or a fragment; none of
            these is repeated in the message.
        """
        try:
            parts = urlsplit(url.strip())
            host, port = parts.hostname, parts.port
        except ValueError as error:
            raise ProxyError(
                "The address of the proxy cannot be read; it must look like https://host/path."
            ) from error
        if parts.scheme not in _DEFAULT_PORTS or not host:
            raise ProxyError(
                f"The address of the proxy must be http:// or https:// and a host, not {parts.scheme!r}."
            )
        if parts.username is not None or parts.password is not None or parts.query or parts.fragment:
            raise ProxyError(
                f"The address of the proxy at {host} must hold no user, password, query or fragment; "
                f"give a token by file or in ${TOKEN_VARIABLE}."
            )
        return cls(parts.scheme, host, port or _DEFAULT_PORTS[parts.scheme], parts.path.rstrip("/"))

    def __str__(self) -> str:
        port = "" if self.port == _DEFAULT_PORTS[self.scheme] else f":{self.port}"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}{port}{self.path}"

    @property
    def target(self) -> str:
        """The address without its scheme: the same proxy by http and https is one."""
        return str(self).partition("://")[2]

    def hasOrigin(self, url: str) -> bool:
        """Whether another address is at the same scheme, host and port."""
        parts = urlsplit(url)
        port = parts.port or _DEFAULT_PORTS.get(parts.scheme)
        return (parts.scheme, parts.hostname, port) == (self.scheme, self.host, self.port)

    def isPrivate(self) -> bool:
        """Whether nobody on the way can read along: by TLS, or on this machine."""
        try:
            is_loopback = ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            is_loopback = self.host == "localhost"
        return self.scheme == "https" or is_loopback


@dataclass(frozen=True)
class AccessToken:
    """A secret, which does not show itself."""

    value: str = field(repr=False)
    """The secret."""

    def __post_init__(self) -> None:
        if not self.value or not self.value.isascii() or not self.value.isprintable() or " " in self.value:
            raise ProxyError(
                "The token must be one word of printable ASCII characters; it is not shown here."
            )

    @classmethod
    def find(cls, file: str | Path | None) -> Self | None:
        """Read the token.

        Parameters
        ----------
        file
            File that holds nothing else; if `None`, the environment variable `TOKEN_VARIABLE` is read.

        Returns
        -------
        token
            The token, or `None` if there is neither a file nor the variable.

        Raises
        ------
        ProxyError
            Raised if the file cannot be read or what it holds is no token.
        """
        if file is None:
            value = os.environ.get(TOKEN_VARIABLE)
            return None if value is None else cls(value.strip())
        try:
            return cls(Path(file).read_text().strip())
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is no text"
            raise ProxyError(f"The file of the token, {file}, cannot be read: {reason}.") from None

    def hide(self, text: str) -> str:
        """Return a text without the token, should it be in it."""
        return text.replace(self.value, "***")

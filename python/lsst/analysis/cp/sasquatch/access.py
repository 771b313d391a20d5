# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Where Sasquatch is, what lets us in, and the errors that never show it."""

from __future__ import annotations

import base64
import html
import ipaddress
import os
import re
import weakref
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

__all__ = ["SasquatchError", "Secret", "TransientError", "WebAddress", "findSecretText"]

_DEFAULT_PORTS = {"http": 80, "https": 443}
_MAX_TEXT = 500
# Of longer texts no more is looked at.
_MAX_SEARCHED = 20_000
# Shorter parts in Base64 are of no use to anybody, and would be found anywhere.
_LEAST_ENCODED = 6
_MAX_SECRET = 8192
# By whose they are: an ordinary word that was a password once does not go on to be hidden for ever.
_hidden: dict[int, dict[str, re.Pattern[str]]] = {}


def hideSecrets(text: str) -> str:
    """Return a text without the secrets that are in use, plain or encoded."""
    patterns = {text: pattern for own in list(_hidden.values()) for text, pattern in own.items()}
    # The longer may hold the shorter.
    for secret in sorted(patterns, key=len, reverse=True):
        text = patterns[secret].sub("***", text)
    return text


def shorten(text: str) -> str:
    """Return the start of what somebody else wrote; cut when secrets are hidden, half of one is not known."""
    hidden = hideSecrets(text[:_MAX_SEARCHED])
    if len(text) > _MAX_SEARCHED:
        # There may be half of one at the end.
        longest = max((len(secret) for own in list(_hidden.values()) for secret in own), default=1)
        hidden = hidden[: -12 * longest]
    return hidden[:_MAX_TEXT]


def _makePattern(secret: str) -> re.Pattern[str]:
    """Write a pattern of a secret: as it is, escaped for JSON, URLs, HTML or Python, in hex or Base64."""
    data = secret.encode()
    forms = ["".join(map(_spell, secret)), f"(?i:{data.hex()})"]
    for shift, lost in enumerate((0, 2, 3)):
        # Characters that hold bits of what surrounds the secret are left out.
        encoded = base64.b64encode(bytes(shift) + data).decode()[lost : (shift + len(data)) * 8 // 6]
        if len(encoded) >= _LEAST_ENCODED:
            # For URLs two characters are others, and mails have lines.
            forms.append(r"(?:\s|\\[rn])*".join(encoded).replace("+", "[+-]").replace("/", "[/_]"))
    return re.compile("|".join(forms))


def _spell(character: str) -> str:
    """Write a pattern of all that may stand for a character."""
    code = ord(character)
    percent = "".join(f"%(?:25)*{byte:02x}" for byte in character.encode())
    codes = f"(?i:{percent}|u{code:04x}|x{code:02x}|&#0*{code};|&#x0*{code:x};)"
    # Each once: two ways for each character would be tried in all combinations.
    plain = "|".join(map(re.escape, dict.fromkeys((character, html.escape(character)))))
    return rf"\\{{0,4}}(?:{plain}|{codes})"


class SasquatchError(RuntimeError):
    """Sasquatch cannot be written or read as it is given, and trying again would not help.

    All errors of this package are of this class: here, and nowhere else, secrets in their texts are hidden.
    """

    def __init__(self, message: str) -> None:
        super().__init__(hideSecrets(message))


class TransientError(SasquatchError):
    """A request failed in a way that may pass; whether it took effect is not known.

    The server may have asked to be left alone for a time (``retryAfter``, s).
    """

    def __init__(self, message: str, retryAfter: float | None = None) -> None:
        super().__init__(message)
        self.retryAfter = retryAfter


@dataclass(frozen=True)
class Secret:
    """What lets us in, which does not show itself; as long as it is there it is hidden in all messages."""

    header: str = field(repr=False)
    """Value of the header ``Authorization``."""

    texts: tuple[str, ...] = field(repr=False, compare=False, default=())
    """What must not be seen of it."""

    def __post_init__(self) -> None:
        _hidden[id(self)] = {text: _makePattern(text) for text in self.texts}
        weakref.finalize(self, _hidden.pop, id(self), None)

    @classmethod
    def bearer(cls, token: str) -> Self:
        """Make one of a token; raise `SasquatchError` if it is not one word of printable ASCII characters."""
        if not token or not token.isascii() or not token.isprintable() or " " in token:
            raise SasquatchError(
                "The token must be one word of printable ASCII characters; it is not shown here."
            )
        return cls(f"Bearer {token}", (token,))

    @classmethod
    def basic(cls, user: str, password: str) -> Self:
        """Make one of a user and a password; raise `SasquatchError` if one of them cannot be sent."""
        if not user.isprintable() or not user or ":" in user:
            raise SasquatchError("The user is empty or has characters that cannot be sent.")
        if not password.isprintable() or not password:
            raise SasquatchError("The password is empty or has characters that cannot be sent.")
        encoded = base64.b64encode(f"{user}:{password}".encode()).decode()
        return cls(f"Basic {encoded}", (password, encoded))


def findSecretText(what: str, file: str | Path | None, variable: str) -> str | None:
    """Read a secret from a file that holds nothing else or, if none is given, from the environment.

    Without either it is `None`; a file that cannot be read, or a longer text than servers take, is a
    `SasquatchError`.
    """
    try:
        if file is None:
            value = os.environ.get(variable)
        else:
            with Path(file).open(encoding="utf-8") as stream:
                value = stream.read(_MAX_SECRET + 1)
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no text"
        raise SasquatchError(f"The file of the {what}, {file}, cannot be read: {reason}.") from None
    if value is not None and len(value) > _MAX_SECRET:
        raise SasquatchError(f"The {what} is longer than {_MAX_SECRET} characters; it is not shown here.")
    return value and value.strip()


@dataclass(frozen=True)
class WebAddress:
    """Address of a server: ``http`` or ``https``, host in lower case, port, and what precedes each route."""

    scheme: str
    host: str
    port: int
    path: str

    @classmethod
    def parse(cls, url: str, what: str) -> Self:
        """Read an address such as ``https://sasquatch.example.org/rest-proxy`` of a proxy or a database.

        One that is no http or https address, or holds a user, a password, a query or a fragment, is a
        `SasquatchError`, which repeats none of these.
        """
        url = url.strip()
        given = "" if re.search("[@?#]", url) else f", not {url!r}"
        form = f"The address of the {what} must look like https://host/path"
        try:
            parts = urlsplit(url)
            host, port = parts.hostname, parts.port
        except ValueError:
            raise SasquatchError(f"{form}{given}.") from None
        if "://" not in url:
            raise SasquatchError(f"{form}{given}: that has no http:// or https://.")
        if parts.scheme not in _DEFAULT_PORTS or not host or re.search(r"[^!-~]", url) or ".." in host:
            raise SasquatchError(f"{form}{given}.")
        if "@" in parts.netloc or "?" in url or "#" in url:
            raise SasquatchError(
                f"The address of the {what} at {host} must hold no user, password, query or fragment; a "
                "secret is read from a file or the environment."
            )
        return cls(parts.scheme, host, port or _DEFAULT_PORTS[parts.scheme], parts.path.rstrip("/"))

    def __str__(self) -> str:
        return f"{self.scheme}://{self.target}"

    @property
    def target(self) -> str:
        """The address without its scheme: the same server by http and https is one."""
        port = "" if self.port == _DEFAULT_PORTS[self.scheme] else f":{self.port}"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}{port}{self.path}"

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

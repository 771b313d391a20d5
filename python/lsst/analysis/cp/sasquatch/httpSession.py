# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Requests that end in bounded time, on connections that are kept."""

from __future__ import annotations

import json
import logging
import socket
import ssl
import threading
import time
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import urljoin, urlsplit

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection

from .proxyAddress import AccessToken, ProxyAddress
from .proxyErrors import ProxyError, TransientError

__all__ = ["Answer", "HttpSession"]

_LOG = logging.getLogger(__name__)

_CONNECT_TIMEOUT = 10.0
_MAX_REDIRECTS = 3
_REDIRECTS = range(300, 400)
# With these alone is the request repeated as it was.
_KEPT_REDIRECTS = (307, 308)
_AUTHORISATION = (401, 403, 407)
_TRANSIENT = (408, 425, 429)
# Reasons for which OpenSSL gives up that time does not heal.
_LASTING_TLS_REASONS = (
    "WRONG_VERSION_NUMBER",
    "UNSUPPORTED_PROTOCOL",
    "HTTP_REQUEST",
    "RECORD_LAYER_FAILURE",
)


@dataclass(frozen=True)
class Answer:
    """What the proxy answered."""

    status: int
    """Status of HTTP, not one of those that `HttpSession.request` raises for."""

    document: Any
    """The JSON document, or `None` where it is none."""

    text: str
    """A few words of the proxy's own about an error, else the start of the answer; without the token."""

    code: int | None
    """The proxy's own code of an error."""


class _Watchdog:
    """Cuts the connection in use when a request takes too long, whatever it waits for.

    The time-outs of sockets are for each byte: an answer that trickles never meets them.
    """

    _ofThread = threading.local()

    def __init__(self, seconds: float) -> None:
        self.hasCut = False
        self._lock = threading.Lock()
        self._connection: HTTPConnection | None = None
        self._timer = threading.Timer(seconds, self._cut)
        self._timer.daemon = True

    def __enter__(self) -> Self:
        self._ofThread.watchdog = self
        self._timer.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._timer.cancel()
        with self._lock:
            self._connection = None
        self._ofThread.watchdog = None

    @classmethod
    def watch(cls, connection: HTTPConnection) -> None:
        """Take note of the connection that this thread uses."""
        watchdog = getattr(cls._ofThread, "watchdog", None)
        if watchdog is not None:
            watchdog._connection = connection

    def _cut(self) -> None:
        with self._lock:
            self.hasCut = True
            connection = self._connection
            if connection is not None and connection.sock is not None:
                try:
                    # Not the method of an SSLSocket, which would take the session from a thread that reads.
                    socket.socket.shutdown(connection.sock, socket.SHUT_RDWR)
                except OSError:
                    _LOG.debug("The connection was gone before it was cut.")


class _WatchedConnection(HTTPConnection):
    def request(self, *args: Any, **kwargs: Any) -> None:
        _Watchdog.watch(self)
        super().request(*args, **kwargs)


class _WatchedTlsConnection(HTTPSConnection):
    def request(self, *args: Any, **kwargs: Any) -> None:
        _Watchdog.watch(self)
        super().request(*args, **kwargs)


class _Pool(urllib3.HTTPConnectionPool):
    ConnectionCls = _WatchedConnection


class _TlsPool(urllib3.HTTPSConnectionPool):
    ConnectionCls = _WatchedTlsConnection


class HttpSession:
    """Connections to one proxy, for several threads.

    Certificates are verified against those that the system trusts (or ``$SSL_CERT_FILE``). Redirections are
    followed where they lead to the same scheme, host and port and keep the request, and refused elsewhere.

    Parameters
    ----------
    address
        The proxy.
    token
        Sent with each request as bearer token, if given.
    connections
        Most connections at a time.
    """

    def __init__(
        self, address: ProxyAddress, token: AccessToken | None = None, *, connections: int = 1
    ) -> None:
        self.address = address
        self._token = token
        self._headers = urllib3.util.make_headers(keep_alive=True, user_agent="analysis_cp")
        if token is not None:
            self._headers["Authorization"] = f"Bearer {token.value}"
        options: dict[str, Any] = {"maxsize": connections, "block": True, "retries": False}
        self._pool: urllib3.HTTPConnectionPool
        if address.scheme == "https":
            self._pool = _TlsPool(address.host, address.port, cert_reqs="CERT_REQUIRED", **options)
        else:
            self._pool = _Pool(address.host, address.port, **options)
        if token is not None and not address.isPrivate():
            _LOG.warning("The token goes to %s unencrypted; use https.", address)

    def close(self) -> None:
        """Close the connections."""
        self._pool.close()

    def request(
        self,
        method: str,
        route: str,
        *,
        body: bytes | None = None,
        mediaType: str,
        accept: str,
        timeout: float,
    ) -> Answer:
        """Make one request.

        Parameters
        ----------
        method
            ``GET`` or ``POST``.
        route
            Path below that of the address, starting with a slash.
        body
            What is sent.
        mediaType, accept
            Kind of what is sent and of what is expected.
        timeout
            Longest time from here to the end of the answer, s.

        Returns
        -------
        answer
            Any answer that is not about the request as such: statuses 2xx, and 4xx except those below.

        Raises
        ------
        ProxyError
            Raised if the proxy's certificate or redirection is refused, or the token by the proxy.
        TransientError
            Raised if there is no complete answer in time, or the proxy is busy (429, 5xx and their like).
        """
        headers = {**self._headers, "Content-Type": mediaType, "Accept": accept}
        path = f"{self.address.path}{route}"
        end = time.monotonic() + timeout
        for _ in range(_MAX_REDIRECTS + 1):
            response = self._send(method, path, headers, body, end - time.monotonic())
            if response.status not in _REDIRECTS:
                return self._judge(response, method, route)
            path = self._followRedirect(response, path)
        raise ProxyError(f"{self.address} redirects in a circle; give the address at which it answers.")

    def _send(
        self, method: str, path: str, headers: dict[str, str], body: bytes | None, timeout: float
    ) -> urllib3.BaseHTTPResponse:
        timeout = max(timeout, 0.001)
        limits = urllib3.Timeout(connect=min(timeout, _CONNECT_TIMEOUT), read=timeout)
        watchdog = _Watchdog(timeout)
        try:
            with watchdog:
                return self._pool.urlopen(
                    method, path, body=body, headers=headers, retries=False, redirect=False, timeout=limits
                )
        except urllib3.exceptions.SSLError as error:
            raise self._explainTls(error) from error
        except (urllib3.exceptions.HTTPError, OSError) as error:
            reason = f"no complete answer within {timeout:.3g} s" if watchdog.hasCut else error
            raise TransientError(f"{method} {path} at {self.address}: {reason}") from error

    def _explainTls(self, error: urllib3.exceptions.SSLError) -> ProxyError | TransientError:
        cause = error.args[0] if error.args else error
        if isinstance(cause, ssl.SSLCertVerificationError | urllib3.util.ssl_match_hostname.CertificateError):
            reason = getattr(cause, "verify_message", "") or cause
            return ProxyError(
                f"The certificate of {self.address} is refused: {reason}. If its authority is your own, "
                f"name its file in $SSL_CERT_FILE."
            )
        if isinstance(cause, ssl.SSLError) and cause.reason in _LASTING_TLS_REASONS:
            return ProxyError(f"{self.address} does not speak TLS as it should ({cause.reason}); is it http?")
        return TransientError(f"The encrypted connection to {self.address} failed: {cause}")

    def _followRedirect(self, response: urllib3.BaseHTTPResponse, path: str) -> str:
        """Return the path to go to instead."""
        here = f"{self.address.scheme}://{self.address.target.partition('/')[0]}{path}"
        try:
            location = urljoin(here, response.headers.get("Location", ""))
            parts = urlsplit(location)
            is_here = self.address.hasOrigin(location)
        except ValueError as error:
            raise ProxyError(f"{self.address} redirects to what is no address: {error}") from error
        if not is_here:
            raise ProxyError(
                f"{self.address} redirects to {parts.scheme}://{parts.netloc.rpartition('@')[2]}, which is "
                f"refused; if that is the proxy, give its address."
            )
        if response.status not in _KEPT_REDIRECTS:
            raise ProxyError(
                f"{self.address} redirects to its path {parts.path} by status {response.status}, which drops "
                f"what is sent; give the address at which it answers."
            )
        return parts.path

    def _judge(self, response: urllib3.BaseHTTPResponse, method: str, route: str) -> Answer:
        """Raise for the statuses that are not about what was sent."""
        answer = self._read(response)
        what = f"{method} {route} at {self.address}: {response.status} {answer.text}"
        if response.status in _AUTHORISATION:
            given = "" if self._token else " (no token was given)"
            raise ProxyError(f"The proxy does not let us in{given}: {what}")
        if response.status in _TRANSIENT or response.status >= 500:
            raise TransientError(what, _readRetryAfter(response.headers.get("Retry-After")))
        return answer

    def _read(self, response: urllib3.BaseHTTPResponse) -> Answer:
        try:
            document = json.loads(response.data)
        except (ValueError, RecursionError):
            document = None
        text, code = response.data.decode(errors="replace"), None
        if isinstance(document, dict):
            text = str(document.get("message", text))
            code = document.get("error_code")
        # Cut after the token is hidden: of half a token nothing would be known.
        return Answer(
            response.status, document, self.hideToken(text)[:500], code if isinstance(code, int) else None
        )

    def hideToken(self, text: str) -> str:
        """Return a text of the proxy without the token, should it be in it."""
        return text if self._token is None else self._token.hide(text)


def _readRetryAfter(value: str | None) -> float | None:
    """Read seconds; the other form, a date, is as good as nothing with clocks that differ."""
    return float(value) if value is not None and value.isdecimal() else None

# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Requests that end in bounded time."""

from __future__ import annotations

import http.client
import io
import json
import logging
import re
import socket
import ssl
import time
import zlib
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from email.message import Message
from functools import cached_property
from typing import Any
from urllib.parse import urljoin, urlsplit

from .access import SasquatchError, Secret, TransientError, WebAddress, hideSecrets, shorten

__all__ = ["Answer", "HttpClient"]

_LOG = logging.getLogger(__name__)

_CONNECT_TIMEOUT = 10.0
# How long a server is waited for that does not close the connection after its answer, s.
_END_TIMEOUT = 1.0
_BLOCK = 1 << 16
_MAX_BYTES = 1 << 26
_MAX_INTERIM = 50
_MAX_REDIRECTS = 3
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
    """The final and complete answer to a request, decompressed."""

    status: int
    body: bytes = field(repr=False)
    headers: Message = field(repr=False)

    @cached_property
    def document(self) -> Any:
        """The JSON document, or `None` where it is none."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            return None

    @property
    def text(self) -> str:
        """A few words of the server's own about an error, else the start of the body; without secrets."""
        document = self.document if isinstance(self.document, dict) else {}
        message = document.get("message", document.get("error"))
        return shorten(self.body.decode(errors="replace") if message is None else str(message))


class _Deadline:
    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._end = time.monotonic() + seconds

    def left(self) -> float:
        left = self._end - time.monotonic()
        if left <= 0:
            raise TimeoutError
        # A socket does not take any number.
        return min(left, 1e6)


class _TimedReader(io.RawIOBase):
    """Reads a socket until a deadline; the time-outs of sockets themselves are for each byte."""

    def __init__(self, sock: socket.socket, deadline: _Deadline) -> None:
        self._socket = sock
        self._file = sock.makefile("rb", buffering=0)
        self._deadline = deadline

    def makefile(self, mode: str) -> io.BufferedReader:
        return io.BufferedReader(self)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        self._socket.settimeout(self._deadline.left())
        return self._file.readinto(buffer)

    def close(self) -> None:
        try:
            if not self.closed:
                self._checkEnd()
        finally:
            self._file.close()
            super().close()

    def _checkEnd(self) -> None:
        """Raise if the connection is reset: who does that has not read the request in full."""
        with suppress(TimeoutError, ssl.SSLError, ValueError):
            self._socket.settimeout(min(self._deadline.left(), _END_TIMEOUT))
            self._file.readinto(bytearray(1))


class _Response(http.client.HTTPResponse):
    """The final answer: those before it, such as 103 Early Hints, are read and dropped."""

    def _read_status(self) -> tuple[str, int, str]:
        for _ in range(_MAX_INTERIM):
            version, status, reason = super()._read_status()  # type: ignore[misc]
            if status >= 200:
                return version, status, reason
            if status == http.HTTPStatus.SWITCHING_PROTOCOLS:
                break
            http.client.parse_headers(self.fp)
        raise http.client.HTTPException("no final answer")

    def _read_and_discard_trailer(self) -> None:
        while (line := self.fp.readline(_BLOCK)) not in (b"\r\n", b"\n"):
            if not line:
                raise http.client.IncompleteRead(b"")


class HttpClient:
    """Requests to one server, each on a connection of its own, for any number of threads.

    So no answer is taken for that to another request. Certificates are verified against those that the system
    trusts (or ``$SSL_CERT_FILE``). Redirections are followed where they lead to the same scheme, host and
    port and keep the request, and refused elsewhere.
    """

    def __init__(self, address: WebAddress, secret: Secret | None = None) -> None:
        self.address = address
        self._secret = secret
        self._context = ssl.create_default_context() if address.scheme == "https" else None
        if secret is not None and not address.isPrivate():
            _LOG.warning("The token or password goes to %s unencrypted; use https.", address)

    def request(
        self,
        method: str,
        route: str,
        *,
        body: bytes = b"",
        mediaType: str = "",
        accept: str = "application/json",
        timeout: float,
    ) -> Answer:
        """Make one request, in at most ``timeout`` seconds but for the resolver of names.

        Parameters
        ----------
        method
            ``GET`` or ``POST``.
        route
            Path below that of the address, starting with a slash, and query.
        body, mediaType, accept
            What is sent, its kind, and the kind of what is expected.
        timeout
            Longest time to the end of the answer, s.

        Returns
        -------
        answer
            Any answer that is not about the request as such: statuses 2xx, and 4xx except those below.

        Raises
        ------
        SasquatchError
            Raised if the server's certificate or redirection is refused, or we by the server (401, 403, 407).
        TransientError
            Raised if there is no complete answer in time, or the server is busy (408, 425, 429, 5xx).
        """
        headers = {"Content-Type": mediaType} if mediaType else {}
        headers |= {"Accept": accept, "Accept-Encoding": "identity"}
        with self._open(method, route, headers, body, _Deadline(timeout)) as response:
            return self._judge(response, f"{method} {route.partition('?')[0]}")

    def lines(self, route: str, *, timeout: float) -> Generator[bytes]:
        """Yield the lines of what is at a route, as they come; the answer is complete when there are no more.

        Errors are those of `request`, maybe after some lines, and `SasquatchError` for all statuses but 200.
        """
        headers = {"Accept": "application/json", "Accept-Encoding": "gzip"}
        with self._open("GET", route, headers, b"", _Deadline(timeout)) as response:
            if response.status != 200:
                answer = self._judge(response, f"GET {route.partition('?')[0]}")
                raise SasquatchError(f"{self.address} answers {answer.status}: {answer.text}")
            # A line has thousands of rows and comes in as many blocks.
            parts: list[bytes] = []
            length = 0
            for block in _readBlocks(response):
                first, *others = block.split(b"\n")
                parts.append(first)
                length += len(first)
                for other in others:
                    yield b"".join(parts)
                    parts, length = [other], len(other)
                if length > _MAX_BYTES:
                    raise TransientError(f"{self.address} gives a line of more than {_MAX_BYTES} bytes.")
            if length:
                yield b"".join(parts)

    @contextmanager
    def _open(
        self, method: str, route: str, headers: dict[str, str], body: bytes, deadline: _Deadline
    ) -> Iterator[http.client.HTTPResponse]:
        """Send a request, and open its answer."""
        path = f"{self.address.path}{route}"
        what = f"{method} {path.partition('?')[0]} at {self.address}"
        try:
            for _ in range(_MAX_REDIRECTS + 1):
                with (
                    closing(self._connect(deadline)) as connection,
                    self._send(connection, method, path, headers, body, deadline) as response,
                ):
                    if not 300 <= response.status < 400:
                        yield response
                        return
                    path = self._followRedirect(response, path)
        except TimeoutError:
            raise TransientError(f"{what}: no complete answer within {deadline.seconds:.3g} s") from None
        except ssl.SSLError as error:
            raise self._explainTls(error) from None
        except (OSError, http.client.HTTPException, zlib.error, UnicodeError) as error:
            raise TransientError(f"{what}: {shorten(str(error)) or type(error).__name__}") from None
        raise SasquatchError(f"{self.address} redirects in a circle; give the address at which it answers.")

    def _connect(self, deadline: _Deadline) -> http.client.HTTPConnection:
        address, timeout = (self.address.host, self.address.port), min(deadline.left(), _CONNECT_TIMEOUT)
        if self._context is not None:
            connection: http.client.HTTPConnection = http.client.HTTPSConnection(
                *address, timeout=timeout, context=self._context
            )
        else:
            connection = http.client.HTTPConnection(*address, timeout=timeout)
        try:
            connection.connect()
        except BaseException:
            connection.close()
            raise
        return connection

    def _send(
        self,
        connection: http.client.HTTPConnection,
        method: str,
        path: str,
        headers: dict[str, str],
        body: bytes,
        deadline: _Deadline,
    ) -> http.client.HTTPResponse:
        """Send a request, and read the head of the answer."""
        headers = {"User-Agent": "analysis_cp", "Connection": "close"} | headers
        if self._secret is not None:
            headers["Authorization"] = self._secret.header
        if method != "GET":
            headers["Content-Length"] = str(len(body))
        connection.response_class = lambda sock, **options: _Response(  # type: ignore[assignment]
            _TimedReader(sock, deadline),  # type: ignore[arg-type]
            **options,
        )
        connection.putrequest(method, path or "/", skip_accept_encoding=True)
        for name, value in headers.items():
            connection.putheader(name, value)
        sent = 0
        try:
            connection.sock.settimeout(deadline.left())
            connection.endheaders()
            while sent < len(body) and not _hasAnswered(connection.sock):
                connection.sock.settimeout(deadline.left())
                connection.send(body[sent : sent + _BLOCK])
                sent += _BLOCK
        except (BrokenPipeError, ConnectionResetError):
            # The answer may say why.
            sent = -1
        response = connection.getresponse()
        if response.status < 300 and sent < len(body):
            response.close()
            raise http.client.HTTPException("an answer before the request was sent in full")
        return response

    def _explainTls(self, error: ssl.SSLError) -> SasquatchError:
        if isinstance(error, ssl.SSLCertVerificationError):
            return SasquatchError(
                f"The certificate of {self.address} is refused: {error.verify_message}. If its authority is "
                "your own, name its file in $SSL_CERT_FILE."
            )
        if error.reason in _LASTING_TLS_REASONS:
            return SasquatchError(
                f"{self.address} does not speak TLS as it should ({error.reason}); is it http?"
            )
        return TransientError(f"The encrypted connection to {self.address} failed: {error}")

    def _followRedirect(self, response: http.client.HTTPResponse, path: str) -> str:
        """Return the path to go to instead."""
        here = f"{self.address.scheme}://{self.address.target.partition('/')[0]}{path}"
        try:
            # Hidden first: of the parts of a secret nothing is known.
            location = urljoin(here, hideSecrets(response.headers.get("Location", "")))
            parts = urlsplit(location)
            is_here = self.address.hasOrigin(location)
        except ValueError:
            raise SasquatchError(f"{self.address} redirects to what is no address.") from None
        if not is_here:
            raise SasquatchError(
                f"{self.address} redirects to {parts.scheme}://{parts.netloc.rpartition('@')[2]}, which is "
                f"refused; if that is the server, give its address."
            )
        if response.status not in _KEPT_REDIRECTS:
            raise SasquatchError(
                f"{self.address} redirects to its path {parts.path} by status {response.status}, which drops "
                f"what is sent; give the address at which it answers."
            )
        return f"{parts.path}?{parts.query}" if parts.query else parts.path

    def _judge(self, response: http.client.HTTPResponse, what: str) -> Answer:
        """Read an answer; raise for the statuses that are not about what was sent."""
        body = bytearray()
        for block in _readBlocks(response):
            body += block
            if len(body) > _MAX_BYTES:
                raise TransientError(f"{what} at {self.address}: more than {_MAX_BYTES} bytes of answer")
        answer = Answer(response.status, bytes(body), response.headers)
        message = f"{what} at {self.address}: {answer.status} {answer.text}"
        if answer.status in _AUTHORISATION:
            given = "" if self._secret else " (no token or password was given)"
            raise SasquatchError(f"The server does not let us in{given}: {message}")
        if answer.status in _TRANSIENT or answer.status >= 500:
            raise TransientError(message, _readRetryAfter(answer.headers.get("Retry-After")))
        return answer


def _hasAnswered(sock: socket.socket) -> bool:
    """Whether a final answer is there, as of a server that does not want what is being sent."""
    if isinstance(sock, ssl.SSLSocket):
        return False
    sock.settimeout(0)
    try:
        start = sock.recv(10, socket.MSG_PEEK)
    except BlockingIOError:
        return False
    return len(start) == 10 and start[9:] != b"1"


def _readBlocks(response: http.client.HTTPResponse) -> Iterator[bytes]:
    """Yield the body of an answer, decompressed, as it comes; raise if it is not complete."""
    headers = response.headers
    lengths = set(headers.get_all("Content-Length", []))
    encoding = headers.get("Content-Encoding", "identity").lower()
    # Python takes a length that it cannot read, and one after a line that is no header, for none.
    if len(lengths) > 1 or not all(re.fullmatch("[0-9]{1,18}", each) for each in lengths):
        raise http.client.HTTPException("no clear Content-Length")
    if headers.defects or headers.get("Transfer-Encoding", "chunked").lower() != "chunked":
        raise http.client.HTTPException("headers that are not clear")
    if encoding not in ("identity", "gzip"):
        raise http.client.HTTPException("an encoding that was not asked for")
    # 31: of the kind gzip.
    unpacker = zlib.decompressobj(31) if encoding == "gzip" else None
    while block := response.read1(_BLOCK):
        if unpacker is None:
            yield block
            continue
        yield unpacker.decompress(block, _BLOCK)
        while unpacker.unconsumed_tail:
            yield unpacker.decompress(unpacker.unconsumed_tail, _BLOCK)
    if response.length or (unpacker is not None and not unpacker.eof and response.status == 200):
        raise http.client.HTTPException("the answer ends before it is complete")


def _readRetryAfter(value: str | None) -> float | None:
    """Read seconds; the other form, a date, is as good as nothing with clocks that differ."""
    return float(value) if value is not None and re.fullmatch("[0-9]+", value) else None

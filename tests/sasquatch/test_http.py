# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Requests: what is a complete answer in time, where they go, and what of the secret is seen."""

import base64
import gzip
import html
import json
import logging
import re
import socket
import ssl
import struct
import subprocess
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import quote

import pytest
from services.rawServer import RawServer, Step, makeAnswer

from lsst.analysis.cp.sasquatch.access import (
    SasquatchError,
    Secret,
    TransientError,
    WebAddress,
    findSecretText,
    hideSecrets,
    shorten,
)
from lsst.analysis.cp.sasquatch.http import Answer, HttpClient

SECRET = 'hunter2/secret"token+of&mine'
GOOD = makeAnswer(200, b'{"x": 1}')
Serve = Callable[..., HttpClient]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Return a maker of servers that give the same answer to each request, and of their clients."""
    with ExitStack() as stack:

        def start(*steps: Step, secret: bool = False, **options: object) -> HttpClient:
            server = stack.enter_context(RawServer(lambda _: steps, **options))
            return HttpClient(
                WebAddress.parse(server.url, "server"), Secret.bearer(SECRET) if secret else None
            )

        yield start


def ask(client: HttpClient, body: bytes = b"question", timeout: float = 5.0) -> Answer:
    return client.request("POST", "/route", body=body, mediaType="text/plain", timeout=timeout)


# What is an answer.


@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/1.1 100 Continue\r\n\r\n",
        b"HTTP/1.1 102 Processing\r\n\r\n",
        b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>\r\nContent-Length: 2\r\n\r\n",
    ],
)
@pytest.mark.parametrize("count", [1, 7])
def test_interim_answers_are_no_answer(serve: Serve, head: bytes, count: int) -> None:
    answer = ask(serve(head * count, 0.01, GOOD))
    assert (answer.status, answer.document) == (200, {"x": 1})


def test_interim_answer_alone_is_no_answer(serve: Serve) -> None:
    with pytest.raises(TransientError, match="Remote end closed connection"):
        ask(serve(b"HTTP/1.1 103 Early Hints\r\n\r\n"))


@pytest.mark.parametrize("head", [b"HTTP/1.1 101 Switching\r\n\r\n", b"HTTP/1.1 102 Processing\r\n\r\n" * 60])
def test_a_final_answer_must_come(serve: Serve, head: bytes) -> None:
    with pytest.raises(TransientError, match="no final answer"):
        ask(serve(head, GOOD))


def test_each_request_has_a_connection_of_its_own() -> None:
    numbers = iter(range(10))
    # A second answer that nobody asked for does not reach the next request.
    with RawServer(lambda _: [makeAnswer(200, b"%d" % next(numbers)), GOOD]) as server:
        client = HttpClient(WebAddress.parse(server.url, "server"))
        assert [ask(client).document for _ in range(3)] == [0, 1, 2]
    assert all(b"Connection: close" in request for request in server.requests)


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    "answer",
    [
        CHUNKED + b'3\r\n{"x\r\n5\r\n": 1}\r\n0\r\n\r\n',
        CHUNKED + b'8\r\n{"x": 1}\r\n0\r\nX-Sum: 1\r\nX-Time: 2\r\n\r\n',
        b'HTTP/1.1 200 OK\r\n\r\n{"x": 1}',
        b'HTTP/1.0 200 OK\r\nContent-Length: 8\r\n\r\n{"x": 1}',
        b'HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n{"x": 1} and more',
        b'HTTP/1.1 200 OK\r\nContent-Length: 8\r\nContent-Length: 8\r\n\r\n{"x": 1}',
        makeAnswer(200, gzip.compress(b'{"x": 1}', mtime=0), Content_Encoding="gzip"),
    ],
)
def test_complete_answers(serve: Serve, answer: bytes) -> None:
    assert ask(serve(answer)).document == {"x": 1}


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (b"", "Remote end closed connection"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 1", "ends before|Remote end"),
        (GOOD[:-1], "ends before it is complete"),
        (CHUNKED + b'8\r\n{"x": 1', "IncompleteRead|ends before"),
        (CHUNKED + b'8\r\n{"x": 1}\r\n', "IncompleteRead|ends before"),
        (CHUNKED + b'zz\r\n{"x": 1}\r\n0\r\n\r\n', "IncompleteRead|ends before"),
        (makeAnswer(200, gzip.compress(b'{"x": 1}', mtime=0)[:-1], Content_Encoding="gzip"), "ends before"),
        (makeAnswer(200, b'{"x": 1}', Content_Encoding="gzip"), "incorrect header check"),
        (makeAnswer(200, b'{"x": 1}', Content_Encoding="br"), "encoding that was not asked for"),
        (
            b'HTTP/1.1 200 OK\r\nContent-Length: 8\r\nContent-Length: 9\r\n\r\n{"x": 1}',
            "no clear Content-Length",
        ),
        (b'HTTP/1.1 200 OK\r\nContent-Length: -8\r\n\r\n{"x": 1}', "no clear Content-Length"),
        (
            b"HTTP/1.1 200 OK\r\nContent-Length: " + b"9" * 5000 + b'\r\n\r\n{"x": 1}',
            "no clear Content-Length",
        ),
        (b'HTTP/1.1 200 OK\r\nno header\r\nContent-Length: 9\r\n\r\n{"x": 1}', "headers that are not clear"),
        (b'HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n{"x": 1}', "headers that are not clear"),
        (CHUNKED + b'8\r\n{"x": 1}\r\n0\r\n', "IncompleteRead"),
        (CHUNKED + b'8\r\n{"x": 1}\r\n0\r\nX-Sum: 1\r\nX-S', "IncompleteRead"),
        (b"220 mail.example ESMTP\r\n", "220 mail.example"),
        (b"HTTP/3 200 OK\r\n\r\n", "HTTP/3"),
        (b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200 + b"\r\n", "headers"),
        (b"HTTP/1.1 200 " + b"x" * 100_000, "line"),
    ],
)
def test_what_is_no_complete_answer_is_transient(serve: Serve, answer: bytes, message: str) -> None:
    with pytest.raises(TransientError, match=message):
        ask(serve(answer))


@pytest.mark.parametrize("isPacked", [True, False])
def test_huge_answers_are_not_read(serve: Serve, isPacked: bool) -> None:
    body = bytes(70_000_000)
    options = {"Content_Encoding": "gzip"} if isPacked else {}
    answer = makeAnswer(200, gzip.compress(body, 1, mtime=0) if isPacked else body, **options)
    with pytest.raises(TransientError, match="more than 67108864 bytes"):
        ask(serve(answer))


def test_answer_before_the_request_is_sent_in_full_is_none(serve: Serve) -> None:
    with pytest.raises(TransientError, match="before the request was sent in full|reset|aborted"):
        ask(serve(GOOD, readsAll=False), body=bytes(30_000_000))


def test_answer_before_a_reset_is_none() -> None:
    """Who resets the connection after an answer has not read the request."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            connection, _ = server.accept()
            connection.sendall(GOOD)
            time.sleep(0.2)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            connection.close()

        threading.Thread(target=answer, daemon=True).start()
        address = WebAddress.parse(f"http://127.0.0.1:{server.getsockname()[1]}", "server")
        with pytest.raises(TransientError, match="reset"):
            ask(HttpClient(address))


def test_refusal_before_the_request_is_sent_in_full_is_read(serve: Serve) -> None:
    client = serve(makeAnswer(413, b"too long"), 0.3, readsAll=False)
    assert ask(client, body=bytes(30_000_000)).status == 413


# Time.


def drip(data: bytes, pause: float = 0.05) -> list[Step]:
    return [step for byte in data for step in (bytes([byte]), pause)]


@pytest.mark.parametrize(
    "steps", [[1.0], drip(GOOD), [GOOD[:-8], *drip(GOOD[-8:])], drip(b"HTTP/1.1 102 P\r\n\r\n") * 9]
)
@pytest.mark.parametrize("isTls", [True, False])
def test_time_is_bounded(serve: Serve, steps: Sequence[Step], isTls: bool, certificate, monkeypatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate("IP:127.0.0.1")))
    context = makeContext(certificate("IP:127.0.0.1")) if isTls else None
    start = time.monotonic()
    with pytest.raises(TransientError, match=r"no complete answer within 0\.3 s"):
        ask(serve(*steps, context=context), timeout=0.3)
    assert time.monotonic() - start < 0.6


def test_slow_answers_are_good(serve: Serve) -> None:
    assert ask(serve(*drip(GOOD, 0.005)), timeout=20.0).document == {"x": 1}


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_silent_servers_are_given_up(scheme: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = WebAddress.parse(f"{scheme}://127.0.0.1:{server.getsockname()[1]}", "server")
        start = time.monotonic()
        with pytest.raises(TransientError, match=r"no complete answer within 0\.3 s"):
            ask(HttpClient(address), body=bytes(30_000_000), timeout=0.3)
        assert time.monotonic() - start < 0.6


def test_refused_connection_is_transient() -> None:
    with pytest.raises(TransientError, match="Connection refused"):
        ask(HttpClient(WebAddress.parse("http://127.0.0.1:9", "server")))


# Statuses.


@pytest.mark.parametrize("status", [200, 201, 202, 400, 404, 409, 413, 422])
def test_answers_about_the_request(serve: Serve, status: int) -> None:
    answer = ask(serve(makeAnswer(status, b'{"message": "words"}')))
    assert (answer.status, answer.text) == (status, "words")


@pytest.mark.parametrize("status", [401, 403, 407])
@pytest.mark.parametrize("isSecret", [True, False])
def test_who_is_not_let_in_is_told(serve: Serve, status: int, isSecret: bool) -> None:
    with pytest.raises(SasquatchError, match=f"does not let us in.* {status} words") as error:
        ask(serve(makeAnswer(status, b'{"error": "words"}'), secret=isSecret))
    assert not isinstance(error.value, TransientError)
    assert ("no token" in str(error.value)) is not isSecret


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504, 999])
@pytest.mark.parametrize(
    ("given", "seconds"),
    [("17", 17.0), ("-1", None), ("Fri, 31 Dec 1999 23:59:59 GMT", None), ("\u0661", None), ("1e9", None)],
)
def test_what_may_pass_is_transient(serve: Serve, status: int, given: str, seconds: float | None) -> None:
    with pytest.raises(TransientError, match=rf"POST /route at http://127.*: {status} \{{\}}") as error:
        ask(serve(makeAnswer(status, Retry_After=given)))
    assert error.value.retryAfter == seconds


@pytest.mark.parametrize("body", [b"[" * 200_000, b"1" * 5000, b"\xff", b'{"x": 1} {"x": 1}', b'{"x": 1'])
def test_what_is_no_document(serve: Serve, body: bytes) -> None:
    assert ask(serve(makeAnswer(200, body))).document is None


# Lines.


@pytest.mark.parametrize("isPacked", [True, False])
def test_lines_come_one_by_one(serve: Serve, isPacked: bool) -> None:
    lines = [b"x" * 100_000, b"", b"y" * 7, b"z"]
    body = b"\n".join(lines)
    options = {"Content_Encoding": "gzip"} if isPacked else {}
    client = serve(makeAnswer(200, gzip.compress(body) if isPacked else body, **options))
    assert list(client.lines("/query?q=x", timeout=5.0)) == lines


def test_lines_are_there_before_the_answer_ends(serve: Serve) -> None:
    lines = serve(b"HTTP/1.1 200 OK\r\n\r\none\ntwo\n", 1.0, b"three").lines("/query", timeout=5.0)
    start = time.monotonic()
    assert [next(lines), next(lines)] == [b"one", b"two"]
    assert time.monotonic() - start < 0.5
    assert list(lines) == [b"three"]


def test_lines_that_are_cut_are_an_error(serve: Serve) -> None:
    lines = serve(makeAnswer(200, b"one\ntwo\n")[:-1]).lines("/query", timeout=5.0)
    assert next(lines) == b"one"
    with pytest.raises(TransientError, match="GET /base/query at .*ends before it is complete"):
        list(lines)


def test_lines_are_of_good_answers_only(serve: Serve) -> None:
    with pytest.raises(SasquatchError, match="answers 400: words"):
        list(serve(makeAnswer(400, b'{"error": "words"}')).lines("/query", timeout=5.0))


# Redirections.


@pytest.mark.parametrize(
    "location", ["https://127.0.0.1:1/x", "http://127.0.0.1:1/x", "//user:word@evil.example/x"]
)
@pytest.mark.parametrize("status", [300, 301, 302, 303, 304, 307, 308])
def test_redirection_elsewhere_is_refused(serve: Serve, status: int, location: str) -> None:
    with pytest.raises(SasquatchError, match=r"redirects to (https?://127|http://evil\.example).*refused"):
        ask(serve(makeAnswer(status, b"", Location=location)))


@pytest.mark.parametrize(
    ("status", "location", "message"),
    [
        (307, "http://[::1/x", "redirects to what is no address"),
        (302, "/other", "redirects to its path /other by status 302"),
        (307, "/base/again", "redirects in a circle"),
    ],
)
def test_other_redirections_are_refused(serve: Serve, status: int, location: str, message: str) -> None:
    with pytest.raises(SasquatchError, match=message):
        ask(serve(makeAnswer(status, b"", Location=location)))


def test_redirection_to_the_same_host_is_followed() -> None:
    moved = makeAnswer(307, b"", Location="/other?a=b")
    with RawServer(lambda request: [GOOD if request.startswith(b"POST /other?a=b ") else moved]) as server:
        assert ask(HttpClient(WebAddress.parse(server.url, "server"))).status == 200
    assert [request.rpartition(b"\r\n")[2] for request in server.requests] == [b"question"] * 2


# Addresses.


@pytest.mark.parametrize(
    ("url", "shown", "target"),
    [
        ("https://Proxy.Example/rest-proxy/", "https://proxy.example/rest-proxy", "proxy.example/rest-proxy"),
        ("http://proxy.example:80", "http://proxy.example", "proxy.example"),
        ("http://proxy.example:8082", "http://proxy.example:8082", "proxy.example:8082"),
        ("http://[::1]:1/", "http://[::1]:1", "[::1]:1"),
    ],
)
def test_addresses_are_read(url: str, shown: str, target: str) -> None:
    address = WebAddress.parse(url, "proxy")
    assert (str(address), address.target) == (shown, target)


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("sasquatch.example/x", "not 'sasquatch.example/x': that has no http:// or https://"),
        ("127.0.0.1:8082", "not '127.0.0.1:8082': that has no http:// or https://"),
        ("", "not '': that has no http:// or https://"),
        ("ftp://proxy.example/", "must look like https://host/path, not 'ftp://proxy.example/'"),
        ("https://", "must look like https://host/path, not 'https://'"),
        ("https://proxy.example/a b", "must look like"),
        ("https://pröxy.example", "must look like"),
        ("https://proxy..example", "must look like"),
        ("https://proxy.example:port", "must look like"),
        ("https://[::1", "must look like"),
        ("me:hunter2@proxy.example", "has no http:// or https://"),
        ("me:hun?hunter2@proxy.example", "has no http:// or https://"),
        ("https://me:hunter2@proxy.example", "proxy.example must hold no user, password"),
        ("https://proxy.example?token=hunter2", "proxy.example must hold no user, password, query"),
        ("https://proxy.example#hunter2", "proxy.example must hold no user, password, query"),
        ("https://[hunter2?hunter2", "must look like"),
    ],
)
def test_other_addresses_are_refused(url: str, message: str) -> None:
    with pytest.raises(SasquatchError) as error:
        WebAddress.parse(url, "proxy")
    assert message in str(error.value)
    assert "hunter2" not in str(error.value)


@pytest.mark.parametrize(
    ("url", "isPrivate"),
    [
        ("https://proxy.example", True),
        ("http://localhost:1", True),
        ("http://127.0.0.1:1", True),
        ("http://proxy.example", False),
    ],
)
def test_where_a_secret_is_safe(url: str, isPrivate: bool, caplog: pytest.LogCaptureFixture) -> None:
    HttpClient(WebAddress.parse(url, "proxy"), Secret.bearer(SECRET))
    assert ("unencrypted" in caplog.text) is not isPrivate


# Secrets.


@pytest.mark.parametrize(
    "secret", [Secret.bearer(SECRET), Secret.basic("me", SECRET), Secret.basic("me", "pass wörd")]
)
def test_secrets_do_not_show(secret: Secret) -> None:
    assert SECRET not in repr(secret)
    assert hideSecrets(f"({secret.header})") in ("(Bearer ***)", "(Basic ***)")


@pytest.mark.parametrize("text", ["", f"{SECRET} {SECRET}", f"{SECRET}\r\nX-Other: 1", f"{SECRET}é"])
def test_other_tokens_are_refused_unseen(text: str) -> None:
    with pytest.raises(SasquatchError, match="one word of printable ASCII") as error:
        Secret.bearer(text)
    assert SECRET not in str(error.value)


@pytest.mark.parametrize(("user", "password"), [("", "x"), ("a:b", "x"), ("a", ""), ("a", "x\ny")])
def test_other_logins_are_refused(user: str, password: str) -> None:
    with pytest.raises(SasquatchError, match="is empty or has characters that cannot be sent"):
        Secret.basic(user, password)


def test_secrets_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SOME_TOKEN", raising=False)
    assert findSecretText("token", None, "SOME_TOKEN") is None
    monkeypatch.setenv("SOME_TOKEN", "one\n")
    assert findSecretText("token", None, "SOME_TOKEN") == "one"
    (tmp_path / "token").write_text("two\n")
    assert findSecretText("token", tmp_path / "token", "SOME_TOKEN") == "two"


def test_file_of_a_secret_must_be_readable(tmp_path: Path) -> None:
    with pytest.raises(SasquatchError, match=r"file of the token, .*nowhere, cannot be read: No such file"):
        findSecretText("token", tmp_path / "nowhere", "SOME_TOKEN")
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    with pytest.raises(SasquatchError, match="it is no text"):
        findSecretText("token", tmp_path / "binary", "SOME_TOKEN")


@pytest.mark.parametrize("isFile", [True, False])
def test_a_secret_is_not_endless(isFile: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_TOKEN", "x" * 8193)
    with pytest.raises(SasquatchError, match="^The token is longer than 8192 characters; it is not shown"):
        findSecretText("token", "/dev/zero" if isFile else None, "SOME_TOKEN")


FORMS = {
    "plain": SECRET,
    "JSON": json.dumps(SECRET),
    "JSON twice": json.dumps(json.dumps(SECRET)),
    "JSON in codes": "".join(f"\\u{ord(each):04X}" for each in SECRET),
    "JSON in part": SECRET.replace("/", r"\/").replace("u", r"\u0075"),
    "URL": quote(SECRET, safe=""),
    "URL twice": quote(quote(SECRET, safe=""), safe=""),
    "hex": SECRET.encode().hex().upper(),
    "Base64 in lines": "\n".join(re.findall(".{1,9}", base64.b64encode(SECRET.encode()).decode())),
    "Base64 in lines, Python": repr("\r\n".join(base64.b64encode(SECRET.encode()).decode())),
    "URL in codes": "".join(f"%{ord(each):02x}" for each in SECRET),
    "HTML": html.escape(SECRET),
    "HTML in codes": "".join(f"&#{ord(each)};" for each in SECRET),
    "Python": repr(SECRET.encode()),
    **{
        f"Base64 of {before}": base64.b64encode(f"{before}{SECRET}".encode()).decode()
        for before in ("", "a", "Bearer ")
    },
    "Base64 for URLs": base64.urlsafe_b64encode(SECRET.encode()).decode(),
}


@pytest.mark.parametrize("form", FORMS)
def test_secrets_are_hidden_in_any_form(form: str) -> None:
    _secret = Secret.bearer(SECRET)
    message = str(TransientError(f"one {FORMS[form]} two {FORMS[form]}"))
    # What is left is what surrounds it: quotes, or bits of Base64 that are shared with it.
    assert message.count("***") == 2
    assert len(message) < 60


@pytest.mark.parametrize("length", [20, 39, 40])
def test_part_of_a_secret_is_looked_at_once(length: int) -> None:
    """Not in all combinations of what each character may be, which would take for ever."""
    letters = "abcdefghijklmnopqrstuvwxyz0123456789-_.~"
    _secret = Secret.bearer(letters)
    text = hideSecrets(f"{letters[:length]} is refused by somebody who has more to say about it")
    assert text.startswith("***" if length == len(letters) else letters[:length])


def test_secrets_that_are_gone_are_words_again() -> None:
    first, second = Secret.basic("me", "other"), Secret.basic("me", "other")
    del first
    assert hideSecrets("another day") == "an*** day"
    del second
    assert hideSecrets("another day") == "another day"


@pytest.mark.parametrize("padding", [0, 470, 490, 19_000, 19_990, 30_000])
@pytest.mark.parametrize("count", [1, 3000])
def test_secrets_are_hidden_before_texts_are_cut(padding: int, count: int) -> None:
    _secret = Secret.bearer(SECRET)
    text = shorten("x" * padding + SECRET * count)
    assert SECRET[:4] not in text
    assert len(text) <= 500


ECHOES = {
    "status line": b"HTTP/1.1 {auth}\r\n\r\n",
    "reason": b"HTTP/1.1 500 {auth}\r\nContent-Length: 0\r\n\r\n",
    "version": b"HTTP/{auth} 200 OK\r\n\r\n",
    "redirection": b"HTTP/1.1 307 Moved\r\nLocation: http://{auth}.example/\r\nContent-Length: 0\r\n\r\n",
    "path": b"HTTP/1.1 302 Moved\r\nLocation: /{auth}\r\nContent-Length: 0\r\n\r\n",
    "body": b"HTTP/1.1 500 Error\r\n\r\n{auth}",
    "message": b'HTTP/1.1 403 No\r\n\r\n{"message": "{auth}"}',
    "chunk": CHUNKED + b"{auth}\r\n",
    "encoding": b"HTTP/1.1 500 Error\r\nContent-Encoding: {auth}\r\nContent-Length: {auth}\r\n\r\n",
}


@pytest.mark.parametrize("place", ECHOES)
def test_echo_is_hidden(serve: Serve, place: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with pytest.raises(SasquatchError) as error:
        ask(serve(ECHOES[place], secret=True))
    printed = "".join(traceback.format_exception(error.value))
    assert "hunter2" not in printed + str(error.value) + repr(error.value) + caplog.text


# Certificates.


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Return a maker of self-signed certificates for names or addresses."""
    root = tmp_path_factory.mktemp("certificates")

    def make(name: str) -> Path:
        file = root / f"{name.replace(':', '_')}.pem"
        if not file.exists():
            command = (
                "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2".split()
            )
            parts = ["-subj", "/CN=test", "-addext", f"subjectAltName={name}", "-keyout", "-", "-out", "-"]
            result = subprocess.run([*command, *parts], capture_output=True, timeout=30, check=True)
            file.write_bytes(result.stdout)
        return file

    return make


def makeContext(file: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return context


def test_trusted_certificate_is_taken(serve: Serve, certificate, monkeypatch) -> None:
    file = certificate("IP:127.0.0.1")
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    assert ask(serve(GOOD, context=makeContext(file)), body=bytes(1_000_000)).document == {"x": 1}


@pytest.mark.parametrize(
    ("name", "isTrusted", "message"),
    [
        ("IP:127.0.0.1", False, "is refused: self-signed certificate.*SSL_CERT_FILE"),
        ("DNS:other.example", True, "is refused: .*IP address mismatch"),
    ],
)
def test_other_certificates_are_refused(
    serve: Serve, certificate, monkeypatch, name: str, isTrusted: bool, message: str
) -> None:
    file = certificate(name)
    if isTrusted:
        monkeypatch.setenv("SSL_CERT_FILE", str(file))
    with pytest.raises(SasquatchError, match=message) as error:
        ask(serve(GOOD, context=makeContext(file)))
    assert not isinstance(error.value, TransientError)


def test_https_of_a_plain_server_is_refused() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=lambda: server.accept()[0].sendall(GOOD), daemon=True).start()
        address = WebAddress.parse(f"https://127.0.0.1:{server.getsockname()[1]}", "server")
        with pytest.raises(SasquatchError, match="does not speak TLS as it should .*is it http?"):
            ask(HttpClient(address))

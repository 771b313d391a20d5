# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""The client of the database refuses and reports what it should, and shows no secret."""

import base64
import json
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest

from lsst.analysis.cp.sasquatch import InfluxClient, InfluxError, InfluxLogin, LoginError, Series

SECRET = "s3cr3t-w0rd"
ROWS = {
    "results": [
        {"statement_id": 0, "series": [{"name": "m", "columns": ["time", "a"], "values": [[1, 0.5]]}]}
    ]
}
EMPTY = {"results": [{"statement_id": 0}]}


def encode(*documents):
    return b"".join(json.dumps(document).encode() + b"\n" for document in documents)


class Server:
    """A server that answers each request by the next of some functions, the last one again and again."""

    def __init__(self) -> None:
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                server.requests.append((self.path, dict(self.headers)))
                answer = server.answers.pop(0) if len(server.answers) > 1 else server.answers[0]
                answer(self)

            def log_message(self, *args: object) -> None:
                """Keep quiet."""

        self.requests: list[tuple[str, dict[str, str]]] = []
        self.answers: list[Callable[[BaseHTTPRequestHandler], None]] = []
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._http.server_port}"

    def answer(self, body: bytes = b"", status: int = 200, **headers: str | None) -> None:
        """Answer the next request so."""

        def send(handler: BaseHTTPRequestHandler) -> None:
            handler.send_response(status)
            for name, value in ({"Content_Length": str(len(body))} | headers).items():
                if value is not None:
                    handler.send_header(name.replace("_", "-"), value)
            handler.end_headers()
            handler.wfile.write(body)

        self.answers.append(send)

    def stop(self) -> None:
        """Stop serving."""
        self._http.shutdown()
        self._http.server_close()


@pytest.fixture
def server():
    server = Server()
    yield server
    server.stop()


@pytest.fixture
def ask(server):
    def ask(text="SELECT a FROM m", **options):
        client = InfluxClient(server.url, "efd", **options)
        try:
            return list(client.query(text))
        finally:
            client.close()

    return ask


def test_an_answer_is_read_part_by_part(server, ask):
    first = {"results": [{"series": [ROWS["results"][0]["series"][0] | {"partial": True}], "partial": True}]}
    server.answer(encode(first, ROWS))
    assert ask() == [Series("m", ["time", "a"], [[1, 0.5]])] * 2


def test_a_query_names_database_and_policy(server, ask):
    server.answer(encode(EMPTY))
    ask('SELECT "a&b" FROM m', retentionPolicy="year")
    ((path, _),) = server.requests
    assert urlsplit(path).path == "/query"
    assert parse_qs(urlsplit(path).query) == {
        "q": ['SELECT "a&b" FROM m'],
        "db": ["efd"],
        "rp": ["year"],
        "epoch": ["ns"],
        "chunked": ["true"],
        "chunk_size": ["10000"],
    }


def test_an_answer_that_ends_too_early_is_an_error(server, ask):
    server.answer(encode({"results": [ROWS["results"][0] | {"partial": True}]}))
    with pytest.raises(InfluxError, match="ended its answer to 'SELECT a FROM m' before it was complete"):
        ask()


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (encode(ROWS), {"Content_Length": "1000"}),
        (b"%x\r\n%s\r\n" % (len(encode(ROWS)), encode(ROWS)), {"Transfer_Encoding": "chunked"}),
    ],
)
def test_an_answer_that_is_cut_is_an_error(server, ask, body, headers):
    length = {} if "Content_Length" in headers else {"Content_Length": None}
    server.answer(body, **headers, **length, Connection="close")
    with pytest.raises(InfluxError, match="cannot be read: IncompleteRead"):
        ask()


def test_an_error_after_good_rows_is_an_error(server, ask):
    server.answer(encode(ROWS, {"results": [{"error": "out of memory"}]}))
    with pytest.raises(InfluxError, match="refuses 'SELECT a FROM m': out of memory"):
        ask()


@pytest.mark.parametrize("body", [b"<html>", b"[1]\n", b"3\n", b'{"results": 1}\n', b'{"results": [1]}\n'])
def test_what_is_no_answer_of_the_database_is_an_error(server, ask, body):
    server.answer(body)
    with pytest.raises(InfluxError, match="does not answer as InfluxDB does"):
        ask()


@pytest.mark.parametrize(("status", "body"), [(400, b'{"error": "bad query"}'), (404, b"bad query")])
def test_a_refusal_is_an_error(server, ask, status, body):
    server.answer(body, status)
    with pytest.raises(InfluxError, match=f"answers {status}: bad query"):
        ask()


def test_a_busy_server_is_asked_again(server, ask):
    server.answer(status=503)
    server.answer(encode(ROWS))
    assert len(ask()) == 1


def test_a_slow_answer_is_given_up(server, ask):
    def trickle(handler):
        handler.send_response(200)
        handler.send_header("Content-Length", "100000")
        handler.end_headers()
        for _ in range(100):
            handler.wfile.write(encode(EMPTY))
            time.sleep(0.02)

    server.answers.append(trickle)
    started = time.monotonic()
    with pytest.raises(InfluxError, match=r"took more than 0.2 s"):
        ask(timeout=0.2)
    assert time.monotonic() - started < 1.5


def test_a_server_that_is_not_there_is_an_error():
    with pytest.raises(InfluxError, match="http://127.0.0.1:9 cannot be read: NewConnectionError"):
        list(InfluxClient("http://127.0.0.1:9", "efd").query("SELECT 1"))


def test_redirections_are_refused(server, ask):
    server.answer(status=307, Location=f"https://user:{SECRET}@other.example.org/query?p={SECRET}")
    with pytest.raises(InfluxError, match="redirects to https://other.example.org, which is refused") as info:
        ask(login=InfluxLogin(token=SECRET))
    assert SECRET not in str(info.value)
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("ftp://host", "must start with http:// or https:// and a host, not 'ftp'"),
        ("host:8086", "must start with http://"),
        ("https://", "must start with http://"),
        (f"https://me:{SECRET}@host", "at host must hold no user, password"),
        (f"https://host/?p={SECRET}", "at host must hold no user, password, query"),
        ("http://host:port", "cannot be read"),
    ],
)
def test_other_addresses_are_refused(url, message):
    with pytest.raises(InfluxError, match=message) as info:
        InfluxClient(url, "efd")
    assert SECRET not in str(info.value)


@pytest.mark.parametrize(
    ("login", "expected"),
    [
        (InfluxLogin(token=SECRET), f"Bearer {SECRET}"),
        (
            InfluxLogin(user="me", password=SECRET),
            "Basic " + base64.b64encode(f"me:{SECRET}".encode()).decode(),
        ),
        (InfluxLogin(), None),
    ],
)
def test_a_login_is_sent_in_a_header_alone(server, ask, login, expected):
    server.answer(encode(EMPTY))
    ask(login=login)
    ((path, headers),) = server.requests
    assert headers.get("Authorization") == expected
    assert SECRET not in path


@pytest.mark.parametrize("login", [InfluxLogin(token=SECRET), InfluxLogin(user="me", password=SECRET)])
def test_a_server_that_repeats_the_secret_does_not_reveal_it(server, ask, login):
    for body, status in ((json.dumps({"error": SECRET}).encode(), 401), (SECRET.encode(), 200)):
        server.answers.clear()
        server.answer(body, status)
        with pytest.raises(InfluxError) as info:
            ask(login=login)
        assert SECRET not in str(info.value)
        assert info.value.__cause__ is None


def test_a_refused_guest_is_told_that_it_is_one(server, ask):
    server.answer(b'{"error": "unable to parse authentication credentials"}', 401)
    with pytest.raises(InfluxError, match="no user, password or token was given"):
        ask()


def test_a_secret_over_an_open_line_is_warned_of(caplog):
    InfluxClient("http://db.example.org", "efd", login=InfluxLogin(token=SECRET)).close()
    assert "unencrypted" in caplog.text
    assert SECRET not in caplog.text


def test_logins_do_not_show_their_secrets():
    assert SECRET not in repr(InfluxLogin(user="me", password=SECRET)) + repr(InfluxLogin(token=SECRET))


@pytest.fixture
def secretFile(tmp_path):
    path = tmp_path / "secret"
    path.write_text(f"{SECRET}\n")
    return path


def test_secrets_are_read_from_files(secretFile):
    assert InfluxLogin.find("me", passwordFile=secretFile) == InfluxLogin("me", SECRET)
    assert InfluxLogin.find(tokenFile=secretFile) == InfluxLogin(token=SECRET)


def test_secrets_are_read_from_the_environment(monkeypatch, secretFile):
    assert InfluxLogin.find() == InfluxLogin()
    monkeypatch.setenv("SASQUATCH_INFLUXDB_PASSWORD", "other")
    assert InfluxLogin.find("me") == InfluxLogin("me", "other")
    monkeypatch.setenv("SASQUATCH_INFLUXDB_USER", "we")
    assert InfluxLogin.find() == InfluxLogin("we", "other")
    assert InfluxLogin.find(passwordFile=secretFile) == InfluxLogin("we", SECRET)
    assert InfluxLogin.find(tokenFile=secretFile) == InfluxLogin(token=SECRET)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"user": "me"}, r"a user is given, but no password; it may be in \$SASQUATCH_INFLUXDB_PASSWORD"),
        ({"password": SECRET}, "a password is given, but no user"),
        ({"user": "me", "password": SECRET, "token": SECRET}, "both a user and a token"),
        ({"token": f"{SECRET}\r\nHost: other"}, "the token is empty or has characters"),
        ({"token": f"{SECRET}é"}, "the token has characters"),
        ({"token": ""}, "the token is empty"),
        ({"user": "a:b", "password": SECRET}, "colon"),
    ],
)
def test_what_does_not_go_together_is_refused(fields, message):
    with pytest.raises(LoginError, match=message) as info:
        InfluxLogin(**fields)
    assert SECRET not in str(info.value)


def test_a_file_that_cannot_be_read_is_an_error(tmp_path):
    with pytest.raises(LoginError, match="the file of the token, .*absent, cannot be read: No such file"):
        InfluxLogin.find(tokenFile=tmp_path / "absent")
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    with pytest.raises(LoginError, match="cannot be read: it is no text"):
        InfluxLogin.find(tokenFile=tmp_path / "binary")

# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""The client of the REST proxy: its address, its answers, and what it does not put up with."""

import json
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from services.faults import Fault
from services.restProxy import ProxySettings, RestProxy

from lsst.analysis.cp.sasquatch import (
    AccessToken,
    BatchRejectedError,
    ProxyAddress,
    ProxyClient,
    ProxyError,
    TransientError,
)

TOPIC = "lsst.cp.ts.test"
SECRET = "hunter2-secret-token"
SCHEMA = json.dumps({"type": "record", "name": "test", "fields": [{"name": "x", "type": "double"}]})
PAYLOADS = [b'{"x": 1.5}', b'{"x": 2.5}', b'{"x": 3.5}']


def makeClient(proxy: RestProxy, **options: float) -> ProxyClient:
    return ProxyClient(ProxyAddress.parse(proxy.url), AccessToken(SECRET), **options)


@pytest.fixture
def client(proxy: RestProxy) -> Iterator[ProxyClient]:
    """Make a client whose topic is there."""
    client = makeClient(proxy, requestTimeout=5.0)
    client.createTopic(TOPIC)
    yield client
    client.close()


Canned = tuple[int, dict[str, str], bytes]


@pytest.fixture
def serve() -> Iterator[Callable[..., ProxyAddress]]:
    """Return a maker of servers that give the same answer to each request."""
    servers = []

    def start(status: int, body: bytes = b"{}", **headers: str) -> ProxyAddress:
        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                self.send_response(status)
                port = self.server.server_address[1]
                for name, value in headers.items():
                    self.send_header(name, value.format(port=port))
                text = body.replace(b"{auth}", (self.headers["Authorization"] or "").encode())
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            do_GET = do_POST

            def log_message(self, *args: object) -> None:
                """Print nothing."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        servers.append(server)
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        return ProxyAddress.parse(f"http://127.0.0.1:{server.server_address[1]}/base/")

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


# The address.


@pytest.mark.parametrize(
    ("url", "text", "target"),
    [
        ("https://Proxy.Example/rest/", "https://proxy.example/rest", "proxy.example/rest"),
        ("https://proxy.example:443", "https://proxy.example", "proxy.example"),
        ("http://proxy.example:8082/a/b", "http://proxy.example:8082/a/b", "proxy.example:8082/a/b"),
        ("http://[::1]:80", "http://[::1]", "[::1]"),
    ],
)
def test_address_is_normalised(url, text, target):
    address = ProxyAddress.parse(url)
    assert str(address) == text
    assert address.target == target


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("ftp://proxy.example", "must be http:// or https:// and a host, not 'ftp'"),
        ("file:///etc/passwd", "must be http:// or https:// and a host, not 'file'"),
        ("proxy.example", "must be http:// or https://"),
        ("https://", "must be http:// or https:// and a host"),
        ("https://proxy.example:port", "cannot be read"),
        ("https://[::1", "cannot be read"),
        (f"https://me:{SECRET}@proxy.example", "proxy.example must hold no user, password"),
        (f"https://proxy.example?token={SECRET}", "proxy.example must hold no user, password, query"),
    ],
)
def test_other_addresses_are_refused(url, message):
    with pytest.raises(ProxyError, match=message) as error:
        ProxyAddress.parse(url)
    assert SECRET not in str(error.value)


@pytest.mark.parametrize(
    ("url", "isPrivate"),
    [
        ("https://proxy.example", True),
        ("http://localhost:1", True),
        ("http://127.0.0.1:1", True),
        ("http://proxy.example", False),
    ],
)
def test_where_a_token_is_safe(url, isPrivate, caplog):
    ProxyClient(ProxyAddress.parse(url), AccessToken(SECRET)).close()
    assert ("unencrypted" in caplog.text) is not isPrivate
    assert SECRET not in caplog.text


# The token.


def test_token_does_not_show():
    assert SECRET not in repr(AccessToken(SECRET))


def test_token_is_read_from_a_file(tmp_path):
    (tmp_path / "token").write_text(f"{SECRET}\n")
    assert AccessToken.find(tmp_path / "token") == AccessToken(SECRET)


def test_token_is_read_from_the_environment(monkeypatch):
    monkeypatch.setenv("SASQUATCH_TOKEN", SECRET)
    assert AccessToken.find(None) == AccessToken(SECRET)


def test_there_need_be_no_token(monkeypatch):
    monkeypatch.delenv("SASQUATCH_TOKEN", raising=False)
    assert AccessToken.find(None) is None


@pytest.mark.parametrize("text", ["", f"{SECRET} {SECRET}", f"{SECRET}\r\nX-Other: 1", f"{SECRET}é"])
def test_other_tokens_are_refused_unseen(text, tmp_path):
    (tmp_path / "token").write_text(text)
    with pytest.raises(ProxyError, match="one word of printable ASCII") as error:
        AccessToken.find(tmp_path / "token")
    assert SECRET not in str(error.value)


def test_file_of_a_token_must_be_there(tmp_path):
    with pytest.raises(ProxyError, match=r"file of the token, .*nowhere, cannot be read: No such file"):
        AccessToken.find(tmp_path / "nowhere")


def test_token_is_sent(settings: ProxySettings, proxy: RestProxy):
    settings.token = SECRET
    makeClient(proxy).createTopic(TOPIC)
    assert proxy.log.topics() == [TOPIC]


def test_wrong_token_is_fatal(settings: ProxySettings, proxy: RestProxy):
    settings.token = "another"
    with pytest.raises(ProxyError, match=r"does not let us in: GET /v3/clusters .*401 Unauthorized") as error:
        makeClient(proxy).createTopic(TOPIC)
    assert SECRET not in str(error.value)


def test_missing_token_is_named(settings: ProxySettings, proxy: RestProxy):
    settings.token = SECRET
    client = ProxyClient(ProxyAddress.parse(proxy.url))
    with pytest.raises(ProxyError, match=r"no token was given"):
        client.createTopic(TOPIC)


@pytest.mark.parametrize("padding", [0, 470, 490])
@pytest.mark.parametrize("body", [b'{"message": "%s you sent {auth}"}', b"%s you sent {auth}"])
def test_echo_of_the_token_is_hidden(serve, body, padding):
    with pytest.raises(ProxyError, match="403") as error:
        ProxyClient(serve(403, body % (b"x" * padding)), AccessToken(SECRET)).createTopic(TOPIC)
    assert SECRET[:6] not in str(error.value)


def test_echo_of_the_token_in_a_result_is_hidden(serve):
    result = b'{"offsets": [{"error_code": 1, "error": "you sent {auth}"}]}'
    (error,) = ProxyClient(serve(200, result), AccessToken(SECRET)).produce(TOPIC, SCHEMA, PAYLOADS[:1])
    assert error is not None
    assert error.message == "1: you sent Bearer ***"


# Topics.


def test_topic_is_created_once(proxy: RestProxy):
    client = makeClient(proxy)
    for _ in range(3):
        client.createTopic(TOPIC)
    assert proxy.requests["create topic"] == 1
    assert proxy.log.topics() == [TOPIC]


def test_existing_topic_is_used(proxy: RestProxy):
    for _ in range(2):
        makeClient(proxy).createTopic(TOPIC)
    assert proxy.log.topics() == [TOPIC]


def test_topic_that_is_not_wanted_is_rejected(proxy: RestProxy):
    with pytest.raises(BatchRejectedError, match="Topic  is not created by .*422 Payload error"):
        makeClient(proxy).createTopic("")


@pytest.mark.parametrize("body", [b"[]", b'{"data": []}', b"{}", b"null", b"not JSON"])
def test_cluster_must_be_named(serve, body):
    with pytest.raises(TransientError, match="names no cluster"):
        ProxyClient(serve(200, body)).createTopic(TOPIC)


def test_address_without_proxy_is_fatal(serve):
    with pytest.raises(ProxyError, match="is no REST proxy: /v3/clusters gives 404 nothing here"):
        ProxyClient(serve(404, b"nothing here")).createTopic(TOPIC)


# Records.


def test_records_are_taken(client: ProxyClient, proxy: RestProxy):
    assert client.produce(TOPIC, SCHEMA, PAYLOADS) == [None, None, None]
    assert len(proxy.log.read(TOPIC)) == 3


def test_schema_is_sent_once(client: ProxyClient, proxy: RestProxy, monkeypatch):
    bodies = []
    take = proxy.produce
    monkeypatch.setattr(
        proxy, "produce", lambda topic, body, *args: bodies.append(body) or take(topic, body, *args)
    )
    for _ in range(3):
        client.produce(TOPIC, SCHEMA, PAYLOADS)
    assert ["value_schema" in body for body in bodies] == [True, False, False]
    assert len(set(proxy.log.read(TOPIC))) == 3


def test_schema_is_sent_again_to_a_new_registry(client: ProxyClient, proxy: RestProxy):
    client.produce(TOPIC, SCHEMA, PAYLOADS)
    proxy.registry = type(proxy.registry)()
    with pytest.raises(TransientError, match="has no schema"):
        client.produce(TOPIC, SCHEMA, PAYLOADS)
    assert client.produce(TOPIC, SCHEMA, PAYLOADS) == [None, None, None]


@pytest.mark.parametrize(("fault", "isTransient"), [(Fault.PARTIAL, True), (Fault.PARTIAL_FINAL, False)])
def test_errors_of_records_are_read(client: ProxyClient, settings: ProxySettings, fault, isTransient):
    settings.faults.script(fault)
    first, second, third = client.produce(TOPIC, SCHEMA, PAYLOADS)
    assert second is None
    assert first is not None
    assert first == third
    assert first.isTransient is isTransient
    assert "refused for a test" in first.message


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (Fault.TOO_MANY, "429 Too Many Requests"),
        (Fault.SERVER_ERROR, "500 Kafka error"),
        (Fault.UNAVAILABLE, "503 <html>"),
        (Fault.RESET, "Connection reset|Connection aborted"),
        (Fault.RESET_IN_BODY, "reset|broken|IncompleteRead"),
        (Fault.WRONG_JSON, f"does not say which of 3 records of {TOPIC} it took"),
        (Fault.NOT_JSON, f"does not say which of 3 records of {TOPIC} it took"),
    ],
)
def test_what_may_pass_is_transient(client: ProxyClient, settings: ProxySettings, fault, message):
    settings.faults.script(fault)
    with pytest.raises(TransientError, match=message):
        client.produce(TOPIC, SCHEMA, PAYLOADS)
    assert client.produce(TOPIC, SCHEMA, PAYLOADS) == [None, None, None]


def test_wait_of_the_proxy_is_known(client: ProxyClient, settings: ProxySettings):
    settings.retryAfter = "17"
    settings.faults.script(Fault.TOO_MANY)
    with pytest.raises(TransientError) as error:
        client.produce(TOPIC, SCHEMA, PAYLOADS)
    assert error.value.retryAfter == 17.0


@pytest.mark.parametrize("fault", [Fault.HANG, Fault.HANG_AFTER, Fault.TRICKLE])
def test_time_is_bounded(client: ProxyClient, settings: ProxySettings, fault):
    settings.trickleSeconds = 0.1
    settings.faults.script(fault)
    start = time.monotonic()
    with pytest.raises(TransientError, match=r"no complete answer within 0\.3 s|timed out"):
        client.produce(TOPIC, SCHEMA, PAYLOADS, timeout=0.3)
    assert time.monotonic() - start < 2.0
    assert client.produce(TOPIC, SCHEMA, PAYLOADS) == [None, None, None]


def test_slow_answers_are_good(client: ProxyClient, settings: ProxySettings):
    settings.trickleSeconds = 0.001
    settings.faults.script(Fault.TRICKLE)
    assert client.produce(TOPIC, SCHEMA, PAYLOADS) == [None, None, None]


def test_refused_connection_is_transient():
    address = ProxyAddress.parse("http://127.0.0.1:9")
    with pytest.raises(TransientError, match="Connection refused"):
        ProxyClient(address).createTopic(TOPIC)


def test_rejected_schema_is_not_divided(client: ProxyClient, settings: ProxySettings):
    settings.faults.script(Fault.SCHEMA_REJECTED)
    with pytest.raises(BatchRejectedError, match=f"does not take records of {TOPIC}: 422") as error:
        client.produce(TOPIC, SCHEMA, PAYLOADS)
    assert not error.value.isDivisible


@pytest.mark.parametrize("isFirst", [True, False])
def test_bad_record_is_worth_a_division(client: ProxyClient, isFirst):
    if not isFirst:
        client.produce(TOPIC, SCHEMA, PAYLOADS)
    with pytest.raises(BatchRejectedError, match="422 Conversion of JSON to Object failed") as error:
        client.produce(TOPIC, SCHEMA, [*PAYLOADS, b'{"y": 1}'])
    assert error.value.isDivisible


def test_long_body_is_worth_a_division(client: ProxyClient, settings: ProxySettings):
    settings.maxBody = 10
    with pytest.raises(BatchRejectedError, match="413") as error:
        client.produce(TOPIC, SCHEMA, PAYLOADS)
    assert error.value.isDivisible


def test_lost_topic_is_created_again(client: ProxyClient, proxy: RestProxy):
    proxy.loseTopics()
    with pytest.raises(TransientError, match="404"):
        client.produce(TOPIC, SCHEMA, PAYLOADS)
    client.createTopic(TOPIC)
    assert client.produce(TOPIC, SCHEMA, PAYLOADS) == [None, None, None]


@pytest.mark.parametrize(
    "result",
    [{"offset": None, "error_code": None, "error": None}, {}, None, 5, {"error_code": 2, "error": "x"}],
)
def test_record_without_offset_is_not_delivered(serve, result):
    body = json.dumps({"offsets": [result], "value_schema_id": 1}).encode()
    (error,) = ProxyClient(serve(200, body)).produce(TOPIC, SCHEMA, PAYLOADS[:1])
    assert error is not None
    assert error.isTransient


@pytest.mark.parametrize("offsets", [[], [{"offset": 1}] * 2, None, {"a": 1}])
def test_answer_must_speak_of_each_record(serve, offsets):
    body = json.dumps({"offsets": offsets}).encode()
    with pytest.raises(TransientError, match="does not say which of 3 records"):
        ProxyClient(serve(200, body)).produce(TOPIC, SCHEMA, PAYLOADS)


# Redirections.


def test_redirection_to_another_host_is_refused(client: ProxyClient, settings: ProxySettings):
    settings.elsewhere = f"http://user:{SECRET}@evil.example"
    settings.faults.script(Fault.REDIRECT)
    with pytest.raises(ProxyError, match=r"redirects to http://evil\.example, which is refused") as error:
        client.produce(TOPIC, SCHEMA, PAYLOADS)
    assert SECRET not in str(error.value)


@pytest.mark.parametrize(
    "location", ["https://127.0.0.1:{port}/x", "http://127.0.0.1:1/x", "//evil.example/x"]
)
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirection_elsewhere_is_refused(serve, status, location):
    with pytest.raises(ProxyError, match="redirects to .* which is refused"):
        ProxyClient(serve(status, Location=location)).produce(TOPIC, SCHEMA, PAYLOADS)


def test_redirection_to_nowhere_is_refused(serve):
    with pytest.raises(ProxyError, match="redirects to what is no address"):
        ProxyClient(serve(307, Location="http://[::1/x")).produce(TOPIC, SCHEMA, PAYLOADS)


def test_redirection_that_drops_the_body_is_refused(serve):
    with pytest.raises(ProxyError, match="redirects to its path /other by status 302"):
        ProxyClient(serve(302, Location="/other")).produce(TOPIC, SCHEMA, PAYLOADS)


def test_redirection_in_a_circle_is_refused(serve):
    with pytest.raises(ProxyError, match="redirects in a circle"):
        ProxyClient(serve(307, Location="/base/again")).produce(TOPIC, SCHEMA, PAYLOADS)


def test_redirection_to_the_same_host_is_followed(
    client: ProxyClient, settings: ProxySettings, proxy: RestProxy
):
    settings.elsewhere = ""
    settings.faults.script(Fault.REDIRECT)
    assert client.produce(TOPIC, SCHEMA, PAYLOADS) == [None, None, None]
    assert len(proxy.log.read(TOPIC)) == 3


# Certificates.


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Return a maker of self-signed certificates for names or addresses."""
    root = tmp_path_factory.mktemp("certificates")

    def make(name: str) -> Path:
        file = root / f"{name.replace(':', '_')}.pem"
        command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2".split()
        parts = ["-subj", "/CN=test", "-addext", f"subjectAltName={name}", "-keyout", "-", "-out", "-"]
        result = subprocess.run([*command, *parts], capture_output=True, timeout=30, check=True)
        file.write_bytes(result.stdout)
        return file

    return make


def test_trusted_certificate_is_taken(certificates, monkeypatch):
    file = certificates("IP:127.0.0.1")
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    with RestProxy(certificate=file) as proxy:
        client = makeClient(proxy)
        client.createTopic(TOPIC)
        assert client.produce(TOPIC, SCHEMA, PAYLOADS) == [None, None, None]


def test_unknown_certificate_is_refused(certificates):
    with RestProxy(certificate=certificates("IP:127.0.0.1")) as proxy:
        expected = f"certificate of {proxy.url} is refused: self-signed certificate.*SSL_CERT_FILE"
        with pytest.raises(ProxyError, match=expected):
            makeClient(proxy).createTopic(TOPIC)
        assert proxy.requests == {}


def test_certificate_of_another_host_is_refused(certificates, monkeypatch):
    file = certificates("DNS:other.example")
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    with RestProxy(certificate=file) as proxy:
        with pytest.raises(ProxyError, match="is refused: .*IP address mismatch"):
            makeClient(proxy).createTopic(TOPIC)
        assert proxy.requests == {}


def test_trickle_over_tls_is_cut(certificates, monkeypatch, settings: ProxySettings):
    file = certificates("IP:127.0.0.1")
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    settings.trickleSeconds = 0.1
    with RestProxy(settings=settings, certificate=file) as proxy:
        client = makeClient(proxy)
        client.createTopic(TOPIC)
        settings.faults.script(Fault.TRICKLE)
        with pytest.raises(TransientError, match=r"no complete answer within 0\.3 s"):
            client.produce(TOPIC, SCHEMA, PAYLOADS, timeout=0.3)
        assert client.produce(TOPIC, SCHEMA, PAYLOADS) == [None, None, None]


def test_https_of_a_plain_proxy_is_refused(proxy: RestProxy):
    address = ProxyAddress.parse(proxy.url.replace("http://", "https://"))
    with pytest.raises(ProxyError, match="does not speak TLS as it should .*is it http?"):
        ProxyClient(address).createTopic(TOPIC)

# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""The token goes to the proxy and to nobody else."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from services.bundleRepository import RUN, BundleRepository
from services.faults import Fault
from services.pushProcess import PushProcess
from services.restProxy import ProxySettings, RestProxy

PLUGINS = Path(__file__).parents[2] / "python" / "lsst" / "analysis" / "cp" / "cli" / "resources.yaml"
BUTLER = "from lsst.daf.butler.cli.butler import main; main()"
TOKEN = "gt-Xy7Zsecret.0123456789abcdef"

Push = Callable[..., tuple[int, str]]


@pytest.fixture(scope="session")
def repository(tmp_path_factory: pytest.TempPathFactory) -> BundleRepository:
    """Make bundles of a few detectors."""
    return BundleRepository(tmp_path_factory.mktemp("secrets") / "butler", range(4))


@pytest.fixture
def settings() -> ProxySettings:
    """Ask for the token; repeat what is given in errors."""
    return ProxySettings(token=TOKEN, echoes=True, hangSeconds=1.0)


@pytest.fixture
def tokenFile(tmp_path: Path) -> Path:
    """Write the token into a file."""
    path = tmp_path / "token"
    path.write_text(TOKEN + "\n")
    return path


@pytest.fixture
def push(repository: BundleRepository, tmp_path: Path) -> Push:
    """Push with the most talkative logs; return the exit status, and all that is printed and written."""

    def run(proxy: str, *options: str | Path, **variables: str) -> tuple[int, str]:
        folder = tmp_path / "written"
        folder.mkdir()
        options = ("--ledger", folder / "ledger", "--undelivered", folder / "undelivered", *options)
        arguments = ["--deadline", "3", *map(str, options)]
        status = PushProcess(repository, proxy, arguments, folder / "log", level="DEBUG", **variables).wait()
        return status, "".join(path.read_bytes().decode("latin-1") for path in folder.iterdir())

    return run


@pytest.mark.slow
def test_the_token_is_in_no_log(proxy: RestProxy, push: Push, tokenFile: Path, tmp_path: Path) -> None:
    proxy.settings.topicFaults.script(Fault.SERVER_ERROR, None, Fault.TOO_MANY)
    proxy.settings.faults.script(Fault.SERVER_ERROR, Fault.RESET, Fault.PARTIAL_FINAL)
    status, output = push(proxy.url, "--token-file", tokenFile)
    assert status == 1
    assert "refused for a test" in output
    assert TOKEN not in output


@pytest.mark.parametrize("given", [TOKEN + "x", ""])
def test_a_wrong_token_is_not_shown(proxy: RestProxy, push: Push, tmp_path: Path, given: str) -> None:
    options = []
    if given:
        (tmp_path / "token").write_text(given)
        options = ["--token-file", tmp_path / "token"]
    status, output = push(proxy.url, *options)
    assert status == 1
    assert "does not let us in" in output
    assert TOKEN not in output


@pytest.mark.parametrize("byFile", [True, False])
@pytest.mark.slow
def test_the_token_is_in_no_list_of_processes(
    repository: BundleRepository, proxy: RestProxy, tokenFile: Path, tmp_path: Path, byFile: bool
) -> None:
    proxy.settings.topicFaults.script(Fault.HANG)
    command = [
        sys.executable,
        "-c",
        BUTLER,
        "push-verify-metrics",
        str(repository.root),
        "--collections",
        RUN,
    ]
    command += ["--proxy", proxy.url, "--namespace", "lsst.cp", "--ledger", str(tmp_path / "ledger")]
    command += ["--token-file", str(tokenFile)] if byFile else []
    variables = {"DAF_BUTLER_PLUGINS": str(PLUGINS)} | ({} if byFile else {"SASQUATCH_TOKEN": TOKEN})
    with subprocess.Popen(command, env=os.environ | variables) as process:
        while not proxy.requests.total() and process.poll() is None:
            time.sleep(0.01)
        lines = [path.read_bytes().decode() for path in Path("/proc").glob("[0-9]*/cmdline")]
    assert process.returncode == 0
    assert any(proxy.url in line for line in lines)
    assert not any(TOKEN in line for line in lines)


def test_a_token_that_is_none_is_not_shown(proxy: RestProxy, push: Push, tmp_path: Path) -> None:
    (tmp_path / "token").write_text(f"user {TOKEN}")
    status, output = push(proxy.url, "--token-file", tmp_path / "token")
    assert status == 1
    assert "one word of printable ASCII" in output
    assert TOKEN not in output
    assert not proxy.requests


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("ftp://127.0.0.1/", "must look like https://host/path"),
        ("127.0.0.1:8082", "that has no http:// or https://"),
        (f"http://user:{TOKEN}@127.0.0.1/", "must hold no user, password"),
        (f"http://127.0.0.1/?token={TOKEN}", "must hold no user, password"),
    ],
)
def test_other_addresses_are_refused(push: Push, tmp_path: Path, address: str, message: str) -> None:
    status, output = push(address)
    assert status == 1
    assert message in output
    assert TOKEN not in output
    assert "Traceback" not in output


def test_no_other_host_gets_the_token(proxy: RestProxy, push: Push, tokenFile: Path, tmp_path: Path) -> None:
    with RestProxy(settings=ProxySettings(token=TOKEN)) as other:
        proxy.settings.elsewhere = other.url.removesuffix("/base")
        proxy.settings.topicFaults.script(Fault.REDIRECT)
        status, output = push(proxy.url, "--token-file", tokenFile)
        assert not other.requests
    assert status == 1
    assert f"redirects to {proxy.settings.elsewhere}" in output


@pytest.fixture
def tlsProxy(settings: ProxySettings, tmp_path: Path) -> Iterator[RestProxy]:
    """Serve a proxy by TLS, with a certificate that nobody vouches for."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("needs openssl to make a certificate")
    path = tmp_path / "tls.pem"
    command = [
        openssl,
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-days",
        "2",
        "-subj",
        "/CN=127.0.0.1",
    ]
    command += ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(path), "-out", str(path) + ".crt"]
    subprocess.run(command, check=True, capture_output=True)
    path.write_text(path.read_text() + Path(f"{path}.crt").read_text())
    with RestProxy(settings=settings, certificate=path) as server:
        yield server


def test_bad_certificates_are_refused(
    tlsProxy: RestProxy, push: Push, tokenFile: Path, tmp_path: Path
) -> None:
    status, output = push(tlsProxy.url, "--token-file", tokenFile)
    assert status == 1
    assert "self-signed certificate" in output
    assert not tlsProxy.requests


def test_good_certificates_are_taken(
    tlsProxy: RestProxy, push: Push, tokenFile: Path, tmp_path: Path
) -> None:
    certificate = str(tmp_path / "tls.pem.crt")
    status, output = push(tlsProxy.url, "--token-file", tokenFile, SSL_CERT_FILE=certificate)
    assert status == 0, output
    assert tlsProxy.taken == 4

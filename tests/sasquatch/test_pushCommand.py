# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""``butler push-verify-metrics``: its options, what it prints, and its exit status."""

import json
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import click
import pytest
import yaml
from click.testing import CliRunner, Result
from registries import Registries
from services.bundleRepository import RUN, BundleRepository
from services.faults import Fault, FaultPlan
from services.restProxy import ProxySettings, RestProxy

from lsst.analysis.cp.cli import getSubcommands
from lsst.analysis.cp.cli.cmd import (
    make_plot_summary,
    make_verify_report,
    push_verify_metrics,
    serve_verify,
    verify_night,
    watch_verify,
)
from lsst.analysis.cp.sasquatch import Ledger
from lsst.daf.butler import Butler
from lsst.daf.butler.cli.butler import UncachedButlerCLI

ROOT = Path(__file__).parents[2]
COMMANDS = [
    make_plot_summary,
    make_verify_report,
    push_verify_metrics,
    serve_verify,
    verify_night,
    watch_verify,
]
MANIFEST = ROOT / "python" / "lsst" / "analysis" / "cp" / "cli" / "resources.yaml"
SECRET = "hunter2-secret-token"
LEDGER = "pushedMetrics.sqlite3"

Run = Callable[..., Result]


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory, registries: Registries) -> BundleRepository:
    """Make a repository of 30 bundles with 2 records each."""
    root = tmp_path_factory.mktemp("command") / "repository"
    with registries.hosting():
        return BundleRepository(root, detectors=range(30), nTools=2)


@pytest.fixture
def run(repository: BundleRepository, proxy: RestProxy, monkeypatch) -> Run:
    """Return the command on the repository, whose ledger is new; options are given or replaced by name."""
    monkeypatch.delenv("SASQUATCH_TOKEN", raising=False)
    (repository.root / LEDGER).unlink(missing_ok=True)

    def invoke(*flags: str, repo: str | None = None, **options: str) -> Result:
        options = {
            "collections": RUN,
            "proxy": proxy.url,
            "namespace": "lsst.cp",
            "deadline": "20",
            **options,
        }
        pairs = [part for name, value in options.items() for part in (f"--{name.replace('_', '-')}", value)]
        return CliRunner().invoke(push_verify_metrics, [repo or str(repository.root), *pairs, *flags])

    return invoke


def count(proxy: RestProxy) -> int:
    return sum(len(proxy.log.read(topic)) for topic in proxy.log.topics())


def test_all_is_delivered(run: Run, proxy: RestProxy):
    result = run()
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith("60 records delivered. Of 30 bundles, 0 had been delivered before")
    assert result.stderr == ""
    assert count(proxy) == 60


def test_second_push_sends_nothing(run: Run, proxy: RestProxy):
    run()
    result = run()
    assert result.exit_code == 0
    assert result.stdout.startswith("0 records delivered. Of 30 bundles, 30 had been delivered before")
    assert count(proxy) == 60


def test_ledger_lies_in_the_repository(run: Run, repository: BundleRepository):
    run()
    assert (repository.root / LEDGER).is_file()


def test_ledger_may_lie_elsewhere(run: Run, repository: BundleRepository, tmp_path: Path):
    run(ledger=str(tmp_path / "other.sqlite3"))
    assert (tmp_path / "other.sqlite3").is_file()
    assert not (repository.root / LEDGER).exists()


def test_repository_may_be_named_by_its_file(run: Run, repository: BundleRepository):
    assert run(repo=str(repository.root / "butler.yaml")).exit_code == 0
    assert (repository.root / LEDGER).is_file()


def test_remote_repository_needs_a_ledger(run: Run):
    result = run(repo="https://butler.example/repo/butler.yaml")
    assert result.exit_code != 0
    assert "is not on this machine: give a file for the ledger with --ledger" in result.stderr


def test_upstream_topics(run: Run, proxy: RestProxy, repository: BundleRepository):
    assert run("--upstream-schema").exit_code == 0
    assert sorted(proxy.log.topics()) == [f"lsst.cp.{topic}" for topic in repository.topics]


def test_undelivered_is_listed(run: Run, settings: ProxySettings, tmp_path: Path):
    settings.faults = FaultPlan({Fault.UNAVAILABLE: 1.0})
    result = run(deadline="3", undelivered=str(tmp_path / "list"))
    assert result.exit_code == 1
    assert "Not delivered: 60 records that go with the next push, 0 that the proxy reject" in result.stderr
    # Which of the two topics is given up first, the random waits decide.
    assert re.search(
        r"503.*\n    lsst\.cp\.ts\.cpBiasExpDet_biasTest0[01] of cpBiasExpDet_metrics {.*detector: 0\b",
        result.stderr,
    )
    assert f"and 40 more; all are in {tmp_path / 'list'}" in result.stderr
    lines = [json.loads(line) for line in (tmp_path / "list").read_text().splitlines()]
    assert len(lines) == len({(line["datasetId"], line["topic"]) for line in lines}) == 60
    assert lines[0].keys() == {"datasetId", "name", "topic", "reason", "isRejected"}
    settings.faults = FaultPlan()
    assert run().exit_code == 0


def test_rejected_is_listed(run: Run, settings: ProxySettings):
    settings.faults.script(Fault.SCHEMA_REJECTED)
    result = run()
    assert result.exit_code == 1
    assert result.stdout.startswith("30 records delivered.")
    assert "0 records that go with the next push, 30 that the proxy rejected" in result.stderr
    assert "422 Error serializing message" in result.stderr
    assert run().exit_code == 0


@pytest.mark.parametrize("flags", [(), ("--dry-run",)])
@pytest.mark.parametrize(
    "options", [{"dataset_type": "cpDark*"}, {"collections": "x/*"}, {"where": "instrument = 'LATISS'"}]
)
def test_nothing_to_send_is_explained(run: Run, flags, options):
    result = run(*flags, **options)
    assert result.exit_code == 1
    assert (
        "No bundles of metrics are found. There are bundles of the types cpBiasExpDet_metrics, of the "
        f"instruments LSSTCam, in the collections {RUN}."
    ) in result.stderr


def test_deadline_is_told(run: Run):
    result = run(deadline="0.000001")
    assert result.exit_code == 1
    assert "The deadline was reached before 30 of 30 bundles were looked at; push again" in result.stderr


def test_undelivered_is_opened_first(run: Run, proxy: RestProxy):
    result = run(undelivered="/nowhere/list")
    assert result.exit_code == 1
    assert result.stderr.strip().splitlines()[-1].endswith("No such file or directory: '/nowhere/list'")
    assert not proxy.requests


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is full")
def test_list_of_the_undelivered_on_a_full_disk(run: Run, settings: ProxySettings):
    settings.faults = FaultPlan({Fault.SCHEMA_REJECTED: 1.0})
    result = run(undelivered="/dev/full")
    assert result.exit_code == 1
    assert "Error: /dev/full cannot be written: No space left on device" in result.stderr
    assert "60 that the proxy rejected" in result.stderr


def test_ledger_is_no_list_of_the_undelivered(run: Run, repository: BundleRepository):
    run()
    result = run(undelivered=str(repository.root / "." / LEDGER))
    assert result.exit_code == 2
    assert "is the ledger" in result.stderr
    assert "30 had been delivered before" in run().stdout


def test_list_of_the_undelivered_is_no_pipe(run: Run, tmp_path: Path, proxy: RestProxy):
    os.mkfifo(tmp_path / "pipe")
    result = run(undelivered=str(tmp_path / "pipe"))
    assert result.exit_code == 2
    assert "is a named pipe" in result.stderr
    assert count(proxy) == 0


def test_unread_bundles_are_listed(tmp_path: Path, run: Run):
    repository = BundleRepository(tmp_path / "repository", detectors=range(3))
    next(repository.root.rglob("*_metrics*.json")).unlink()
    result = run(repo=str(repository.root), undelivered=str(tmp_path / "list"))
    assert result.exit_code == 1
    assert "2 records delivered" in result.stdout
    assert "and 1 bundles that could not be read." in result.stderr
    assert re.search(r"\n  it is lost: .*\n    all of cpBiasExpDet_metrics {.*detector: ", result.stderr)
    assert result.stderr.count(f" of {RUN}\n") == 1
    (line,) = (tmp_path / "list").read_text().splitlines()
    assert json.loads(line)["topic"] == ""
    assert run("--dry-run", repo=str(repository.root)).exit_code == 1


# The dry run.


def test_dry_run_prints_what_would_go(run: Run, proxy: RestProxy, repository: BundleRepository):
    result = run("--dry-run")
    assert result.exit_code == 0
    records = [json.loads(line) for line in result.stdout.splitlines()]
    found = {
        (
            each["topic"].removeprefix("lsst.cp.ts."),
            each["value"]["detector"],
            each["value"]["median"] is None,
        )
        for each in records
    }
    assert found == {(topic, detector, value is None) for topic, _, detector, value in repository.expect()}
    assert f"60 records would be sent to {proxy.url}; nothing was." in result.stderr
    assert proxy.requests == {}
    assert not (repository.root / LEDGER).exists()


def test_dry_run_leaves_out_what_is_delivered(run: Run):
    run(where="instrument = 'LSSTCam' AND detector < 10")
    assert len(run("--dry-run").stdout.splitlines()) == 40


def test_dry_run_writes_nothing(repository: BundleRepository, run: Run, tmp_path: Path):
    run(where="instrument = 'LSSTCam' AND detector < 10")
    before = {path: path.stat().st_mtime_ns for path in repository.root.rglob("*")}
    (repository.root / LEDGER).chmod(0o444)
    result = run("--dry-run", undelivered=str(tmp_path / "list"))
    assert len(result.stdout.splitlines()) == 40
    assert {path: path.stat().st_mtime_ns for path in repository.root.rglob("*")} == before
    assert not (tmp_path / "list").exists()


@pytest.mark.slow
def test_dry_run_may_be_cut_off(repository: BundleRepository, tmp_path: Path):
    code = "from lsst.analysis.cp.cli.cmd import push_verify_metrics; push_verify_metrics()"
    options = {
        "collections": RUN,
        "proxy": "http://localhost",
        "namespace": "x",
        "ledger": str(tmp_path / "l"),
    }
    pairs = [part for name, value in options.items() for part in (f"--{name}", value)]
    with subprocess.Popen(
        [sys.executable, "-c", code, str(repository.root), *pairs, "--dry-run"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        process.stdout.close()
        assert process.stderr is not None
        assert process.stderr.read() == b""
        assert process.wait(60) == 0


def test_fields_and_tags_are_added(run: Run):
    result = run("--dry-run", field="site=summit", tag="nightly", dataset_tag="LSSTCam/bias")
    value = json.loads(result.stdout.splitlines()[0])["value"]
    assert (value["site"], value["tags"], value["dataset_tag"]) == ("summit", "nightly", "LSSTCam/bias")


# What is refused.


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"proxy": "ftp://proxy.example"}, "must look like https://host/path, not 'ftp://proxy.example'"),
        ({"proxy": "proxy.example/x"}, "not 'proxy.example/x': that has no http:// or https://"),
        ({"proxy": f"https://me:{SECRET}@proxy.example"}, "must hold no user, password"),
        ({"namespace": "lsst/cp"}, "'lsst/cp' is no namespace"),
        ({"namespace": ".lsst"}, "'.lsst' is no namespace"),
        ({"field": "a-b=c"}, "'a-b' is no name of a field"),
        ({"token_file": "/nowhere/token"}, "'/nowhere/token' does not exist"),
        ({"collections": "nowhere"}, "nowhere"),
        ({"where": "detector >"}, "detector >"),
        ({"where": "exposure"}, "AssertionError"),
        ({"calibrations": "LSSTCam/calib"}, "--calibration-type and --calibrations go together"),
        ({"calibration_type": "bias", "calibrations": "nowhere"}, "nowhere"),
        ({"batch_size": "0"}, "0 is not in the range"),
        ({"deadline": "0"}, "0.0 is not in the range"),
        ({"deadline": "nan"}, "nan is no number of seconds"),
        ({"deadline": "inf"}, "inf is no number of seconds"),
        ({"ledger": "/nowhere/ledger"}, "/nowhere/ledger cannot be used: unable to open database file"),
        ({"repo": "/nowhere"}, "There is no repository /nowhere"),
    ],
)
def test_bad_options_are_explained(run: Run, proxy: RestProxy, options, message):
    result = run(**options)
    assert result.exit_code in (1, 2)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    assert message in result.stderr
    assert SECRET not in result.output
    assert count(proxy) == 0


def test_ledger_in_use_is_explained(run: Run, repository: BundleRepository):
    with Ledger(repository.root / LEDGER, "x y own"):
        result = run()
    assert result.exit_code == 1
    assert "is in use by another push" in result.stderr


def test_locked_repository_is_not_waited_for(run: Run, repository: BundleRepository, registries: Registries):
    with registries.lock(repository.root):
        result = run(deadline="1")
    assert (result.exit_code, result.stderr) == (1, "Error: the repository gave no answer within 6 s\n")


def test_redirection_ends_the_push(run: Run, settings: ProxySettings):
    settings.faults = FaultPlan({Fault.REDIRECT: 1.0})
    result = run()
    assert result.exit_code == 1
    assert "redirects to http://127.0.0.2:9, which is refused" in result.stderr
    assert "60 records that go with the next push" in result.stderr


def breakFile(root: Path) -> None:
    (root / "gen3.sqlite3").write_text("no database")


def leaveJournal(root: Path) -> None:
    """Leave what a process leaves that is killed while it writes."""
    code = f"""
import os, signal, sqlite3
connection = sqlite3.connect({str(root / "gen3.sqlite3")!r})
connection.execute("PRAGMA cache_size = 1")
connection.execute("CREATE TABLE t (x)")
connection.executemany("INSERT INTO t VALUES (?)", [("x" * 1000,) for _ in range(1000)])
os.kill(os.getpid(), signal.SIGKILL)
"""
    subprocess.run([sys.executable, "-c", code], check=False)
    assert (root / "gen3.sqlite3-journal").stat().st_size


@pytest.mark.parametrize(
    "spoil",
    [
        breakFile,
        leaveJournal,
        lambda root: (root / "gen3.sqlite3").unlink(),
        lambda root: (root / "butler.yaml").write_text("- 5"),
        lambda root: (root / "butler.yaml").write_text("registry: {db: 'postgresql://127.0.0.1:9/x'}"),
        lambda root: (root / "butler.yaml").write_text(": : :"),
    ],
)
def test_repository_that_cannot_be_opened_is_one_line(run: Run, tmp_path: Path, spoil):
    root = tmp_path / "repository"
    Butler.makeRepo(str(root)), Butler.from_config(str(root), writeable=True).close()
    spoil(root)
    result = run(repo=str(root), ledger=str(tmp_path / "ledger"))
    assert result.exit_code == 1
    (line,) = result.stderr.splitlines()
    assert line.startswith(f"Error: The repository {root} cannot be opened: ")


# The token.


def test_token_of_a_file(run: Run, settings: ProxySettings, tmp_path: Path, caplog):
    settings.token = SECRET
    (tmp_path / "token").write_text(f"{SECRET}\n")
    caplog.set_level("DEBUG")
    result = run(token_file=str(tmp_path / "token"))
    assert result.exit_code == 0
    assert SECRET not in result.output + caplog.text


def test_token_of_the_environment(run: Run, settings: ProxySettings, monkeypatch):
    settings.token = SECRET
    monkeypatch.setenv("SASQUATCH_TOKEN", SECRET)
    assert run().exit_code == 0


def test_refused_token_is_not_shown(run: Run, settings: ProxySettings, monkeypatch, caplog):
    settings.token = "another"
    monkeypatch.setenv("SASQUATCH_TOKEN", SECRET)
    caplog.set_level("DEBUG")
    result = run()
    assert result.exit_code == 1
    assert "The server does not let us in" in result.stderr
    assert SECRET not in result.output + caplog.text


def test_there_is_no_option_for_a_token():
    names = {name for parameter in push_verify_metrics.params for name in parameter.opts}
    assert "--token" not in names


# How butler finds the command.


@pytest.fixture
def listed() -> Callable[[], list[str]]:
    cli = UncachedButlerCLI("butler")
    return lambda: cli.list_commands(click.Context(cli))


def test_manifest_names_the_command(listed, monkeypatch):
    monkeypatch.setenv("DAF_BUTLER_PLUGINS", str(MANIFEST))
    assert listed().count("push-verify-metrics") == 1
    cli = UncachedButlerCLI("butler")
    assert cli.get_command(click.Context(cli), "push-verify-metrics") is push_verify_metrics


def test_entry_point_names_the_commands(monkeypatch):
    monkeypatch.delenv("DAF_BUTLER_PLUGINS", raising=False)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    module, function = project["entry-points"]["butler.cli"]["analysis_cp"].split(":")
    assert getattr(import_module(module), function) is getSubcommands
    assert getSubcommands() == COMMANDS


def test_command_is_not_there_twice(monkeypatch):
    monkeypatch.setenv("DAF_BUTLER_PLUGINS", f"/other/resources.yaml:{MANIFEST}")
    assert getSubcommands() == []


def test_table_of_the_stack_names_the_manifest():
    table = (ROOT / "ups" / "analysis_cp.table").read_text()
    (path,) = re.findall(r"envPrepend\(DAF_BUTLER_PLUGINS, \${PRODUCT_DIR}/(.*)\)", table)
    assert ROOT / path == MANIFEST
    names = [command.name for command in COMMANDS]
    assert yaml.safe_load(MANIFEST.read_text())["cmd"]["commands"] == names

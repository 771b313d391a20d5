# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""``butler verify-night``: what it prints, its exit status, and what it costs when something fails."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import time

import click.testing
import pytest
from nightRepository import DAY, EXPOSURES, InProcess, NightRepository, breakExposures
from processes import findFreePorts
from services.restProxy import RestProxy

from lsst.analysis.cp.cli import nightScript
from lsst.analysis.cp.cli.cmd import verify_night
from lsst.analysis.cp.night import NightError, holdLock
from lsst.analysis.cp.sasquatch import PushReport
from lsst.cp.simulator import ExposureInfo
from lsst.daf.butler import Butler
from lsst.daf.butler.cli.utils import LogCliRunner


class QuickPipetask(InProcess):
    """Takes the place of ``pipetask``."""

    def __init__(self, **options: object) -> None:
        super().__init__()

    @staticmethod
    def find() -> str:
        return "pipetask"


@pytest.fixture(autouse=True)
def quickPipetask(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nightScript, "Pipetask", QuickPipetask)


def call(repository: NightRepository, *options: str, dayObs: int = DAY) -> click.testing.Result:
    result = LogCliRunner().invoke(verify_night, repository.command(*options, dayObs=dayObs))
    assert len(result.stdout.splitlines()) == 1, result.output
    return result


def test_a_night_without_exposures_is_said(repository):
    result = call(repository, dayObs=DAY + 1)
    assert result.exit_code == 3
    expected = rf"LATISS {DAY + 1}: no bias or dark or flat taken; not pushed; NO REPORT; \d+ s; status 3\n"
    assert re.fullmatch(expected, result.stdout)


@pytest.mark.parametrize("instrument", ["LSSTCam", "HSC"])
def test_an_instrument_that_is_not_there(repository, instrument):
    result = call(repository, "--instrument", instrument)
    assert result.exit_code == 1
    assert (
        f"{instrument} {DAY}: NOT VERIFIED: The repository has no instrument {instrument}, but LATISS;"
        in result.stdout
    )


def test_an_input_that_is_not_there(repository):
    result = call(repository, "-i", "LATISS/nope")
    assert result.exit_code == 1
    assert f"LATISS {DAY}: NOT VERIFIED: No collection with name 'LATISS/nope' found." in result.stdout
    assert "the most similar" in result.stdout
    assert "NightDetectors" not in result.stderr


def test_a_long_error_is_cut_in_the_line_only(repository):
    """Whoever mends it finds all of it on standard error."""
    name = "long/" * 100 + "end"
    result = call(repository, "-i", name)
    assert len(result.stdout) < 300
    assert name in result.stderr


@pytest.mark.parametrize("output", ["", "/"])
def test_an_output_without_name_is_refused(repository, output):
    result = call(repository, "-o", output)
    assert result.exit_code == 1
    assert result.stdout == f"LATISS {DAY}: NOT VERIFIED: --output names no collection; status 1\n"


def test_a_slash_at_the_end_of_the_output_is_none(repository):
    call(repository, "-o", "u/test/nightly/", dayObs=DAY + 1)
    with Butler.from_config(str(repository.root)) as butler:
        assert butler.collections.get_info("u/test/nightly").children == (repository.night(DAY + 1).run,)


def test_an_instrument_without_pipeline(repository):
    arguments = [
        each for each in repository.command() if each not in ("--pipeline", str(repository.pipeline))
    ]
    result = LogCliRunner().invoke(verify_night, [*arguments, "--instrument", "HSC"])
    assert "There is no pipeline of HSC; there are of LATISS, LSSTCam, LSSTComCam;" in result.stdout


def test_a_day_that_is_none_is_refused(repository):
    result = LogCliRunner().invoke(verify_night, repository.command(dayObs=20261301))
    assert result.exit_code == 2
    assert "20261301 is no day as 20261126." in result.output


def test_another_call_is_refused(repository):
    path = repository.root / "verifyNight-u-test-nightly.lock"
    with holdLock(path, 0.0, print):
        result = call(repository)
    assert result.exit_code == 1
    assert (
        f"NOT VERIFIED: Process {os.getpid()} on {socket.gethostname()} is at it: it holds {path};"
        in result.stdout
    )


def test_what_a_killed_call_left_is_waited_for(tmp_path):
    """The lock is that of a child, whose parent is dead."""
    code = (
        "import os, subprocess, sys, fcntl, socket;"
        "file = open(sys.argv[1], 'a+');"
        "fcntl.flock(file, fcntl.LOCK_EX);"
        "file.write(f'{os.getpid()} {socket.gethostname()}'); file.flush();"
        "subprocess.Popen(['sleep', sys.argv[2]], pass_fds=[file.fileno()])"
    )
    path, told = tmp_path / "lock", []
    subprocess.run([sys.executable, "-c", code, str(path), "2"], check=True, timeout=60)
    with pytest.raises(NightError, match="still runs after 0.1 s"), holdLock(path, 0.1, told.append):
        pass
    begin = time.monotonic()
    with holdLock(path, 60.0, told.append):
        assert 0.2 < time.monotonic() - begin < 30
    assert set(told) == {"Waiting for what a call that was killed left behind."}


@pytest.mark.slow
def test_a_proxy_that_is_down_does_not_cost_the_report(verified):
    repository = verified
    (port,) = findFreePorts(1)
    options = ("--product", "bias", "--namespace", "lsst.cp")
    result = call(repository, *options, "--proxy", f"http://127.0.0.1:{port}", "--deadline", "0.5")
    assert result.exit_code == 1
    assert "ok bias; " in result.stdout
    assert "PUSH FAILED" in result.stdout or " LEFT" in result.stdout
    assert (repository.out / str(DAY) / "report" / "index.html").is_file()
    with RestProxy() as proxy:
        result = call(repository, *options, "--proxy", proxy.url)
        assert result.exit_code == 0
        number = proxy.taken
        assert f"; pushed {number};" in result.stdout
        assert number > 10
        # Late exposures: what sums up the night is sent again, to the same points.
        repository.register(ExposureInfo(DAY, 3))
        assert call(repository, *options, "--proxy", proxy.url).exit_code == 0
        assert call(repository, *options, "--proxy", proxy.url).exit_code == 0


@pytest.mark.slow
def test_the_latest_history_is_pushed_too(verified, monkeypatch):
    """It is made anew with an earlier night, and nobody may call for the later one again."""
    pushed = []
    monkeypatch.setattr(nightScript, "push", lambda options: pushed.append(options) or PushReport())
    nights = [verified.night(DAY + after) for after in range(3)]
    with Butler.from_config(str(verified.root), writeable=True) as butler:
        for night in nights[1:]:
            night.register(butler)
    call(verified, "--product", "bias", "--proxy", "http://127.0.0.1:1", "--namespace", "lsst.cp")
    assert [list(each.collections) for each in pushed] == [[nights[0].run, nights[2].run]]


@pytest.mark.slow
def test_all_products_in_one_line(repository, monkeypatch, tmp_path):
    breakExposures(monkeypatch, tmp_path / "broken", EXPOSURES[0], EXPOSURES[1], EXPOSURES[4])
    result = call(repository)
    assert result.exit_code == 3
    (line,) = result.stdout.splitlines()
    assert len(line.replace(str(tmp_path), "")) < 300
    assert "UNKNOWN bias (" in line
    assert "; FAILED biasNightDetectors and " in line
    assert "; ok dark" in line
    document = json.loads((repository.out / str(DAY) / "report" / "verdict.json").read_text())
    assert {each["product"]: each["verdict"] for each in document["products"]}["dark"] == "MAY"


@pytest.mark.slow
def test_a_product_that_is_asked_for_has_to_be_there(repository):
    repository.register(ExposureInfo(DAY + 1, 1))
    result = call(repository, "--product", "bias", "--product", "dark", dayObs=DAY + 1)
    assert result.exit_code == 3
    assert ": NO dark TAKEN; ok bias; " in result.stdout


@pytest.mark.slow
def test_an_odd_product_costs_itself(repository):
    text = repository.pipeline.read_text()
    repository.pipeline.write_text(text.replace("lsst.cp.verify.CpVerifyDarkTask", "nowhere.NoTask"))
    result = call(repository, "--product", "bias", "--product", "dark")
    assert result.exit_code == 3
    assert ": UNKNOWN dark (2 of 2 exposures not verified); FAILED darkNightDetectors and " in result.stdout
    assert "; ok bias; " in result.stdout
    assert "darkNightDetectors of 20261126: failed: " in result.stderr

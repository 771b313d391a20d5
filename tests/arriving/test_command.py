# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""``butler watch-verify``: its options, what it prints, its exit status, and that it may be killed."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from functools import partial
from pathlib import Path
from typing import Any

import click.testing
import pytest
from nights import DETECTORS, EXPOSURE, RUN, Follower, Night

from lsst.analysis.cp.arriving.folder import MARKER, Folder
from lsst.analysis.cp.cli import reportScript
from lsst.analysis.cp.cli.cmd import watch_verify
from lsst.daf.butler.cli.utils import LogCliRunner


def makeArguments(night: Night, out: Path, **changes: Any) -> list[str]:
    """Make the words of the command."""
    options = {
        "--instrument": night.name,
        "--exposure": EXPOSURE,
        "--collections": RUN,
        "--output": "u/night/merge",
    } | {f"--{name}": value for name, value in changes.items()}
    return [str(night.root), str(out), *(str(word) for option in options.items() for word in option)]


@pytest.fixture
def invoke(follower: Follower):
    """Return what calls the command in this process."""

    def call(**changes: Any) -> click.testing.Result:
        follower.night.butler.registry.refresh()
        arguments = makeArguments(follower.night, follower.out, pipeline=follower.pipeline, **changes)
        return LogCliRunner().invoke(watch_verify, arguments)

    return call


@pytest.mark.parametrize(("failing", "status"), [(0, 0), (16, 4)])
def test_exit_status_is_the_verdict(invoke, follower, failing, status):
    follower.night.add(*DETECTORS, failing=failing)
    result = invoke()
    assert result.exit_code == status, result.output
    assert result.stdout.splitlines()[-2].startswith(f"LSSTComCam bias, exposure {EXPOSURE}: may ")
    assert follower.read()["verdict"] == {0: "MAY", 4: "MAY_NOT"}[status]


def test_status_3_if_something_is_missing(invoke, follower):
    follower.night.add(*DETECTORS[:-1])
    result = invoke(timeout=5)
    assert result.exit_code == 3, result.output
    assert "1 detector (R22_S22) has no results in at least one exposure. (8 of 9 detectors)" in result.stdout


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"instrument": "HSC"}, "There is no instrument 'HSC' in the repository; there are LSSTComCam."),
        (
            {"exposure": 7},
            "There is no exposure 7 of LSSTComCam in the repository; the latest are 2026030100002,",
        ),
        ({"collections": "u/night/verfy"}, RUN),
        ({"product": "bais"}, "There is no product 'bais'; there are bfk, bias,"),
        ({"product": "ptc"}, "The product ptc has no exposures that could be followed."),
        ({"where": "detector == = 1"}, "detector"),
        ({"pipeline": "no/such.yaml"}, "no/such.yaml"),
        ({"output": RUN}, f"The output {RUN} is a RUN collection: name a chain, or one that does not exist."),
    ],
)
def test_status_1_if_it_cannot_be_followed(follower, changes, words):
    options = {"pipeline": follower.pipeline} | changes
    arguments = makeArguments(follower.night, follower.out, **options)
    result = LogCliRunner().invoke(watch_verify, arguments)
    assert result.exit_code == 1, result.output
    assert words in result.stderr
    assert "Traceback" not in result.output
    assert not follower.out.exists()


def test_status_1_if_it_cannot_be_merged(invoke, follower, monkeypatch):
    def fail(self, *args, **kwargs):
        raise RuntimeError("no room on the disk")

    monkeypatch.setattr("lsst.analysis.cp.tasks.merge.ExpMergeAnalysisTask.run", fail)
    follower.night.add(*DETECTORS)
    result = invoke()
    assert result.exit_code == 1
    assert "may be certified" in result.stdout
    assert "The merge failed: RuntimeError: no room on the disk" in result.stderr


def test_a_folder_of_something_else_is_left_alone(invoke, follower):
    follower.out.mkdir()
    (follower.out / "index.html").write_text("mine")
    result = invoke()
    assert result.exit_code == 1
    assert "exists and is no folder of this command: it is left alone." in result.stderr
    assert (follower.out / "index.html").read_text() == "mine"


def test_an_old_answer_goes_before_there_is_a_new_one(tmp_path):
    """A script must not take what was said of another exposure for the answer."""
    Folder(tmp_path / "out").close()
    half = (".verdict.json-x1y2", ".index.html-x1y2", ".biasNoise-3.png-x1y2")
    for name in ("verdict.json", "index.html", "biasNoise-3.png", *half):
        (tmp_path / "out" / name).write_text("old")
    Folder(tmp_path / "out")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        ".analysis_cp-arriving",
        "arriving.css",
        "report.css",
    ]


def test_a_folder_is_of_one_process(invoke, follower):
    first = Folder(follower.out)
    (follower.out / "verdict.json").write_text("of the first")
    result = invoke()
    assert result.exit_code == 1
    assert f"Another process follows an exposure into {follower.out}" in result.stderr
    assert (follower.out / "verdict.json").read_text() == "of the first"
    first.close()
    assert invoke(timeout=3).exit_code == 3


def test_packages_that_are_absent_are_named(invoke, monkeypatch):
    monkeypatch.setattr(reportScript, "_NEEDED", ("jinja2", "no_such_package"))
    result = invoke()
    assert result.exit_code == 1
    assert "There is no package no_such_package" in result.output


def waitFor(isTrue: Any, process: subprocess.Popen[str], seconds: float = 60.0) -> None:
    """Wait until something is true, while a process runs."""
    end = time.monotonic() + seconds
    while not isTrue():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.mark.slow
def test_it_may_be_killed_and_begun_again(makeNight, upstreamPipelines, tmp_path):
    """Once while it waits, and once while it merges."""
    night, out = makeNight(), tmp_path / "out"
    program = shutil.which("butler")
    assert program is not None
    command = [program, "watch-verify", *makeArguments(night, out, timeout=120)]

    def arrival() -> dict[str, Any]:
        path = out / "verdict.json"
        return json.loads(path.read_text())["arrival"] if path.exists() else {"nThere": 0, "phase": ""}

    def start() -> subprocess.Popen[str]:
        return subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=dict(os.environ)
        )

    night.add(*DETECTORS[:4])
    with start() as process:
        waitFor(lambda: arrival()["nThere"] == 4, process)
        process.send_signal(signal.SIGKILL)
    (out / "verdict.json").unlink()
    with start() as process:
        waitFor(lambda: arrival()["nThere"] == 4, process)
        night.add(*DETECTORS[4:])
        waitFor(lambda: arrival()["phase"] == "merging", process)
        process.send_signal(signal.SIGKILL)
    assert arrival()["run"] is None
    with start() as process:
        output, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors
    assert "may be certified" in output
    assert arrival()["phase"] == "merged"
    with night.open(collections="u/night/merge", instrument=night.name) as butler:
        assert len(butler.get("cpBiasExp_ampSummary", exposure=EXPOSURE)) == 9 * 16
        assert len(butler.query_datasets("cpBiasExpDet_metrics", find_first=False)) == 9
    assert [path.name for path in out.iterdir() if path.name.startswith(".")] == [MARKER]


@pytest.mark.slow
def test_a_page_that_is_open_follows(follower, night, browser):
    """A browser that nobody touches shows what is not there yet, then the verdict."""
    from browsers import WIDE, watchPage

    follower.pipeline = None
    with watchPage(browser, WIDE, ("file:", "data:"), timeout=10000) as page:

        def look() -> None:
            page.goto(f"file://{follower.out}/index.html")
            seen.append(
                (page.inner_text("#verdict"), page.inner_text("#progress"), page.inner_text("#not-yet"))
            )

        def waitForNews() -> None:
            page.wait_for_selector("text=4 of 9 detectors, 5 not yet")

        seen: list[Any] = []
        night.add(0)
        pauses = [lambda: None] * 8
        follower.follow(
            *pauses,
            look,
            partial(night.add, 1, 2, 3),
            *pauses,
            waitForNews,
            partial(night.add, 4, 5, 6, 7, 8),
        )
        names = "R22_S01, R22_S02, R22_S10, R22_S11, R22_S12, R22_S20, R22_S21, R22_S22"
        assert seen[0] == ("? unknown by now", " 1 of 9 detectors, 8 not yet", names)
        page.wait_for_selector("#verdict:has-text('may be certified')")
        page.wait_for_selector("dd:has-text('in u/night/merge/2')")
        assert page.locator("#not-yet").count() == 0
        assert page.locator("meta[http-equiv=refresh]").count() == 0
        # With the maps that the merge has stored.
        page.wait_for_load_state("load")
        assert page.eval_on_selector_all("img", "all => all.map(one => one.naturalWidth > 100)") == [True] * 5

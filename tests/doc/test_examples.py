# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""The examples of README and documentation run as they are written, in a clone with what the demo leaves."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
import urllib3
from examples import EXAMPLES, PAGES
from generatedFiles import ROOT
from pipelineRuns import SimulatedRepository, readPipeline

from lsst.daf.butler.cli.butler import cli as butler
from lsst.daf.butler.cli.utils import LogCliRunner
from lsst.obs.lsst import Latiss

pipetask = pytest.importorskip("lsst.ctrl.mpexec.cli.pipetask", reason="needs the program pipetask").cli
simulator = pytest.importorskip("lsst.cp.simulator", reason="needs the simulator of the stand-ins")
pytestmark = pytest.mark.slow

# Those of the demonstration.
EXPOSURES = [simulator.ExposureInfo(20260301, i) for i in (1, 2, 3)]
FAULTS = (ROOT / "demo" / "faults" / "bias" / "LATISS.txt").read_text().splitlines()[1:4]
PTC_FAULTS = (ROOT / "demo" / "faults" / "ptc" / "LATISS.txt").read_text().splitlines()[1:]
LEFT_OUT = shutil.ignore_patterns(".*", "demo-output", "__pycache__", "*.egg-info", "_build")
VARIABLES = ("ANALYSIS_CP_DIR", "CP_VERIFY_DIR", "ANALYSIS_TOOLS_DIR")
RUNNABLE = [page for page in PAGES if any(e.page == page and e.runsInClone and e.language for e in EXAMPLES)]
TYPED = [
    page
    for page in RUNNABLE
    if page.stem in ("README", "gettingStarted", "addingACamera", "addingATest", "choosingLimits")
]
BUTLER = "from lsst.daf.butler.cli.butler import main; main()"
USER = {"LOGNAME": "me", "USER": "me"}
"""What a login sets."""


@pytest.fixture(scope="module")
def environment() -> dict[str, str]:
    """Return the environment of a user who has set up nothing."""
    kept = {name: os.environ[name] for name in ("HOME", "LANG") if name in os.environ}
    return kept | USER | {"PATH": "/usr/local/bin:/usr/bin:/bin"}


@pytest.fixture(scope="module")
def clone(tmp_path_factory) -> Path:
    """Copy what a clone has, with the environment that make installs; its path has a blank."""
    if not (Path(sys.prefix) / "bin" / "pipetask").exists():
        pytest.skip("needs the virtual environment of 'make venv'")
    root = tmp_path_factory.mktemp("a clone") / "analysis_cp"
    shutil.copytree(ROOT, root, ignore=LEFT_OUT)
    shutil.copytree(ROOT / ".ci", root / ".ci")
    (root / ".venv").mkdir()
    for path in Path(sys.prefix).iterdir():
        if path.name != ".installed":
            (root / ".venv" / path.name).symlink_to(path)
    # Newer than whatever it is made of, so that make installs nothing.
    (root / ".venv" / ".installed").touch()
    return root


@pytest.fixture(scope="module")
def demoOutput(clone) -> Path:
    """Make what the demonstration leaves of LATISS, with a camera of fewer pixels."""
    root = clone / "demo-output" / "LATISS" / "repository"
    root.parent.mkdir(parents=True)
    camera = simulator.shrinkCamera(Latiss().getCamera(), 4)
    with simulator.makeRepository(root, Latiss, EXPOSURES, camera=camera) as repository:
        simulator.PTCS.store(repository, Latiss(), camera, simulator.parseFaults(PTC_FAULTS))
    pipeline = readPipeline("LATISS/verifyBias.yaml")
    pipeline.addConfigOverride("verifyBiasIsr", "faults", FAULTS)
    pipeline.addConfigOverride("verifyBiasDet", "ampCornerBoxSize", 50)
    SimulatedRepository(root, Latiss).run(pipeline, "demo/verifyBias")
    SimulatedRepository(root, Latiss).run("verifyPtc.yaml", "demo/verifyPtc")
    return root


def run(command: list[str], clone: Path, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run a command in a directory."""
    return subprocess.run(command, cwd=clone, env=environment, capture_output=True, text=True, timeout=300)


def leaveOutMake(text: str) -> str:
    """Leave out what takes minutes; 'make --dry-run' is tried for each command elsewhere."""
    lines = text.splitlines()
    return "\n".join(line for line in lines if not line.startswith("make ") or "--help" in line)


def joinExamples(page: Path, language: str) -> str:
    """Join the examples of a page in one language, which run one after another."""
    mine = [e.text for e in EXAMPLES if e.page == page and e.runsInClone and e.language == language]
    return "\n".join(mine)


def serveOnce(arguments: list[str]) -> None:
    """Start a server at any free port, ask it for its first page, and end it as a user does."""
    command = [sys.executable, "-c", BUTLER, "serve-verify", *arguments, "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            address = process.stdout.readline().split()[-1]
            page = urllib3.request("GET", address).data.decode()
            assert "demo/verifyBias" in page
            assert ("/report/index.html" in page) is ("--report" in arguments)
            process.send_signal(signal.SIGINT)
            assert process.wait(30) == 0
        finally:
            process.kill()


def changeCatalogue(page: Path, clone: Path, changed: Path) -> Path:
    """Copy what a page changes of a clone, and write its test into the catalogue where the page says so."""
    for path in clone.iterdir():
        if path.name in ("python", "doc", "metrics", "specs", "metricInfo"):
            shutil.copytree(path, changed / path.name)
        else:
            (changed / path.name).symlink_to(path)
    [lines] = [example.text for example in EXAMPLES if example.page == page and example.language == "yaml"]
    catalogue = changed / "python" / "lsst" / "analysis" / "cp" / "catalogue" / "bias.yaml"
    text = catalogue.read_text()
    assert text.count("  SUCCESS:\n") == 1
    catalogue.write_text(text.replace("  SUCCESS:\n", f"{textwrap.indent(lines, '  ')}  SUCCESS:\n"))
    return changed


@pytest.mark.parametrize("page", TYPED, ids=lambda page: page.name)
def test_examples_of_a_page_run_as_a_reader_types_them(page, clone, demoOutput, environment, tmp_path):
    """Those of one language run in one session."""
    if page.stem == "addingATest":
        clone = changeCatalogue(page, clone, tmp_path)
        environment = environment | {"PYTHONPATH": str(clone / "python")}
    commands = leaveOutMake(joinExamples(page, "bash"))
    for shell in filter(shutil.which, ("bash", "zsh")) if page.name == "README.rst" else ("bash",):
        # What runs a second time goes to another collection.
        text = commands.replace("demo/trends", f"demo/{shell}/{page.stem}")
        result = run([shell, "-e", "-c", text], clone, environment)
        assert result.returncode == 0, result.stderr
        assert "eups://" not in result.stderr
    program = joinExamples(page, "python")
    result = run([str(clone / ".venv" / "bin" / "python"), "-c", program], clone, environment)
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("page", sorted({*RUNNABLE} - {*TYPED}), ids=lambda page: page.name)
def test_examples_of_a_page_run(page, clone, demoOutput, monkeypatch):
    """Commands and programs run in this process, as each process takes seconds to start."""
    monkeypatch.chdir(clone)
    for name, folder in zip(VARIABLES, (".", "standalone", "standalone"), strict=True):
        monkeypatch.setenv(name, str(clone / folder))
    for name, value in USER.items():
        monkeypatch.setenv(name, value)
    text = joinExamples(page, "bash").replace("\\\n", " ").replace("$USER", USER["USER"])
    # The amplifiers here have fewer pixels than those of the demonstration.
    whole = "LATISS/verifyBias.yaml'"
    text = text.replace(whole, f"{whole} -c verifyBiasDet:ampCornerBoxSize=50")
    for command in leaveOutMake(text).splitlines():
        match shlex.split(command, comments=True):
            case ["butler", "serve-verify", *arguments]:
                serveOnce(arguments)
            case ["pipetask" | "butler" as program, *arguments]:
                result = LogCliRunner().invoke({"pipetask": pipetask, "butler": butler}[program], arguments)
                assert result.exit_code == 0, result.output
            case other:
                assert other in ([], ["source", "standalone/setup.sh"])
    exec(compile(joinExamples(page, "python"), page.name, "exec"), {})


def test_pages_with_runnable_examples():
    assert {page.stem for page in RUNNABLE} >= {
        *("README", "gettingStarted", "imageViews", "navigator", "plots", "runReport", "sasquatch", "trends"),
        *("addingACamera", "addingATest", "choosingLimits", "ownRun", "readingFailures", "stackRun"),
    }


@pytest.mark.parametrize("shell", ["bash", "zsh"])
@pytest.mark.parametrize("where", ["clone", "elsewhere"])
def test_setup_finds_its_own_place(shell, where, clone, environment, tmp_path):
    if shutil.which(shell) is None:
        pytest.skip(f"needs {shell}")
    file, place = (
        ("standalone/setup.sh", clone) if where == "clone" else (clone / "standalone/setup.sh", tmp_path)
    )
    shown = "; ".join(f'echo "${name}"' for name in (*VARIABLES, "PATH"))
    text = f"set -eu; CDPATH=/tmp; source '{file}'; source '{file}'; {shown}; command -v pipetask"
    result = run([shell, "-c", text], place, environment)
    assert result.returncode == 0, result.stderr
    standalone, binaries = clone / "standalone", clone / ".venv" / "bin"
    assert result.stdout.splitlines() == [
        *(str(clone), str(standalone), str(standalone)),
        f"{binaries}:{environment['PATH']}",
        str(binaries / "pipetask"),
    ]


def test_make_uses_what_a_user_sources(clone, environment):
    result = run(["make", "--dry-run", "demo", "test"], clone, environment)
    lines = [line for line in result.stdout.splitlines() if "runDemo" in line or "pytest" in line]
    assert len(lines) == 2
    assert all(re.match("source standalone/setup.sh && (exec )?python ", line) for line in lines)
    assert not any(name in (clone / "Makefile").read_text() for name in VARIABLES)


@pytest.mark.parametrize("shell", ["bash", "sh"])
def test_setup_says_what_it_lacks(shell, clone, environment, tmp_path):
    if shell == "sh" and "dash" not in str(Path("/bin/sh").resolve()):
        pytest.skip("needs a shell that is neither bash nor zsh")
    (tmp_path / "standalone").mkdir()
    shutil.copy(clone / "standalone" / "setup.sh", tmp_path / "standalone")
    result = run([shell, "-c", ". standalone/setup.sh"], tmp_path, environment)
    assert result.returncode == 1
    assert result.stderr.splitlines() == [
        f"There is no virtual environment in {tmp_path}/.venv: run 'make venv' there."
        if shell == "bash"
        else "standalone/setup.sh works in bash and zsh only."
    ]

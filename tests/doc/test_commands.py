# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""What README and documentation tell a reader to type, to import and to look up is there."""

import ast
import re
import shlex
import subprocess
from importlib import import_module
from importlib.util import find_spec

import pytest
from examples import EXAMPLES, PAGES, PROGRAMS, readCommands
from generatedFiles import ROOT

from lsst.daf.butler.cli.butler import cli as butler
from lsst.pipe.base import Pipeline

# What a set-up stack, or a tool of its own, has to offer.
FOREIGN = {"butler define-visits", "butler register-instrument", "butler write-curated-calibrations", "scons"}
FOREIGN |= {"setup -k -r", "setup -k -r ."}
PACKAGE = ROOT / "python" / "lsst" / "analysis" / "cp"
ROOMS = "actions|atools|batch|catalogue|cli|core|metrics|navigator|notebook|report|sasquatch|tasks"
FOLDERS = rf"\.ci|benchmarks|bps|demo|doc|pipelines|python|specs|standalone|tests|{ROOMS}"
PATH = re.compile(rf"``((?:{FOLDERS})/[^\s`]*)``")
NAME = re.compile(r"(?<![`:])`~?(lsst\.analysis\.cp\.[\w.]+)`(?!`)")


COMMANDS = dict(sorted(pair for page in PAGES for pair in readCommands(page)))


def checkPipeline(arguments: list[str]) -> None:
    """Read the pipeline that a command line names."""
    name = arguments[arguments.index("-p") + 1].replace("$ANALYSIS_CP_DIR", str(ROOT))
    assert len(Pipeline.fromFile(str(ROOT / name))) > 0


WHOLE_PIPELINES = [
    pytest.param(example.text, id=example.page.name)
    for example in EXAMPLES
    if example.language == "yaml" and "imports:" in example.text and "$CP_VERIFY_DIR" not in example.text
]


@pytest.mark.parametrize("text", WHOLE_PIPELINES)
def test_pipelines_of_pages_keep_their_contracts(text, monkeypatch, upstreamPipelines):
    monkeypatch.setenv("ANALYSIS_CP_DIR", str(ROOT))
    pipeline = Pipeline.fromString(text)
    assert pipeline.to_graph().tasks


def test_there_are_pipelines_on_pages():
    assert "choosingLimits.rst" in {parameter.id for parameter in WHOLE_PIPELINES}


def test_there_are_commands():
    assert {command.split(" ")[0] for command in COMMANDS} == set(PROGRAMS)


def test_commands_are_marked_as_such():
    found = [example for example in EXAMPLES if example.commands and not example.language]
    assert [(example.page.name, example.commands) for example in found] == []


def test_runs_register_what_they_write():
    runs = [
        command for command, is_whole in COMMANDS.items() if command.startswith("pipetask run") and is_whole
    ]
    assert len(runs) > 2
    assert [run for run in runs if "--register-dataset-types" not in run] == []


def test_own_calibrations_come_before_certified_ones():
    """The Butler takes the first that it finds; the certified ones are in the defaults of the camera."""
    inputs = [inputs.split(",") for command in COMMANDS for inputs in re.findall(r" -i (\S+)", command)]
    with_own = [names for names in inputs if len(names) > 1 and any("/defaults" in name for name in names)]
    assert len(with_own) > 2
    assert [names for names in with_own if not names[-1].endswith("/defaults")] == []


@pytest.mark.parametrize(("command", "isWhole"), COMMANDS.items())
def test_command_is_understood(command, isWhole, monkeypatch, tmp_path):
    monkeypatch.setenv("ANALYSIS_CP_DIR", str(ROOT))
    monkeypatch.chdir(tmp_path)
    # A command before has made it.
    (tmp_path / "biasReport").mkdir()
    program, *arguments = shlex.split(command)
    match program, arguments:
        case _ if command in FOREIGN:
            pass
        case "make", _:
            result = subprocess.run(
                ["make", "--dry-run", *arguments], cwd=ROOT, capture_output=True, text=True, timeout=60
            )
            assert result.returncode == 0, result.stderr
            options = re.findall(r"--[\w-]+", command)
            text = (ROOT / "demo" / "runDemo.py").read_text()
            assert [name for name in options if name != "--help" and f'"{name}"' not in text] == []
        case "butler", [name, *options]:
            subcommand = butler.get_command(butler.make_context("butler", [name]), name)
            assert subcommand is not None
            subcommand.make_context(name, options, resilient_parsing=not isWhole)
        case "pipetask", [name, *options]:
            pipetask = pytest.importorskip(
                "lsst.ctrl.mpexec.cli.pipetask", reason="needs ctrl_mpexec, which has pipetask"
            ).cli
            subcommand = pipetask.get_command(pipetask.make_context("pipetask", [name]), name)
            assert subcommand is not None
            # click takes out of the list what it has read.
            subcommand.make_context(name, list(options), resilient_parsing=not isWhole)
            if "-p" in options:
                checkPipeline(options)
        case "bps", ["--log-level", _, name, *options] | [name, *options]:
            bps = pytest.importorskip("lsst.ctrl.bps.cli.bps", reason="needs ctrl_bps").cli
            subcommand = bps.get_command(bps.make_context("bps", [name]), name)
            assert subcommand is not None
            subcommand.make_context(name, list(options), resilient_parsing=not isWhole)
            files = [each.replace("$ANALYSIS_CP_DIR", str(ROOT)) for each in options if "bps/" in each]
            assert [file for file in files if not (ROOT / file).is_file()] == []
            assert files or name == "restart" or not isWhole
            if "-p" in options:
                checkPipeline(options)
        case "python", ["-m", name, *_]:
            assert find_spec(name) is not None
        case "python" | "source", [path, *_]:
            assert (ROOT / path).exists()
        case _:
            pytest.fail(f"nothing is known of {command}")


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(example.text, id=f"{example.page.name}-{i}")
        for i, example in enumerate(EXAMPLES)
        if example.language == "python"
    ],
)
def test_imports_of_examples_work(text):
    nodes = ast.walk(ast.parse(text))
    imports = [node for node in nodes if isinstance(node, (ast.Import, ast.ImportFrom))]
    exec(compile(ast.Module(imports, []), "example", "exec"), {})


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_paths_are_there(page):
    paths = [re.sub(r"<\w+>", "*", path).rstrip(",") for path in PATH.findall(page.read_text())]
    assert [path for path in paths if not any((*ROOT.glob(path), *PACKAGE.glob(path)))] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_names_are_there(page):
    for name in NAME.findall(page.read_text()):
        module, _, attribute = name.rpartition(".")
        assert hasattr(import_module(module), attribute), name

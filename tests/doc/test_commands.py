# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""What README and documentation tell a reader to type, to import and to look up is there."""

import ast
import re
import shlex
import subprocess
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest
from generatedFiles import ROOT

from lsst.daf.butler.cli.butler import cli as butler
from lsst.pipe.base import Pipeline

PAGES = [ROOT / "README.rst", *sorted((ROOT / "doc").rglob("*.rst"))]
BLOCK = re.compile(
    r"^(?P<head>.*::(?: *(?P<language>[\w-]+))?)\n(?: +:.*\n)*\n(?P<body>(?:(?: +.*)?\n)+)", re.MULTILINE
)
PROGRAMS = ("butler", "make", "package-docs", "pipetask", "python", "scons", "setup", "source")
# What a set-up stack, or a tool of its own, has to offer.
ELSEWHERE = {
    "butler define-visits",
    "package-docs -d doc build",
    "scons",
    "setup -k -r .",
    "source .venv/bin/activate",
}
PATH = re.compile(
    r"``((?:\.ci|benchmarks|demo|doc|metrics|pipelines|python|specs|standalone|tests)/[^\s`]*)``"
)
NAME = re.compile(r"(?<![`:])`~?(lsst\.analysis\.cp\.[\w.]+)`(?!`)")


def readBlocks(page: Path) -> Iterator[tuple[str, str]]:
    """Yield language and text of the examples of a page; the language is empty if it is not said."""
    for match in BLOCK.finditer(page.read_text() + "\n"):
        is_literal = not match["head"].lstrip().startswith("..")
        if is_literal or "code-block" in match["head"]:
            yield match["language"] or "", match["body"]


def readCommands(page: Path) -> Iterator[tuple[str, bool]]:
    """Yield the commands of a page, and whether they are whole: those in the text may lack arguments."""
    for language, text in readBlocks(page):
        if language == "python":
            continue
        lines = [line.split("  #")[0].strip() for line in text.replace("\\\n", " ").splitlines()]
        yield from ((line, True) for line in lines if line.split(" ")[0] in PROGRAMS)
    for text in re.findall(r"``([^`]+)``", page.read_text()):
        program, _, arguments = " ".join(text.split()).partition(" ")
        # An ellipsis or a placeholder stands for what a reader has to fill in.
        if program in PROGRAMS and arguments and not re.search(r"\.\.\.|<", arguments):
            yield f"{program} {arguments}", False


COMMANDS = dict(sorted(pair for page in PAGES for pair in readCommands(page)))
EXAMPLES = [
    pytest.param(text, id=f"{page.name}-{i}")
    for page in PAGES
    for i, (language, text) in enumerate(readBlocks(page))
    if language == "python"
]


def checkPipeline(arguments: list[str]) -> None:
    """Read the pipeline that a command line names."""
    name = arguments[arguments.index("-p") + 1].replace("$ANALYSIS_CP_DIR", str(ROOT))
    assert len(Pipeline.fromFile(name)) > 0


def test_there_are_commands():
    assert {command.split(" ")[0] for command in COMMANDS} == set(PROGRAMS)


@pytest.mark.parametrize(("command", "isWhole"), COMMANDS.items())
def test_command_is_understood(command, isWhole, monkeypatch):
    monkeypatch.setenv("ANALYSIS_CP_DIR", str(ROOT))
    program, *arguments = shlex.split(command)
    match program, arguments:
        case _ if command in ELSEWHERE:
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
            pipetask = pytest.importorskip("lsst.ctrl.mpexec.cli.pipetask").cli
            subcommand = pipetask.get_command(pipetask.make_context("pipetask", [name]), name)
            assert subcommand is not None
            subcommand.make_context(name, options, resilient_parsing=not isWhole)
            if "-p" in options:
                checkPipeline(options)
        case "python", [path, *_]:
            assert (ROOT / path).exists()
        case _:
            pytest.fail(f"nothing is known of {command}")


@pytest.mark.parametrize("text", EXAMPLES)
def test_imports_of_examples_work(text):
    tree = ast.parse(re.sub(r"^   ", "", text, flags=re.MULTILINE))
    imports = [node for node in ast.walk(tree) if isinstance(node, (ast.Import, ast.ImportFrom))]
    exec(compile(ast.Module(imports, []), "example", "exec"), {})


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_paths_are_there(page):
    paths = [re.sub(r"<\w+>", "*", path).rstrip(",") for path in PATH.findall(page.read_text())]
    assert [path for path in paths if not any(ROOT.glob(path))] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_names_are_there(page):
    for name in NAME.findall(page.read_text()):
        module, _, attribute = name.rpartition(".")
        assert hasattr(import_module(module), attribute), name

# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""The examples of README and documentation.

Commands stand in blocks of ``bash``. A block with ``:class: elsewhere`` needs what a clone does not have: a
set-up stack, a repository, a server. All others run in a clone with the output of the demonstration.
"""

import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from generatedFiles import ROOT

__all__ = ["EXAMPLES", "PAGES", "PROGRAMS", "Example", "readCommands"]

PAGES = [ROOT / "README.rst", *sorted((ROOT / "doc").rglob("*.rst"))]
BLOCK = re.compile(
    r"^(?P<head>.*::(?: *(?P<language>[\w-]+))?)\n(?P<options>(?: +:.*\n)*)\n(?P<body>(?:(?: +.*)?\n)+)",
    re.MULTILINE,
)
ELSEWHERE = ":class: elsewhere"
PROGRAMS = ("bps", "butler", "make", "pipetask", "python", "scons", "setup", "source")


@dataclass(frozen=True)
class Example:
    """An example of a page. The language is empty if it is not said."""

    page: Path
    language: str
    text: str
    runsInClone: bool

    @property
    def commands(self) -> list[str]:
        """Commands of programs that are known."""
        lines = [line.split("  #")[0].strip() for line in self.text.replace("\\\n", " ").splitlines()]
        return [line for line in lines if line.split(" ")[0] in PROGRAMS]


def readExamples(page: Path) -> Iterator[Example]:
    """Yield the examples of a page, from the first to the last."""
    for match in BLOCK.finditer(page.read_text() + "\n"):
        is_literal = not match["head"].lstrip().startswith("..")
        if is_literal or "code-block" in match["head"]:
            text = textwrap.dedent(match["body"])
            yield Example(page, match["language"] or "", text, ELSEWHERE not in match["options"])


def readCommands(page: Path) -> Iterator[tuple[str, bool]]:
    """Yield the commands of a page, and whether they are whole: those in the text may lack arguments."""
    for example in readExamples(page):
        if example.language == "bash":
            yield from ((command, True) for command in example.commands)
    for text in re.findall(r"``([^`]+)``", page.read_text()):
        program, _, arguments = " ".join(text.split()).partition(" ")
        # An ellipsis or a placeholder stands for what a reader has to fill in.
        if program in PROGRAMS and arguments and not re.search(r"\.\.\.|<", arguments):
            yield f"{program} {arguments}", False


EXAMPLES = [example for page in PAGES for example in readExamples(page)]

# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.

"""Nothing is in the stand-ins that nobody uses.

Users are the plugin and its tests, the pipelines, the simulator, the
demonstration, Butler's configuration, the middleware and those of upstream's
tests that run against the stand-ins. From the names that occur there, what is
used is followed through the bodies of the stand-ins. Their own tests are no
users.
"""

import ast
import importlib
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

import lsst.daf.butler
import lsst.pipe.base
from lsst.standalone import MEMBERS

ROOT = Path(__file__).parents[2]
PYTHON = ROOT / "standalone" / "python"
UPSTREAM_NAMES = Path(__file__).parent / "namesOfUpstream.txt"
UPSTREAM_TESTS = (
    "analysis_tools/tests/test_analysisTool.py",
    "analysis_tools/tests/test_contexts.py",
    "analysis_tools/tests/test_genericPlotAction.py",
    "analysis_tools/tests/data/test_pipeline.yaml",
    "cp_verify/tests/test_mergeResults.py",
    "ip_isr/tests/test_brighterFatter.py",
    "ip_isr/tests/test_deferredCharge.py",
    "ip_isr/tests/test_ptcDataset.py",
)
# Run over the stand-ins of the other packages, to compare.
UPSTREAM_CODE = ("analysis_tools/python", "cp_verify/python")
BUTLER = Path(lsst.daf.butler.__file__).parent
PIPE_BASE = Path(lsst.pipe.base.__file__).parent
USERS = (
    *(file for file in ROOT.glob("python/**/*.py")),
    *(file for file in ROOT.glob("tests/**/*.py") if "conformance" not in file.parts),
    *(file for folder in ("pipelines", "standalone/pipelines") for file in (ROOT / folder).rglob("*.yaml")),
    *(file for file in ROOT.glob("standalone/python/lsst/cp/simulator/**/*.py")),
    *(file for folder in ("benchmarks", "demo") for file in (ROOT / folder).rglob("*.py")),
    *(file for file in BUTLER.glob("configs/**/*.yaml")),
    *(BUTLER / "formatters").glob("*.py"),
    PIPE_BASE / "_instrument.py",
)
# Methods that starlink-pyast calls on what it reads from and writes to.
CALLED_BY_LIBRARIES = {"astsink", "astsource"}
# What a file of the real afw holds, and a user who reads or writes one here has to find in it.
STORED_IN_CAMERA_FILE = """
    getLinearityCoeffs getLinearityMaximum getLinearityThreshold getLinearityType getLinearityUnits
    getRawXYOffset getReadoutCorner getSaturation getSuspectLevel setSaturation setSuspectLevel setCrosstalk
""".split()
STORED_IN_EXPOSURE_FILE = """
    setVisitInfo getExposureTime getDarkTime getDate bandLabel physicalLabel
""".split()
USED_WITHOUT_NAME = CALLED_BY_LIBRARIES.union(STORED_IN_CAMERA_FILE, STORED_IN_EXPOSURE_FILE)
WORD = re.compile(r"[A-Za-z_]\w*")


@dataclass(frozen=True, eq=False)
class Definition:
    """A name in a stand-in: a class, a function, a method or a value."""

    module: str
    name: str
    owner: str | None
    words: set[str]

    def __str__(self) -> str:
        return ".".join(part for part in (self.module, self.owner, self.name) if part)


def findWords(*nodes: ast.AST) -> set[str]:
    """Return the identifiers in code, and those in strings that are nothing but dotted names."""
    words: set[str] = set()
    for node in (inner for outer in nodes for inner in ast.walk(outer)):
        match node:
            case ast.Name(id=name) | ast.Attribute(attr=name) | ast.keyword(arg=str(name)):
                words.add(name)
            case ast.alias(name=name):
                words.update(name.split("."))
            case ast.Constant(value=str(text)) if re.fullmatch(r"[\w.]+", text):
                words.update(text.split("."))
    return words


def readWords(file: Path) -> set[str]:
    text = file.read_text()
    return findWords(ast.parse(text)) if file.suffix == ".py" else set(WORD.findall(text))


def findDefinitions(file: Path) -> Iterator[Definition]:
    """Yield what a module defines, each with the words of its code."""
    module = ".".join(file.relative_to(PYTHON).with_suffix("").parts).removesuffix(".__init__")
    for node in ast.parse(file.read_text()).body:
        match node:
            case ast.FunctionDef(name=name):
                yield Definition(module, name, None, findWords(node))
            case ast.ClassDef():
                yield from findMembers(module, node)
            case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
                yield Definition(module, name, None, findWords(node))
            case ast.TypeAlias(name=ast.Name(id=name)):
                yield Definition(module, name, None, findWords(node))


def findMembers(module: str, node: ast.ClassDef) -> Iterator[Definition]:
    """Yield a class with the words of its private part, and its public methods and properties."""
    members = [(name, item) for item in node.body if (name := nameOfMember(item))]
    rest = [item for item in node.body if not nameOfMember(item)]
    yield Definition(
        module, node.name, None, findWords(*rest, *node.bases, *node.keywords, *node.decorator_list)
    )
    for name, item in members:
        yield Definition(module, name, node.name, findWords(getattr(item, "value", item)))


def nameOfMember(node: ast.stmt) -> str:
    """Return the name of a public method or property, empty for anything else."""
    match node:
        case ast.FunctionDef(name=name) if not name.startswith("_"):
            return name
        case ast.Assign(targets=[ast.Name(id=name)], value=ast.Call(func=ast.Name(id="property"))):
            return name
    return ""


@cache
def listDefinitions() -> tuple[Definition, ...]:
    folders = [PYTHON.joinpath(*name.split(".")) for name in MEMBERS]
    files = sorted(file for folder in folders for file in folder.rglob("*.py"))
    return tuple(item for file in files for item in findDefinitions(file) if item.name != "__all__")


def isInherited(definition: Definition) -> bool:
    """Tell whether a method overrides one of a class that is no stand-in, which calls it."""
    if definition.owner is None:
        return False
    cls = getattr(importlib.import_module(definition.module), definition.owner)
    bases = [base for base in cls.__mro__[1:] if not base.__module__.startswith(MEMBERS)]
    return any(definition.name in vars(base) for base in bases)


def findUnused(words: set[str]) -> set[str]:
    """Return the public names that cannot be reached from these words."""
    used = set(words)
    waiting = list(listDefinitions())
    progress = True
    while progress:
        reached = [item for item in waiting if item.name in used or isInherited(item)]
        waiting = [item for item in waiting if item not in reached]
        used.update(word for item in reached for word in item.words)
        progress = bool(reached)
    return {str(item) for item in waiting if not item.name.startswith("_")}


def test_every_public_name_is_used():
    words = {word for file in USERS for word in readWords(file)} | set(UPSTREAM_NAMES.read_text().split())
    assert findUnused(words | USED_WITHOUT_NAME) == set()


def test_what_files_hold_is_there():
    names = {item.name for item in listDefinitions() if item.module.startswith("lsst.afw")}
    assert names.issuperset([*STORED_IN_CAMERA_FILE, *STORED_IN_EXPOSURE_FILE])


def test_name_that_nobody_uses_is_found():
    assert "lsst.verify.measurement.Measurement.deserialize" in findUnused(set())


def findUpstreamNames(upstream: Path) -> set[str]:
    """Return names of stand-ins in upstream's tests, and those that upstream's code imports."""
    words = {word for name in UPSTREAM_TESTS for word in readWords(upstream / name)}
    for name in UPSTREAM_CODE:
        for file in (upstream / name).rglob("*.py"):
            imports = [
                node for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.ImportFrom)
            ]
            words |= findWords(*(node for node in imports if (node.module or "").startswith(MEMBERS)))
    return words & {item.name for item in listDefinitions()}


def test_names_of_upstream_are_up_to_date():
    if "UPSTREAM_DIR" not in os.environ:
        pytest.skip("needs checkouts of analysis_tools, cp_verify and ip_isr: set UPSTREAM_DIR")
    names = findUpstreamNames(Path(os.environ["UPSTREAM_DIR"]))
    assert sorted(names) == UPSTREAM_NAMES.read_text().split()

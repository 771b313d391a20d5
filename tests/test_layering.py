# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.

"""Imports go one way: catalogue and core know no framework, views and actions the core, and so on."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PYTHON = ROOT / "python"
PACKAGE = PYTHON / "lsst" / "analysis" / "cp"
LAYERS = ("catalogue", "core", "metrics", "actions", "atools", "tasks", "sasquatch", "notebook", "cli")
MODULES = sorted(PACKAGE.rglob("*.py"))
CORE = [file for file in MODULES if file.relative_to(PACKAGE).parts[0] in ("catalogue", "core")]
LIBRARIES = {"astropy", "numexpr", "numpy", "scipy", "yaml"}
PRIVATE_UPSTREAM = {"_runTools", "putByBand", "_validateInput", "_addHistogram", "_baseFinalize"}


def nameOf(file: Path) -> str:
    return str(file.relative_to(PACKAGE))


def findImports(file: Path) -> Iterator[str]:
    """Yield the full names of the modules that a module imports, and of what it takes from them."""
    package = file.relative_to(PYTHON).parent.parts
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            start = package[: len(package) + 1 - node.level] if node.level else ()
            module = ".".join([*start, *([node.module] if node.module else [])])
            yield from (f"{module}.{alias.name}" for alias in node.names)


def layerOf(name: str) -> str | None:
    match = re.match(r"lsst\.analysis\.cp\.(\w+)", name)
    return match.group(1) if match else None


def test_everyModuleIsInALayer():
    assert {file.relative_to(PACKAGE).parts[0] for file in MODULES} == {*LAYERS, "__init__.py"}


@pytest.mark.parametrize("file", MODULES, ids=nameOf)
def test_importsGoDown(file):
    layer = file.relative_to(PACKAGE).parts[0]
    allowed = LAYERS[: LAYERS.index(layer) + 1] if layer in LAYERS else ()
    upward = [name for name in findImports(file) if layerOf(name) and layerOf(name) not in allowed]
    assert upward == []


@pytest.mark.parametrize("file", CORE, ids=nameOf)
def test_coreImportsLibrariesOnly(file):
    foreign = [
        name
        for name in findImports(file)
        if layerOf(name) not in ("catalogue", "core")
        and name.split(".")[0] not in LIBRARIES | sys.stdlib_module_names
    ]
    assert foreign == []


def test_coreIsImportedWithoutFramework():
    code = (
        "import sys, lsst.analysis.cp.catalogue, lsst.analysis.cp.core.amps, lsst.analysis.cp.core.pyramid;"
        "print(*(name for name in sys.modules if name.startswith(('lsst.', 'matplotlib'))), sep='\\n')"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    namespaces = {"lsst.analysis", "lsst.analysis.cp"}
    others = {name for name in result.stdout.split() if layerOf(name) not in ("catalogue", "core")}
    assert others <= namespaces


@pytest.mark.parametrize("file", MODULES, ids=nameOf)
def test_noImportIsTried(file):
    tried = [
        ast.unparse(node)
        for block in ast.walk(ast.parse(file.read_text()))
        if isinstance(block, ast.Try)
        for node in ast.walk(block)
        if isinstance(node, (ast.Import, ast.ImportFrom))
    ]
    assert tried == []


@pytest.mark.parametrize("file", MODULES, ids=nameOf)
def test_nothingPrivateOfUpstreamIsUsed(file):
    private = [
        name
        for name in findImports(file)
        if name.startswith("lsst.") and layerOf(name) is None and re.search(r"\._(?!_)", name)
    ]
    words = {
        node.attr if isinstance(node, ast.Attribute) else node.name
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, (ast.Attribute, ast.FunctionDef))
    }
    assert private == []
    assert words & PRIVATE_UPSTREAM == set()


@pytest.mark.parametrize(
    "file",
    [*MODULES, *sorted((ROOT / "pipelines").rglob("*.yaml"))],
    ids=lambda file: str(file.relative_to(ROOT)),
)
def test_nothingKnowsTheStandIns(file):
    assert re.findall(r"stand.?alone|stand.?in\b|lsst\.cp\.simulator", file.read_text(), re.IGNORECASE) == []


def test_namespacesAreIdentical():
    names = ("", "analysis", "cp", "daf", "obs", "pipe")
    files = [
        path
        for tree in (PYTHON, ROOT / "standalone" / "python")
        for name in names
        if (path := tree / "lsst" / name / "__init__.py").is_file()
    ]
    assert len(files) == 8
    assert len({file.read_bytes() for file in files}) == 1
    assert "pkgutil.extend_path" in files[0].read_text()

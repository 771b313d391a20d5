# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.

"""Imports go one way: catalogue and core know no framework, actions know the core, and so on."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PYTHON = ROOT / "python"
PACKAGE = PYTHON / "lsst" / "analysis" / "cp"
LAYERS = (
    "catalogue",
    "core",
    "metrics",
    "actions",
    "atools",
    "tasks",
    "sasquatch",
    "notebook",
    "report",
    "arriving",
    "batch",
    "night",
    "navigator",
    "cli",
)
# scons writes the version.
MODULES = sorted(set(PACKAGE.rglob("*.py")) - {PACKAGE / "version.py"})
CORE = [file for file in MODULES if file.relative_to(PACKAGE).parts[0] in ("catalogue", "core")]
# The package itself says its version, and imports nothing.
VERSION = "lsst.analysis.cp.__version__"
LIBRARIES = {"astropy", "numexpr", "numpy", "scipy", "yaml"}
# What the modules of a pipeline's tasks, tools and actions must not bring along.
PIPELINE_LAYERS = ("catalogue", "core", "metrics", "actions", "atools", "tasks")
UNWANTED = {
    "aiohttp",
    "click",
    "confluent_kafka",
    "fastapi",
    "fastavro",
    "flask",
    "http",
    "httpx",
    "requests",
    "socket",
    "socketserver",
    "sqlalchemy",
    "sqlite3",
    "ssl",
    "starlette",
    "tenacity",
    "urllib",
    "urllib3",
    "uvicorn",
}
PRIVATE_UPSTREAM = {"_runTools", "putByBand", "_validateInput", "_addHistogram", "_baseFinalize"}


def nameOf(file: Path) -> str:
    return str(file.relative_to(PACKAGE))


def findImports(file: Path, python: Path = PYTHON) -> Iterator[str]:
    """Yield the full names of the modules that a module imports, and of what it takes from them.

    Imports in functions and those for types only count, too.
    """
    package = file.relative_to(python).parent.parts
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            start = package[: len(package) + 1 - node.level] if node.level else ()
            module = ".".join([*start, *([node.module] if node.module else [])])
            yield from (f"{module}.{alias.name}" for alias in node.names)


def layerOf(name: str) -> str | None:
    match = re.match(r"lsst\.analysis\.cp\.(?!__version__)(\w+)", name)
    return match.group(1) if match else None


def findFiles(python: Path, name: str) -> Iterator[Path]:
    """Yield the files that run when a name is imported: those of its packages, and its own."""
    parts = name.split(".")
    for end in range(1, len(parts) + 1):
        path = python.joinpath(*parts[:end])
        yield from (file for file in (path / "__init__.py", path.with_suffix(".py")) if file.is_file())


def findUnwanted(
    python: Path, roots: Iterable[str], layers: Iterable[str] = PIPELINE_LAYERS
) -> dict[str, set[str]]:
    """Follow the imports of our own modules, and find those of what pipelines must do without.

    Parameters
    ----------
    python
        Directory of the package ``lsst``.
    roots
        Full names of modules, or of what these hold.
    layers
        Those of our own modules that may be imported.

    Returns
    -------
    unwanted
        By the path of a module that the roots import, at whatever distance, the names that it must not.
    """
    found: dict[str, set[str]] = {}
    known: set[Path] = set()
    names = list(roots)
    while names:
        for file in set(findFiles(python, names.pop())) - known:
            known.add(file)
            for name in findImports(file, python):
                if name.split(".")[0] in UNWANTED or layerOf(name) not in (None, *layers):
                    found.setdefault(str(file.relative_to(python)), set()).add(name)
                else:
                    names.append(name)
    return found


def test_every_module_is_in_a_layer():
    assert {file.relative_to(PACKAGE).parts[0] for file in MODULES} == {*LAYERS, "__init__.py"}


@pytest.mark.parametrize("file", MODULES, ids=nameOf)
def test_imports_go_down(file):
    layer = file.relative_to(PACKAGE).parts[0]
    allowed = LAYERS[: LAYERS.index(layer) + 1] if layer in LAYERS else ()
    upward = [name for name in findImports(file) if layerOf(name) and layerOf(name) not in allowed]
    assert upward == []


@pytest.mark.parametrize("layer", PIPELINE_LAYERS)
def test_pipelines_bring_no_web_and_no_database_along(layer):
    assert findUnwanted(PYTHON, [f"lsst.analysis.cp.{layer}"]) == {}


def test_notebooks_bring_no_web_and_no_database_along():
    layers = (*PIPELINE_LAYERS, "notebook")
    assert findUnwanted(PYTHON, ["lsst.analysis.cp.notebook"], layers) == {}


def test_pipelines_name_these_layers_only():
    texts = [file.read_text() for file in (ROOT / "pipelines").rglob("*.yaml")]
    names = {name for text in texts for name in re.findall(r"lsst\.analysis\.cp\.[\w.]+", text)}
    assert names
    assert {layerOf(name) for name in names} <= set(PIPELINE_LAYERS)
    assert findUnwanted(PYTHON, names) == {}


@pytest.mark.parametrize(
    ("statement", "unwanted"),
    [
        ("import numpy, sqlite3", "sqlite3"),
        ("import urllib3.util", "urllib3.util"),
        ("from http.client import HTTPConnection", "http.client.HTTPConnection"),
        ("from lsst.analysis.cp.sasquatch import Mode", "lsst.analysis.cp.sasquatch.Mode"),
        ("from ..notebook import readView", "lsst.analysis.cp.notebook.readView"),
        ("from .. import cli", "lsst.analysis.cp.cli"),
        ("def read():\n    import requests", "requests"),
    ],
)
def test_what_is_imported_at_a_distance_is_found(tmp_path, statement, unwanted):
    files = {
        "atools/__init__.py": "from .trends import *",
        "atools/trends.py": "from lsst.analysis.cp.metrics import readButler",
        "metrics/__init__.py": "from .readButler import *",
        "metrics/readButler.py": "from .bundles import readBundle",
        "metrics/bundles.py": statement,
        "metrics/unused.py": "import tenacity",
    }
    for name, text in files.items():
        path = tmp_path / "lsst" / "analysis" / "cp" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    expected = {"lsst/analysis/cp/metrics/bundles.py": {unwanted}}
    assert findUnwanted(tmp_path, ["lsst.analysis.cp.atools"]) == expected
    assert findUnwanted(tmp_path, ["lsst.analysis.cp.atools.trends"]) == expected


@pytest.mark.parametrize("file", CORE, ids=nameOf)
def test_core_imports_libraries_only(file):
    foreign = [
        name
        for name in findImports(file)
        if layerOf(name) not in ("catalogue", "core")
        and name != VERSION
        and name.split(".")[0] not in LIBRARIES | sys.stdlib_module_names
    ]
    assert foreign == []


def test_core_is_imported_without_framework():
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
def test_no_import_is_tried(file):
    tried = [
        ast.unparse(node)
        for block in ast.walk(ast.parse(file.read_text()))
        if isinstance(block, ast.Try)
        for node in ast.walk(block)
        if isinstance(node, (ast.Import, ast.ImportFrom))
    ]
    assert tried == []


@pytest.mark.parametrize("file", MODULES, ids=nameOf)
def test_nothing_private_of_upstream_is_used(file):
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
def test_nothing_knows_the_stand_ins(file):
    assert re.findall(r"stand.?alone|stand.?in\b|lsst\.cp\.simulator", file.read_text(), re.IGNORECASE) == []


def test_namespaces_are_identical():
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


@pytest.mark.parametrize("file", MODULES, ids=nameOf)
def test_no_module_is_hidden_by_what_it_defines(file):
    """A stored configuration names modules in full: a function of the same name would hide one."""
    defined = {
        node.name
        for node in ast.parse(file.read_text()).body
        if isinstance(node, (ast.FunctionDef, ast.ClassDef))
    }
    package = file.parent / "__init__.py"
    exported = package.is_file() and re.search(rf"from \.{file.stem} import", package.read_text())
    assert not (exported and file.stem in defined and "actions" in file.parts)

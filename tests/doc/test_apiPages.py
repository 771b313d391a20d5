# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Pages of the names of the package: each public name is on one, and says what it is."""

import ast
import inspect
import re
from importlib import import_module
from pathlib import Path

import pytest
from apiPages import PublicName, apiPages, publicNames

import lsst.analysis.cp as root

NAMES = publicNames()
SOURCES = [path for path in Path(root.__file__).parent.rglob("*.py") if path.name != "__init__.py"]


def readPublic(path: Path) -> list[str]:
    """Read what a module offers from its source."""
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            return ast.literal_eval(node.value)
    return []


def readDescribed(module: str) -> set[str]:
    """Read from the source of a module which of its values are followed by a text."""
    body = ast.parse(Path(import_module(module).__file__).read_text()).body
    found = set()
    for node, following in zip(body, body[1:], strict=False):
        if isinstance(following, ast.Expr) and isinstance(following.value, ast.Constant):
            target = getattr(node, "name", None) or getattr(node, "target", None) or node.targets[0]
            found.add(ast.unparse(target))
    return found


def test_all_public_names_of_all_modules_are_listed_once():
    expected = sorted(name for path in SOURCES for name in readPublic(path))
    assert sorted(public.name for public in NAMES) == expected
    assert len({(public.home, public.name) for public in NAMES}) == len(NAMES) > 800


def test_home_is_the_outermost_package_that_offers_the_name():
    homes = {public.name: public.home for public in NAMES}
    assert homes["CameraLayout"] == "lsst.analysis.cp.core"
    assert homes["TrendPlot"] == "lsst.analysis.cp.actions.plot"
    assert homes["overColour"] == "lsst.analysis.cp.actions.plot.style"


@pytest.mark.parametrize("module", sorted({public.module for public in NAMES}))
def test_public_names_say_what_they_are(module):
    public = [public for public in NAMES if public.module == module]
    assert [it.name for it in public if not it.isConstant and not inspect.getdoc(it.value)] == []
    constants = {it.name for it in public if it.isConstant and not callable(it.value)}
    assert constants - readDescribed(module) == set()


def test_pages_hold_all_modules_and_leave_out_what_is_elsewhere():
    pages = apiPages()
    modules = [name for page in pages.values() for name in re.findall(r"automodapi:: (\S+)", page)]
    assert sorted(modules) == sorted({public.home for public in NAMES})
    tasks = pages["doc/lsst.analysis.cp/api/lsst.analysis.cp.tasks.rst"]
    assert "   :skip: CAMERA\n" in tasks
    assert ".. autodata:: lsst.analysis.cp.tasks.connections.CAMERA\n   :no-value:\n" in tasks


def test_functions_with_a_cache_are_no_constants():
    cached = PublicName("lsst.analysis.cp.catalogue", "getProduct", "lsst.analysis.cp.catalogue.reader")
    value = PublicName("lsst.analysis.cp.core.amps", "FAILED", "lsst.analysis.cp.core.amps.verdicts")
    assert not cached.isConstant
    assert value.isConstant

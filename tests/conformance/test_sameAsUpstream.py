# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.

"""The stand-ins beside upstream: the same names, signatures, fields and results."""

import ast
import json
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

STAND_INS = Path(__file__).parents[2] / "standalone" / "python"
PARTS = (
    "describeMeasurements",
    "describeTools",
    "describeMetricActions",
    "describeTask",
    "describeOverrides",
    "describeMetricsConnection",
    "describePlots",
)
FOLDERS = ("lsst/verify", "lsst/analysis/tools")
# The configuration of a tool for object tables is there as far as upstream's tests set it.
PARTIAL = "SizeMagnitudePlot"


def listPublicNames() -> list[tuple[str, str]]:
    """Return module and name of what the stand-ins list in ``__all__``."""
    names = []
    for folder in FOLDERS:
        for file in sorted((STAND_INS / folder).rglob("*.py")):
            if file.name.startswith("_") and file.name != "__init__.py":
                continue
            module = ".".join(file.relative_to(STAND_INS).with_suffix("").parts).removesuffix(".__init__")
            names += [(module, name) for name in readAll(file)]
    return names


def readAll(file: Path) -> list[str]:
    """Return what a module lists, with what it takes over from the private modules beside it."""
    names: list[str] = []
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.ImportFrom) and node.level == 1 and node.names[0].name == "*":
            names += readAll(file.parent / f"{node.module}.py")
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            names += [item.value for item in node.value.elts if isinstance(item, ast.Constant)]
    return names


def runInBoth(script, *arguments, runs):
    """Return what a script of this folder writes over the stand-ins, and over upstream."""
    results = [run("-W", "ignore", Path(__file__).parent / script, *arguments) for run in runs]
    assert [result.returncode for result in results] == [0, 0], results[0].stderr + results[1].stderr
    return [json.loads(result.stdout) for result in results]


@pytest.fixture(scope="module")
def surfaces(overStandIns, overUpstream, tmp_path_factory):
    file = tmp_path_factory.mktemp("surface") / "names.json"
    file.write_text(json.dumps(listPublicNames()))
    return runInBoth("describeSurface.py", file, runs=(overStandIns, overUpstream))


@pytest.fixture(scope="module")
def behaviours(overStandIns, overUpstream):
    return runInBoth("describeBehaviour.py", runs=(overStandIns, overUpstream))


def test_public_names_are_as_upstream(surfaces):
    ours, theirs = surfaces
    assert len(ours) > 50
    for name, description in ours.items():
        if isinstance(description, dict):
            assert {key: theirs[name].get(key) for key in description} == description, name
        else:
            assert description == theirs[name], name


def test_configurations_have_all_fields(surfaces):
    ours, theirs = surfaces
    complete = {name for name, item in ours.items() if isinstance(item, dict) and PARTIAL not in name}
    lacking = {
        f"{name}.{key}"
        for name in complete
        for key in theirs[name].keys() - ours[name].keys()
        if key.startswith("field ")
    }
    assert lacking == set()


@pytest.mark.parametrize("part", PARTS)
def test_result_is_as_upstream(behaviours, part):
    ours, theirs = (behaviour[part] for behaviour in behaviours)
    if part == "describePlots":
        comparePlaces(ours, theirs)
    assert ours == theirs


def comparePlaces(ours, theirs):
    """Compare the places of patches, which upstream draws without the last row and column of pixels."""
    figures = [(ours[name], theirs[name]) for name in ("pixels", "adaptive", "amplifier", "detector")]
    figures += [(ours["tool"][name], theirs["tool"][name]) for name in ours["tool"] if "Plot" in name]
    for our_figure, their_figure in figures:
        pairs = zip(our_figure.pop("corners"), their_figure.pop("corners"), strict=True)
        for our_corner, their_corner in pairs:
            assert [float(x) for x in our_corner] == pytest.approx([float(x) for x in their_corner], abs=0.1)

# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Pages of the documentation that say how a product is verified and list its tests.

They are generated from the catalogue and the pipelines.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import yaml
from pageText import makeTable, wrap
from pipelineTopics import Topic
from verifyMetrics import productsWithTests

from lsst.analysis.cp.catalogue import REDUCTIONS, Bounds, Product, VerifyTest, findTest, products
from lsst.pipe.base import Pipeline

__all__ = ["describeProduct", "productPages"]

_DIRECTORY = "doc/lsst.analysis.cp"
_PIPELINES = Path(__file__).parents[2] / "pipelines"

_KINDS = ("verify", "analyze", "gather", "trend")
"""Kinds of pipelines that a product may have."""

_NAMES = {
    "RN": "the nominal read noise of the amplifier",
    "GAIN": "the nominal gain of the amplifier",
    "N_PIXELS": "the number of pixels of the amplifier",
    "DARK_TIME": "the dark time of the exposure (s), where above 0",
    "EXPOSURE_TIME": "the exposure time (s), where above 0",
}
"""What names in tested quantities mean that are no columns."""


def productPages(topics: Mapping[str, Topic]) -> dict[str, str]:
    """Generate one page a product.

    Parameters
    ----------
    topics
        All topics by name.

    Returns
    -------
    files
        Text of each file by its path, relative to the root of the package.
    """
    return {
        f"{_DIRECTORY}/{product.name}Tests.rst": describeProduct(product, topics)
        for product in productsWithTests()
    }


def describeProduct(product: Product, topics: Mapping[str, Topic]) -> str:
    """Write the page of a product; what would be empty is left out.

    Parameters
    ----------
    product
        The product.
    topics
        All topics by name.

    Returns
    -------
    page
        Its text.
    """
    title = f"{product.title} tests"
    return "\n".join(
        [
            ".. Generated from the catalogue and the pipelines of lsst.analysis.cp; do not edit.",
            "",
            "#" * len(title),
            title,
            "#" * len(title),
            "",
            *_describePipelines(product),
            *_describeBundles(product, topics),
            *_describeTests(product),
        ]
    )


def _describePipelines(product: Product) -> Iterator[str]:
    """Write how to run the pipelines that there are, and which parts they have."""
    stem = product.name[0].upper() + product.name[1:]
    files = {kind: _PIPELINES / "LSSTCam" / f"{kind}{stem}.yaml" for kind in _KINDS}
    if not (there := [kind for kind, file in files.items() if file.exists()]):
        return
    yield from ("Running it", "==========", "")
    for name in (*(f"{kind}{stem}" for kind in there), *_findVariants(stem)):
        yield wrap(f"``{name}.yaml``: {_readIngredient(name)['description'].strip()}", "- ", "  ")
    yield from ("", "For LATISS or LSSTComCam put its name in the place of LSSTCam.", "")
    yield from (".. code-block:: bash", "   :class: elsewhere", "")
    for kind in there:
        yield from (f"   {line}" for line in _writeCommand(kind, product, isVerified="verify" in there))
    yield from ("", "This lists the tasks of a pipeline, and needs no repository:", "")
    yield from (".. code-block:: bash", "", "   source standalone/setup.sh")
    yield f"   pipetask build -p '$ANALYSIS_CP_DIR/pipelines/LATISS/{there[0]}{stem}.yaml' --show task-graph"
    yield ""
    yield from ("Parts that can be run alone, by their names after ``#``:", "")
    for kind in there:
        own = Pipeline.fromFile(str(files[kind])).subsets.keys()
        for name, description in _findSubsets(stem).items():
            if name in own:
                yield wrap(f"``{kind}{stem}.yaml#{name}``: {description}", "- ", "  ")
    yield ""


def _findVariants(stem: str) -> list[str]:
    """Find the pipelines that analyse a product in another way."""
    others = {f"analyze{name[0].upper()}{name[1:]}" for name in products()}
    return sorted({file.stem for file in _PIPELINES.glob(f"LSSTCam/analyze{stem}*.yaml")} - others)


def _writeCommand(kind: str, product: Product, *, isVerified: bool) -> Iterator[str]:
    """Write the command that runs a kind of pipeline, in lines.

    A product that is not verified by a pipeline of cp_verify is measured by that which analyses it.
    """
    stem, epoch = product.name[0].upper() + product.name[1:], product.epoch
    made = f"u/me/{'verify' if isVerified else 'analyze'}{stem}"
    inputs, selection = "LSSTCam/defaults", "instrument = 'LSSTCam'"
    if isVerified:
        # The Butler takes what comes first: the certified calibrations are in the defaults.
        inputs = f"u/me/{product.name}Calibs,{inputs}"
        selection += f" AND {epoch} IN (2025041500100..2025041500120)" * (epoch != "none")
    if kind == "analyze" and isVerified:
        inputs, selection = f"u/me/plainVerify{stem}", ""
    if kind == "gather":
        inputs, selection = f"{made}2", "day_obs = 20260401"
    if kind == "trend":
        inputs = f"{made}1,{made}2" + f",u/me/gather{stem}" * (epoch != "none")
        selection = f"{epoch}.day_obs > 20260101" * (epoch != "none")
    command = "pipetask run --register-dataset-types -b /repo/main"
    collections = f"-i {inputs} -o u/me/{kind}{stem}"
    # Names of several words are too long for one line.
    one_line = f"{command} {collections} \\"
    yield from (one_line,) if len(one_line) < 126 else (f"{command} \\", f"    {collections} \\")
    pipeline = f"    -p '$ANALYSIS_CP_DIR/pipelines/LSSTCam/{kind}{stem}.yaml'"
    yield from (f"{pipeline} \\", f'    -d "{selection}"') if selection else (pipeline,)


def _describeBundles(product: Product, topics: Mapping[str, Topic]) -> Iterator[str]:
    """List the bundles of metrics that hold tests of the product."""
    bundles = {
        topic.datasetType: topic.dimensions
        for topic in topics.values()
        if (test := findTest(topic.tool)) is not None and test.product == product.name
    }
    if not bundles:
        return
    yield from ("What it writes", "==============", "")
    yield wrap(
        "Bundles of metrics, whose tools are those in the lists below. :doc:`metrics` says what each "
        "measurement is. :doc:`tables` and :doc:`plots` of the same output names stand beside them."
    )
    yield ""
    for name, dimensions in sorted(bundles.items()):
        yield wrap(f"``{name}``: {', '.join(dimensions)}", "- ", "  ")
    yield ""


def _describeTests(product: Product) -> list[str]:
    """List the tests and the stored statistics."""
    beside = ", beside those of cp_verify" * any(test.counts or test.setAside for test in product)
    return [
        "Tests",
        "=====",
        "",
        wrap(" ".join(_explainTables(product))),
        "",
        *_writeNote(product.note),
        *_list(
            "Tests of cp_verify, whose verdicts count in the status of amplifiers, detectors, exposures and "
            "runs:",
            map(_describeTest, (test for test in product if test.counts)),
        ),
        *_list(
            f"Tests of this package{beside}. Their verdicts are computed and reported, and count in no "
            "status:",
            map(_describeTest, (test for test in product if test.isOurs)),
        ),
        *_list(
            "Tests of cp_verify that are reported, and whose verdicts count in no status:",
            map(_describeTest, (test for test in product if test.setAside)),
        ),
        *_list(
            "Statistics that are stored without being tested:",
            map(_describeStatistic, (test for test in product if not test.isTested)),
        ),
        *_list(
            "Values that are stored wrongly, and left out; metadata of the tables (:doc:`tables`) name them:",
            ({"value": f"``{name}``", "why": reason} for name, reason in product.notRead.items()),
        ),
    ]


def _writeNote(note: str) -> Iterator[str]:
    """Write a note: each of its lines is a paragraph, or an item of a list if it begins with a dash."""
    lines = note.strip().splitlines()
    for line, after in pairwise([*lines, ""]):
        is_item = line.startswith("- ")
        yield wrap(line.removeprefix("- "), "- ", "  ") if is_item else wrap(line)
        if not (is_item and after.startswith("- ")):
            yield ""


def _explainTables(product: Product) -> Iterator[str]:
    """Yield sentences on what the lists of tests of a product are written with."""
    of_verdicts = f", those of verdicts with ``{product.prefix}_VERIFY_``"
    if not any("_VERIFY_" in (test.verifyColumn or "") for test in product):
        of_verdicts = ""
    yield f"Columns of the tables of results begin with ``{product.prefix}_``{of_verdicts}."
    if product.document:
        yield f"Sections are those of `{product.document} <{product.url}>`_ (:doc:`coverage`)."
    texts = " ".join(f"{test.quantity} {test.derived}" for test in product)
    for name, meaning in _NAMES.items():
        if re.search(rf"\b{name}\b", texts):
            yield f"{name} is {meaning}."
    if any(test.plausibleAbove for test in product):
        yield "A value that is not plausible is suspicious, whatever the verdict."


def _readIngredient(name: str) -> Any:
    """Read the file of a pipeline's ingredient."""
    return yaml.safe_load((_PIPELINES / "_ingredients" / f"{name}.yaml").read_text(encoding="utf-8"))


def _findSubsets(stem: str) -> dict[str, str]:
    """Find the labelled subsets of a product's ingredients, with their descriptions."""
    found = {}
    for file in sorted((_PIPELINES / "_ingredients").glob(f"*{stem}.yaml")):
        for name, subset in _readIngredient(file.stem).get("subsets", {}).items():
            found[name] = " ".join(subset["description"].split())
    return found


def _list(words: str, rows: Iterable[dict[str, str]]) -> list[str]:
    """Write a table with some words before it; nothing if there are no rows."""
    if not (listed := list(rows)):
        return []
    return [wrap(words), "", makeTable(listed)]


def _describeTest(test: VerifyTest) -> dict[str, str]:
    passed = f"``{test.quantity} {test.operator} {_writeThreshold(test.threshold)}``" if test.operator else ""
    return {
        "tool": f"``{test.toolName}``",
        "test": test.key,
        "section": test.section or "none",
        "unit": test.unit,
        "passed where": passed,
        "meaning": " ".join(_describeMeaning(test)),
    }


def _describeMeaning(test: VerifyTest) -> Iterator[str]:
    """Yield sentences on a test; more columns would not fit a page."""
    yield test.description.strip()
    if test.row != "amplifier":
        yield f"One verdict a {test.row}."
    if test.isComputed and not test.isOurs:
        yield "The verdict is computed from the statistics: it is none that cp_verify stores in the table."
    if test.presence == "conditional":
        yield "Only of runs that made it."
    if not test.inVerdict:
        yield "Not in SUCCESS."
    if test.thresholdSource:
        yield f"Threshold: {test.thresholdSource}."
    if test.untestedWithout:
        yield f"Not tested where {test.untestedWithout} has no value."
    if test.plausibleAbove:
        yield f"Plausible above ``{test.plausibleAbove}``."
    if test.setAside:
        yield f"Set aside: {test.setAside}"
    if test.derived:
        yield f"It is ``{test.derived}``."
    if test.vectors:
        columns = ", ".join(f"``{name}``" for name in test.vectors.columns)
        kinds = f" where ``{test.vectors.kindColumn}`` is {' or '.join(test.vectors.kinds)}" * bool(
            test.vectors.kinds
        )
        yield f"Made of the vectors {columns}{kinds}: {REDUCTIONS[test.vectors.reduction]}."
    if test.absentWhere:
        yield f"Left out where ``{test.absentWhere}``."


def _writeThreshold(threshold: Bounds | Mapping[str, Bounds] | None) -> str:
    """Write a number, an interval, or one of these for each physical type."""
    if isinstance(threshold, Mapping):
        return "; ".join(f"{_writeThreshold(bounds)} ({name})" for name, bounds in threshold.items())
    return " to ".join(f"{end:g}" for end in (threshold if isinstance(threshold, tuple) else (threshold,)))


def _describeStatistic(test: VerifyTest) -> dict[str, str]:
    return {
        "tool": f"``{test.toolName}``",
        "statistic": f"{test.statistic}",
        "unit": test.unit,
        "meaning": " ".join(_describeMeaning(test)),
    }

# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Files that ``python doc/generate`` writes: the committed ones are what it writes today."""

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from generatedFiles import ROOT
from pageText import makeTable, wrap
from productPages import describeProduct

from lsst.analysis.cp.catalogue import getProduct, products
from lsst.pipe.base import Pipeline

WIDTH = 130
# What fits a page of documentation, in letters; a word is not broken.
PAGE_WIDTH = 105
PAGES = ROOT / "doc" / "lsst.analysis.cp"
CAMERA = ROOT / "pipelines" / "LSSTCam"
TESTS = [test for name in products() for test in getProduct(name)]


def readTables(page: str) -> list[list[str]]:
    """Read the rows of all tables of a page; a cell may have several lines."""
    rows: list[list[str]] = []
    in_table = False
    for line in page.splitlines():
        in_table = line.startswith("   * -") or (in_table and line.startswith("     "))
        if line.startswith("   * -"):
            rows.append([line[7:]])
        elif in_table and line.startswith("     -"):
            rows[-1].append(line[7:])
        elif in_table:
            rows[-1][-1] += f" {line.strip()}"
    return rows


def writeThreshold(threshold) -> str:
    """Write a limit, an interval, or one of these for each vendor."""
    if isinstance(threshold, Mapping):
        return "; ".join(f"{writeThreshold(own)} ({vendor})" for vendor, own in threshold.items())
    return f"{threshold[0]:g} to {threshold[1]:g}" if isinstance(threshold, tuple) else f"{threshold:g}"


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Run the command in a directory of its own; return what it wrote, by path."""
    directory = tmp_path_factory.mktemp("generated")
    # It must find the pipelines without help.
    hidden = ("ANALYSIS_CP_DIR", "ANALYSIS_TOOLS_DIR", "CP_VERIFY_DIR")
    env = {name: value for name, value in os.environ.items() if name not in hidden}
    command = [sys.executable, ROOT / "doc" / "generate", directory]
    result = subprocess.run(command, env=env, capture_output=True, text=True, timeout=300)
    assert result.returncode == 0, result.stderr
    paths = [Path(line) for line in result.stdout.splitlines()]
    return {str(path.relative_to(directory)): path.read_text() for path in paths}


@pytest.mark.slow
def test_committed_files_are_those_that_are_generated(written):
    for name, text in written.items():
        assert (ROOT / name).read_text() == text, f"{name}: run python doc/generate"


@pytest.mark.slow
def test_no_other_metrics_and_specifications_are_there(written):
    found = {
        str(path.relative_to(ROOT))
        for place in ("metrics", "specs")
        for path in (ROOT / place).rglob("*.yaml")
    }
    assert found == {name for name in written if name.startswith(("metrics/", "specs/"))}


@pytest.mark.parametrize("test", TESTS, ids=lambda test: test.key)
def test_documentation_has_a_row_for_each_test(test):
    rows = readTables((PAGES / f"{test.product}Tests.rst").read_text())
    [row] = [row for row in rows if row[0] == f"``{test.toolName}``"]
    assert row[-1].startswith(test.description.strip())
    for words in (test.thresholdSource, test.plausibleAbove, test.setAside, test.absentWhere):
        assert not words or " ".join(words.split()) in row[-1]
    assert test.unit in row
    if test.threshold is not None:
        assert f"``{test.quantity} {test.operator} {writeThreshold(test.threshold)}``" in row


@pytest.mark.parametrize("tested", [True, False])
def test_page_of_a_product_has_no_list_of_what_it_lacks(tested):
    product = getProduct("bias")
    some = tuple(test for test in product if (test.counts if tested else not test.isTested))
    page = describeProduct(replace(product, tests=some), {})
    assert ("stored without being tested" in page) == (not tested)
    [_, *rows] = readTables(page)
    assert [row[0] for row in rows] == [f"``{test.toolName}``" for test in some]


@pytest.mark.parametrize("name", products())
def test_page_of_a_product_explains_the_names_that_it_uses_and_no_others(name):
    product = getProduct(name)
    _, _, tests = " ".join(describeProduct(product, {}).split()).partition(" Tests ===== ")
    explained = set(re.findall(r"\b(RN|GAIN|N_PIXELS|DARK_TIME|EXPOSURE_TIME) is the ", tests))
    words = {word for test in product for word in re.findall(r"\w+", f"{test.quantity} {test.derived}")}
    assert explained == words & {"RN", "GAIN", "N_PIXELS", "DARK_TIME", "EXPOSURE_TIME"}
    assert ("Sections are those of" in tests) == bool(product.document)
    assert "<>" not in tests


def test_each_pipeline_of_stored_results_is_on_the_page_of_one_product():
    pages = [(PAGES / f"{name}Tests.rst").read_text() for name in products() if getProduct(name).tests]
    for file in sorted(CAMERA.glob("analyze*.yaml")):
        assert sum(f"\n- ``{file.name}``: " in page for page in pages) == 1, file.name


@pytest.mark.parametrize("product", ["bias", "dark", "flat"])
def test_page_of_a_product_says_how_to_run_each_of_its_pipelines(product):
    page = (PAGES / f"{product}Tests.rst").read_text()
    stem = product.capitalize()
    verbs = ("verify", "analyze", "gather", "trend")
    kinds = {kind for kind in verbs if (CAMERA / f"{kind}{stem}.yaml").exists()}
    assert kinds >= {"verify", "analyze"}
    runs = re.findall(r"pipetask run .*\n(?: +.*\n)*?.*LSSTCam/(\w+)\.yaml'", page)
    assert set(runs) == {f"{kind}{stem}" for kind in kinds}
    parts = re.findall(r"^- ``(\w+\.yaml)#(\w+)``", page, re.MULTILINE)
    assert ("verify" + stem + ".yaml", f"{product}Merges") in parts
    for file, name in parts:
        assert len(Pipeline.fromFile(f"{CAMERA / file}#{name}")) > 0


@pytest.mark.parametrize("product", ["bias", "dark", "flat"])
def test_page_of_a_product_lists_its_bundles_at_all_levels(product):
    page = (PAGES / f"{product}Tests.rst").read_text()
    bundles = dict(re.findall(r"^- ``(\w+)_metrics``: (.*)$", page, re.MULTILINE))
    output = f"cp{product.capitalize()}"
    assert set(bundles) == {f"{output}{level}" for level in ("Exp", "ExpDet", "Run", "RunDet")}
    for name, dimensions in bundles.items():
        assert ("detector" in dimensions) == name.endswith("Det")
        assert ("exposure" in dimensions) == ("Exp" in name)
        assert ("physical_filter" in dimensions) == (product == "flat")


def test_page_tells_verdicts_of_detectors_and_those_that_are_computed():
    flat, dark = getProduct("flat"), getProduct("dark")
    computed = replace(dark["NOISE"], verify="computed")
    sentence = "The verdict is computed from the statistics"
    for product, words, told in (
        (flat, "One verdict a detector.", True),
        (dark, "One verdict a detector.", False),
        (replace(dark, tests=(computed,), slopes=(), rate=""), sentence, True),
        (replace(dark, tests=(dark["NOISE"],), slopes=(), rate=""), sentence, False),
    ):
        assert (words in " ".join(describeProduct(product, {}).split())) == told


def test_cells_are_wrapped_between_words():
    literal = "``" + "x" * WIDTH + "``"
    table = makeTable([{"name": "a", "meaning": "some-words " * 30 + literal}, {"name": "", "meaning": ""}])
    assert readTables(table) == [
        ["name", "meaning"],
        ["a", "some-words " * 30 + literal],
        ["", ""],
    ]
    assert [line for line in table.splitlines() if len(line) >= WIDTH] == [f"       {literal}"]


def test_wrapped_lines_start_as_asked_for():
    assert wrap("word " * 30, "- ", "  ").splitlines() == [
        "- " + "word " * 20 + "word",
        "  " + "word " * 8 + "word",
    ]


def measureTables(page: str) -> list[int]:
    """Measure each list-table of a page: the sum of the longest words of its columns."""
    widths = []
    for table in re.findall(r"\.\. list-table::\n(.*?)(?=\n\S|\Z)", page, re.DOTALL):
        rows = readTables(table)
        columns = zip(*(row for row in rows if len(row) == len(rows[0])), strict=True)
        words = [" ".join(column).replace("``", "").split() for column in columns]
        widths.append(sum(max(map(len, found), default=0) for found in words))
    return widths


def test_widths_of_tables_are_those_of_their_words():
    rows = [{"tool": "``biasNoise``", "meaning": "a word"}, {"tool": "x", "meaning": "unbreakable"}]
    assert measureTables(f"Before.\n\n{makeTable(rows)}\nAfter.\n") == [len("biasNoise" + "unbreakable")]


@pytest.mark.parametrize(
    "page",
    [ROOT / "README.rst", *sorted((ROOT / "doc").rglob("*.rst"))],
    ids=lambda path: str(path.relative_to(ROOT)),
)
def test_tables_fit_a_page(page):
    assert [width for width in measureTables(page.read_text()) if width > PAGE_WIDTH] == []


@pytest.mark.parametrize(
    "page",
    [ROOT / "README.rst", *sorted((ROOT / "doc").rglob("*.rst"))],
    ids=lambda path: str(path.relative_to(ROOT)),
)
def test_lines_fit_a_screen(page):
    assert [line for line in page.read_text().splitlines() if len(line) >= WIDTH] == []


def test_lines_of_a_note_are_paragraphs_and_items():
    product = replace(getProduct("bias"), note="What it is.\n- **One** thing.\n- **Another**.\nThe end.")
    text = describeProduct(product, {})
    assert "\nWhat it is.\n\n- **One** thing.\n- **Another**.\n\nThe end.\n\nTests of cp_verify" in text

# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""The page for upstream: each entry is complete, and what it names is there."""

import ast
import os
import re
import subprocess
from dataclasses import fields
from pathlib import Path

import pytest
from generatedFiles import ROOT
from upstreamPage import Defect, readDefects, upstreamPage, upstreamVersions

DEFECTS = readDefects()
PACKAGE = ROOT / "python" / "lsst" / "analysis" / "cp"


def names(tree: ast.AST, prefix: str = "") -> set[str]:
    """Name the classes and functions of a module, those of classes after them."""
    found = set()
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            found |= {prefix + node.name} | names(node, f"{prefix}{node.name}.")
    return found


def test_entries_are_many_and_different():
    assert len({defect.title for defect in DEFECTS}) == len(DEFECTS) > 20


@pytest.mark.parametrize("defect", DEFECTS, ids=lambda defect: defect.title)
def test_entry_is_complete(defect):
    texts = [getattr(defect, field.name) for field in fields(Defect) if field.name != "ours"]
    assert all(text.strip() for text in texts)
    assert all(text.endswith(".") for text in (defect.consequence, defect.workaround, defect.mend))
    assert defect.package in upstreamVersions()


@pytest.mark.parametrize("defect", DEFECTS, ids=lambda defect: defect.title)
def test_workaround_is_there(defect):
    assert defect.ours
    assert [
        path for path in defect.ours if not any((base / path).is_file() for base in (ROOT, PACKAGE))
    ] == []


@pytest.mark.parametrize("defect", DEFECTS, ids=lambda defect: defect.title)
def test_page_has_all_of_an_entry(defect):
    [page] = upstreamPage().values()
    text = " ".join(page.split())
    assert f"{defect.title}\n{'-' * len(defect.title)}\n" in page
    assert f"``{defect.name}``" in text
    assert all(f"``{path}``" in text for path in defect.ours)
    for words in (defect.consequence, defect.workaround, defect.mend):
        assert " ".join(words.split()) in text


def test_incomplete_entry_is_an_error():
    complete = {field.name: "x" for field in fields(Defect)}
    del complete["mend"]
    with pytest.raises(TypeError, match="mend"):
        Defect(**complete)


@pytest.mark.parametrize("defect", DEFECTS, ids=lambda defect: defect.title)
def test_place_is_in_the_checkout(defect):
    if "UPSTREAM_DIR" not in os.environ:
        pytest.skip("needs checkouts of verify, analysis_tools and cp_verify: set UPSTREAM_DIR")
    checkout = Path(os.environ["UPSTREAM_DIR"]) / defect.package
    if not checkout.is_dir():
        pytest.skip(f"there is no checkout of {defect.package}")
    command = ["git", "-C", str(checkout), "rev-parse", "HEAD"]
    head = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    if not head.startswith(version := upstreamVersions()[defect.package]):
        pytest.skip(f"{checkout} is not at version {version}")
    source = (checkout / defect.file).read_text()
    if defect.file.endswith(".py"):
        assert defect.name in names(ast.parse(source))
    else:
        assert re.search(rf"\b{re.escape(defect.name)}\b", source)

# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""The notebooks of the documentation run on what the demonstration leaves, with cameras of fewer pixels."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import pytest

nbformat = pytest.importorskip("nbformat", reason="needs nbformat, of the extra 'test'")
pytest.importorskip("nbclient", reason="needs nbclient, of the extra 'test'")
pytest.importorskip("lsst.cp.simulator", reason="needs the simulator of the stand-ins")

import buildSite  # noqa: E402
import notebookPages  # noqa: E402
import smallDemonstration  # noqa: E402
from somePages import copySomePages  # noqa: E402

pytestmark = pytest.mark.slow

NOTEBOOKS = notebookPages.NOTEBOOKS


@pytest.fixture(scope="module")
def demoOutput(tmp_path_factory) -> Path:
    """Make a small demonstration.

    Where ANALYSIS_CP_DEMO says where a demonstration has left its output, that is taken instead.
    """
    if given := os.environ.get("ANALYSIS_CP_DEMO"):
        return Path(given)
    output = tmp_path_factory.mktemp("demo-output")
    smallDemonstration.makeSmallDemonstration(output)
    return output


@pytest.fixture(scope="module")
def executed(demoOutput) -> dict[str, Any]:
    """Run all notebooks."""
    return notebookPages.executeNotebooks(demoOutput)


def findOutputs(notebook: Any, call: str) -> list[Any]:
    """Find the outputs of the cells whose last line has a call."""
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    return [output for cell in cells if call in cell.source.splitlines()[-1] for output in cell.outputs]


def test_all_are_known():
    (folder,) = {path.parent for path in NOTEBOOKS.values()}
    assert set(NOTEBOOKS) == {path.stem for path in folder.glob("*.ipynb")}
    assert len(NOTEBOOKS) == 3


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_notebooks_are_kept_without_outputs(name):
    notebook = nbformat.read(NOTEBOOKS[name], as_version=4)
    assert [cell for cell in notebook.cells if cell.get("outputs") or cell.get("execution_count")] == []


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_every_last_line_shows_something_and_nothing_complains(executed, name):
    cells = [cell for cell in executed[name].cells if cell.cell_type == "code"]
    assert [cell.source for cell in cells[1:] if not cell.outputs] == []
    texts = [out.text for cell in cells for out in cell.outputs if out.get("name") == "stderr"]
    assert texts == []


def test_pictures_and_pixels_are_shown(executed):
    for name, call in (("bias", "noise"), ("ptc", "readPlot"), ("images", "worst"), ("images", "readView(")):
        shown = findOutputs(executed[name], call)
        assert [list(output.data) for output in shown if "image/png" in output.get("data", {})], (name, call)


def test_injected_faults_are_found(executed):
    (failed,) = findOutputs(executed["bias"], 'failed["detectorName"')
    assert "C03" in failed.data["text/html"]
    (failed,) = findOutputs(executed["ptc"], 'failed["detectorName"')
    assert "C11" in failed.data["text/html"]
    (structures,) = findOutputs(executed["images"], 'structures["rank"')
    assert "deadAmplifier" in structures.data["text/html"]


@pytest.mark.parametrize(("data", "note"), [("small", "cameras of fewer pixels"), ("none", "Run make demo")])
def test_pages_show_what_cells_show(request, tmp_path, data, note):
    pytest.importorskip("myst_nb", reason="the documentation needs myst-nb")
    notebooks = notebookPages.readNotebooks() if data == "none" else request.getfixturevalue("executed")
    n_pictures = {
        name: sum(
            "image/png" in output.get("data", {}) for cell in each.cells for output in cell.get("outputs", [])
        )
        for name, each in notebooks.items()
    }
    pages = tmp_path / "pages"
    copySomePages(pages)
    notebookPages.writePages(pages, notebooks, data)
    assert buildSite.runSphinx(pages, tmp_path / "html", tmp_path / "work") == 0
    folder = tmp_path / "html" / "lsst.analysis.cp" / "notebooks"
    for name in NOTEBOOKS:
        text = (folder / f"{name}.html").read_text()
        words = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", text))
        assert note in words
        assert f"The notebook is doc/lsst.analysis.cp/notebooks/{name}.ipynb." in words
        shown = re.findall(r'<img[^>]* src="\.\./\.\./(_images/[^"]+\.png)"', text)
        assert len(shown) == n_pictures[name]
        assert all((tmp_path / "html" / path).is_file() for path in shown)
    assert (min(n_pictures.values()) > 0) == (data == "small")


def test_what_does_not_run_is_named(tmp_path):
    with pytest.raises(
        notebookPages.NotebookError, match=r"bias\.ipynb does not run on .*nothing: FileNotFoundError: "
    ):
        notebookPages.executeNotebooks(tmp_path / "nothing", ["bias"])

# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""The site of the documentation is built without warnings, with figures of a demonstration and without."""

import html
import re
import shutil
import threading
from collections.abc import Iterator
from functools import partial
from http.server import HTTPServer, SimpleHTTPRequestHandler
from importlib.util import find_spec
from pathlib import Path

import pytest
from galleryPage import readGallery
from PIL import Image
from somePages import copySomePages

pytest.importorskip("nbclient", reason="needs nbclient, of the extra 'docs'")

import buildSite
import notebookPages

NEEDED = (
    "myst_nb",
    "numpydoc",
    "pydata_sphinx_theme",
    "sphinx",
    "sphinx_automodapi",
    "sphinx_design",
    "towncrier",
)
ABSENT = [name for name in NEEDED if find_spec(name) is None]
needs_sphinx = pytest.mark.skipif(bool(ABSENT), reason=f"the documentation needs {', '.join(ABSENT)}")

# The first two are of one kind, of which that of LSSTCam is shown; nothing shows the last.
FIGURES = (
    "LATISS/cpBiasExp_biasNoise_FocalPlaneGeometryPlot_1.png",
    "LSSTCam/cpBiasExp_biasNoise_FocalPlaneGeometryPlot_2.png",
    "LATISS/cpBiasTrend_biasNoiseByDetector_TrendPlot.png",
    "LATISS/other.png",
)
SHOWN = ("residual-biases-and-darks-noise", "histories-detectors-over-time")


@pytest.fixture(scope="module")
def figures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make the output of a demonstration with figures alone, each of another width."""
    output = tmp_path_factory.mktemp("demo-output")
    for i, name in enumerate(FIGURES):
        file = output / "figures" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (1000 + 100 * i, 600), (40, 80, 160)).save(file)
    return output


@pytest.fixture
def offline(monkeypatch):
    """Have no network, and no simulator."""
    monkeypatch.setattr(buildSite, "INVENTORIES", {"nowhere": "http://127.0.0.1:9/"})
    monkeypatch.setattr(notebookPages, "SIMULATOR", "lsst.cp.nothing")


@pytest.fixture
def inventories(tmp_path: Path) -> Iterator[str]:
    """Serve the inventory of a site."""
    (tmp_path / "objects.inv").write_bytes(b"# Sphinx inventory version 2\n")
    handler = partial(SimpleHTTPRequestHandler, directory=tmp_path)
    with HTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


@pytest.fixture
def somePages(monkeypatch):
    """Build the gallery and the notebooks only: ``make docs`` builds the whole site by the same rules."""
    monkeypatch.setattr(
        buildSite, "copyPages", lambda pages: copySomePages(pages, ["gallery"], ["changeLog"])
    )


@needs_sphinx
@pytest.mark.slow
@pytest.mark.usefixtures("offline", "somePages")
def test_site_is_built_with_pictures_of_a_demonstration_and_without(tmp_path, figures, capfd):
    # As in a clone without the output of the demonstration.
    arguments = ["--output", str(tmp_path), "--demo"]
    assert buildSite.main([*arguments, str(tmp_path / "none")]) == 0, capfd.readouterr().err
    output = capfd.readouterr().out
    assert "http://127.0.0.1:9/ does not answer" in output
    assert "0 plots of the gallery have pictures." in output
    assert "The notebooks have no outputs: there is no lsst.cp.nothing to simulate with." in output
    page = tmp_path / "html" / "lsst.analysis.cp" / "gallery.html"
    checkGallery(page, ())
    assert "Bias verification end to end" in (tmp_path / "pages" / "changeLog.rst").read_text()
    notebooks = (tmp_path / "html" / "lsst.analysis.cp" / "notebooks").glob("*.html")
    assert {path.stem for path in notebooks} == set(notebookPages.NOTEBOOKS)

    # As beside the output of the demonstration.
    assert buildSite.main([*arguments, str(figures)]) == 0, capfd.readouterr().err
    assert "2 plots of the gallery have pictures." in capfd.readouterr().out
    checkGallery(page, SHOWN)
    with Image.open(tmp_path / "html" / "figures" / f"{SHOWN[0]}.png") as large:
        assert large.size == (1100, 600)
    with Image.open(tmp_path / "html" / "_images" / f"{SHOWN[0]}.png") as small:
        assert small.size == (360, 196)


@needs_sphinx
@pytest.mark.slow
@pytest.mark.usefixtures("offline")
def test_site_with_a_link_to_nowhere_is_none(tmp_path, monkeypatch, capfd):
    def copy(pages: Path) -> None:
        copySomePages(pages, ["gallery"], ["changeLog", "other"])
        (pages / "other.rst").write_text("Other\n=====\n\n`Here <nowhere.html>`_.\n")

    monkeypatch.setattr(buildSite, "copyPages", copy)
    assert buildSite.main(["--output", str(tmp_path), "--demo", str(tmp_path / "none")]) == 1
    assert capfd.readouterr().err == "Failed: links lead nowhere.\n  other.html: nowhere.html\n"
    text = (tmp_path / "pages" / "other.rst").read_text()
    (tmp_path / "pages" / "other.rst").write_text(f"{text}\n:doc:`nothing`\n")
    assert buildSite.runSphinx(tmp_path / "pages", tmp_path / "html", tmp_path / "work") == 1
    assert "unknown document: 'nothing'" in capfd.readouterr().err


def test_dead_links_are_found(tmp_path):
    (tmp_path / "a.html").write_text(
        '<a href="b c.html#place"><a href="b%20c.html?q#no"><img src="no.png"><a href="#there" id="there">'
        '<a href="https://rubin.org/no"><a href="#here"><a href="folder/">'
    )
    (tmp_path / "b c.html").write_text('<p id="place"><a href="a.html">')
    (tmp_path / "folder").mkdir()
    dead = ["a.html: #here", "a.html: b%20c.html?q#no", "a.html: no.png"]
    assert buildSite.findDeadLinks(tmp_path) == dead


def checkGallery(page: Path, shown: tuple[str, ...]) -> None:
    """Compare the built gallery with its entries."""
    text = page.read_text()
    words = re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", "", text)))
    # Quotation marks are curled.
    for plot in readGallery():
        for part in (plot.title, plot.shows, plot.read):
            assert part.replace("'", "’") in words
    assert re.findall(r'src="\.\./_images/(\S+)\.png"', text) == list(shown)
    assert [name for name in shown if f'href="../figures/{name}.png"' not in text] == []
    assert "make demo" in words
    assert "make docs" in words


def test_inventories_are_fetched_where_there_are_any(tmp_path, monkeypatch, inventories, capsys):
    monkeypatch.setattr(buildSite, "INVENTORIES", {"here": inventories, "nowhere": "http://127.0.0.1:9/"})
    buildSite.fetchInventories(tmp_path / "fetched")
    assert [path.name for path in (tmp_path / "fetched").iterdir()] == ["here.inv"]
    assert (tmp_path / "fetched" / "here.inv").read_bytes().startswith(b"# Sphinx inventory")
    assert capsys.readouterr().out == "http://127.0.0.1:9/ does not answer: references to it are no links.\n"


@pytest.mark.skipif("towncrier" in ABSENT, reason="the change log needs towncrier")
def test_change_log_has_all_notes_by_kind(tmp_path):
    buildSite.writeChangeLog(tmp_path)
    text = (tmp_path / "changeLog.rst").read_text()
    notes = [path for path in (buildSite.ROOT / "doc" / "changes").glob("*.rst") if path.name != "README.rst"]
    # A text that several notes have is there once.
    assert text.count("\n- ") == len({path.read_text().strip() for path in notes})
    for path in notes:
        assert path.read_text().split("\n")[0] in text
    assert text.index("\nNew\n---") < text.index("\nMended\n------")


def test_page_of_something_between_is_no_inventory(tmp_path, inventories, monkeypatch, capsys):
    (tmp_path / "objects.inv").write_bytes(b"<html>Please log in.</html>")
    monkeypatch.setattr(buildSite, "INVENTORIES", {"other": inventories})
    buildSite.fetchInventories(tmp_path / "fetched")
    assert not list((tmp_path / "fetched").iterdir())
    assert f"{inventories} answers with no inventory" in capsys.readouterr().out


def test_damaged_figure_is_named_and_costs_itself(tmp_path, figures):
    shutil.copytree(figures, tmp_path / "demo")
    damaged = tmp_path / "demo" / "figures" / FIGURES[1]
    damaged.write_bytes(damaged.read_bytes()[:200])
    page = tmp_path / "pages" / "lsst.analysis.cp" / "gallery.rst"
    page.parent.mkdir(parents=True)
    shutil.copy(buildSite.ROOT / "doc" / "lsst.analysis.cp" / "gallery.rst", page)
    number, problems = buildSite.makeGallery(tmp_path / "demo" / "figures", tmp_path / "pages", tmp_path)
    assert number == 1
    assert [problem.partition(": ")[0] for problem in problems] == [str(damaged)]
    assert re.findall(r":alt: (.*)", page.read_text()) == [SHOWN[1]]


def test_small_demonstration_that_was_interrupted_is_not_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(notebookPages, "CAMERAS", ("nothing",))
    for name in ("work", "work.begun"):
        (tmp_path / name / "nothing").mkdir(parents=True)
    with pytest.raises(notebookPages.NotebookError, match="No small demonstration of nothing can be made"):
        notebookPages.addNotebooks(tmp_path / "pages", tmp_path / "none", tmp_path / "work")
    assert not (tmp_path / "work").exists()


def test_copied_pages_have_what_they_include_and_nothing_of_an_earlier_build(tmp_path):
    pages = tmp_path / "pages"
    (pages / "lsst.analysis.cp" / "api" / "names").mkdir(parents=True)
    (pages / "lsst.analysis.cp" / "api" / "names" / "old.rst").write_text("Old\n===\n")
    buildSite.copyPages(pages)
    assert not list(pages.rglob("old.rst"))
    included = {
        page.parent / name
        for page in pages.rglob("*.rst")
        for name in re.findall(r"^ *\.\. literalinclude:: (\S+)", page.read_text(), flags=re.MULTILINE)
    }
    assert len(included) > 3
    assert [file for file in included if not file.is_file()] == []

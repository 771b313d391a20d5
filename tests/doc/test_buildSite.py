# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""The site of the documentation is built without warnings, with figures of a demonstration and without."""

import html
import re
import threading
from collections.abc import Iterator
from functools import partial
from http.server import HTTPServer, SimpleHTTPRequestHandler
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import unquote

import pytest
from galleryPage import readGallery
from PIL import Image

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


def findDeadLinks(site: Path) -> set[str]:
    """Find links within the site that lead nowhere: to no file, or to no place in it."""
    # What is in _static are files of the theme, of which one is a template.
    found = (path for path in site.rglob("*.html") if path.parent.name != "_static")
    pages = {path: path.read_text(encoding="utf-8") for path in found}
    places = {path: set(re.findall(r'\bid="([^"]+)"', text)) for path, text in pages.items()}
    dead = set()
    for path, text in pages.items():
        for link in set(re.findall(r'\b(?:href|src)="([^"]*)"', text)):
            target, _, place = unquote(html.unescape(link)).partition("#")
            file = (path.parent / target.partition("?")[0]).resolve() if target else path
            if re.match(r"\w+:", target):
                continue
            if not file.exists() or (place and file in places and place not in places[file]):
                dead.add(f"{path.relative_to(site)}: {link}")
    return dead


@needs_sphinx
@pytest.mark.slow
@pytest.mark.usefixtures("offline")
def test_site_is_built_without_warnings_and_dead_links(tmp_path, figures, capfd):
    # As in a clone without the output of the demonstration.
    arguments = ["--output", str(tmp_path), "--demo"]
    assert buildSite.main([*arguments, str(tmp_path / "none")]) == 0, capfd.readouterr().err
    output = capfd.readouterr().out
    assert "http://127.0.0.1:9/ does not answer" in output
    assert "0 plots of the gallery have pictures." in output
    assert "The notebooks have no outputs: there is no lsst.cp.nothing to simulate with." in output
    assert findDeadLinks(tmp_path / "html") == set()
    page = tmp_path / "html" / "lsst.analysis.cp" / "gallery.html"
    checkGallery(page, ())
    changes = (tmp_path / "html" / "changeLog.html").read_text()
    assert "Bias verification end to end" in changes
    assert list((tmp_path / "html" / "lsst.analysis.cp" / "api" / "names").glob("*.core.CameraLayout.html"))
    notebooks = (tmp_path / "html" / "lsst.analysis.cp" / "notebooks").glob("*.html")
    assert {path.stem for path in notebooks} == set(notebookPages.NOTEBOOKS)

    # As beside the output of the demonstration; the other pages need not be read again.
    assert buildSite.main([*arguments, str(figures)]) == 0, capfd.readouterr().err
    assert "2 plots of the gallery have pictures." in capfd.readouterr().out
    assert findDeadLinks(tmp_path / "html") == set()
    checkGallery(page, SHOWN)
    with Image.open(tmp_path / "html" / "figures" / f"{SHOWN[0]}.png") as large:
        assert large.size == (1100, 600)
    with Image.open(tmp_path / "html" / "_images" / f"{SHOWN[0]}.png") as small:
        assert small.size == (360, 196)


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

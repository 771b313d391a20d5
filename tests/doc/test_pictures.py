# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Pages of plots and views have pictures, whose files are there, of moderate size, and made by the script."""

import re
from pathlib import Path

import numpy as np
import pictures
import pytest
from arrivingPictures import ARRIVING_PICTURES
from examples import PAGES
from generatedFiles import ROOT
from pictures import DIRECTORY, MAX_BYTES, PICTURES, WIDTH, Picture, findFigure, shrink
from PIL import Image
from plotNavigatorPictures import NAVIGATOR_PICTURES
from reportPictures import REPORT_PICTURES
from servedPictures import SERVED_PICTURES

PICTURE = re.compile(r"^\.\. (?:image|figure):: (\S+)\n((?: +:.*\n| {6,}\S.*\n)*)", re.MULTILINE)
SHOWING = re.compile(r"``?(?:~?[\w.]+\.)?\w+(?:Plot|ViewTask)``?")
"""What a page on plots or views names."""
NAMES = [
    *(picture.name for picture in PICTURES),
    *REPORT_PICTURES,
    *NAVIGATOR_PICTURES,
    *ARRIVING_PICTURES,
    *SERVED_PICTURES,
]


def readPictures(page: Path) -> list[tuple[Path, str]]:
    """Read the file and the options of each picture of a page."""
    return [(page.parent / name, options) for name, options in PICTURE.findall(page.read_text())]


ALL = {page: readPictures(page) for page in PAGES}


def test_pages_of_plots_and_views_have_pictures():
    pages = [page for page in PAGES if page.parent.name != "changes"]
    showing = {page.stem for page in pages if SHOWING.search(page.read_text())}
    assert {"plots", "imageViews"} <= showing
    named = {page.stem for page, found in ALL.items() if found}
    assert {"README", "gettingStarted", "trends"} <= named
    # A page that only says which class does what needs none; the gallery has them where it is built.
    assert showing - named <= {
        "addingAProduct",
        "addingATest",
        "development",
        "forCpVerifyUsers",
        "forUpstream",
        "gallery",
        "notebooks",
        "otherPlots",
    }


@pytest.mark.parametrize("page", [page for page, found in ALL.items() if found], ids=lambda page: page.name)
def test_pictures_of_a_page_are_there_and_described(page):
    for file, options in ALL[page]:
        assert file.is_file(), f"{file}: run python doc/generate/pictures.py"
        assert len(re.findall(r":alt: (\S.*)", options)) == 1


def test_every_picture_is_made_by_the_script_and_shown():
    made = {f"{name}.png" for name in NAMES}
    shown = {file.resolve() for found in ALL.values() for file, _ in found}
    assert {path.name for path in DIRECTORY.iterdir()} == made
    assert shown == {DIRECTORY / name for name in made}


@pytest.mark.parametrize("name", NAMES)
def test_pictures_are_of_moderate_size(name):
    path = DIRECTORY / f"{name}.png"
    assert path.stat().st_size < MAX_BYTES
    with Image.open(path) as image:
        assert max(image.size) <= WIDTH
        assert min(image.size) >= 400


def test_picture_is_the_figure_made_smaller(tmp_path):
    pixels = np.zeros((600, 2 * WIDTH, 3), np.uint8)
    pixels[:, : WIDTH // 2] = (214, 0, 108)
    Image.fromarray(pixels).save(tmp_path / "figure.png")
    shrink(tmp_path / "figure.png", tmp_path / "small.png")
    with Image.open(tmp_path / "small.png") as small:
        assert small.size == (WIDTH, 300)
        colours = np.asarray(small.convert("RGB"))
    np.testing.assert_allclose(colours[150, 100], (214, 0, 108), atol=3)
    np.testing.assert_allclose(colours[150, -100], 0, atol=3)


def test_first_figure_of_the_camera_is_taken(tmp_path):
    for name in ("LSSTCam/a_2.png", "LSSTCam/a_1.png", "LATISS/a_0.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert findFigure(Picture("x", "a_*"), tmp_path, "LSSTCam") == tmp_path / "LSSTCam" / "a_1.png"
    assert findFigure(Picture("x", "a_*", "LATISS"), tmp_path, "LSSTCam") == tmp_path / "LATISS" / "a_0.png"
    with pytest.raises(FileNotFoundError, match=r"no figure b_\*\.png in .*LSSTCam: run the demonstration"):
        findFigure(Picture("x", "b_*"), tmp_path, "LSSTCam")


def test_script_lists_what_it_makes(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(pictures, "DIRECTORY", tmp_path / "pictures")
    for picture in PICTURES:
        folder = tmp_path / "figures" / (picture.camera or "LSSTComCam")
        folder.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (50, 40)).save(folder / f"{picture.figure.replace('*', '1')}.png")
    pictures.main([str(tmp_path), "--camera", "LSSTComCam"])
    lines = capsys.readouterr().out.splitlines()
    assert lines == [str(tmp_path / "pictures" / f"{picture.name}.png") for picture in PICTURES]
    assert all(Path(line).is_file() for line in lines)


def test_directory_is_that_of_the_pages():
    assert DIRECTORY.parent == ROOT / "doc" / "lsst.analysis.cp"

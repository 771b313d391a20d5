# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Builds the site of the documentation: ``python doc/generate/buildSite.py``, or ``make docs``.

The pages are copied, and what follows from other sources is added: pictures of the gallery from the figures
of the demonstration where there are such, what the cells of the notebooks show, and the change log from the
notes of changes.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Sequence
from http.client import HTTPException
from pathlib import Path
from urllib.error import URLError

from deadLinks import findDeadLinks
from galleryPage import GalleryPlot, addPictures, readGallery
from notebookPages import NotebookError, addNotebooks
from pictures import firstFigure, shrink

from lsst.analysis.cp import __version__

__all__ = ["copyPages", "fetchInventories", "main", "makeGallery", "runSphinx", "writeChangeLog"]

ROOT = Path(__file__).resolve().parents[2]
CAMERAS = ("LSSTCam", "LSSTComCam", "LATISS")
"""Cameras of figures, the best first."""
SMALL_WIDTH = 360
"""Largest width of a picture in the gallery, pixels."""
INVENTORIES = {
    "python": "https://docs.python.org/3/",
    "numpy": "https://numpy.org/doc/stable/",
    "astropy": "https://docs.astropy.org/en/stable/",
    "pipelines": "https://pipelines.lsst.io/",
}
"""Sites that references lead to where their inventories can be had."""
INCLUDED = ("python/lsst/analysis/cp/report/verdictSchema.json",)
"""Files of the package that pages show."""
INVENTORY_BEGIN = b"# Sphinx inventory version"
TIMEOUT = 5.0
"""Longest time to wait for an inventory, s."""


def copyPages(pages: Path) -> None:
    """Copy pages, pictures and configuration, and what pages include; nothing of an earlier build is left."""
    shutil.rmtree(pages, ignore_errors=True)
    shutil.copytree(ROOT / "doc", pages, ignore=shutil.ignore_patterns("changes", "generate"))
    for file in INCLUDED:
        shutil.copy2(ROOT / file, pages / "lsst.analysis.cp")


def fetchInventories(folder: Path) -> None:
    """Fetch the inventories of other sites into a folder; there are none of those that do not answer."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, address in INVENTORIES.items():
        try:
            with urllib.request.urlopen(f"{address}objects.inv", timeout=TIMEOUT) as answer:
                content = answer.read()
        except (URLError, TimeoutError, ConnectionError, HTTPException):
            print(f"{address} does not answer: references to it are no links.")
        else:
            # What is between may answer with a page of its own.
            if content.startswith(INVENTORY_BEGIN):
                (folder / f"{name}.inv").write_bytes(content)
            else:
                print(f"{address} answers with no inventory: references to it are no links.")


def makeGallery(figures: Path, pages: Path, site: Path) -> tuple[int, list[str]]:
    """Add the pictures to the gallery.

    Parameters
    ----------
    figures
        Folder of the figures of the demonstration; there may be none.
    pages
        Folder of the copied pages.
    site
        Folder of the site, to which larger pictures go.

    Returns
    -------
    number
        Number of plots with a picture.
    damaged
        What is wrong with figures that are no pictures, which the gallery lacks.
    """
    page = pages / "lsst.analysis.cp" / "gallery.rst"
    small, large = page.parent / "gallery", site / "figures"
    for folder in (small, large):
        folder.mkdir(parents=True, exist_ok=True)
    pictures, damaged = {}, []
    for plot in readGallery():
        if figure := _findFigure(plot, figures):
            try:
                shrink(figure, small / f"{plot.name}.png", SMALL_WIDTH)
                shrink(figure, large / f"{plot.name}.png")
            except OSError as error:
                damaged.append(f"{figure}: {error}")
                continue
            pictures[plot.name] = (f"gallery/{plot.name}.png", f"../figures/{plot.name}.png")
    page.write_text(addPictures(page.read_text(encoding="utf-8"), pictures), encoding="utf-8")
    return len(pictures), damaged


def writeChangeLog(pages: Path) -> None:
    """Write the page of changes from their notes."""
    command = [sys.executable, "-m", "towncrier", "build", "--draft", "--version", __version__]
    notes = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT).stdout
    title = "Change log"
    text = "\n".join(["#" * len(title), title, "#" * len(title), "", notes])
    (pages / "changeLog.rst").write_text(text, encoding="utf-8")


def runSphinx(pages: Path, site: Path, work: Path) -> int:
    """Build the site; warnings are errors.

    Parameters
    ----------
    pages
        Folder of the pages.
    site
        Folder of the site.
    work
        Folder of what Sphinx remembers.

    Returns
    -------
    code
        Exit code of Sphinx.
    """
    processes = str(os.cpu_count() or 1)
    options = ["-W", "--keep-going", "-q", "-j", processes, "-b", "html", "-d", str(work)]
    command = [sys.executable, "-m", "sphinx", *options, str(pages), str(site)]
    # The configuration of Sphinx imports what is beside this module.
    paths = os.pathsep.join([str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")])
    return subprocess.run(command, env=os.environ | {"PYTHONPATH": paths}).returncode


def main(arguments: Sequence[str] | None = None) -> int:
    """Build the site, and say where it is.

    Returns
    -------
    code
        0 if all went well.
    """
    parser = argparse.ArgumentParser(description="Build the site of the documentation.")
    parser.add_argument(
        "--demo", type=Path, default=ROOT / "demo-output", help="output of the demonstration, if there is one"
    )
    parser.add_argument("--output", type=Path, default=ROOT / "docs-output", help="where to")
    options = parser.parse_args(arguments)
    pages, site = options.output / "pages", options.output / "html"
    copyPages(pages)
    fetchInventories(pages / "inventories")
    n_pictures, damaged = makeGallery(options.demo / "figures", pages, site)
    print(f"{n_pictures} plots of the gallery have pictures.")
    try:
        print(addNotebooks(pages, options.demo, options.output / "demonstration"))
    except NotebookError as error:
        print(f"Failed: {error}", file=sys.stderr)
        return 1
    writeChangeLog(pages)
    if code := runSphinx(pages, site, options.output / "work"):
        print("Failed: see the warnings above.")
        return code
    if dead := findDeadLinks(site):
        print("Failed: links lead nowhere.", *dead, sep="\n  ", file=sys.stderr)
        return 1
    print(site / "index.html")
    if damaged:
        print("Failed: figures cannot be read.", *damaged, sep="\n  ", file=sys.stderr)
    return 1 if damaged else 0


def _findFigure(plot: GalleryPlot, figures: Path) -> Path | None:
    """Find the best figure of a kind of plot."""
    found = (firstFigure(figures / camera, name) for name in plot.figures for camera in CAMERAS)
    return next((figure for figure in found if figure), None)


if __name__ == "__main__":
    sys.exit(main())

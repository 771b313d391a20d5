# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Makes the pictures of ``butler serve-verify`` in the documentation, of its pages in a browser.

``python doc/generate/servedPictures.py REPOSITORY`` takes the repository of LSSTCam that the demonstration
leaves; that of the time line is made here. It needs playwright and Debian's chromium. As those of
``pictures.py``, they are made anew when pages change, and looked at.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from astropy.time import Time
from pictures import DIRECTORY, shrink
from PIL import Image

from lsst.daf.butler import Butler, CollectionType, DatasetType, Timespan
from lsst.obs.lsst import LsstCam

if TYPE_CHECKING:
    from playwright.sync_api import Browser

__all__ = ["SERVED_PICTURES", "main"]

SERVED_PICTURES = ("servedPlots", "servedViewer", "servedTimeline")
"""Names of the files without their ending."""

_COLLECTION = "demo/verifyBias"
_WIDTH, _HEIGHT = 1200, 900
_PERIODS = (
    ("bias", "all", "2026-01-01", "2026-03-01", ""),
    ("bias", "all", "2026-03-01", "2026-05-15", "R43"),
    ("bias", "all", "2026-05-20", None, ""),
    ("bias", "patch", "2026-04-01", "2026-04-11", "only R22"),
    ("dark", "all", "2026-01-01", "2026-04-01", ""),
    ("dark", "all", "2026-04-01", None, ""),
    ("defects", "all", None, None, ""),
    ("linearizer", "all", "2026-02-01", "2026-06-01", ""),
)
"""Type, collection, begin and end of the validity, and a raft that is missing or has its own."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Make all pictures, and list them."""
    from playwright.sync_api import sync_playwright

    parser = argparse.ArgumentParser(description="Make the pictures of butler serve-verify.")
    parser.add_argument("repository", type=Path, help="repository of LSSTCam of the demonstration")
    options = parser.parse_args(arguments)
    with sync_playwright() as running, tempfile.TemporaryDirectory() as folder:
        browser = running.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        for name, repository, page in _findPages(options.repository.resolve(), Path(folder)):
            # Pages show the path.
            root = repository.parents[2]
            with _serve(root, repository.relative_to(root)) as address:
                _take(browser, address + page, Path(folder) / f"{name}.png")
            shrink(Path(folder) / f"{name}.png", DIRECTORY / f"{name}.png", method=Image.Quantize.MEDIANCUT)
            print(DIRECTORY / f"{name}.png")
        browser.close()


def _findPages(repository: Path, folder: Path) -> Iterator[tuple[str, Path, str]]:
    """Yield names of pictures, repositories, and addresses of their pages."""
    with Butler.from_config(str(repository), writeable=False) as butler:
        pyramids = butler.query_datasets("cpBiasExpResidual_pyramid", _COLLECTION, limit=1)
    plots = {"collection": _COLLECTION, "type": "cpBiasExpDetView_biasImage_DetectorImagePlot"}
    yield "servedPlots", repository, f"plots?{urlencode(plots)}"
    shown = urlencode({"collection": _COLLECTION})
    yield "servedViewer", repository, f"view/{pyramids[0].id}?{shown}"
    root = folder / "demo-output" / "LSSTCam" / "repository"
    _makeCalibrations(root)
    time = {"collection": "LSSTCam/calib", "from": "2025-12-15", "to": "2026-07-15", "at": "2026-04-05"}
    yield "servedTimeline", root, f"calibrations?{urlencode(time)}"


@contextmanager
def _serve(root: Path, repository: Path) -> Iterator[str]:
    """Run the command in a folder, and yield the address that it prints."""
    command = ["butler", "serve-verify", str(repository), "--port", "0"]
    with subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield process.stdout.readline().split()[-1]
        finally:
            process.terminate()


def _take(browser: Browser, address: str, picture: Path) -> None:
    tab = browser.new_page(viewport={"width": _WIDTH, "height": _HEIGHT}, color_scheme="light")
    tab.goto(address, wait_until="networkidle")
    tab.screenshot(path=str(picture))
    tab.close()


def _makeCalibrations(root: Path) -> None:
    """Certify calibrations without files: with a gap, a raft that is missing, and a patch."""
    with Butler.from_config(Butler.makeRepo(str(root)), writeable=True) as butler:
        LsstCam().register(butler.registry)
        detectors = butler.query_dimension_records("detector", instrument="LSSTCam")
        for i, (name, collection, begin, end, raft) in enumerate(_PERIODS):
            butler.registry.registerDatasetType(
                DatasetType(
                    name,
                    ("instrument", "detector"),
                    "StructuredDataDict",
                    universe=butler.dimensions,
                    isCalibration=True,
                )
            )
            run = f"LSSTCam/calib/DM-{50001 + i}/{name}Gen"
            butler.collections.register(run)
            is_only, _, raft_name = raft.rpartition(" ")
            data_ids = [
                {"instrument": "LSSTCam", "detector": each.id}
                for each in detectors
                if not raft or (each.raft == raft_name) is bool(is_only)
            ]
            refs = butler.registry.insertDatasets(name, data_ids, run=run)
            butler.collections.register(f"LSSTCam/calib/{collection}", CollectionType.CALIBRATION)
            first, last = (None if time is None else Time(time, scale="tai") for time in (begin, end))
            butler.registry.certify(f"LSSTCam/calib/{collection}", refs, Timespan(first, last))
        butler.collections.register("LSSTCam/calib", CollectionType.CHAINED)
        butler.collections.redefine_chain("LSSTCam/calib", ["LSSTCam/calib/patch", "LSSTCam/calib/all"])


if __name__ == "__main__":
    main()

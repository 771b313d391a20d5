# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Makes the picture of ``butler watch-verify`` in the documentation, of its page in a browser.

``python doc/generate/arrivingPictures.py`` makes the results of an exposure of LSSTCam of which some
detectors are not yet there. It needs playwright and Debian's chromium. As those of ``pictures.py``, it is
made anew when the page changes, and looked at.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import time
from importlib import import_module
from pathlib import Path
from typing import Any

from pictures import DIRECTORY, shrink
from PIL import Image

from lsst.obs.lsst import LsstCam

__all__ = ["ARRIVING_PICTURES", "main"]

ARRIVING_PICTURES = ("whileDataCome",)
"""Names of the files without their ending."""

_TESTS = Path(__file__).resolve().parents[2] / "tests"
_WIDTH, _HEIGHT = 1200, 1500
_MAPS = 6
_FAILED, _TROUBLED = 77, 90
"""Detectors of which a task failed, and of which many amplifiers fail."""


def main() -> None:
    """Make the picture."""
    sys.path.extend(str(_TESTS / name) for name in ("support", "report/support", "arriving/support"))
    nights = import_module("nights")

    with tempfile.TemporaryDirectory() as folder:
        root, out = Path(folder) / "repo", Path(folder) / "biasPage"
        _fill(nights.Night(root, LsstCam()), nights.EXPOSURE)
        program = shutil.which("butler")
        assert program is not None
        # The page shows the path.
        words = [program, "watch-verify", root.name, out.name, "--instrument", "LSSTCam"]
        words += ["--exposure", str(nights.EXPOSURE), "--collections", nights.RUN, "-o", "u/night/merge"]
        with subprocess.Popen(words, cwd=folder, stdout=subprocess.DEVNULL) as process:
            while len(list(out.glob("*-*.png"))) < _MAPS:
                assert process.poll() is None
                time.sleep(0.5)
            _take(out / "index.html", Path(folder) / "page.png")
            process.kill()
        file = DIRECTORY / f"{ARRIVING_PICTURES[0]}.png"
        shrink(Path(folder) / "page.png", file, method=Image.Quantize.FASTOCTREE)
        print(file)


def _fill(night: Any, exposure: int) -> None:
    """Fill a repository with the results of most detectors."""
    night.instrument.writeCameraGeom(night.butler, "LSSTCam/calib")
    night.addExposures([exposure])
    night.begin("Isr", _FAILED, succeeds=False)
    for detector in night.layout.detectorId.tolist():
        if detector != _FAILED and detector % 7:
            night.add(detector, failing=9 if detector == _TROUBLED else 0)
        elif detector != _FAILED:
            night.begin("Isr", detector, succeeds=True)


def _take(page: Path, file: Path) -> None:
    """Take a picture of a page."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as running:
        browser = running.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        opened = browser.new_page(viewport={"width": _WIDTH, "height": _HEIGHT})
        opened.goto(f"file://{page}")
        opened.screenshot(path=file)
        browser.close()


if __name__ == "__main__":
    main()

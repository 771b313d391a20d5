# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Makes the pictures of the Plot Navigator in the documentation, of the demonstration of LATISS.

``python doc/generate/plotNavigatorPictures.py ADDRESS`` needs playwright and Debian's chromium;
plotNavigator.rst says how to run it, with the label LATISS. As those of ``pictures.py``, they are made anew
when pages change, and looked at.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from pictures import DIRECTORY, shrink

__all__ = ["NAVIGATOR_PICTURES", "main"]

_COLLECTION = "LATISS/demo%2FverifyBias"

NAVIGATOR_PICTURES = {
    "navigatorExposure": f"visit/{_COLLECTION}/2026030100001",
    "navigatorPlots": f"plot/{_COLLECTION}/cpBiasExp_biasNoise_FocalPlaneGeometryPlot",
}
"""Page of each picture, by the name of its file without the ending."""

_SIZE = (1200, 900)


def main(arguments: Sequence[str] | None = None) -> None:
    """Make all pictures, and list them."""
    from playwright.sync_api import sync_playwright

    parser = argparse.ArgumentParser(description="Make the pictures of the Plot Navigator.")
    parser.add_argument("address", help="where it runs, as http://localhost:3000/plot-navigator")
    options = parser.parse_args(arguments)
    width, height = _SIZE
    with sync_playwright() as running, tempfile.TemporaryDirectory() as folder:
        browser = running.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        tab = browser.new_page(viewport={"width": width, "height": height}, color_scheme="light")
        for name, page in NAVIGATOR_PICTURES.items():
            tab.goto(f"{options.address}/{page}", wait_until="networkidle")
            picture = Path(folder) / f"{name}.png"
            tab.screenshot(path=str(picture))
            shrink(picture, DIRECTORY / picture.name)
            print(DIRECTORY / picture.name)
        browser.close()


if __name__ == "__main__":
    main()

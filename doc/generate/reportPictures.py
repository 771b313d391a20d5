# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Makes the pictures of run reports in the documentation, of the pages of a report of LSSTCam.

``python doc/generate/reportPictures.py REPORT`` needs playwright and Debian's chromium. As those of
``pictures.py``, they are made anew when pages change, and looked at.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from pictures import DIRECTORY, shrink

__all__ = ["REPORT_PICTURES", "main"]

REPORT_PICTURES = {
    "reportRun": ("index.html", 1200, 1200),
    "reportDetector": ("detectors/R22_S11.html", 1200, 1200),
}
"""Page, width and height (pixels) of each picture, by the name of its file without the ending."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Make all pictures, and list them."""
    from playwright.sync_api import sync_playwright

    parser = argparse.ArgumentParser(description="Make the pictures of run reports.")
    parser.add_argument("report", type=Path, help="folder of a report")
    options = parser.parse_args(arguments)
    with sync_playwright() as running, tempfile.TemporaryDirectory() as folder:
        browser = running.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        for name, (page, width, height) in REPORT_PICTURES.items():
            tab = browser.new_page(viewport={"width": width, "height": height}, color_scheme="light")
            tab.goto(f"file://{(options.report / page).resolve()}")
            picture = Path(folder) / f"{name}.png"
            tab.screenshot(path=str(picture))
            shrink(picture, DIRECTORY / picture.name)
            print(DIRECTORY / picture.name)
        browser.close()


if __name__ == "__main__":
    main()

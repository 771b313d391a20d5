# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Writes what follows from the catalogue: definitions and specifications of lsst.verify, and documentation.

``python -m lsst.analysis.cp.catalogue DIRECTORY`` writes them below the root of the package.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from .documentation import documentationFiles
from .verifyMetrics import verifyMetricsFiles

__all__ = ["generatedFiles", "main"]


def generatedFiles() -> dict[str, str]:
    """Generate all files.

    Returns
    -------
    files
        Text of each file by its path, relative to the root of the package.
    """
    return verifyMetricsFiles() | documentationFiles()


def main(arguments: Sequence[str] | None = None) -> None:
    """Write all files below the directory of the command line, and list them."""
    parser = argparse.ArgumentParser(description="Write the files that follow from the catalogue.")
    parser.add_argument("directory", type=Path, help="root of the package")
    directory = parser.parse_args(arguments).directory
    for name, text in generatedFiles().items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        print(path)


if __name__ == "__main__":
    main()

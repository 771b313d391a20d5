# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Writes the list of topics that follows from the pipelines, and its page of the documentation.

``python -m lsst.analysis.cp.sasquatch DIRECTORY`` writes them below the root of the package.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from .pipelineTopics import collectTopics
from .topicPages import topicFiles

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> None:
    """Write all files below the directory of the command line, and list them."""
    parser = argparse.ArgumentParser(description="Write the files that follow from the pipelines.")
    parser.add_argument("directory", type=Path, help="root of the package")
    directory = parser.parse_args(arguments).directory
    topics = collectTopics(sorted((directory / "pipelines").glob("[!_]*/*.yaml")))
    for name, text in topicFiles(topics).items():
        path = directory / name
        path.write_text(text, encoding="utf-8")
        print(path)


if __name__ == "__main__":
    main()

# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""All files that follow from the catalogue and the pipelines."""

import argparse
import os
from collections.abc import Sequence
from pathlib import Path

from apiPages import apiPages
from coveragePage import coveragePage
from galleryPage import galleryPage
from metricInformation import metricInformationFile
from notebookCellsPage import notebookCellsPage
from otherPlotsPage import collectPlots, otherPlotsPage
from pipelineTopics import collectTopics, resolvePipelines
from productPages import productPages
from tablePage import tablePage
from topicPages import topicFiles
from upstreamPage import upstreamPage
from verifyMetrics import verifyMetricsFiles

__all__ = ["ROOT", "generatedFiles", "main", "pipelineFiles"]

ROOT = Path(__file__).parents[2]
"""Root of the package."""


def pipelineFiles() -> list[Path]:
    """List the pipelines of all cameras."""
    return sorted((ROOT / "pipelines").glob("[!_]*/*.yaml"))


def generatedFiles() -> dict[str, str]:
    """Generate all files.

    Returns
    -------
    files
        Text of each file by its path, relative to the root of the package.
    """
    pipelines = resolvePipelines(pipelineFiles())
    topics, made = collectTopics(pipelines), collectPlots(pipelines.values())
    from_data = verifyMetricsFiles() | tablePage() | upstreamPage() | apiPages()
    from_plots = otherPlotsPage(made) | galleryPage(made) | notebookCellsPage(made)
    from_pipelines = (topicFiles, productPages, metricInformationFile, coveragePage)
    return (
        from_data
        | from_plots
        | {name: text for make in from_pipelines for name, text in make(topics).items()}
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Write all files, and list them."""
    parser = argparse.ArgumentParser(
        description="Write the metrics, specifications, topics and pages that follow from the catalogue and "
        "the pipelines."
    )
    parser.add_argument(
        "directory", nargs="?", type=Path, default=ROOT, help="write there instead of in this package"
    )
    directory = parser.parse_args(arguments).directory
    # Pipelines name their ingredients, and those of other packages, through these.
    for variable, path in (
        ("ANALYSIS_CP_DIR", ROOT),
        ("ANALYSIS_TOOLS_DIR", ROOT / "standalone"),
        ("CP_VERIFY_DIR", ROOT / "standalone"),
    ):
        os.environ.setdefault(variable, str(path))
    for name, text in generatedFiles().items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        print(path)

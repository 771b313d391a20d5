# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Time the page of the parallel profiles of a detector of LSSTCam over 20 exposures, to a saved PNG.

The baseline is a plain matplotlib figure with the same panels, lines, bands and texts at the same size and
resolution. It gets all of them ready-made, so the ratio holds the whole cost of laying out the rows, of
medians, of the choice of axes and of words.

Usage: ``python benchmarks/ampGrid.py [camera.fits]`` (default: the project's LSSTCam).
"""

from __future__ import annotations

import io
import platform
import sys
import time
from collections.abc import Callable
from typing import Any

import matplotlib
import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.colors import BoundaryNorm
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from lsst.afw.cameraGeom import Camera
from lsst.analysis.cp.actions.cameraGeometry import cameraGeometry
from lsst.analysis.cp.actions.plot import AmpGridPlot
from lsst.analysis.cp.actions.plot.ampGrid.drawing import makeAmpGridFigure
from lsst.obs.lsst import LsstCam
from lsst.utils.plotting import make_figure

MAX_RATIO = 1.5
N_EXPOSURES = 20
REPEATS = 5
DETECTOR = 94
PLOT_INFO = {"plotName": "profiles", "instrument": "LSSTCam", "run": "u/benchmark", "tableName": "results"}


def makeColumns(camera: Camera, rng: np.random.Generator) -> dict[str, Any]:
    """Make profiles of noise of each amplifier and exposure, in random order."""
    amps = [amp.getName() for amp in camera[DETECTOR]]
    rows = camera[DETECTOR].getAmplifiers()[0].getBBox().getHeight()
    order = rng.permutation(len(amps) * N_EXPOSURES)
    return {
        "detector": np.full(len(order), DETECTOR),
        "amplifier": np.tile(amps, N_EXPOSURES)[order],
        "exposure": np.repeat(2026010100001 + np.arange(N_EXPOSURES), len(amps))[order],
        "y": rng.normal(0.0, 0.5, (len(order), rows)),
    }


def describeAxes(figure: Figure) -> list[dict[str, Any]]:
    """Get what is on each panel of a figure, as arrays."""
    found = []
    for ax in figure.axes:
        lines = [(line.get_xdata(), line.get_ydata(), line.get_color(), line.get_linewidth(),
                  line.get_marker(), line.get_linestyle(), line.get_markersize())
                 for line in ax.lines]  # fmt: skip
        bands = [part.get_paths()[0].vertices for part in ax.collections if part.get_paths()]
        found.append(
            {
                "place": ax.get_position(),
                "lines": lines,
                "bands": bands,
                "limits": (ax.get_xlim(), ax.get_ylim()),
                "ticks": (ax.get_xticks(), ax.get_yticks()),
                "labels": ([t.get_text() for t in ax.get_xticklabels()],
                           [t.get_text() for t in ax.get_yticklabels()]),
                "title": ax.get_title(loc="left"),
                "image": ax.get_label() == "<colorbar>",
            }
        )  # fmt: skip
    return found


def drawPlain(figure: Figure, panels: list[dict[str, Any]], labels: list[str], texts: list[Any]) -> None:
    """Draw ready-made arrays at the places of another figure's."""
    for panel in panels:
        ax = figure.add_axes(panel["place"])
        ax.set_title(panel["title"], fontsize=8, loc="left")
        for x, y, colour, width, marker, style, size in panel["lines"]:
            ax.plot(x, y, color=colour, linewidth=width, marker=marker, linestyle=style, markersize=size)
        if panel["image"]:
            norm = BoundaryNorm(np.arange(N_EXPOSURES + 1) - 0.5, N_EXPOSURES)
            figure.colorbar(ScalarMappable(norm), cax=ax)
        else:
            for vertices in panel["bands"]:
                ax.fill(*vertices.T, color="#c9c9c9", linewidth=0)
        ax.set(xlim=panel["limits"][0], ylim=panel["limits"][1])
        ax.set_xticks(panel["ticks"][0], labels=panel["labels"][0], fontsize=7)
        ax.set_yticks(panel["ticks"][1], labels=panel["labels"][1], fontsize=7)
    handles = [Patch(label=label) for label in labels]
    figure.legend(handles=handles, loc="upper left", bbox_to_anchor=(0.78, 0.85), fontsize=8, frameon=False)
    for x, y, text, font in texts:
        figure.text(x, y, text, fontproperties=font, va="top")


def timed(make: Callable[[], Figure]) -> float:
    """Take the time of a figure from its data to a PNG, seconds."""
    start = time.perf_counter()
    make().savefig(io.BytesIO(), format="png")
    return time.perf_counter() - start


def main() -> int:
    """Run the benchmark; return 1 if it is too slow."""
    camera = Camera.readFits(sys.argv[1]) if len(sys.argv) > 1 else LsstCam().getCamera()
    columns = makeColumns(camera, np.random.default_rng(1))
    plot = AmpGridPlot()
    plot.title, plot.yAxisLabel, plot.unit = "Parallel profiles", "Mean over the columns", "electron"
    geometry = cameraGeometry(camera)
    view = plot.prepare(columns, geometry, PLOT_INFO)
    row = np.flatnonzero((columns["amplifier"] == "C12") & (columns["exposure"] == 2026010100007))[0]
    binned = view.curves.curves[6, view.names.tolist().index("C12")]
    expected = columns["y"][row][: 16 * (len(columns["y"][row]) // 16)].reshape(-1, 16).mean(axis=1)
    np.testing.assert_allclose(binned[: len(expected)], expected)
    like = makeAmpGridFigure(view)
    like.canvas.draw()
    panels, size = describeAxes(like), like.get_size_inches()
    labels = [text.get_text() for text in like.legends[0].get_texts()]
    texts = [(*t.get_position(), t.get_text(), t.get_fontproperties()) for t in like.texts]

    def makePlain() -> Figure:
        figure = make_figure(figsize=size, dpi=like.dpi)
        drawPlain(figure, panels, labels, texts)
        return figure

    def makeOurs() -> Figure:
        return makeAmpGridFigure(plot.prepare(columns, geometry, PLOT_INFO))

    # By turns, so that whatever else the machine does costs both.
    times = np.array([(timed(makeOurs), timed(makePlain)) for _ in range(REPEATS)])
    ours, plain = np.median(times, axis=0)
    ratio = float(np.median(times[:, 0] / times[:, 1]))
    print(f"python {platform.python_version()}, numpy {np.__version__}, matplotlib {matplotlib.__version__}")
    print(f"page of {N_EXPOSURES} exposures: {ours:.2f} s; plain matplotlib {plain:.2f} s")
    print(f"ratio {ratio:.2f}; at most {MAX_RATIO}")
    return int(ratio > MAX_RATIO)


if __name__ == "__main__":
    sys.exit(main())

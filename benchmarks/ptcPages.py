# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Time the pages of the photon transfer curves of a detector of LSSTCam, to a saved PNG, and their memory.

The baseline is a plain matplotlib figure with the same panels, lines and texts at the same size and
resolution. It gets all of them ready-made, so the ratio holds the whole cost of reading the curves, of
evaluating fits and limits, and of words.

Usage: ``python benchmarks/ptcPages.py``; it needs the simulator of the stand-ins.
"""

from __future__ import annotations

import io
import platform
import sys
import time
import tracemalloc
from collections.abc import Callable
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter

from lsst.analysis.cp.actions.plot import (
    PtcComparisonPlot,
    PtcCovariancePlot,
    PtcGridPlot,
    PtcNoisePlot,
    PtcResidualPlot,
    PtcRowMeanPlot,
)
from lsst.cp.simulator import simulatePtc
from lsst.cp.verify import CpVerifyPtcTask
from lsst.obs.lsst import LsstCam
from lsst.utils.plotting import make_figure

MAX_RATIO = 1.5
REPEATS = 3
DETECTOR = 94
PLOT_INFO = {"plotName": "ptc", "instrument": "LSSTCam", "run": "u/benchmark", "tableName": "ptc"}


def makeTable(calib: Any, camera: Any) -> dict[str, Any]:
    """Make the columns of the table of results of a detector."""
    task = CpVerifyPtcTask()
    amps = task.amplifierStatistics(calib, camera)
    names = next(iter(amps.values()))
    columns = {f"PTC_{name}": np.array([own[name] for own in amps.values()]) for name in names}
    return columns | {"detector": np.full(len(amps), DETECTOR), "amplifier": np.array(list(amps))}


def copyPanel(like: Axes, figure: Figure) -> None:
    """Draw what axes have on those of another figure, at the same place."""
    ax = figure.add_axes(like.get_position())
    ax.set_title(like.get_title(loc="left"), fontsize=7, loc="left")
    ax.set(xscale=like.get_xscale(), yscale=like.get_yscale())
    for line in like.lines:
        x, y = line.get_data()
        transform = ax.transData
        if line.get_transform() != like.transData:
            # A line across the whole panel.
            transform = ax.get_xaxis_transform() if x[0] == x[1] else ax.get_yaxis_transform()
        ax.plot(
            x,
            y,
            transform=transform,
            color=line.get_color(),
            linewidth=line.get_linewidth(),
            linestyle=line.get_linestyle(),
            marker=line.get_marker(),
            markersize=line.get_markersize(),
        )
    for text in like.texts:
        x, y = text.get_position()
        ax.text(x, y, text.get_text(), transform=ax.transAxes, fontsize=6.5, va="top", bbox={"pad": 1.0})
    ax.patch.set_hatch(like.patch.get_hatch())
    ax.set(xlim=like.get_xlim(), ylim=like.get_ylim())
    ax.set_xticks(like.get_xticks())
    ax.set_yticks(like.get_yticks())
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_minor_formatter(NullFormatter())
    shown = like.xaxis.get_tick_params() | like.yaxis.get_tick_params()
    ax.tick_params(
        labelsize=7,
        length=2.5,
        direction="in",
        labelbottom=shown.get("labelbottom", True),
        labelleft=shown.get("labelleft", True),
    )


def drawPlain(like: Figure) -> Figure:
    """Draw the artists of a figure again."""
    figure = make_figure(figsize=like.get_size_inches(), dpi=like.dpi)
    for ax in like.axes:
        copyPanel(ax, figure)
    for legend in like.legends:
        labels = [text.get_text() for text in legend.get_texts()]
        figure.legend(handles=legend.legend_handles, labels=labels, loc="upper left", fontsize=8)
    for text in like.texts:
        figure.text(*text.get_position(), text.get_text(), fontproperties=text.get_fontproperties())
    return figure


def timed(make: Callable[[], Any]) -> float:
    """Take the time of a figure from its data to a PNG, seconds."""
    start = time.perf_counter()
    make().savefig(io.BytesIO(), format="png")
    return time.perf_counter() - start


def main() -> int:
    """Run the benchmark; return 1 if a page is too slow."""
    camera = LsstCam().getCamera()
    calib, other = (simulatePtc(camera[DETECTOR], camera, seed=seed) for seed in (1, 2))
    table = makeTable(calib, camera)
    of_detector = {"calibrations": {DETECTOR: calib}}
    pages = {
        "curves": (PtcGridPlot(), of_detector),
        "residuals": (PtcResidualPlot(), of_detector),
        "noises": (PtcNoisePlot(), of_detector),
        "comparison": (PtcComparisonPlot(), {"calibrationsByRun": {"u/a": calib, "u/b": other}}),
        "covariances": (PtcCovariancePlot(), table),
        "means of rows": (PtcRowMeanPlot(), table),
    }
    print(f"python {platform.python_version()}, numpy {np.__version__}, matplotlib {matplotlib.__version__}")
    worst = 0.0
    for name, (plot, data) in pages.items():

        def makeOurs(plot: Any = plot, data: Any = data) -> Any:
            return plot(data, camera=camera, plotInfo=PLOT_INFO)

        tracemalloc.start()
        like = makeOurs()
        like.canvas.draw()
        memory = tracemalloc.get_traced_memory()[1] / 1e6
        tracemalloc.stop()
        assert len(like.axes) == len(calib.ampNames)
        # By turns, so that whatever else the machine does costs both.
        times = np.array(
            [(timed(makeOurs), timed(lambda like=like: drawPlain(like))) for _ in range(REPEATS)]
        )
        ours, plain = np.median(times, axis=0)
        ratio = float(np.median(times[:, 0] / times[:, 1]))
        worst = max(worst, ratio)
        print(f"{name}: {ours:.2f} s; plain {plain:.2f} s; ratio {ratio:.2f}; peak {memory:.0f} MB")
    print(f"largest ratio {worst:.2f}; at most {MAX_RATIO}")
    return int(worst > MAX_RATIO)


if __name__ == "__main__":
    sys.exit(main())

# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Time the focal-plane figure of LSSTCam, from 64,320 rows in random order to a saved PNG.

The baseline is a plain matplotlib figure with the same polygons, outlines, hatches, marks, labels and texts
at the same size and resolution. It gets all of them ready-made, so the ratio holds the whole cost of
measuring the camera, of grouping the rows and of choosing limits and words.

Usage: ``python benchmarks/focalPlanePlot.py [camera.fits]`` (default: the project's LSSTCam).
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
import numpy.typing as npt
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, PathPatch, StepPatch
from matplotlib.path import Path
from matplotlib.patheffects import Normal, withStroke

from lsst.afw.cameraGeom import Camera
from lsst.analysis.cp.actions.plot.focalPlane import FocalPlaneGeometryPlot
from lsst.obs.lsst import LsstCam
from lsst.utils.plotting import make_figure

MAX_RATIO = 1.5
N_EXPOSURES = 20
REPEATS = 7
PLOT_INFO = {
    "plotName": "biasNoise",
    "instrument": "LSSTCam",
    "run": "u/benchmark",
    "tableName": "verifyBias",
}

Columns = dict[str, npt.NDArray[Any]]


def makeColumns(camera: Camera, rng: np.random.Generator) -> Columns:
    """Make one row for each amplifier and exposure, in random order, with faults of each kind."""
    amps = [(detector.getId(), amp.getName(), amp.getReadNoise()) for detector in camera for amp in detector]
    order = rng.permutation(len(amps) * N_EXPOSURES)
    detector, amplifier, noise = (np.tile(column, N_EXPOSURES)[order] for column in zip(*amps, strict=True))
    z = noise * rng.normal(1.0, 0.02, len(noise))
    z[np.isin(detector, (20, 21)) & (amplifier == "C13")] = np.nan
    z[np.isin(detector, (40, 41, 42)) & (amplifier == "C10")] *= 4.0
    # Two detectors stay without data; the number of rows is still that of the whole camera.
    detector = np.where(np.isin(detector, (60, 61)), 62, detector)
    return {"detector": detector, "amplifier": amplifier, "z": z, "flag": z < 3.0 * noise}


def makeAction() -> FocalPlaneGeometryPlot:
    """Configure the plot with everything that it can show."""
    action = FocalPlaneGeometryPlot()
    action.zAxisLabel = "Noise"
    action.unit = "electron"
    action.statistic = "median"
    action.addHistogram = True
    action.threshold = 7.0
    action.validate()
    return action


def copyTexts(figure: Figure) -> list[tuple[float, float, str, dict[str, Any]]]:
    """Get the texts of a figure, with what matplotlib needs to write them again."""
    return [
        (*text.get_position(), text.get_text(), {"fontproperties": text.get_fontproperties(), "va": "top"})
        for text in figure.texts
    ]


def drawPlain(figure: Figure, like: Figure, artists: dict[str, Any], texts: list[Any]) -> None:
    """Draw ready-made arrays at the places of another figure's."""
    ax, cax, *below = (figure.add_axes(other.get_position()) for other in like.axes)
    ax.set(xlim=artists["xLimits"], ylim=artists["yLimits"], aspect="equal", xlabel="x (mm)", ylabel="y (mm)")
    for corners, looks in artists["polygons"]:
        ax.add_collection(PolyCollection(corners, **looks), autolim=False)
    for corners, looks in artists["hatched"]:
        ax.add_artist(PathPatch(Path.make_compound_path_from_polys(corners), **looks))
    for x, y, looks in artists["marks"]:
        ax.scatter(x, y, **looks)
    halo = [withStroke(linewidth=1.6, foreground="white"), Normal()]
    for text, position in artists["labels"]:
        ax.text(*position, text, fontsize=6.5, path_effects=halo, va="top", clip_on=True)
    figure.colorbar(ax.collections[0], cax=cax, extend="both").set_label("Noise (electron)")
    for line in artists["lines"]:
        cax.axhline(line)
    for hist, steps in zip(below, artists["histograms"], strict=True):
        for counts, bins, label in steps:
            hist.stairs(counts, bins, label=label)
        hist.legend(fontsize=6.5)
        hist.set(xlabel="Noise (electron)", ylabel="amplifiers")
    handles = [Patch(label=label, hatch="///") for label in artists["boxes"]]
    handles += [Line2D([], [], marker="^", label=label) for label in artists["markers"]]
    figure.legend(handles=handles, loc="upper left", bbox_to_anchor=(0.77, 0.75), fontsize=8, frameon=False)
    for x, y, text, looks in texts:
        figure.text(x, y, text, **looks)


def checkValues(
    names: npt.NDArray[np.str_], values: npt.NDArray[np.float64], columns: Columns, camera: Camera
) -> None:
    """Compare some medians with those of a mask each."""
    for name, value in list(zip(names.tolist(), values.tolist(), strict=True))[::100]:
        detector, amplifier = name.split()
        rows = (columns["detector"] == camera[detector].getId()) & (columns["amplifier"] == amplifier)
        np.testing.assert_allclose(value, np.median(columns["z"][rows]) if rows.any() else np.nan)


def collectArtists(
    action: FocalPlaneGeometryPlot, columns: Columns, camera: Camera, like: Figure
) -> dict[str, Any]:
    """Get everything that is on the figure as arrays."""
    view = action.prepare(columns, camera, PLOT_INFO)
    checkValues(view.names, view.patches.value, columns, camera)
    shown = like.axes[0]
    polygons, marks = [], []
    for item in shown.collections:
        looks = {"zorder": item.get_zorder(), "linewidth": item.get_linewidth()}
        if not isinstance(item, PolyCollection):
            looks |= {"s": item.get_sizes(), "marker": "^", "facecolor": "white", "edgecolor": "black"}
            marks.append((*item.get_offsets().T, looks))
            continue
        if (array := item.get_array()) is not None:
            looks |= {"array": array, "cmap": item.cmap, "norm": item.norm, "edgecolor": "face"}
        else:
            looks |= {"facecolor": "none", "edgecolor": item.get_edgecolor()}
        polygons.append((np.array([path.vertices[:4] for path in item.get_paths()]), looks))
    # The coloured polygons come first, to be found for the colour bar.
    polygons.sort(key=lambda pair: "array" not in pair[1])
    hatched = []
    for item in shown.get_children():
        if isinstance(item, PathPatch) and item.get_hatch():
            looks = {"facecolor": item.get_facecolor(), "edgecolor": item.get_edgecolor()}
            looks |= {"hatch": item.get_hatch(), "linewidth": item.get_linewidth()}
            hatched.append((np.array(item.get_path().to_polygons(closed_only=True)), looks))
    key = [text.get_text() for text in like.legends[0].get_texts()]
    return {
        "xLimits": view.xLimits,
        "yLimits": view.yLimits,
        "polygons": polygons,
        "hatched": hatched,
        "marks": marks,
        "labels": list(zip(view.labels.texts, view.labels.positions, strict=True)),
        "lines": [view.threshold, view.threshold],
        "histograms": [
            [(*step.get_data()[:2], step.get_label()) for step in ax.patches if isinstance(step, StepPatch)]
            for ax in like.axes[2:]
        ],
        "boxes": key[:3],
        "markers": key[3:],
    }


def timeTogether(*functions: Callable[[], object], repeats: int) -> list[float]:
    """Get the shortest of several times (s) of each function, run in turn so that all see the same load."""
    times = np.empty((repeats, len(functions)))
    for turn in times:
        for i, function in enumerate(functions):
            start = time.perf_counter()
            function()
            turn[i] = time.perf_counter() - start
    return times.min(axis=0).tolist()


def main(arguments: list[str]) -> int:
    """Run the benchmark; the exit status is 1 if the limit is exceeded."""
    camera = Camera.readFits(arguments[0]) if arguments else LsstCam().getCamera()
    columns = makeColumns(camera, np.random.default_rng(20260702))
    action = makeAction()
    like = action(columns, camera=camera, plotInfo=PLOT_INFO)
    artists, texts = collectArtists(action, columns, camera, like), copyTexts(like)

    def savePlain() -> None:
        figure = make_figure(figsize=like.get_size_inches(), dpi=like.dpi)
        drawPlain(figure, like, artists, texts)
        figure.savefig(io.BytesIO(), format="png")

    def saveOurs() -> None:
        action(columns, camera=camera, plotInfo=PLOT_INFO).savefig(io.BytesIO(), format="png")

    plain, ours, prepare = timeTogether(
        savePlain, saveOurs, lambda: action.prepare(columns, camera, PLOT_INFO), repeats=REPEATS
    )
    n_polygons = sum(len(corners) for kind in ("polygons", "hatched") for corners, _ in artists[kind])
    print(f"python {platform.python_version()}, numpy {np.__version__}, matplotlib {matplotlib.__version__}")
    print(f"{len(columns['z'])} rows, {n_polygons} polygons, {like.get_size_inches() * like.dpi} pixels")
    print(f"  plain matplotlib, built and saved  {plain:7.3f} s")
    print(f"  prepare alone                      {prepare:7.3f} s")
    print(
        f"  makePlot and save                  {ours:7.3f} s: {ours / plain:.2f} of plain (limit {MAX_RATIO})"
    )
    print("within the limit" if ours <= MAX_RATIO * plain else "THE LIMIT IS EXCEEDED")
    return int(ours > MAX_RATIO * plain)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

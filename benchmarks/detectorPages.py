# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Time the pages of a detector, or a raft, of LSSTCam, from their data to a saved PNG, and their memory.

The baseline is a plain matplotlib figure with the same panels, artists and texts at the same places, size
and resolution. It gets all of them ready-made, so the ratio holds the whole cost of reading the data, of
evaluating fits and limits, and of words.

Usage: ``python benchmarks/detectorPages.py [PAGE ...]``; it needs the simulator of the stand-ins. Pages are
chosen by the beginnings of their names.
"""

from __future__ import annotations

import io
import platform
import sys
import time
import tracemalloc
from collections.abc import Callable
from itertools import product
from typing import Any

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from plainFigure import recordFigure

from lsst.analysis.cp.actions.plot import (
    AmpCorrelationPlot,
    AmpGridPlot,
    CrosstalkPlot,
    CtiCurvePlot,
    KernelGridPlot,
    LinearityDeviationPlot,
    LinearityFitPlot,
    LinearityResidualPlot,
    LinearitySplinePlot,
    PtcComparisonPlot,
    PtcCovariancePlot,
    PtcGridPlot,
    PtcNoisePlot,
    PtcResidualPlot,
    PtcRowMeanPlot,
)
from lsst.cp.simulator import (
    measureCrosstalk,
    simulateCrosstalk,
    simulateCti,
    simulateKernel,
    simulateLinearizer,
    simulatePtc,
)
from lsst.cp.verify import CpVerifyPtcTask
from lsst.obs.lsst import LsstCam

MAX_RATIO = 1.5
REPEATS = 5
DETECTOR = 94
N_EXPOSURES = 20
PLOT_INFO = {"plotName": "page", "instrument": "LSSTCam", "run": "u/benchmark", "tableName": "results"}


def makeTable(calib: Any, camera: Any) -> dict[str, Any]:
    """Make the columns of the table of results of photon transfer curves of a detector."""
    task = CpVerifyPtcTask()
    amps = task.amplifierStatistics(calib, camera)
    names = next(iter(amps.values()))
    columns = {f"PTC_{name}": np.array([own[name] for own in amps.values()]) for name in names}
    return columns | {"detector": np.full(len(amps), DETECTOR), "amplifier": np.array(list(amps))}


def makeProfiles(camera: Any, rng: np.random.Generator) -> dict[str, Any]:
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


def makeCorrelations(camera: Any, detectors: list[int], rng: np.random.Generator) -> dict[str, Any]:
    """Make coefficients of all pairs of amplifiers of each detector, in each exposure."""
    rows = [
        (2026010100001 + exposure, detector, first.getName(), second.getName())
        for exposure, detector in product(range(N_EXPOSURES), detectors)
        for first, second in product(camera[detector], camera[detector])
    ]
    exposure, detector, first_name, second_name = (np.array(column) for column in zip(*rows, strict=True))
    return {
        "exposure": np.ma.array(exposure),
        "detector": detector,
        "detectorComp": detector,
        "ampName": first_name,
        "ampComp": second_name,
        "overscanCorr": rng.normal(0.0, 0.01, len(rows)),
        "imageCorr": rng.normal(0.0, 0.01, len(rows)),
        "detectors": np.array(detectors),
    }


def makePages(camera: Any) -> dict[str, tuple[Any, dict[str, Any]]]:
    """List the plots with their data, by names of pages."""
    detector, rng = camera[DETECTOR], np.random.default_rng(1)
    raft = [one.getId() for one in camera if one.getName()[:3] == detector.getName()[:3]]
    ptc, other_ptc = (simulatePtc(detector, camera, seed=seed) for seed in (1, 2))
    first = simulateLinearizer(detector, camera, seed=1)
    second = simulateLinearizer(detector, camera, seed=1, first=first)
    corrections = {one: simulateCrosstalk(camera[one], camera, seed=1) for one in raft}
    left = {one: measureCrosstalk(camera[one], camera, calib, seed=1) for one, calib in corrections.items()}
    ptcs, table = {"calibrations": {DETECTOR: ptc}}, makeTable(ptc, camera)
    linearizers = {"calibrations": {DETECTOR: second}, "references": {DETECTOR: first}}

    def pickCrosstalk(detectors: list[int]) -> dict[str, Any]:
        return {
            "calibrations": {one: left[one] for one in detectors},
            "references": {one: corrections[one] for one in detectors},
            "detectors": np.array(detectors),
        }

    return {
        "ptc curves": (PtcGridPlot(), ptcs),
        "ptc residuals": (PtcResidualPlot(), ptcs),
        "ptc noises": (PtcNoisePlot(), ptcs),
        "ptc comparison": (PtcComparisonPlot(), {"calibrationsByRun": {"u/a": ptc, "u/b": other_ptc}}),
        "ptc covariances": (PtcCovariancePlot(), table),
        "ptc means of rows": (PtcRowMeanPlot(), table),
        "linearizer deviations": (LinearityDeviationPlot(), linearizers),
        "linearizer residuals": (LinearityResidualPlot(), linearizers),
        "linearizer fit": (LinearityFitPlot(), linearizers),
        "linearizer splines": (LinearitySplinePlot(), linearizers),
        "crosstalk": (CrosstalkPlot(), pickCrosstalk([DETECTOR])),
        "crosstalk of a raft": (CrosstalkPlot(), pickCrosstalk(raft)),
        "bfk": (KernelGridPlot(), {"calibrations": {DETECTOR: simulateKernel(detector, camera, seed=1)}}),
        "cti": (CtiCurvePlot(), {"calibrations": {DETECTOR: simulateCti(detector, camera, seed=1)}}),
        "profiles": (AmpGridPlot(), makeProfiles(camera, rng)),
        "correlations": (AmpCorrelationPlot(), makeCorrelations(camera, [DETECTOR], rng)),
        "correlations of a raft": (AmpCorrelationPlot(), makeCorrelations(camera, raft, rng)),
    }


def timed(make: Callable[[], Figure]) -> float:
    """Take the time of a figure from its data to a PNG, seconds."""
    start = time.perf_counter()
    make().savefig(io.BytesIO(), format="png")
    return time.perf_counter() - start


def main() -> int:
    """Run the benchmark; return 1 if a page is too slow."""
    camera = LsstCam().getCamera()
    print(f"python {platform.python_version()}, numpy {np.__version__}, matplotlib {matplotlib.__version__}")
    worst = 0.0
    for name, (plot, data) in makePages(camera).items():
        if not name.startswith(tuple(sys.argv[1:]) or ("",)):
            continue

        def make_ours(plot: Any = plot, data: Any = data) -> Any:
            return plot(data, camera=camera, plotInfo=PLOT_INFO)

        tracemalloc.start()
        like = make_ours()
        like.canvas.draw()
        memory = tracemalloc.get_traced_memory()[1] / 1e6
        tracemalloc.stop()
        make_plain = recordFigure(like)
        assert len(make_plain().axes) == len(like.axes)
        # By turns, so that whatever else the machine does costs both.
        times = np.array([(timed(make_ours), timed(make_plain)) for _ in range(REPEATS)])
        ours, plain = np.median(times, axis=0)
        ratio = float(np.median(times[:, 0] / times[:, 1]))
        worst = max(worst, ratio)
        print(f"{name}: {ours:.2f} s; plain {plain:.2f} s; ratio {ratio:.2f}; peak {memory:.0f} MB")
    print(f"largest ratio {worst:.2f}; at most {MAX_RATIO}")
    return int(worst > MAX_RATIO)


if __name__ == "__main__":
    sys.exit(main())

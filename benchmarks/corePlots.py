# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Time all core plots of one LSSTCam exposure of bias, from the columns of its table to saved PNGs.

The baseline is matplotlib alone: it saves the very figures, ready-made with all their artists, so the ratio
holds the whole cost of encoding the table, of counting, of choosing words, and of making the artists.

Usage: ``python benchmarks/corePlots.py``.
"""

from __future__ import annotations

import io
import platform
import sys
import time
from typing import Any

import matplotlib
import numpy as np
from matplotlib.figure import Figure

from lsst.analysis.cp.actions.keyedData import AMP_TABLE, encodeAmps
from lsst.analysis.cp.atools import addTools
from lsst.analysis.cp.catalogue import getProduct
from lsst.analysis.cp.tasks import AmpAnalysisExposureTask
from lsst.analysis.tools.interfaces import NoMetric, NoPlot
from lsst.obs.lsst import LsstCam

MAX_RATIO = 3.0
REPEATS = 2
PRODUCT = "bias"
PLOT_INFO = {"instrument": "LSSTCam", "exposure": 5, "run": "u/benchmark", "tableName": "verifyBiasExp"}


def makeColumns(camera: Any, rng: np.random.Generator) -> dict[str, Any]:
    """Make one row for each amplifier, in random order; some fail, and two detectors are missing."""
    amps = [(detector.getId(), amp.getName(), amp.getReadNoise()) for detector in camera for amp in detector]
    order = rng.permutation(len(amps))
    detector, amplifier, noise = (np.array(column)[order] for column in zip(*amps, strict=True))
    columns: dict[str, Any] = {
        "exposure": np.full(len(amps), 5),
        "detector": detector,
        "amplifier": amplifier,
    }
    for name in getProduct(PRODUCT).inputColumns()[3:]:
        passed = rng.random(len(amps)) > 0.02
        columns[name] = passed if "_VERIFY_" in name else noise * rng.normal(1.0, 0.02, len(amps))
    keep = ~np.isin(detector, (60, 61))
    return {name: column[keep] for name, column in columns.items()}


def save(figure: Figure) -> None:
    """Draw and save a figure."""
    figure.savefig(io.BytesIO(), format="png")


def main() -> int:
    """Run the benchmark; the exit status is 1 if the limit is exceeded."""
    camera = LsstCam().getCamera()
    columns = makeColumns(camera, np.random.default_rng(20261126))
    config = AmpAnalysisExposureTask.ConfigClass()
    config.connections.outputName = "benchmark"
    addTools(config, PRODUCT, "exposure")
    for tool in config.atools:
        tool.produce.metric = NoMetric
    config.freeze()
    tools = {name: tool for name, tool in config.atools.items() if not isinstance(tool.produce.plot, NoPlot)}

    def makeFigures(name: str, data: dict[str, Any]) -> list[Figure]:
        return list(tools[name](data, camera=camera, plotInfo=dict(PLOT_INFO)).values())

    names = list(tools)
    encoding, ours, plain = (np.full((REPEATS, n), np.inf) for n in (1, len(names), len(names)))
    for repeat in range(REPEATS):
        start = time.perf_counter()
        data: dict[str, Any] = {AMP_TABLE: encodeAmps(columns, PRODUCT, camera=camera)}
        encoding[repeat] = time.perf_counter() - start
        for i, name in enumerate(names):
            start = time.perf_counter()
            figures = makeFigures(name, data)
            for figure in figures:
                save(figure)
            ours[repeat, i] = time.perf_counter() - start
            start = time.perf_counter()
            for figure in figures:
                save(figure)
            plain[repeat, i] = time.perf_counter() - start
            assert len(figures) == 1, f"{name} made {len(figures)} figures"
    best_ours, best_plain = ours.min(axis=0), plain.min(axis=0)
    total = float(best_ours.sum() + encoding.min())
    ratio = total / float(best_plain.sum())
    print(f"python {platform.python_version()}, numpy {np.__version__}, matplotlib {matplotlib.__version__}")
    print(f"{len(columns['exposure'])} rows; encoded once in {encoding.min():.3f} s")
    for name, mine, bare in zip(names, best_ours.tolist(), best_plain.tolist(), strict=True):
        print(f"  {name:<26} {mine:6.3f} s, matplotlib alone {bare:6.3f} s: {mine / bare:.2f}")
    print(f"all {total:.2f} s, matplotlib alone {best_plain.sum():.2f} s: {ratio:.2f} (limit {MAX_RATIO})")
    print("within the limit" if ratio <= MAX_RATIO else "THE LIMIT IS EXCEEDED")
    return int(ratio > MAX_RATIO)


if __name__ == "__main__":
    sys.exit(main())

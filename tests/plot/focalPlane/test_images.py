# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Whole figures; compared with the images in ``baseline`` if pytest runs with ``--mpl``.

New images come from the option ``--mpl-generate-path=tests/plot/focalPlane/baseline``.
"""

from collections.abc import Sequence

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from lsst.analysis.cp.actions.plot.focalPlane import FailureMapPlot, FocalPlaneGeometryPlot
from lsst.analysis.cp.actions.plot.style import overColours

pytest.importorskip("pytest_mpl", reason="needs pytest-mpl, of the extra named test")

DPI = 50
compared_image = pytest.mark.mpl_image_compare(
    baseline_dir="baseline", style="default", tolerance=12, savefig_kwargs={"dpi": DPI}
)


def shareOf(figure: Figure, colour: str) -> float:
    """Return the share of the page that has a colour."""
    figure.set_dpi(DPI)
    figure.canvas.draw()
    pixels = np.asarray(figure.canvas.buffer_rgba())[..., :3] / 255
    return float(np.mean(np.abs(pixels - to_rgb(colour)).max(axis=-1) < 0.02))


def makeRows(rows: dict) -> dict:
    z = 10.0 + np.arange(32) % 3
    z[[2, 6, 8, 9]] = np.nan, 1000.0, -1000.0, np.nan
    flag = ~np.isin(np.arange(32), [4, 9])
    return {key: column[:30] for key, column in (rows | {"z": z, "flag": flag}).items()}


@compared_image
def test_values(camera: Sequence, rows: dict) -> Figure:
    action = FocalPlaneGeometryPlot()
    action.zAxisLabel, action.unit, action.threshold, action.addHistogram = "Noise", "electron", 12.5, True
    info = {
        "plotName": "biasNoise",
        "instrument": "LATISS",
        "exposure": 5,
        "run": "u/run",
        "tableName": "table",
    }
    figure = action(makeRows(rows), camera=camera, plotInfo=info)
    # One amplifier of 32 is above the range, and it is the greatest of those.
    assert 0.001 < shareOf(figure, overColours("viridis")[-1]) < 0.02
    return figure


@compared_image
def test_one_detector(camera: Sequence, rows: dict) -> Figure:
    action = FocalPlaneGeometryPlot()
    action.zAxisLabel, action.colourMap, action.centre = "Mean", "PuOr", 19.5
    figure = action({key: column[16:24] for key, column in rows.items()}, camera=camera)
    # White is the page; the detector, turned by 0.3 radians, fills half of its square, a third of the page.
    assert shareOf(figure, "white") < 0.8
    return figure


@compared_image
def test_failures(camera: Sequence, rows: dict) -> Figure:
    index = np.arange(32)
    rows["flags"] = np.array(
        [np.where(index % 7 == 0, -1, index % 5 != 0), np.where(index == 7, -1, index % 10 != 0)]
    )
    action = FailureMapPlot()
    action.zAxisLabel = "Number of failed tests"
    figure = action(rows, camera=camera, plotInfo={"plotName": "biasFailures"})
    # 24 of 32 amplifiers of 0.8 mm^2 have no failure on a square of about 3.8 mm, a third of the page.
    assert 0.02 < shareOf(figure, "#f0f0f0") < 0.3
    return figure


@compared_image
def test_tested_quantity(camera: Sequence, rows: dict) -> Figure:
    action = FocalPlaneGeometryPlot()
    action.zAxisLabel, action.unit, action.threshold, action.addHistogram = "Noise", "electron", 0.05, True
    action.quantityLabel, action.listedKeys = "(NOISE - RN)/RN", ["RN"]
    noise, reference = 5.0 + 0.1 * np.arange(32) / 32, np.full(32, 5.0)
    noise[4], reference[[4, 20]] = 4.9, 4.0
    quantity = (noise - reference) / reference
    data = rows | {"z": noise, "RN": reference, "quantity": quantity, "flag": quantity <= 0.05}
    return action(data, camera=camera, plotInfo={"instrument": "LATISS", "exposure": 5})

# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Page of the structures that rank first."""

import io

import numpy as np
import pytest
from astropy.table import Table
from matplotlib.patches import Rectangle
from numpy.testing import assert_allclose, assert_array_equal

from lsst.analysis.cp.actions.plot.image import StructureStampsPlot
from lsst.analysis.cp.actions.plot.image.pixelImage import PixelImage
from lsst.analysis.cp.core.structures import Structures, cutStamps

IMAGE = np.random.default_rng(5).normal(3.0, 2.0, (200, 300)).astype(np.float32)


def makeData(n: int = 5, image: np.ndarray = IMAGE) -> dict:
    """Make a table of pixels of one detector, and their stamps."""
    x, score = 15.0 * np.arange(1, n + 1), np.linspace(90, 30, n)
    rest = {
        "amplifier": 0,
        "nPixels": 1,
        "amplitude": 1.0,
        "threshold": 6.0,
        "y": 50.0,
        "width": 1,
        "height": 1,
    }
    structures = Structures.make(["pixel"] * n, x=x, score=score, **rest)
    table = Table(
        {
            "rank": np.arange(1, n + 1),
            "detector": np.full(n, 3),
            "detectorName": ["R22_S11"] * n,
            "amplifier": ["C00"] * n,
            "kind": ["pixel"] * n,
            "x": x,
            "y": np.full(n, 50.0),
            "width": np.ones(n),
            "height": np.ones(n),
            "score": score,
        }
    )
    stamps = cutStamps(image, np.zeros(image.shape, bool), structures, 3, number=n, size=32)
    return {"structures": table, "stamps": stamps}


def makeAction(**fields):
    action = StructureStampsPlot()
    for name, value in fields.items():
        setattr(action, name, value)
    return action


def test_stamps_are_in_the_order_of_the_table():
    data = makeData()
    view = makeAction(nShown=4).prepare({**data, "stamps": data["stamps"][::-1]})
    assert [stamp.caption[0].split()[0] for stamp in view.stamps] == ["1", "2", "3", "4"]
    assert [stamp.box for stamp in view.stamps] == [(15.0 * i - 0.5, 49.5, 1.0, 1.0) for i in (1, 2, 3, 4)]
    assert view.headline.startswith("The first 4 structures by significance")


def test_caption_says_what_and_where():
    first = makeAction().prepare(makeData(1)).stamps[0]
    assert first.caption[0] == "1  pixel  R22_S11 C00"
    assert first.caption[1] == "90 σ at x 15, y 50"
    assert first.caption[2].startswith("pixel by pixel, ")
    assert first.caption[2].endswith(" electron")


def test_colours_span_the_noise_about_the_level():
    low, high = makeAction().prepare(makeData(1)).stamps[0].limits
    assert (low + high) / 2 == pytest.approx(3.0, abs=0.5)
    assert (high - low) / 16 == pytest.approx(2.0, rel=0.2)


@pytest.mark.parametrize("value", [7.0, np.nan])
def test_constant_pixels_have_a_scale(value):
    low, high = makeAction().prepare(makeData(1, np.full((200, 300), value, np.float32))).stamps[0].limits
    assert low < high


@pytest.mark.parametrize("n", [0, 1, 5, 16])
def test_page_is_drawn(n):
    figure = makeAction(title="Structures of the bias")(
        makeData(max(n, 1)) if n else noData(), plotInfo={"run": "u"}
    )
    figure.savefig(io.BytesIO(), dpi=40)
    assert len(figure.axes) == n
    assert figure.texts[0].get_text() == "Structures of the bias"
    if n == 0:
        assert figure.texts[1].get_text().startswith("No structure")


def noData() -> dict:
    data = makeData(1)
    return {"structures": data["structures"][:0], "stamps": []}


def test_pixels_and_box_are_at_their_place():
    data = makeData(1)
    (ax,) = makeAction()(data).axes
    (pixels,) = (artist for artist in ax.artists if isinstance(artist, PixelImage))
    (box,) = (patch for patch in ax.patches if isinstance(patch, Rectangle))
    assert_array_equal(pixels.image, data["stamps"][0].image)
    assert_allclose(pixels.extent[1] - pixels.extent[0], 32)
    assert box.get_x() < 14.5 < 15.5 < box.get_x() + box.get_width()
    assert box.get_y() < 49.5 < 50.5 < box.get_y() + box.get_height()

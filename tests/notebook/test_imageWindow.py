# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Windows of images that show themselves, and those around structures."""

import io

import numpy as np
import pytest
from notebookRepository import EXPOSURES, STRUCTURES
from PIL import Image

from lsst.analysis.cp.core.pyramid import PyramidReader
from lsst.analysis.cp.notebook import readStructureView, readView
from lsst.analysis.cp.notebook.windowFigure import drawWindow
from lsst.utils.plotting import make_figure

DATA_ID = {"exposure": EXPOSURES[0]}


@pytest.mark.parametrize("structure", STRUCTURES, ids=lambda structure: structure[1])
def test_structure_is_in_the_middle(butler, pyramidPath, structure):
    rank, kind, detector, x, y, height = structure
    view = readStructureView(butler, "bias", DATA_ID, rank)
    with PyramidReader(pyramidPath) as reader:
        column, row = view.grid.toPixels(*reader.toFocalPlane(detector, x, y))
        assert view.factor == 1
    n_rows, n_columns = view.image.shape
    assert (column, row) == pytest.approx(((n_columns - 1) / 2, (n_rows - 1) / 2), abs=1)
    assert n_rows == pytest.approx(min(max(3 * height, 64), 512), abs=1)
    assert view.title == f"{rank}  {kind}  R00_S{detector - 10:02d} C00, {50 if rank == 1 else 20} σ"


def test_structure_that_there_is_not(butler):
    with pytest.raises(ValueError, match="no structure of rank 3: there are 2"):
        readStructureView(butler, "bias", DATA_ID, rank=3)


def test_width_and_plane_of_a_structure_are_obeyed(butler):
    view = readStructureView(butler, "bias", DATA_ID, width=(2.0, 1.0), plane="significance")
    assert view.plane == "significance"
    np.testing.assert_allclose(np.array(view.image.shape) * view.factor, (100, 200), atol=2)


@pytest.mark.parametrize("plane", ["image", "mask", "significance"])
def test_drawn_pixels_are_those_of_the_window(butler, plane):
    view = readView(butler, "bias", DATA_ID, (5.0, 3.0), (3.0, 2.0), plane=plane)
    drawn = drawWindow(make_figure().add_subplot(), view)
    expected = view.image
    if plane == "mask":
        expected = np.array([[bin(value).count("1") for value in row] for row in view.image.tolist()])
    np.testing.assert_array_equal(np.ma.filled(drawn.get_array(), np.nan), expected)
    left, right, bottom, top = drawn.get_extent()
    size = view.grid.pixelSize
    assert (left + size / 2, bottom + size / 2) == pytest.approx((view.grid.x0, view.grid.y0))
    assert ((right - left) / size, (top - bottom) / size) == pytest.approx(view.image.shape[::-1])


def test_notebook_shows_the_window(butler, tmp_path):
    view = readView(butler, "bias", DATA_ID, (10, 300.0, 200.0), 1.0)
    with Image.open(io.BytesIO(view._repr_png_())) as picture:
        assert picture.size == (700, 600)
    assert view.save(tmp_path / "view.png").read_bytes() == view._repr_png_()
    assert repr(view).startswith(
        "ImageWindow('detector 10, x 300, y 200, pixel by pixel', image, 100 x 100 pixels"
    )
    figure = view.makeFigure()
    assert figure.axes[0].get_title() == view.title
    assert [ax.get_ylabel() for ax in figure.axes[1:]] == ["image (electron)"]
    assert view.source in " ".join(figure.get_supxlabel().split())


def test_window_without_a_value_is_drawn(butler):
    with pytest.warns(UserWarning, match="no pixel with a value"):
        view = readView(butler, "bias", DATA_ID, (26.0, 2.0), 0.5)
    assert view._repr_png_()

# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""What a page of brighter-fatter kernels shows, as plain arrays and text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from lsst.analysis.cp.actions.plot.ampGrid.layout import GridLayout, placePanels
from lsst.analysis.cp.actions.plot.text import formatNumber, listFirst, plural
from lsst.analysis.cp.core import FocalPlaneGeometry
from lsst.analysis.cp.core.calibrations import hasKernel, measureKernel
from lsst.analysis.cp.core.typing import BoolArray, FloatArray, NameArray

__all__ = ["KernelView", "prepareKernels"]


@dataclass(frozen=True, kw_only=True, eq=False)
class KernelView:
    """Everything that a page of kernels shows.

    Parameters
    ----------
    layout
        Places of the panels, one an amplifier.
    names
        Names of the amplifiers, shape (nAmps,).
    kernels
        Their kernels (1/electron), shape (nAmps, nX, nY); NaN where there is none.
    invalid
        Whether the calibration says that a kernel is not valid, shape (nAmps,).
    whole
        Kernel of the detector, or else the median of those that are valid, shape (nX, nY); NaN if there is
        none.
    wholeLabel
        Which of both it is.
    reach
        Value at both ends of the colours.
    lines
        What each kernel is like, in words.
    detector
        Name of the detector, and its vendor.
    headline
        A summary.
    isBad
        Whether that is bad news.
    lists
        Titles with lines of what to look at first.
    """

    layout: GridLayout
    names: NameArray
    kernels: FloatArray
    invalid: BoolArray
    whole: FloatArray
    wholeLabel: str
    reach: float
    lines: tuple[str, ...]
    detector: str
    headline: str
    isBad: bool
    lists: tuple[tuple[str, ...], ...]

    @property
    def hasKernel(self) -> BoolArray:
        """Whether each amplifier has a kernel, shape (nAmps,)."""
        return np.isfinite(self.kernels).all(axis=(1, 2))

    def cuts(self, axis: int) -> FloatArray:
        """Cut all kernels through their centres, along x (0) or y (1); shape (nAmps, n)."""
        middle = self.kernels.shape[2 - axis] // 2
        return self.kernels[:, :, middle] if axis == 0 else self.kernels[:, middle, :]


def prepareKernels(calib: Any, geometry: FocalPlaneGeometry, nListed: int = 16) -> KernelView:
    """Lay out the kernels of a detector; no matplotlib is involved.

    Parameters
    ----------
    calib
        A `lsst.ip.isr.BrighterFatterKernel`. Not modified.
    geometry
        The camera.
    nListed
        Lines in a list beside the grid, at most.

    Returns
    -------
    view
        The view to draw.

    Raises
    ------
    AmpKeyError
        Raised if the camera has no such detector.
    """
    layout = geometry.layout
    (index,) = layout.findDetectors(np.array([calib.getMetadata()["DETECTOR"]], dtype=np.int64))
    own = np.flatnonzero(layout.ampDetector == index)
    names = layout.ampName[own]
    kernels = np.full((len(own), *calib.shape), np.nan)
    for i, name in enumerate(names.tolist()):
        kernel = np.asarray(calib.ampKernels.get(name, ()), dtype=np.float64)
        if hasKernel(kernel):
            kernels[i] = kernel
    known = np.isfinite(kernels).all(axis=(1, 2))
    invalid = np.array([not calib.valid.get(name, True) for name in names.tolist()])
    shapes = [measureKernel(kernel) for kernel in kernels]
    centres = np.array([shape.centre for shape in shapes])
    usable = known & ~invalid
    whole = np.median(kernels[usable], axis=0) if usable.any() else np.full(calib.shape, np.nan)
    label = "median of the valid ones"
    for kernel in calib.detKernels.values():
        whole, label = np.asarray(kernel, dtype=np.float64), "kernel of the detector"
    reach = np.abs(centres[usable if usable.any() else known])
    bad, lost = names[invalid].tolist(), names[~known].tolist()
    words = [plural(len(names), "amplifier")]
    words += [f"not valid: {', '.join(bad)}"] if bad else []
    words += [f"without a kernel: {', '.join(lost)}"] if lost else []
    return KernelView(
        layout=placePanels(geometry.ampEdges[own]),
        names=names,
        kernels=kernels,
        invalid=invalid,
        whole=whole,
        wholeLabel=label,
        reach=float(np.median(reach)) if len(reach) else 1.0,
        lines=tuple(
            f"centre {formatNumber(shape.centre, 3)}\nsum {formatNumber(shape.total, 3)}" for shape in shapes
        ),
        detector=f"{layout.detectorName[index]}, {layout.physicalType[index]}",
        headline="; ".join(words),
        isBad=bool(bad or lost),
        lists=(_listFarthest(names, centres, usable, nListed),),
    )


def _listFarthest(names: NameArray, centres: FloatArray, usable: BoolArray, nListed: int) -> tuple[str, ...]:
    """List the centres that differ most from the median of the valid ones."""
    if not usable.any():
        return ()
    median = float(np.median(centres[usable]))
    ratio = centres / median
    order = np.argsort(-np.abs(ratio - 1), kind="stable")
    lines = [f"{names[i]:<6}{ratio[i]:8.3f}" for i in order.tolist() if np.isfinite(ratio[i])]
    return listFirst(f"Centre, in medians of {formatNumber(median, 3)}", lines, nListed)

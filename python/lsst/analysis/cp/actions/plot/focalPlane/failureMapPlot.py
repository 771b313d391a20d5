# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
from __future__ import annotations

import textwrap
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from lsst.analysis.cp.actions.plot.text import LIST_LENGTH, plural
from lsst.analysis.cp.core.amps import FAILED, UNKNOWN
from lsst.analysis.cp.core.typing import BoolArray, IndexArray
from lsst.analysis.tools.interfaces import KeyedData, KeyedDataSchema, Vector
from lsst.pex.config import ChoiceField, ListField

from .focalPlaneGeometryPlot import FocalPlaneGeometryPlot
from .listing import PatchList
from .view import FocalPlaneView, PatchValues

if TYPE_CHECKING:
    from lsst.afw.cameraGeom import Camera

__all__ = ["FailureMapPlot"]


class FailureMapPlot(FocalPlaneGeometryPlot):
    """Map of the number of failures, on a discrete scale.

    The data say where the rows belong as those of `FocalPlaneGeometryPlot` do. In the place of ``z`` they
    have ``flags``, shape (nTests, nRows): 1 passed, 0 failed, -1 untested. A patch without a tested flag is
    shown as untested, not as free of failures. Detectors that failed a test of their own are framed: the data
    may have ``detectorFlags``, shape (nDetectorTests, n), and ``detectorIndex``, the places of these rows
    among the detectors of the camera.
    """

    _noValueLabel = "not tested"

    counted = ChoiceField[str](
        doc="What is counted in each patch.",
        default="tests",
        allowed={
            "tests": "Tests that failed at least once.",
            "rows": "Rows that failed any test; one row is an amplifier of an exposure.",
        },
    )

    detectorTests = ListField[str](
        doc="Tests of whole detectors, in the order of the detectors' flags.", default=[]
    )

    def setDefaults(self) -> None:
        """Choose the discrete scale."""
        super().setDefaults()
        self.colourScale = "count"

    @property
    def allTests(self) -> list[str]:
        """Tests of amplifiers, then those of detectors."""
        return [*self.tests, *self.detectorTests]

    def getInputSchema(self, **kwargs: Any) -> KeyedDataSchema:
        """Return what the plot needs."""
        return [("ampIndex", Vector), ("flags", Vector)]

    def prepare(
        self, data: KeyedData, camera: Camera, plotInfo: Mapping[str, object] | None = None
    ) -> FocalPlaneView:
        """Reduce the data as the parent does, with the detectors that failed a test of their own."""
        view = super().prepare(data, camera, plotInfo)
        if not self.detectorTests or "detectorFlags" not in data:
            return view
        layout = view.geometry.layout
        flags, index = np.asarray(data["detectorFlags"]), np.asarray(data["detectorIndex"])
        failed, tested = (np.zeros((len(flags), layout.nDetectors), dtype=bool) for _ in range(2))
        for i, test in enumerate(flags):
            failed[i, index[test == FAILED]] = tested[i, index[test != UNKNOWN]] = True
        counted = np.isin(np.arange(layout.nDetectors), layout.ampDetector[view.counted])
        n_failed, n_tested = (int((some.any(axis=0) & counted).sum()) for some in (failed, tested))
        names = " or ".join(self.detectorTests)
        failing = np.flatnonzero(failed.any(axis=0))
        lines = [
            f"{layout.detectorName[i]}  {' '.join(np.array(self.detectorTests)[failed[:, i]])}"
            for i in failing.tolist()
        ]
        # First those of detectors: there are fewer.
        listing = replace(
            view.listing,
            title=view.listing.title or ("Failed tests" if lines else ""),
            lines=(*lines, *view.listing.lines),
        )
        return replace(
            view,
            headline=f"{view.headline}, {n_failed} of {plural(n_tested, 'tested detector')} failed {names}",
            listing=listing,
            failingDetectors=failing,
        )

    def _listPatches(self, data: KeyedData, index: IndexArray, view: FocalPlaneView) -> PatchList:
        """Name the tests that each patch failed, the patches with the most failures first.

        Of several rows the number that failed stands after the test.
        """
        flags = np.asarray(data["flags"])
        names = list(self.tests) if len(self.tests) == len(flags) else [str(i) for i in range(len(flags))]
        n_patches = len(view.names)
        failed = np.array(
            [np.bincount(index[(test == FAILED) & (index >= 0)], minlength=n_patches) for test in flags]
        ).reshape(len(flags), n_patches)
        candidates = np.flatnonzero(view.patches.failing)
        keys = (-failed.sum(axis=0), -view.patches.value, ~view.counted)
        order = candidates[np.lexsort([key[candidates] for key in keys])]
        several = bool((view.patches.nRows > 1).any())
        lines: list[str] = []
        for i in order[: self.nListed].tolist():
            words = [
                f"{name} {count}" if several else name
                for name, count in zip(names, failed[:, i].tolist(), strict=True)
                if count
            ]
            indent = " " * (len(view.names[i]) + 2)
            text = (", " if several else " ").join(words)
            lines += textwrap.wrap(
                text, LIST_LENGTH, initial_indent=f"{view.names[i]}  ", subsequent_indent=indent
            )
        title = "Failed tests" + ", with the number of exposures" * several
        return PatchList(
            title=title if lines else "", lines=tuple(lines), nMore=max(len(order) - self.nListed, 0)
        )

    def _reduceRows(self, data: KeyedData, index: IndexArray, nPatches: int) -> PatchValues:
        """Count failures."""
        placed = index >= 0
        if "flags" not in data:
            raise ValueError(f"{type(self).__name__} needs 'flags'; the data have {sorted(data)}")
        flags = np.asarray(data["flags"])
        if flags.ndim != 2 or flags.shape[1] != len(index):
            raise ValueError(f"'flags' has shape {flags.shape}, expected (nTests, {len(index)})")

        def perPatch(rows: BoolArray) -> IndexArray:
            return np.bincount(index[rows & placed], minlength=nPatches)

        n_failed = perPatch((flags == FAILED).any(axis=0))
        n_tested = perPatch((flags != UNKNOWN).any(axis=0))
        count = n_failed
        if self.counted == "tests":
            count = np.sum([perPatch(test == FAILED) > 0 for test in flags], axis=0)
        none = np.zeros(nPatches, dtype=np.intp)
        value = np.where(n_tested > 0, count, np.nan)
        return PatchValues(value, perPatch(placed), n_tested, n_failed, none)

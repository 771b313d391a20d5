# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""What a page of matrices of crosstalk shows, as plain arrays and text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lsst.analysis.cp.actions.plot.matrix.names import nameAbsent, nameAmps
from lsst.analysis.cp.actions.plot.text import formatNumber, listFirst, plural
from lsst.analysis.cp.core.calibrations import Crosstalk
from lsst.analysis.cp.core.camera import CameraLayout
from lsst.analysis.cp.core.typing import BoolArray, FloatArray, NameArray

__all__ = ["CrosstalkPanel", "CrosstalkView", "joinDetectors", "prepareCrosstalk"]

_LINEAR = 1e-6
"""Coefficient up to which the scale is linear, and from which on it is logarithmic."""

_NAMED = 3
"""Number of amplifiers and pairs that the headline names."""


@dataclass(frozen=True, kw_only=True, eq=False)
class CrosstalkPanel:
    """One matrix.

    Parameters
    ----------
    title, note
        What is shown.
    label
        What the colours are.
    values
        Sources by the amplifiers that see them, shape (n, n); NaN where there is nothing to show.
    linear, high
        Values up to which the scale is linear, and at which it ends, on both sides of 0.
    blocks
        Which pairs of detectors, sources by those that see them, have elements, shape (nDet, nDet).
    threshold
        Absolute value beyond which something is wrong; NaN if there is none.
    """

    title: str
    note: str
    label: str
    values: FloatArray
    linear: float
    high: float
    blocks: BoolArray
    threshold: float = np.nan

    def isAbsent(self, ampDetector: Any) -> BoolArray:
        """Tell which pairs of amplifiers have no value, though their detectors have elements, (n, n)."""
        absent = self.blocks[np.ix_(ampDetector, ampDetector)] & ~np.isfinite(self.values)
        np.fill_diagonal(absent, val=False)
        return absent


@dataclass(frozen=True, kw_only=True, eq=False)
class CrosstalkView:
    """Everything that a page of matrices of crosstalk shows.

    Parameters
    ----------
    layout
        The detectors, and their amplifiers in the order of rows and columns.
    reference
        What the exposures were corrected by; None if that is not known.
    residual, significance
        What is left after the correction, and the same in standard errors.
    left
        The same as it was measured.
    isBeyond
        Which of its coefficients differ from 0, shape (n, n).
    title, headline
        What is shown, and what is wrong.
    isBad
        Whether the headline is bad news.
    provenance
        Lines that say where the data come from.
    lists
        Titles with lines of what to look at first.
    """

    layout: CameraLayout
    reference: CrosstalkPanel | None
    residual: CrosstalkPanel
    significance: CrosstalkPanel
    left: Crosstalk
    isBeyond: BoolArray
    title: str
    headline: str
    isBad: bool
    provenance: tuple[str, ...]
    lists: tuple[tuple[str, ...], ...]

    @property
    def panels(self) -> tuple[CrosstalkPanel, ...]:
        """The matrices in colours that there are, in order."""
        known = () if self.reference is None else (self.reference,)
        return (*known, self.residual, self.significance)

    @property
    def names(self) -> NameArray:
        """Names of the rows and columns, shape (n,), with the detector's if there are several."""
        return nameAmps(self.layout)


def joinDetectors(layout: CameraLayout, calibs: Mapping[int, Any]) -> tuple[Crosstalk, BoolArray]:
    """Join the matrices of detectors to one of all their amplifiers.

    Parameters
    ----------
    layout
        The detectors.
    calibs
        Their calibrations by id, each a `lsst.ip.isr.CrosstalkCalib`; some may be absent.

    Returns
    -------
    crosstalk
        Coefficients of all pairs of amplifiers, in the order of the layout. Of sources on another detector
        there are no errors.
    blocks
        Which pairs of detectors, sources by those that see them, have elements, shape (nDet, nDet).

    Raises
    ------
    ValueError
        Raised if a matrix does not fit its detector.
    """
    n, n_detectors = layout.nAmps, layout.nDetectors
    coefficients, errors = (np.full((n, n), np.nan) for _ in range(2))
    valid, blocks = np.zeros((n, n), dtype=bool), np.zeros((n_detectors, n_detectors), dtype=bool)
    ends = np.append(layout.firstAmp, n).tolist()
    places = {name: slice(*ends[i : i + 2]) for i, name in enumerate(layout.detectorName.tolist())}
    for i, (number, name) in enumerate(
        zip(layout.detectorId.tolist(), layout.detectorName.tolist(), strict=True)
    ):
        if number not in calibs:
            continue
        place = places[name]
        own = Crosstalk.fromCalib(calibs[number], place.stop - place.start)
        coefficients[place, place], errors[place, place] = own.coefficients, own.errors
        valid[place, place] = own.valid
        blocks[i, i] = True
        for j, source in enumerate(places):
            if source in (calibs[number].interChip or {}):
                coefficients[places[source], place] = calibs[number].interChip[source]
                blocks[j, i] = True
    return Crosstalk(coefficients=coefficients, errors=errors, valid=valid), blocks


def prepareCrosstalk(
    layout: CameraLayout,
    calibs: Mapping[int, Any],
    corrections: Mapping[int, Any],
    *,
    nSigma: float,
    tolerance: float,
    nListed: int,
    title: str,
    provenance: tuple[str, ...],
) -> CrosstalkView:
    """Join the matrices of detectors, and find what is wrong in them; no matplotlib is involved.

    Parameters
    ----------
    layout
        The detectors that are shown.
    calibs
        What is left of the crosstalk after its correction, by the id of the detector.
    corrections
        What it was corrected by; some or all may be absent.
    nSigma, tolerance
        Standard errors and absolute value that a coefficient has to exceed to differ from 0.
    nListed
        Lines in a list beside the matrices, at most.
    title, provenance
        Words of the page.

    Returns
    -------
    view
        The view to draw.
    """
    left, blocks = joinDetectors(layout, calibs)
    applied, applied_blocks = joinDetectors(layout, corrections)
    is_beyond, names = left.isBeyond(nSigma, tolerance), nameAmps(layout)
    # Both in the same colours.
    high = _endScale([left.coefficients, applied.coefficients], 10 * _LINEAR)
    looks: dict[str, Any] = {"linear": _LINEAR, "high": high}
    reference = CrosstalkPanel(
        title="Reference: what the exposures were corrected by",
        note="in the colours of the residual",
        label=f"Coefficient{_describeUnits(corrections)}",
        values=_hideEmptySelf(applied.coefficients),
        blocks=applied_blocks,
        **looks,
    )
    residual = CrosstalkPanel(
        title="Residual: what is left after the correction",
        note=f"framed: beyond {nSigma:g} standard errors and {formatNumber(tolerance)}",
        label=f"Coefficient{_describeUnits(calibs)}",
        values=_hideEmptySelf(left.coefficients),
        blocks=blocks,
        threshold=tolerance,
        **looks,
    )
    significance = CrosstalkPanel(
        title="Significance of the residual",
        note="coefficient in standard errors",
        label="Coefficient / standard error",
        values=_hideEmptySelf(left.significance),
        linear=1.0,
        high=_endScale([left.significance], 10.0),
        blocks=blocks,
        threshold=nSigma,
    )
    headline, is_bad = _writeHeadline(left, is_beyond, applied_blocks, layout)
    lines = _listPairs(left, is_beyond, names, nListed), _listPairs(applied, None, names, nListed)
    return CrosstalkView(
        layout=layout,
        reference=reference if applied_blocks.any() else None,
        residual=residual,
        significance=significance,
        left=left,
        isBeyond=is_beyond,
        title=title,
        headline=headline,
        isBad=is_bad,
        provenance=provenance,
        lists=(
            listFirst("Largest residuals, source first", lines[0], nListed),
            listFirst("Largest of the reference", lines[1], nListed),
        ),
    )


def _hideEmptySelf(values: FloatArray) -> FloatArray:
    """Leave out what an amplifier has with itself where that is 0, as it has to be."""
    shown = values.copy()
    own = np.arange(len(shown))
    shown[own, own] = np.where(np.diag(values) == 0, np.nan, np.diag(values))
    return shown


def _endScale(matrices: Sequence[FloatArray], least: float) -> float:
    """Choose the end of a logarithmic scale that holds all finite values, a power of ten."""
    finite = np.concatenate([np.abs(matrix[np.isfinite(matrix)]) for matrix in matrices])
    most = finite.max(initial=least)
    return float(10.0 ** np.ceil(np.log10(most) - 1e-9))


def _describeUnits(calibs: Mapping[int, Any]) -> str:
    """Write the units of the two signals whose ratio a coefficient is."""
    units = sorted({str(calib.crosstalkRatiosUnits) for calib in calibs.values()})
    return f" ({' or '.join(f'{unit}/{unit}' for unit in units)})" if units else ""


def _listPairs(crosstalk: Crosstalk, isBeyond: BoolArray | None, names: NameArray, number: int) -> list[str]:
    """List the pairs of the largest absolute values, those that differ from 0 first, with a mark."""
    size = np.where(crosstalk.isMeasured, np.abs(crosstalk.coefficients), -1.0)
    marks = np.zeros(size.shape, dtype=bool) if isBeyond is None else isBeyond
    order = np.lexsort((-size.ravel(), ~marks.ravel()))[:number]
    lines = []
    for source, victim in zip(*np.unravel_index(order, size.shape), strict=True):
        if size[source, victim] > 0:
            line = f"{names[source]} → {names[victim]}".ljust(18)
            line += f"{formatNumber(crosstalk.coefficients[source, victim], 3):>10}"
            if np.isfinite(error := crosstalk.significance[source, victim]) and isBeyond is not None:
                line += f"{formatNumber(error, 3):>8} σ{'  beyond' if marks[source, victim] else ''}"
            lines.append(line)
    return lines


def _writeHeadline(
    left: Crosstalk, isBeyond: BoolArray, appliedBlocks: BoolArray, layout: CameraLayout
) -> tuple[str, bool]:
    """Count and name what is wrong; the second tells whether anything is, or nothing is known."""
    names, measured = nameAmps(layout), left.isMeasured
    absent = nameAbsent(layout, measured.any(axis=0) | measured.any(axis=1))
    own, n_judged = names[left.isSelf].tolist(), int(np.count_nonzero(left.isJudged))
    n_beyond, n_open = (int(np.count_nonzero(found)) for found in (isBeyond, measured & ~left.isJudged))
    words = [f"Differing from the reference: {n_beyond or 'none'} of {plural(n_judged, 'coefficient')}"]
    if n_beyond:
        order = np.argsort(-np.where(isBeyond, np.abs(left.coefficients), -1.0), axis=None)[:n_beyond]
        pairs = zip(*np.unravel_index(order, isBeyond.shape), strict=True)
        words[0] += f" ({_nameFirst([f'{names[source]} → {names[victim]}' for source, victim in pairs])})"
    elif not n_judged:
        words = ["Nothing is measured" if not measured.any() else "Nothing can be compared"]
    if n_open:
        words.append(f"{n_open} without an error")
    if own:
        words.append(f"with themselves: {_nameFirst(own)}")
    if absent and measured.any():
        words.append(f"not measured: {_nameFirst(absent)}")
    if not appliedBlocks.any():
        words.append("no reference is known")
    return "; ".join(words), bool(n_beyond or n_open or own or absent or not n_judged)


def _nameFirst(names: Sequence[str]) -> str:
    """Name the first, and count the others."""
    return ", ".join(names[:_NAMED]) + (f" and {len(names) - _NAMED} more" if len(names) > _NAMED else "")

# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Nominal read noise and gain that results are compared with, and times that they are divided by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from lsst.analysis.cp.core.camera import AmpKeyError, CameraLayout
from lsst.analysis.cp.core.typing import BoolArray, FloatArray, IdArray, IndexArray, NameArray

from .times import ExposureTimes

__all__ = ["CAMERA_SOURCE", "HEADER_SOURCE", "MatchedValues", "ReferenceValues"]

CAMERA_SOURCE = "camera"
"""Source of a read noise that is taken from the camera."""

HEADER_SOURCE = "header"
"""Source of a read noise that the verified exposure's header holds."""


@dataclass(frozen=True, kw_only=True, eq=False)
class MatchedValues:
    """Nominal values of each row of a table.

    Parameters
    ----------
    readNoise
        Read noise, shape (n,), electron; NaN where what the source has is no positive number.
    gain
        Gain, shape (n,), electron/adu; NaN likewise.
    source
        Where the read noise comes from, or should, shape (n,).
    """

    readNoise: FloatArray
    gain: FloatArray
    source: NameArray


@dataclass(frozen=True, kw_only=True, eq=False)
class ReferenceValues:
    """Nominal values of some amplifiers, as the header of a verified exposure gives them.

    Where there is none, the camera's is used. One that is given and is no positive number is not replaced:
    the verification has used it, and nothing can be compared with it.

    Parameters
    ----------
    detector
        Detector ids, shape (m,).
    amplifier
        Amplifier names, shape (m,).
    readNoise
        Read noise, shape (m,), electron; masked where there is none.
    gain
        Gain, shape (m,), electron/adu; masked where there is none.
    exposure
        Exposure ids, shape (m,); None if the values hold for all exposures.
    source
        Name of their source.
    times
        Times of exposures, as far as they are known; of whatever source.
    """

    detector: IdArray
    amplifier: NameArray
    readNoise: FloatArray
    gain: FloatArray
    exposure: IdArray | None = None
    source: str = HEADER_SOURCE
    times: ExposureTimes = field(default_factory=ExposureTimes.unknown)

    @classmethod
    def empty(cls, times: ExposureTimes | None = None) -> ReferenceValues:
        """Make one without values of amplifiers: those of the camera will be used."""
        return cls(
            detector=np.empty(0, np.int64),
            amplifier=np.empty(0, np.str_),
            readNoise=np.empty(0),
            gain=np.empty(0),
            times=ExposureTimes.unknown() if times is None else times,
        )

    @classmethod
    def join(cls, parts: Sequence[ReferenceValues]) -> ReferenceValues:
        """Join values that are given by exposure and have the same source, at least one."""
        return cls(
            detector=np.concatenate([part.detector for part in parts]),
            amplifier=np.concatenate([part.amplifier for part in parts]),
            readNoise=np.ma.concatenate([part.readNoise for part in parts]),
            gain=np.ma.concatenate([part.gain for part in parts]),
            exposure=np.concatenate([part.exposure for part in parts if part.exposure is not None]),
            source=parts[0].source,
            times=ExposureTimes.join([part.times for part in parts]),
        )

    def match(self, exposure: IdArray, ampIndex: IndexArray, layout: CameraLayout) -> MatchedValues:
        """Find the values of each row: those that are given, else those of the camera.

        Parameters
        ----------
        exposure
            Exposure id of each row, shape (n,).
        ampIndex
            Index of each row into the amplifiers of the layout, shape (n,).
        layout
            The camera.

        Returns
        -------
        values
            Nominal values, shape (n,).

        Raises
        ------
        AmpKeyError
            If the values name an amplifier that is not in the camera, or one twice.
        """
        rows = self._findRows(exposure, ampIndex, layout)
        read_noise, is_given = _choose(self.readNoise, rows, layout.ampReadNoise[ampIndex])
        gain, _ = _choose(self.gain, rows, layout.ampGain[ampIndex])
        return MatchedValues(
            readNoise=read_noise, gain=gain, source=np.where(is_given, self.source, CAMERA_SOURCE)
        )

    def _findRows(self, exposure: IdArray, ampIndex: IndexArray, layout: CameraLayout) -> IndexArray:
        """Find the given values of each row; -1 where none is given."""
        exposures = np.zeros(1, np.int64) if self.exposure is None else np.unique(self.exposure)
        table = np.full((len(exposures) + 1, layout.nAmps), -1)
        own = layout.findAmps(self.detector, self.amplifier)
        place = 0 if self.exposure is None else np.searchsorted(exposures, self.exposure)
        table[place, own] = np.arange(len(own))
        if np.count_nonzero(table >= 0) != len(own):
            raise AmpKeyError("nominal values of an amplifier are given more than once")
        if self.exposure is None:
            return table[0, ampIndex]
        near = np.minimum(np.searchsorted(exposures, exposure), len(exposures) - 1)
        return table[np.where(exposures[near] == exposure, near, len(exposures)), ampIndex]


def _choose(given: FloatArray, rows: IndexArray, nominal: FloatArray) -> tuple[FloatArray, BoolArray]:
    """Choose the given values, or nominal ones where row -1 or a mask says that there is none.

    Returns the values, NaN where they are no positive number, and where they are given.
    """
    # The last element stands for none.
    is_given = ~np.append(np.ma.getmaskarray(given), True)[rows]
    values = np.where(is_given, np.append(np.ma.getdata(given), np.nan)[rows], nominal)
    return np.where(np.isfinite(values) & (values > 0), values, np.nan), is_given

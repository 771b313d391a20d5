# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Nominal read noise and gain that results are compared with."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lsst.analysis.cp.core.camera import AmpKeyError, CameraLayout
from lsst.analysis.cp.core.typing import FloatArray, IdArray, IndexArray, NameArray

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
        Read noise, shape (n,), electron.
    gain
        Gain, shape (n,), electron/adu.
    source
        Where the read noise comes from, shape (n,).
    """

    readNoise: FloatArray
    gain: FloatArray
    source: NameArray


@dataclass(frozen=True, kw_only=True, eq=False)
class ReferenceValues:
    """Nominal values of some amplifiers, as the header of a verified exposure gives them.

    Parameters
    ----------
    detector
        Detector ids, shape (m,).
    amplifier
        Amplifier names, shape (m,).
    readNoise
        Read noise, shape (m,), electron; NaN where there is none.
    gain
        Gain, shape (m,), electron/adu; NaN where there is none.
    exposure
        Exposure ids, shape (m,); None if the values hold for all exposures.
    source
        Name of their source.
    """

    detector: IdArray
    amplifier: NameArray
    readNoise: FloatArray
    gain: FloatArray
    exposure: IdArray | None = None
    source: str = HEADER_SOURCE

    @classmethod
    def empty(cls) -> ReferenceValues:
        """Make one without values: those of the camera will be used."""
        return cls(
            detector=np.empty(0, np.int64),
            amplifier=np.empty(0, np.str_),
            readNoise=np.empty(0),
            gain=np.empty(0),
        )

    def match(self, exposure: IdArray, ampIndex: IndexArray, layout: CameraLayout) -> MatchedValues:
        """Find the values of each row; those of the camera where there are none.

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
        read_noise, gain = layout.ampReadNoise[ampIndex], layout.ampGain[ampIndex]
        if len(self.detector) == 0:
            return MatchedValues(
                readNoise=read_noise, gain=gain, source=np.full(len(read_noise), CAMERA_SOURCE)
            )
        given = self._findRows(exposure, ampIndex, layout)
        # The last element stands for none.
        given_noise, given_gain = (np.append(values, np.nan)[given] for values in (self.readNoise, self.gain))
        use_noise = np.isfinite(given_noise) & (given_noise > 0)
        use_gain = np.isfinite(given_gain) & (given_gain > 0)
        return MatchedValues(
            readNoise=np.where(use_noise, given_noise, read_noise),
            gain=np.where(use_gain, given_gain, gain),
            source=np.where(use_noise, self.source, CAMERA_SOURCE),
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

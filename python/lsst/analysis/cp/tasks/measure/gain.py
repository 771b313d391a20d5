# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""A task that measures gains from pairs of flats."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from lsst.analysis.cp.core.calibrations import chooseFlatPair, correctionFactor
from lsst.ip.isr import PhotonTransferCurveDataset
from lsst.pex.config import Field
from lsst.pipe.base import InputQuantizedConnection, QuantumContext
from lsst.pipe.base import connectionTypes as cT

from .measureCalib import MeasureCalibConfig, MeasureCalibConnections, MeasureCalibTask

if TYPE_CHECKING:
    from lsst.afw.cameraGeom import Camera
    from lsst.daf.butler import DeferredDatasetHandle

__all__ = [
    "MeasureFlatPairGainConfig",
    "MeasureFlatPairGainConnections",
    "MeasureFlatPairGainTask",
    "MeasureGainConfig",
    "MeasureGainTask",
]


class MeasureGainConfig(MeasureCalibConfig, pipelineConnections=MeasureCalibConnections):
    """Configuration of `MeasureGainTask`."""

    signal = Field[float](
        doc="Mean of the pair of flats that is wanted (adu). The nearest one is taken, at most a factor of "
        "two from it.",
        default=10_000.0,
        check=lambda signal: signal > 0,
    )

    def setDefaults(self) -> None:
        """Name the columns."""
        super().setDefaults()
        self.stageName = "GAIN"


class MeasureGainTask(MeasureCalibTask):
    """Measure the gains of the amplifiers of a detector from one pair of flats each.

    The pairs are those of a `lsst.ip.isr.PhotonTransferCurveDataset`. The statistics are what
    ``CpVerifyGainTask`` of cp_verify intends to store, and the gain of the fitted curve.
    """

    ConfigClass = MeasureGainConfig
    config: MeasureGainConfig
    _DefaultName = "measureGain"
    product = "gain"

    def amplifierStatistics(
        self, inputCalib: Any, camera: Any = None, exposure: Any = None
    ) -> dict[str, dict[str, Any]]:
        """Measure each amplifier of the camera; what the calibration does not have is NaN."""
        detector = camera[inputCalib.getMetadata()["DETECTOR"]]
        measured = {}
        for amp in detector:
            name = amp.getName()
            means, gains, noises = (
                np.asarray(vectors.get(name, ()), dtype=np.float64)
                for vectors in (inputCalib.rawMeans, inputCalib.gainList, inputCalib.noiseList)
            )
            used = np.asarray(inputCalib.expIdMask.get(name, ()), dtype=bool)
            pair = chooseFlatPair(means, gains, noises, used, signal=self.config.signal)
            factor = correctionFactor(pair.mean, detector.getPhysicalType())
            measured[name] = {
                "MEAN_FLUX_FLAT_PAIR": pair.mean,
                "GAIN_FROM_FLAT_PAIR": pair.gain,
                "GAIN_CORRECTION_FACTOR": factor,
                "CORRECTED": pair.gain * factor,
                "AMP_GAIN": amp.getGain(),
                "ISR_NOISE": pair.noise,
                "AMP_NOISE": amp.getReadNoise(),
                "PTC_GAIN": float(inputCalib.gain.get(name, np.nan)),
            }
        return measured


class MeasureFlatPairGainConnections(MeasureCalibConnections, dimensions={"instrument", "detector"}):
    """The photon transfer curve of a detector, and pairs of flats of it."""

    inputPairs = cT.Input(
        doc="Pairs of flats of one detector, each by itself, before cp_pipe fits a curve to them.",
        name="cpPtcPartial",
        storageClass="PhotonTransferCurveDataset",
        dimensions=("instrument", "exposure", "detector"),
        isCalibration=True,
        multiple=True,
        deferLoad=True,
    )


class MeasureFlatPairGainConfig(MeasureGainConfig, pipelineConnections=MeasureFlatPairGainConnections):
    """Configuration of `MeasureFlatPairGainTask`."""


class MeasureFlatPairGainTask(MeasureGainTask):
    """Measure the same of pairs of flats before a curve is fitted to them.

    They are `lsst.ip.isr.PhotonTransferCurveDataset` of one pair each. A pair that cannot be taken costs
    itself; it is logged, and recorded in the task metadata under ``pairsLeftOut``.
    """

    ConfigClass = MeasureFlatPairGainConfig
    config: MeasureFlatPairGainConfig
    _DefaultName = "measureFlatPairGain"

    def readCalib(self, butlerQC: QuantumContext, inputRefs: InputQuantizedConnection, camera: Camera) -> Any:
        """Read the pairs, with the gain of the curve if there is one; None if there is no pair."""
        curve = super().readCalib(butlerQC, inputRefs, camera)
        detector = camera[inputRefs.inputPairs[0].dataId["detector"]]
        handles = butlerQC.get(inputRefs.inputPairs)
        pairs = self.joinPairs(handles, [amp.getName() for amp in detector])
        if pairs is not None:
            pairs.updateMetadata(camera=camera, detector=detector)
            if curve is not None:
                pairs.gain.update(curve.gain)
        return pairs

    def joinPairs(
        self, handles: Iterable[DeferredDatasetHandle], names: Sequence[str]
    ) -> PhotonTransferCurveDataset | None:
        """Put pairs of flats together, as cp_pipe does before it fits a curve.

        Parameters
        ----------
        handles
            Handles of what was measured of a pair each. Those of no pair, which cp_pipe writes for the second
            exposure of one, are passed over.
        names
            Names of the amplifiers of the detector, in its order.

        Returns
        -------
        pairs
            All pairs, without a fit; None if there is none.
        """
        joined, left_out = None, {}
        for handle in handles:
            try:
                pair = handle.get()
                if pair.ptcFitType == "DUMMY":
                    continue
                sides = pair.covMatrixSide, pair.covMatrixSideFullCovFit
                # What raises halfway leaves a part of the pair behind, which is not to be among the others.
                alone = PhotonTransferCurveDataset(names, "PARTIAL", *sides)
                alone.appendPartialPtc(pair)
                if joined is None:
                    joined = alone
                elif joined.covMatrixSide != pair.covMatrixSide:
                    raise ValueError(
                        f"covariances have {pair.covMatrixSide} lags, those of others {joined.covMatrixSide}"
                    )
                else:
                    joined.appendPartialPtc(pair)
            except Exception as error:
                name = f"{handle.ref.datasetType.name} {handle.dataId}"
                self.log.warning("%s is left out: %s", name, error)
                left_out[name] = f"{type(error).__name__}: {error}"
        if left_out:
            self.metadata["pairsLeftOut"] = left_out
        return joined

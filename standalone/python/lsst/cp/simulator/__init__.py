# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Simulated data for calibration verification, made of pixels.

This package is no stand-in: it has no upstream twin. Its tasks take the place of ISR in the pipelines of
``standalone/pipelines``.
"""

from .combinedFlats import storeCombinedFlats
from .crosstalks import (
    LSST_MODEL,
    CrosstalkModel,
    listExpectedCrosstalkResults,
    measureCrosstalk,
    simulateCrosstalk,
    storeCrosstalks,
)
from .darkTruth import listExpectedDarkResults
from .deferredCharges import CTIS, CtiModel, listExpectedCtiResults, simulateCti
from .fault import Fault, FaultKind, parseFaults
from .flatTruth import listExpectedFlatResults, listExpectedTearingResults, listTornAmplifiers
from .kernels import KERNELS, listExpectedKernelResults, simulateKernel
from .linearizers import (
    LINEARIZERS,
    LinearityModel,
    listExpectedLinearizerResults,
    listExpectedResponseResults,
    simulateLinearizer,
)
from .overscanTrails import TrailModel, simulateCtiStatistics, storeCtiStatistics
from .pixelFaults import PixelFault, addPixelFault, drawPixelFault
from .ptcs import (
    PTCS,
    PtcModel,
    listExpectedGainResults,
    listExpectedPtcResults,
    simulatePtc,
    splitPtc,
    storePairs,
)
from .quickFrames import FrameNoise, simulateFrame
from .repository import ExposureInfo, defineVisits, makeRepository, registerExposures
from .simulateBiasIsr import SimulateBiasIsrConfig, SimulateBiasIsrTask
from .simulateCrosstalkSolve import SimulateCrosstalkSolveConfig, SimulateCrosstalkSolveTask
from .simulateDarkIsr import SimulateDarkIsrConfig, SimulateDarkIsrTask
from .simulateDefectsIsr import (
    SimulateDefectsIsrConfig,
    SimulateDefectsIsrTask,
    listExpectedDefectsResults,
)
from .simulateFlatIsr import SimulateFlatIsrConfig, SimulateFlatIsrTask
from .simulateLinearitySolve import SimulateLinearitySolveConfig, SimulateLinearitySolveTask
from .smallCamera import shrinkCamera
from .truth import ExpectedResult, InjectedFault, listExpectedResults, listInjectedFaults

__all__ = [
    "CtiModel",
    "LSST_MODEL",
    "CrosstalkModel",
    "ExpectedResult",
    "ExposureInfo",
    "Fault",
    "FaultKind",
    "FrameNoise",
    "InjectedFault",
    "LinearityModel",
    "PixelFault",
    "PtcModel",
    "SimulateBiasIsrConfig",
    "SimulateBiasIsrTask",
    "SimulateCrosstalkSolveConfig",
    "SimulateCrosstalkSolveTask",
    "SimulateDarkIsrConfig",
    "SimulateDarkIsrTask",
    "SimulateDefectsIsrConfig",
    "SimulateDefectsIsrTask",
    "SimulateFlatIsrConfig",
    "SimulateFlatIsrTask",
    "SimulateLinearitySolveConfig",
    "SimulateLinearitySolveTask",
    "TrailModel",
    "addPixelFault",
    "defineVisits",
    "drawPixelFault",
    "listExpectedCrosstalkResults",
    "listExpectedCtiResults",
    "listExpectedDarkResults",
    "listExpectedDefectsResults",
    "listExpectedFlatResults",
    "listExpectedGainResults",
    "listExpectedKernelResults",
    "listExpectedLinearizerResults",
    "listExpectedPtcResults",
    "listExpectedResponseResults",
    "listExpectedResults",
    "listExpectedTearingResults",
    "listInjectedFaults",
    "listTornAmplifiers",
    "makeRepository",
    "registerExposures",
    "measureCrosstalk",
    "parseFaults",
    "shrinkCamera",
    "simulateCrosstalk",
    "simulateCti",
    "simulateCtiStatistics",
    "simulateFrame",
    "simulateKernel",
    "simulatePtc",
    "splitPtc",
    "storeCombinedFlats",
    "storeCrosstalks",
    "storeCtiStatistics",
    "storePairs",
    "CTIS",
    "KERNELS",
    "simulateLinearizer",
    "LINEARIZERS",
    "PTCS",
]

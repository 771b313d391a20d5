# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Simulated signature removal that fails where a file says so, as of a raw exposure that is damaged."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from lsst.cp.simulator import SimulateBiasIsrTask, SimulateDarkIsrTask, SimulateFlatIsrTask

__all__ = ["VARIABLE", "FlakyBiasIsrTask", "FlakyDarkIsrTask", "FlakyFlatIsrTask"]

VARIABLE = "TEST_BROKEN_EXPOSURES"
"""Environment variable with the file that names what fails: ids of exposures, or ``exposure/detector``."""


def _check(butlerQC: Any) -> None:
    path = Path(os.environ.get(VARIABLE, os.devnull))
    exposure, detector = (butlerQC.quantum.dataId[name] for name in ("exposure", "detector"))
    if path.exists() and not {f"{exposure}", f"{exposure}/{detector}"}.isdisjoint(path.read_text().split()):
        raise OSError("the raw exposure is damaged")


class FlakyBiasIsrTask(SimulateBiasIsrTask):
    def runQuantum(self, butlerQC: Any, inputRefs: Any, outputRefs: Any) -> None:
        _check(butlerQC)
        super().runQuantum(butlerQC, inputRefs, outputRefs)


class FlakyDarkIsrTask(SimulateDarkIsrTask):
    def runQuantum(self, butlerQC: Any, inputRefs: Any, outputRefs: Any) -> None:
        _check(butlerQC)
        super().runQuantum(butlerQC, inputRefs, outputRefs)


class FlakyFlatIsrTask(SimulateFlatIsrTask):
    def runQuantum(self, butlerQC: Any, inputRefs: Any, outputRefs: Any) -> None:
        _check(butlerQC)
        super().runQuantum(butlerQC, inputRefs, outputRefs)

# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Results of the exposures of a run, made by hand, and tools that are run on them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from lsst.analysis.cp.core import cameraLayout
from lsst.analysis.cp.core.amps import ExposureTimes, ReferenceValues

FIRST = 2026010100001


@pytest.fixture(scope="session")
def makeRun() -> Callable[..., tuple[dict[str, Any], ReferenceValues]]:
    """Return a maker of a table of means, and of the times of its exposures.

    The means have the shape (nExposures, nAmps); there is no row where one is infinite.
    """

    def make(
        camera: Any, product: str, means: np.ndarray, times: np.ndarray
    ) -> tuple[dict[str, Any], ReferenceValues]:
        layout = cameraLayout(camera)
        exposure, amp = np.nonzero(~np.isinf(means))
        ids = FIRST + np.arange(len(means))
        values = means[exposure, amp]
        prefix = product.upper()
        table = {
            "exposure": ids[exposure],
            "detector": layout.detectorId[layout.ampDetector[amp]],
            "amplifier": layout.ampName[amp],
            f"{prefix}_MEAN": values,
            f"{prefix}_NOISE": np.full(len(values), 5.0),
            f"{prefix}_VERIFY_MEAN": np.ones(len(values), dtype=bool),
            f"{prefix}_VERIFY_SUCCESS": np.ones(len(values), dtype=bool),
        }
        known = ExposureTimes.fromSource(
            "record", ids, exposureTime=times, darkTime=times, mjd=61041.25 + np.arange(len(means)) / 48.0
        )
        return table, ReferenceValues.empty(times=known)

    return make


@pytest.fixture(scope="session")
def runTool() -> Callable[..., tuple[Any, Any, dict[str, Any]]]:
    """Return what prepares a tool of a class and fields, up to what its plot and its metrics are made of.

    The results are the tool, these data, and what the plot is told of their origin.
    """

    def run(
        toolClass: type, table: Any, reference: ReferenceValues | None, camera: Any, **fields: Any
    ) -> tuple[Any, Any, dict[str, Any]]:
        tool = toolClass()
        info = {name: fields.pop(name) for name in ("physical_filter",) if name in fields}
        detector = {name: fields.pop(name) for name in ("detector",) if name in fields}
        for name, value in fields.items():
            setattr(tool, name, value)
        tool.identity = "tool"
        tool.finalize()
        arguments = {"camera": camera, "reference": reference, **detector}
        data = tool.process(tool.prep(table, **arguments), **arguments)
        return tool, data, info

    return run

# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.

"""A pytest plugin: what upstream's tasks that measure pixels need of compiled packages.

``lsst.afw.math`` measures with the statistics of the stand-ins, and cosmic rays are rejected by theirs, for
which a PSF means nothing. All else in the tasks is upstream's.
"""

import importlib.util
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import lsst.afw.math
import lsst.meas.algorithms
import lsst.standalone
from lsst.afw.image import Exposure
from lsst.standalone.pixelStatistics import ClipControl, Statistic, measurePixels

PROPERTIES = {statistic: 1 << number for number, statistic in enumerate(Statistic)}


@dataclass(frozen=True)
class StatisticsControl:
    """How to clip, and the bits of a mask that leave a pixel out."""

    numSigma: float
    numIterations: int
    andMask: int


class Statistics:
    """What was measured of a masked image."""

    def __init__(self, maskedImage: Any, properties: int, control: StatisticsControl) -> None:
        wanted = {statistic for statistic, bit in PROPERTIES.items() if properties & bit}
        is_bad = (maskedImage.mask.array & control.andMask) != 0
        clip = ClipControl(control.numSigma, control.numIterations)
        self._measured = measurePixels(maskedImage.image.array, is_bad, wanted, clip)

    def getValue(self, value: int | None = None) -> float:
        """Return what was measured of one property, or of the only one."""
        (measured,) = (number for name, number in self._measured.items() if value in (None, PROPERTIES[name]))
        return measured


def stringToStatisticsProperty(name: str) -> int:
    """Return the bit of a statistic."""
    return PROPERTIES[Statistic[name]]


def makePsf(*size: float) -> None:
    """Stand for a PSF."""


def useRepairOfStandIns() -> None:
    """Import the stand-in in the place of the module of pipe_tasks."""
    name = "lsst.pipe.tasks.repair"
    file = Path(lsst.standalone.__file__).parents[1] / "pipe" / "tasks" / "repair.py"
    spec = importlib.util.spec_from_file_location(name, file)
    assert spec is not None
    assert spec.loader is not None
    sys.modules[name] = module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)


useRepairOfStandIns()
Exposure.Factory = property(lambda self: lambda exposure, box: exposure[box])
lsst.afw.math.StatisticsControl = StatisticsControl
lsst.afw.math.makeStatistics = Statistics
lsst.afw.math.stringToStatisticsProperty = stringToStatisticsProperty
lsst.meas.algorithms.SingleGaussianPsf = makePsf

from lsst.cp.verify import CpVerifyStatsTask  # noqa: E402

FILE = "test_endToEnd.py"
CHOSEN = {"raftDarks", "defects"}
UPSTREAM = set[str]()
run = CpVerifyStatsTask.run


def runAndCount(self: CpVerifyStatsTask, *args: Any, **kwargs: Any) -> Any:
    """Keep which tasks of upstream measure."""
    if "standalone" not in sys.modules[type(self).__module__].__file__:
        UPSTREAM.add(type(self).__name__)
    return run(self, *args, **kwargs)


CpVerifyStatsTask.run = runAndCount


def isOfOneCamera(item: pytest.Item) -> bool:
    """Tell whether a test chooses the camera, to look at what is made of the results afterwards."""
    return any("instrument" in mark.args for mark in item.iter_markers("parametrize"))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave, of the file that tests all products, what tests the results of darks and defects."""
    chosen = [
        item
        for item in items
        if item.path.name != FILE
        or (CHOSEN.intersection(getattr(item, "fixturenames", ())) and not isOfOneCamera(item))
    ]
    config.hook.pytest_deselected(items=[item for item in items if item not in chosen])
    items[:] = chosen


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Say which tasks measured."""
    for name in sorted(UPSTREAM):
        terminalreporter.line(f"measured by {name} of upstream")

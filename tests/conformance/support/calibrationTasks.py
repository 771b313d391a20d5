# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.

"""A pytest plugin: upstream's tasks verify simulated calibrations, and are counted.

Of the tasks nothing is replaced, but that they do without the raw exposures, which tell upstream the time
from which a calibration is to be valid, and which are not simulated.
"""

import sys
from typing import Any

import pytest

from lsst.cp.verify import CpVerifyCalibTask
from lsst.cp.verify.verifyCalib import CpVerifyCalibConnections

UPSTREAM = set[str]()
run, connect = CpVerifyCalibTask.run, CpVerifyCalibConnections.__init__


def runAndCount(self: CpVerifyCalibTask, *args: Any, **kwargs: Any) -> Any:
    """Keep which tasks of upstream verify."""
    result = run(self, *args, **kwargs)
    if type(self).__module__.startswith("lsst.cp.verify."):
        assert "standalone" not in sys.modules[type(self).__module__].__file__
        UPSTREAM.add(type(self).__name__)
    return result


def connectWithoutRaw(self: CpVerifyCalibConnections, *, config: Any = None) -> None:
    """Do without raw exposures."""
    connect(self, config=config)
    self.inputs.discard("exposure")


CpVerifyCalibTask.run = runAndCount
CpVerifyCalibConnections.__init__ = connectWithoutRaw


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say which tasks verified."""
    for name in sorted(UPSTREAM):
        terminalreporter.line(f"verified by {name} of upstream")

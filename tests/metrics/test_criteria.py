# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Limits of measurements of tests whose rows are not amplifiers."""

import numpy as np
import pytest

from lsst.analysis.cp.core.amps import FAILED, GOOD, UNKNOWN
from lsst.analysis.cp.metrics.criteria import Criterion, judge


@pytest.mark.parametrize(
    ("row", "counts", "expected"),
    [
        ("detector", {"nDetectors": 9.0}, GOOD),
        ("detector", {"nDetectors": 9.0, "nDetectorsMissing": 1.0}, UNKNOWN),
        ("detector", {"nAmps": 9.0}, UNKNOWN),
        ("exposure", {"nExposures": 9.0, "nDetectorsMissing": 1.0}, GOOD),
        ("exposure", {"nExposures": 10.0}, UNKNOWN),
        ("exposure", {"nExposures": 9.0, "nFailed": 1.0}, FAILED),
    ],
)
def test_no_failure_is_good_if_all_rows_were_tested(row, counts, expected):
    values = {name: np.array([value]) for name, value in ({"nFailed": 0.0, "nTested": 9.0} | counts).items()}
    # The number of amplifiers of the detector does not matter.
    status = judge(Criterion(operator="<=", threshold=0.0, row=row), "nFailed", values, np.array([16]))
    assert status.tolist() == [expected]

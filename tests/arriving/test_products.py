# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Products other than biases: by visit, with rows of detectors, and with tests of the exposure as a whole."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pytest
from astropy.table import Table, vstack
from nights import DETECTORS, EXPOSURE, EXPOSURES, RUN, Night, writePipeline

from lsst.analysis.cp.catalogue import getProduct
from lsst.analysis.cp.metrics import readBundle
from lsst.analysis.cp.report import collectReport
from lsst.analysis.cp.report.document import makeDocument
from lsst.analysis.cp.report.model import Verdict

SMALL = 0.005
"""Value that passes each test whose verdict is computed, if all are equal."""


def makeResults(night: Night, detector: int) -> Table:
    """Make a table with rows of amplifiers and, if the product has them, of a detector; all pass."""
    product = getProduct(night.product)
    names = [amp.getName() for amp in night.camera[detector].getAmplifiers()]
    parts = []
    for row, rows in (("amplifier", names), ("detector", [""])):
        table = Table({"exposure": [EXPOSURE] * len(rows), "detector": [detector] * len(rows)})
        if row == "amplifier":
            table["amplifier"] = rows
        for test in product:
            if test.row == row and test.statisticColumn is not None:
                table[test.statisticColumn] = np.full(len(rows), SMALL)
            if test.row == row and test.verifyColumn is not None:
                table[test.verifyColumn] = [True] * len(rows)
        parts.append(table)
    has_detector = any(test.row == "detector" for test in product)
    return vstack(parts) if has_detector else parts[0]


def makeStats(night: Night, table: Table) -> dict[str, Any]:
    """Make the Stats that merges take."""
    start = f"{night.product.upper()}_DET_"
    last = table[-1]
    return {
        "AMP": {},
        "VERIFY": {"AMP": {}},
        "DET": {
            name.removeprefix(start): float(last[name]) for name in table.colnames if name.startswith(start)
        },
        "SUCCESS": True,
    }


def test_a_detector_without_one_exposure_of_a_visit_is_missing(makeNight, follower, tmp_path):
    """Rows of the other exposures do not stand for all."""
    night = follower.night = makeNight("defects", "other")
    keys = {"instrument": night.name, "exposure": EXPOSURES[1], "visit": EXPOSURE}
    night.butler.registry.insertDimensionData("visit_definition", keys)

    def add(exposure: int, *detectors: int) -> None:
        for detector in detectors:
            table = makeResults(night, detector)
            table["exposure"] = exposure
            ids = {"exposure": exposure, "detector": detector}
            night.put("verifyDefectsDetStats", makeStats(night, table), "StructuredDataDict", run=RUN, **ids)
            night.put("verifyDefectsDetResults", table, run=RUN, **ids)

    add(EXPOSURES[0], *DETECTORS)
    add(EXPOSURES[1], *DETECTORS[:-1])
    pipeline = writePipeline(tmp_path, "defects")
    assert follower.follow(pipeline=pipeline) is Verdict.UNKNOWN
    assert [each["detector"] for each in follower.read()["arrival"]["missing"]] == ["R22_S22"]
    assert "There are not tables of all exposures of R22_S22." in follower.read()["arrival"]["reasons"]
    last = partial(add, EXPOSURES[1], DETECTORS[-1])
    assert follower.follow(last, pipeline=pipeline) is Verdict.MAY


@pytest.mark.parametrize("product", ["flat", "defects"])
def test_verdict_and_merge_of_other_products(makeNight, follower, tmp_path, product):
    night = follower.night = makeNight(product, "other")

    def add(detector: int) -> None:
        table = makeResults(night, detector)
        ids = {"exposure": EXPOSURE, "detector": detector}
        night.put(f"{night.stem}DetStats", makeStats(night, table), "StructuredDataDict", run=RUN, **ids)
        night.addTable(detector, table)

    seen = []
    actions = [partial(add, detector) for detector in DETECTORS]
    follower.follow(
        *actions[:4],
        lambda: seen.append(follower.read()["arrival"]),
        *actions[4:],
        pipeline=writePipeline(tmp_path, product),
    )
    assert seen[0]["nThere"] == 4
    assert follower.read()["arrival"]["phase"] == "merged"
    with night.open() as butler:
        report = collectReport(butler, ["u/night/merge"], instrument=night.name)
        (ref,) = butler.query_datasets(f"cp{product.title()}Exp_metrics", "u/night/merge", find_first=False)
        values = readBundle(butler, ref).values
    (expected,) = makeDocument(report)["products"]
    (found,) = follower.read()["products"]
    assert found["verdict"] == expected["verdict"]
    assert found["reasons"] == expected["reasons"]
    assert found["detectors"] == expected["detectors"]
    # Those of an exposure as a whole are made by the merge, and none of them counts.
    theirs = [test for test in expected["tests"] if test["row"] != "exposure"]
    assert found["tests"] == theirs
    assert len(expected["tests"]) - len(theirs) == {"flat": 2, "defects": 0}[product]
    assert values

# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""The verdict as a document for scripts."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from lsst.analysis.cp import __version__
from lsst.analysis.cp.core.amps import FAILED, STATUS_NAMES, UNKNOWN
from lsst.analysis.cp.core.tableLimits import describeLimits

from .model import ExposureReport, ProductReport, ReportedTest, RunReport, TaskReport, Verdict
from .verdicts import MAX_FAILURES

__all__ = ["DOCUMENT", "EXIT_STATUS", "FORMAT", "makeDocument", "readSchema"]

DOCUMENT = "verdict.json"
"""Name of the file."""

FORMAT = 1
"""Version of the form of the document."""

EXIT_STATUS: Mapping[Verdict, int] = {Verdict.MAY: 0, Verdict.UNKNOWN: 3, Verdict.MAY_NOT: 4}
"""Exit status of the command by the verdict."""

_SCHEMA = Path(__file__).with_name("verdictSchema.json")


def readSchema() -> dict[str, Any]:
    """Read the JSON schema of the document."""
    schema: dict[str, Any] = json.loads(_SCHEMA.read_text(encoding="utf-8"))
    return schema


def makeDocument(report: RunReport) -> dict[str, Any]:
    """Make the document of a report.

    Parameters
    ----------
    report
        The report.

    Returns
    -------
    document
        Only of what JSON has, as the schema (`readSchema`) says.
    """
    return {
        "format": FORMAT,
        "software": f"analysis_cp {__version__}",
        "made": report.made.isoformat(timespec="seconds"),
        "repository": report.repository,
        "instrument": report.instrument,
        "collections": list(report.collections),
        "verdict": report.verdict.name,
        "products": [_describeProduct(report, product) for product in report.products],
        "tasks": [_describeTask(task) for task in report.tasks],
        "problems": [
            {"dataset": each.dataset, "reason": each.reason, "isRemark": each.isRemark}
            for each in report.problems
        ],
        "versions": dict(report.versions),
    }


def _describeProduct(report: RunReport, product: ProductReport) -> dict[str, Any]:
    return {
        "name": product.name,
        "title": product.title,
        "product": product.product.name,
        "physicalFilter": product.physicalFilter or None,
        "runs": list(product.runs),
        "verdict": product.verdict.name,
        "reasons": list(product.reasons),
        "status": STATUS_NAMES[product.status],
        "maxFailuresPerDetector": MAX_FAILURES,
        "exposures": [_describeExposure(exposure) for exposure in product.exposures],
        "leaveOut": list(product.leaveOut),
        "tests": [_describeTest(each) for each in product.tests if each.test.isTested],
        "detectors": _describeDetectors(report, product),
    }


def _describeExposure(exposure: ExposureReport) -> dict[str, Any]:
    return {
        "exposure": exposure.exposure,
        "dayObs": exposure.dayObs if exposure.dayObs >= 0 else None,
        "run": exposure.run or None,
        "status": STATUS_NAMES[exposure.status],
        "nDetectors": exposure.nDetectors,
        "nDetectorsFailed": exposure.nDetectorsFailed,
        "nDetectorsMissing": exposure.nDetectorsMissing,
        "nFailed": dict(exposure.nFailed),
        "overLimit": list(exposure.overLimit),
    }


def _describeTest(reported: ReportedTest) -> dict[str, Any]:
    test = reported.test
    return {
        "key": test.key,
        "section": test.section or None,
        "counts": test.counts,
        "source": "analysis_cp" if test.isOurs else "cp_verify",
        "row": test.row,
        "wasRun": reported.wasRun,
        "limit": _finite(describeLimits([test]).get(test.key)),
        "nFailed": int(np.count_nonzero(reported.status == FAILED)),
        "nUnknown": int(np.count_nonzero(reported.status == UNKNOWN)),
        "nSuspicious": int(np.count_nonzero(reported.nSuspicious)),
    }


def _finite(value: Any) -> Any:
    """Replace infinite ends of intervals, which JSON does not have, by None."""
    if isinstance(value, Mapping):
        return {key: _finite(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_finite(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _describeDetectors(report: RunReport, product: ProductReport) -> list[dict[str, Any]]:
    """Describe the detectors that should have results or have some."""
    tested = [
        (column, each.test.key)
        for column, each in enumerate(product.tests)
        if each.test.isTested and each.test.row != "exposure"
    ]
    return [
        {
            "detector": int(report.layout.detectorId[index]),
            "name": str(report.layout.detectorName[index]),
            "status": STATUS_NAMES[int(product.detectorStatus[index])],
            "nAmpsMissing": int(product.nAmpsMissing[index]),
            "tests": {key: STATUS_NAMES[int(product.matrix[index, column])] for column, key in tested},
            "nFailed": {
                key: int(product.failed[index, column])
                for column, key in tested
                if product.failed[index, column]
            },
        }
        for index in product.expected.tolist()
    ]


def _describeTask(task: TaskReport) -> dict[str, Any]:
    return {
        "task": task.task,
        "nExpected": task.nExpected,
        "nExpectedSource": task.nExpectedSource,
        "isExact": task.isExact,
        "nSucceeded": task.nSucceeded,
        "nRecovered": task.nRecovered,
        "nFailed": task.nFailed,
        "nBlocked": task.nBlocked,
        "nNotYet": task.nNotYet,
        "nLost": task.nLost,
        "missing": [
            {
                "dataId": each.dataId,
                "detector": each.detector if each.detector >= 0 else None,
                "exposure": each.exposure if each.exposure >= 0 else None,
                "state": str(each.state),
                "reason": each.reason,
                "run": each.run or None,
            }
            for each in task.missing
        ],
        "caveats": dict(task.caveats),
    }

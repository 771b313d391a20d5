# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""The document for scripts: its schema, and that it says what the report says."""

from __future__ import annotations

import json
from dataclasses import replace

import jsonschema
import numpy as np
import pytest
from tableRepository import EXPOSURES, RUN, TableRepository, failAmps, withoutDetectors

from lsst.analysis.cp.catalogue import getProduct
from lsst.analysis.cp.report import Problem, RunReport, Verdict, collectReport
from lsst.analysis.cp.report.document import EXIT_STATUS, makeDocument, readSchema
from lsst.analysis.cp.report.model import Missing, QuantumState, TaskReport


def collect(repository: TableRepository) -> RunReport:
    with repository.open() as butler:
        return collectReport(butler, RUN, repository=str(repository.root))


def validate(document: dict[str, object]) -> None:
    """Check a document as a script does that reads the file."""
    again = json.loads(json.dumps(document, allow_nan=False))
    jsonschema.Draft202012Validator(
        readSchema(), format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER
    ).validate(again)


@pytest.fixture
def report(repository: TableRepository) -> RunReport:
    """Collect a report of three products, with a failure, a gap, and what has no number."""
    for exposure in EXPOSURES:
        change = (
            failAmps("BIAS_MEAN", 100.0, (3, "C05")) if exposure == EXPOSURES[1] else lambda columns: None
        )
        repository.putTables("bias", exposure, change=change, keep=withoutDetectors(4))
    repository.putTables("ptc", change=failAmps("PTC_PTC_GAIN", np.nan, (0, "C00")))
    repository.putTables("crosstalk")
    return collect(repository)


def test_the_schema_is_a_schema():
    jsonschema.Draft202012Validator.check_schema(readSchema())


def test_a_document_fulfils_the_schema(report):
    validate(makeDocument(report))


def test_a_document_of_tasks_and_problems_fulfils_the_schema(report):
    missing = Missing(dataId="detector 3", detector=3, exposure=-1, state=QuantumState.FAILED, reason="<b>")
    task = TaskReport(
        task="verifyBiasDet",
        nExpected=2,
        nSucceeded=1,
        nFailed=1,
        nBlocked=0,
        nNotYet=0,
        nExpectedSource="graph",
        missing=(missing,),
        caveats={"no work": 1},
    )
    problems = (Problem(dataset="a\nb", reason="\"'&"),)
    document = makeDocument(replace(report, tasks=(task,), problems=problems))
    validate(document)
    assert document["tasks"][0]["missing"][0] == {
        "dataId": "detector 3",
        "detector": 3,
        "exposure": None,
        "state": "failed",
        "reason": "<b>",
        "run": None,
    }
    assert document["verdict"] == "UNKNOWN"


def test_a_document_without_a_key_does_not_fulfil_the_schema(report):
    document = makeDocument(report)
    del document["products"][0]["detectors"][0]["status"]
    with pytest.raises(jsonschema.ValidationError, match="'status' is a required property"):
        validate(document)


def test_the_document_has_the_verdicts_and_the_reasons(report):
    document = makeDocument(report)
    assert document["verdict"] == "UNKNOWN"
    found = {product["name"]: product["verdict"] for product in document["products"]}
    assert found == {"bias": "UNKNOWN", "crosstalk": "MAY", "ptc": "MAY"}
    assert document["products"][0]["reasons"] == list(report.products[0].reasons)
    assert document["collections"] == [RUN]


def test_the_document_has_the_status_of_each_detector_and_test(report):
    bias = makeDocument(report)["products"][0]
    detectors = {each["detector"]: each for each in bias["detectors"]}
    assert detectors[3]["status"] == "failed"
    assert detectors[3]["tests"]["MEAN"] == "failed"
    assert detectors[3]["nFailed"] == {"MEAN": 1, "MEAN_WITHIN_ERROR": 1, "SUCCESS": 1}
    assert detectors[4] == {
        "detector": 4,
        "name": "R22_S11",
        "status": "unknown",
        "nAmpsMissing": 16,
        "tests": dict.fromkeys(detectors[4]["tests"], "unknown"),
        "nFailed": {},
    }
    assert detectors[0]["tests"]["NOISE"] == "good"


def test_the_document_has_the_limits(report):
    documents = {each["name"]: each for each in makeDocument(report)["products"]}
    limits = {each["key"]: each["limit"] for each in documents["ptc"]["tests"]}
    a00 = getProduct("ptc")["PTC_BFE_A00"]
    assert limits["PTC_BFE_A00"]["operator"] == "inside"
    assert limits["PTC_BFE_A00"]["threshold"]["E2V"] == list(a00.threshold["E2V"])
    assert limits["PTC_BFE_A00"]["source"] == a00.thresholdSource
    assert limits["NOISE_SIGNAL_INDEPENDENCE"] is None


def test_the_document_counts_members(report):
    documents = {each["name"]: each for each in makeDocument(report)["products"]}
    gain = next(each for each in documents["ptc"]["tests"] if each["key"] == "PTC_GAIN")
    assert (gain["nFailed"], gain["nUnknown"], gain["row"]) == (0, 1, "amplifier")
    crosstalk = documents["crosstalk"]["tests"][0]
    assert (crosstalk["row"], crosstalk["nUnknown"]) == ("detector", 0)


def test_each_verdict_has_an_exit_status():
    assert EXIT_STATUS == {Verdict.MAY: 0, Verdict.UNKNOWN: 3, Verdict.MAY_NOT: 4}

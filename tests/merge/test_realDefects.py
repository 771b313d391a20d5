# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""The merges by visit of the pipeline of defects on results that the real cp_verify made of known faults."""

from __future__ import annotations

import itertools
import os
from pathlib import Path

import numpy as np
import pytest
import yaml
from pyarrow import parquet

from lsst.analysis.cp.catalogue import getProduct
from lsst.analysis.cp.core.amps import AmpTable
from lsst.analysis.cp.tasks import VisitRunMergeAnalysisTask
from lsst.daf.butler.formatters.parquet import arrow_to_astropy
from lsst.obs.lsst import LsstComCam
from lsst.pex.config import FieldValidationError
from lsst.pipe.base import Pipeline
from lsst.pipe.base.quantum_graph_builder import QuantumGraphBuilderError

ROOT = Path(__file__).parents[2]
VISITS = (2024110501301, 2024110501302)
DETECTORS = (0, 4, 8)
WITHOUT_PLOTS = """
from lsst.analysis.tools.interfaces import NoPlot
for tool in config.atools:
    tool.produce.plot = NoPlot
"""


@pytest.fixture(scope="module")
def read(sharedData):
    """Return a reader of what the real tasks made."""
    folder = sharedData / "tables" / "defects"

    def fromFile(name):
        path = folder / name
        if path.suffix == ".parq":
            return arrow_to_astropy(parquet.read_table(path))
        return yaml.safe_load(path.read_text())

    return fromFile


@pytest.fixture(scope="module")
def makeVisits(read, makeRepository):
    """Make a repository of the results of detectors, without the statistics of some."""

    def make(change=lambda stats, visit, detector: stats, without=()):
        repository = makeRepository(LsstComCam, VISITS, physicalFilter="r_03")
        dimensions = ("instrument", "exposure", "detector")
        repository.register("verifyDefectsDetStats", "StructuredDataDict", dimensions)
        repository.register("verifyDefectsDetResults", "ArrowAstropy", dimensions)
        for visit, detector in itertools.product(VISITS, DETECTORS):
            data_id = {"exposure": visit, "detector": detector}
            if (visit, detector) not in without:
                stats = change(read(f"verifyDefectsDetStats_{visit}_{detector}.yaml"), visit, detector)
                repository.put("verifyDefectsDetStats", stats, **data_id)
            results = read(f"verifyDefectsDetResults_{visit}_{detector}.parq")
            repository.put("verifyDefectsDetResults", results, **data_id)
        return repository

    return make


def makePipeline():
    """Make the pipeline of the merges, which compare verdicts and make no plots."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CP_VERIFY_DIR", os.environ.get("CP_VERIFY_DIR", str(ROOT / "standalone")))
        patch.setenv("ANALYSIS_TOOLS_DIR", os.environ.get("ANALYSIS_TOOLS_DIR", str(ROOT / "standalone")))
        patch.setenv("ANALYSIS_CP_DIR", str(ROOT))
        pipeline = Pipeline.from_uri(f"{ROOT}/pipelines/LSSTComCam/verifyDefects.yaml#defectsMerges")
    for label in ("verifyDefectsExp", "verifyDefects"):
        pipeline.addConfigPython(label, WITHOUT_PLOTS)
    pipeline.addConfigOverride("verifyDefectsExp", "doCompareVerdicts", True)
    return pipeline


@pytest.fixture(scope="module")
def run(makeVisits):
    """Run the merges; the statistics of some detectors can be changed before."""
    return lambda *args, **kwargs: makeVisits(*args, **kwargs).run(makePipeline())


@pytest.fixture(scope="module")
def merged(run):
    return run()


def getMetadata(butler, visit: int):
    return butler.get("verifyDefectsExp_metadata", visit=visit)["verifyDefectsExp"]


def test_merged_are_those_of_cp_verify(merged, read):
    names = [("verifyDefects", {}, "")]
    names += [("verifyDefectsExp", {"visit": visit}, f"_{visit}") for visit in VISITS]
    for name, data_id, end in names:
        assert merged.get(f"{name}Stats", **data_id) == read(f"{name}Stats{end}.yaml")
        table, expected = merged.get(f"{name}Results", **data_id), read(f"{name}Results{end}.parq")
        assert table.colnames == expected.colnames
        for column in table.colnames:
            masks = [np.ma.getmaskarray(np.ma.asarray(t[column])) for t in (table, expected)]
            np.testing.assert_array_equal(*masks, column)
            values = [np.asarray(t[column])[~mask] for t, mask in zip((table, expected), masks, strict=True)]
            np.testing.assert_array_equal(*values, column)


def test_no_detector_of_a_visit_is_lost(merged, read):
    """Of the statistics that cp_verify merges the last detector is left."""
    for visit in VISITS:
        assert list(read(f"verifyDefectsExpStats_{visit}.yaml")) == [visit, "SUCCESS"]
        summary = merged.get("cpDefectsExp_detectorSummary", visit=visit)
        assert summary["detector"][summary["nAmps"] == 16].tolist() == list(DETECTORS)
        for detector in range(9):
            bundles = merged.query_datasets(
                "cpDefectsExpDet_metrics",
                where=f"exposure = {visit} AND detector = {detector}",
                explain=False,
            )
            assert len(bundles) == (detector in DETECTORS)


def test_metrics_of_all_levels(merged, read):
    rows = read("verifyDefectsResults.parq")
    groups = [(merged.get("cpDefectsRun_metrics"), rows)]
    for visit in VISITS:
        own = rows[rows["exposure"] == visit]
        groups.append((merged.get("cpDefectsExp_metrics", visit=visit), own))
        for detector in DETECTORS:
            bundle = merged.get("cpDefectsExpDet_metrics", exposure=visit, detector=detector)
            groups.append((bundle, own[own["detector"] == detector]))
    for bundle, own in groups:
        amps = own[~np.ma.getmaskarray(own["amplifier"])]
        for test in getProduct("defects"):
            measured = {str(m.metric_name): m.quantity.value for m in bundle[test.toolName]}
            if test.row == "detector":
                assert measured["nValid"] == 0
                continue
            values = np.asarray(amps[test.statisticColumn], dtype=float)
            expected = {"min": values.min(), "median": np.median(values), "max": values.max()}
            expected |= {"nAmps": len(amps), "nValid": len(amps)}
            for name, value in expected.items():
                assert measured[name] == pytest.approx(value, rel=1e-12), (test.key, name)


def test_numbers_of_failures_are_those_of_the_stored_verdicts(merged, read):
    for visit in VISITS:
        for detector in DETECTORS:
            stored = read(f"verifyDefectsDetStats_{visit}_{detector}.yaml")["VERIFY"]["AMP"].values()
            bundle = merged.get("cpDefectsExpDet_metrics", exposure=visit, detector=detector)
            for key in ("OUTLIERS", "STDEV", "MIN", "MAX", "PROB_TEST"):
                tool = getProduct("defects")[key].toolName
                measured = {str(m.metric_name): m.quantity.value for m in bundle[tool]}
                assert measured["nTested"] == 16
                assert measured["nFailed"] == sum(not verdicts[key] for verdicts in stored)


def test_computed_verdicts_are_compared_with_the_stored_ones(merged):
    for visit in VISITS:
        metadata = getMetadata(merged, visit)
        assert "toolFailures" not in metadata
        for name in ("verdictDifferences", "verdictsUnread"):
            assert metadata.getArray(name) == []


def test_results_are_encoded_once_in_each_merge(run, monkeypatch):
    encoded = []
    make = AmpTable.fromColumns

    def fromColumns(*args, **kwargs):
        encoded.append(make(*args, **kwargs))
        return encoded[-1]

    monkeypatch.setattr(AmpTable, "fromColumns", fromColumns)
    run()
    assert sorted(table.exposures.tolist() for table in encoded) == [[VISITS[0]], [*VISITS], [VISITS[1]]]


def test_verdicts_that_differ_are_named(run):
    """Statistics without verdicts cost their own comparison only."""

    def change(stats, visit, detector):
        if (visit, detector) == (VISITS[0], 0):
            stats["VERIFY"]["AMP"]["C03"]["MAX"] = False
        if (visit, detector) == (VISITS[0], 4):
            stats["VERIFY"] = {"DET": {}}
        if (visit, detector) == (VISITS[1], 8):
            stats["VERIFY"]["AMP"]["C10"]["STDEV"] = True
        return stats

    butler = run(change)
    first, second = (getMetadata(butler, visit) for visit in VISITS)
    assert first.getArray("verdictDifferences") == [
        f"exposure {VISITS[0]} detector 0 C03 MAX: failed by cp_verify, computed good"
    ]
    assert first.getArray("verdictsUnread") == [f"exposure {VISITS[0]} detector 4: KeyError: 'AMP'"]
    assert second.getArray("verdictDifferences") == [
        f"exposure {VISITS[1]} detector 8 C10 STDEV: passed by cp_verify, computed failed"
    ]
    assert len(butler.query_datasets("cpDefectsExp_culprits")) == 2


def test_statistics_of_exposures_have_no_verdicts_to_compare():
    config = VisitRunMergeAnalysisTask.ConfigClass()
    config.mergeDimension, config.doCompareVerdicts = "visit", True
    with pytest.raises(FieldValidationError, match="compare in the merge of detectors"):
        config.connections.ConnectionsClass(config=config)


def test_merge_by_what_statistics_lack_is_refused_before_anything_is_run():
    """As the older pipelines of cp_verify have it, whose merge fails when all detectors are measured."""
    pipeline = makePipeline()
    pipeline.addConfigOverride("verifyDefectsExp", "mergeDimension", "visit")
    message = "no dimension 'visit', only detector, exposure, instrument"
    with pytest.raises(FieldValidationError, match=message):
        pipeline.to_graph()


@pytest.fixture(scope="module")
def ofOneVisit(makeVisits):
    """Make a repository in which both exposures also belong to the first visit."""
    repository = makeVisits()
    repository.butler.registry.syncDimensionData(
        "visit_definition", {"instrument": "LSSTComCam", "exposure": VISITS[1], "visit": VISITS[0]}
    )
    return repository


def test_exposures_of_a_visit_are_pooled(ofOneVisit, read):
    butler = ofOneVisit.run(makePipeline(), where=f"visit = {VISITS[0]}")
    amps = read("verifyDefectsResults.parq")
    amps = amps[~np.ma.getmaskarray(amps["amplifier"])]
    summary = butler.get("cpDefectsExp_detectorSummary", visit=VISITS[0])
    assert len(summary) == 9
    for row in summary[np.isin(summary["detector"], DETECTORS)]:
        values = np.asarray(amps["DEFECTS_STDEV"][amps["detector"] == row["detector"]], dtype=float)
        assert (row["nAmps"], row["STDEV_nValid"]) == (32, 32)
        assert row["STDEV_median"] == pytest.approx(np.median(values), rel=1e-12)
    for name in ("cpDefectsExp_metrics", "cpDefectsRun_metrics"):
        (ref,) = butler.query_datasets(name)
        measured = {str(m.metric_name): m.quantity.value for m in butler.get(ref)["defectsStdev"]}
        assert (measured["nAmps"], measured["nFailed"]) == (96, 1)
        assert measured["max"] == pytest.approx(np.max(np.asarray(amps["DEFECTS_STDEV"], dtype=float)))
    assert len(butler.query_datasets("cpDefectsExpDet_metrics")) == 6
    metadata = getMetadata(butler, VISITS[0])
    assert "toolFailures" not in metadata
    assert metadata.getArray("verdictDifferences") == metadata.getArray("verdictsUnread") == []


def test_visits_with_a_common_exposure_are_refused_before_anything_is_run(ofOneVisit):
    message = (
        rf"(?s)metrics of {{.*exposure: {VISITS[1]}.*}} would be written for .* and for .*visits without"
    )
    with pytest.raises(QuantumGraphBuilderError, match=message):
        ofOneVisit.prepare(makePipeline())
    pipeline = makePipeline()
    pipeline.addConfigOverride("verifyDefectsExp", "doDetectorMetrics", False)
    executor = ofOneVisit.prepare(pipeline)
    assert sum(node.task_node.label == "verifyDefectsExp" for node in executor.quantum_graph) == 2


def test_detector_without_statistics_is_missing(run):
    """cp_verify merges those detectors that have both statistics and results."""
    butler = run(without=[(VISITS[1], 4)])
    for visit, present in ((VISITS[0], DETECTORS), (VISITS[1], (0, 8))):
        summary = butler.get("cpDefectsExp_detectorSummary", visit=visit)
        assert summary["detector"][summary["nAmps"] == 16].tolist() == list(present)
    culprits = butler.get("cpDefectsExp_culprits", visit=VISITS[1])
    own = culprits[culprits["detector"] == 4]
    assert set(own["status"]) == {"unknown"}
    assert set(own["reason"]) == {"no row in the table"}
    bundle = butler.get("cpDefectsRun_metrics")["defectsStdev"]
    measured = {str(m.metric_name): m.quantity.value for m in bundle}
    # Six detectors have no row, and one lacks an exposure.
    assert (measured["nAmps"], measured["nDetectors"], measured["nDetectorsMissing"]) == (80, 3, 7)

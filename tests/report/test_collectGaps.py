# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Nothing is good by absence: what a report is made of may be missing, broken, or there twice."""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence

import numpy as np
import pytest
from astropy.table import Table
from tableRepository import (
    EXPOSURES,
    RUN,
    TableRepository,
    exposureIds,
    failAmps,
    makeTables,
    withoutDetectors,
)

from lsst.analysis.cp.catalogue import products
from lsst.analysis.cp.core.amps import GOOD, UNKNOWN
from lsst.analysis.cp.core.tableColumns import describeColumns
from lsst.analysis.cp.report import ProductReport, ReportError, RunReport, Verdict, collectReport
from lsst.analysis.cp.report.pages.sheet import whereClause
from lsst.daf.butler import MissingCollectionError
from lsst.daf.butler.logging import ButlerLogRecords
from lsst.obs.lsst import Latiss
from lsst.pipe.base import TaskMetadata

OTHER = "u/someone/verify/20260303T120000Z"


def collect(repository: TableRepository, *collections: str, **options: str) -> RunReport:
    with repository.open() as butler:
        return collectReport(butler, collections or [RUN], **options)


def only(report: RunReport) -> ProductReport:
    (product,) = report.products
    return product


def putAll(repository: TableRepository, product: str = "bias", **options: object) -> None:
    for exposure in EXPOSURES:
        repository.putTables(product, exposure, **options)


def test_a_complete_run_may_be_certified(repository):
    """All others here are compared with it."""
    putAll(repository)
    report = collect(repository)
    assert report.verdict is Verdict.MAY
    assert only(report).status == GOOD
    assert only(report).reasons == (
        "No test failed for the majority of 9 detectors in the majority of 3 exposures.",
    )
    assert not report.problems


def test_a_detector_without_results_in_one_exposure(repository):
    for i, exposure in enumerate(EXPOSURES):
        repository.putTables("bias", exposure, keep=withoutDetectors(4) if i == 1 else None)
    product = only(collect(repository))
    assert product.verdict is Verdict.UNKNOWN
    assert product.reasons[0] == "1 detector (R22_S11) has no results in at least one exposure."
    assert product.detectorStatus.tolist() == [1, 1, 1, 1, UNKNOWN, 1, 1, 1, 1]
    assert product.nAmpsMissing.tolist() == [0, 0, 0, 0, 16, 0, 0, 0, 0]
    assert [each.nDetectorsMissing for each in product.exposures] == [0, 1, 0]


def test_a_detector_without_results_in_all_exposures(repository):
    putAll(repository, keep=withoutDetectors(0, 8))
    product = only(collect(repository))
    assert product.verdict is Verdict.UNKNOWN
    assert product.reasons[0] == "2 detectors (R22_S00, R22_S22) have no results in at least one exposure."
    assert product.expected.tolist() == list(range(9))


def test_detectors_that_are_not_asked_for_are_not_missed(repository):
    putAll(repository, keep=withoutDetectors(0, 8))
    product = only(collect(repository, where="detector NOT IN (0, 8)"))
    assert product.verdict is Verdict.MAY
    assert product.expected.tolist() == list(range(1, 8))
    assert product.reasons == (
        "No test failed for the majority of 7 detectors in the majority of 3 exposures.",
    )


def test_results_of_detectors_that_are_not_asked_for_do_not_count(repository):
    putAll(repository, change=failAmps("BIAS_NOISE", 100.0))
    chosen = only(collect(repository, where="detector = 3"))
    assert chosen.expected.tolist() == [3]
    assert [each.nFailed["NOISE"] for each in chosen.exposures] == [16, 16, 16]
    assert chosen.verdict is Verdict.MAY_NOT


def test_a_failed_merge_leaves_an_exposure_without_results(repository):
    for exposure in EXPOSURES[:2]:
        repository.putTables("bias", exposure)
    log = ButlerLogRecords.from_records([])
    repository.put("verifyBiasExp_log", log, "ButlerLogRecords", exposure=EXPOSURES[2])
    product = only(collect(repository))
    assert product.verdict is Verdict.UNKNOWN
    assert product.reasons[0] == (f"1 of 3 exposures has no results that could be read: {EXPOSURES[2]}.")
    lost = product.exposures[2]
    assert (lost.nDetectors, lost.nDetectorsMissing, lost.status) == (0, 9, UNKNOWN)
    assert product.leaveOut == (EXPOSURES[2],)
    assert set(product.detectorStatus) == {UNKNOWN}


def test_a_failed_quantum_of_a_detector_is_expected(repository):
    """The detector has a log, and no results in any exposure."""
    putAll(repository, keep=withoutDetectors(2))
    log = ButlerLogRecords.from_records([])
    repository.put("verifyBiasDet_log", log, "ButlerLogRecords", exposure=EXPOSURES[0], detector=2)
    product = only(collect(repository, where="detector IN (2, 3)"))
    assert product.expected.tolist() == [2, 3]
    assert product.verdict is Verdict.UNKNOWN


def test_few_statistics_that_are_nan_are_named_and_leave_the_status_unknown(repository):
    putAll(repository, change=failAmps("BIAS_NOISE", np.nan, (3, "C05")))
    product = only(collect(repository))
    assert product.status == UNKNOWN
    assert product.detectorStatus[3] == UNKNOWN
    assert "1 amplifier has no verdict of NOISE in at least one exposure." in product.reasons


def test_a_detector_of_nan_has_no_verdict(repository):
    amps = [(3, f"C{i // 8}{i % 8}") for i in range(16)]
    putAll(repository, change=failAmps("BIAS_NOISE", np.nan, *amps))
    product = only(collect(repository))
    assert product.verdict is Verdict.UNKNOWN
    assert "1 detector (R22_S10) has no verdict of NOISE." in product.reasons


def test_many_statistics_that_are_nan_might_have_failed(repository):
    """Half of the amplifiers of each detector are NaN: no detector is without verdict."""
    amps = [(detector, f"C0{i}") for detector in range(9) for i in range(8)]
    putAll(repository, change=failAmps("BIAS_NOISE", np.nan, *amps))
    product = only(collect(repository))
    assert product.verdict is Verdict.UNKNOWN
    (reason,) = [each for each in product.reasons if "too many" in each]
    assert "NOISE of up to 72" in reason


def test_an_empty_table(repository):
    putAll(repository, keep=lambda columns: np.zeros(len(columns["detector"]), dtype=bool))
    product = only(collect(repository))
    assert product.verdict is Verdict.UNKNOWN
    assert product.status == UNKNOWN
    assert product.reasons[0].startswith("9 detectors (R22_S00, R22_S01, ")


def test_a_table_without_columns(repository):
    for exposure in EXPOSURES[:2]:
        repository.putTables("bias", exposure)
    repository.putTables("bias", EXPOSURES[2], without=["ampSummary"])
    repository.put("cpBiasExp_ampSummary", Table(), exposure=EXPOSURES[2])
    report = collect(repository)
    assert report.verdict is Verdict.UNKNOWN
    assert "no column that is expected" in report.problems[0].reason
    assert only(report).exposures[0].status == GOOD


def test_a_file_that_is_no_table_costs_itself(repository):
    putAll(repository)
    repository.pathOf("cpBiasExp_detectorSummary", exposure=EXPOSURES[1]).write_bytes(b"garbage")
    report = collect(repository)
    product = only(report)
    assert product.verdict is Verdict.UNKNOWN
    assert len(report.problems) == 1
    assert f"exposure: {EXPOSURES[1]}" in report.problems[0].dataset
    assert product.reasons[0].startswith("cpBiasExp tables")
    assert [each.nDetectors for each in product.exposures] == [9, 0, 9]


def test_a_file_that_is_lost_costs_itself(repository):
    putAll(repository)
    repository.pathOf("cpBiasExp_ampSummary", exposure=EXPOSURES[0]).unlink()
    assert only(collect(repository)).verdict is Verdict.UNKNOWN


def test_culprits_that_are_lost_cost_no_counts(repository):
    putAll(repository, change=failAmps("BIAS_NOISE", 100.0, (3, "C05")))
    repository.pathOf("cpBiasExp_culprits", exposure=EXPOSURES[0]).unlink()
    product = only(collect(repository))
    assert product.verdict is Verdict.UNKNOWN
    assert [each.nFailed["NOISE"] for each in product.exposures] == [1, 1, 1]
    assert set(product.culprits["exposure"]) == set(EXPOSURES[1:])


def test_a_table_that_was_not_written(repository):
    for exposure in EXPOSURES[:2]:
        repository.putTables("bias", exposure)
    repository.putTables("bias", EXPOSURES[2], without=["detectorSummary"])
    product = only(collect(repository))
    assert product.verdict is Verdict.UNKNOWN
    assert "there is no table detectorSummary of it" in product.reasons[0]


@pytest.mark.parametrize(
    ("column", "value", "words"),
    [
        ("NOISE_status", "splendid", "the status 'splendid'"),
        ("detector", 77, "detector(s) 77 are not in the camera"),
        ("NOISE_value", "much", "holds"),
    ],
)
def test_a_table_with_what_cannot_be_is_named(repository, column, value, words):
    table = repository.putTables("bias", EXPOSURES[0], without=["ampSummary"])
    odd = makeTables(table)["ampSummary"]
    odd[column] = np.full(len(odd), value)
    repository.put("cpBiasExp_ampSummary", odd, exposure=EXPOSURES[0])
    report = collect(repository)
    assert report.verdict is Verdict.UNKNOWN
    assert words in report.problems[0].reason


def test_rows_that_are_there_twice_are_refused(repository):
    table = repository.putTables("bias", EXPOSURES[0], without=["ampSummary"])
    amps = makeTables(table)["ampSummary"]
    amps.add_row(amps[0])
    repository.put("cpBiasExp_ampSummary", amps, exposure=EXPOSURES[0])
    assert "1 row(s) repeat others" in collect(repository).problems[0].reason


def test_tables_of_another_exposure_are_refused(repository):
    for exposure in EXPOSURES[:2]:
        table = repository.putTables("bias", exposure)
    for name, each in makeTables(table).items():
        repository.put(f"cpBiasExp_{name}", each, exposure=EXPOSURES[2])
    report = collect(repository)
    assert report.verdict is Verdict.UNKNOWN
    assert f"its rows are of exposure {EXPOSURES[1]}" in report.problems[0].reason


def test_limits_that_are_none_are_refused(repository):
    table = repository.putTables("bias", EXPOSURES[0], without=["ampSummary"])
    amps = makeTables(table)["ampSummary"]
    amps.meta["limits"]["NOISE"]["threshold"] = "wide"
    repository.put("cpBiasExp_ampSummary", amps, exposure=EXPOSURES[0])
    assert "the limit of NOISE" in collect(repository).problems[0].reason


def test_of_two_runs_of_one_exposure_the_first_counts(repository):
    putAll(repository)
    repository.putTables("bias", EXPOSURES[0], run=OTHER, change=failAmps("BIAS_NOISE", 100.0, (3, "C05")))
    first = collect(repository, RUN, OTHER)
    assert only(first).exposures[0].nFailed["NOISE"] == 0
    (problem,) = first.problems
    assert problem.isRemark
    assert problem.reason == f"also in {OTHER}, not shown"
    assert str(EXPOSURES[0]) in problem.dataset
    second = collect(repository, OTHER, RUN)
    assert only(second).exposures[0].nFailed["NOISE"] == 1
    assert only(second).runs == (OTHER, RUN)
    assert second.problems[0].reason == f"also in {RUN}, not shown"


def test_tables_of_an_exposure_are_those_of_one_run(repository):
    """The first run has only a part, which is not filled up with that of the other."""
    putAll(repository)
    repository.putTables("bias", EXPOSURES[0], run=OTHER, without=["detectorSummary"])
    assert only(collect(repository, OTHER, RUN)).verdict is Verdict.UNKNOWN


def test_products_may_be_in_several_collections(repository):
    putAll(repository)
    putAll(repository, "dark", run=OTHER)
    report = collect(repository, RUN, OTHER)
    assert [product.name for product in report.products] == ["bias", "dark"]
    assert [product.runs for product in report.products] == [(RUN,), (OTHER,)]


def test_a_table_of_an_unknown_product_is_named_and_nothing_is_good(repository):
    putAll(repository)
    repository.put("cpFringeExp_detectorSummary", Table({"detector": [1]}), exposure=EXPOSURES[0])
    report = collect(repository)
    assert report.verdict is Verdict.UNKNOWN
    assert report.problems[0].dataset == "cpFringeExp_detectorSummary"
    assert report.problems[0].reason.endswith(", ".join(products()))


def test_a_product_without_tables_is_unknown(repository):
    putAll(repository)
    repository.put("verifyDarkDetResults", Table({"detector": [1]}), exposure=EXPOSURES[0], detector=1)
    bias, dark = collect(repository).products
    assert (bias.verdict, dark.verdict) == (Verdict.MAY, Verdict.UNKNOWN)
    assert dark.reasons[0].startswith("There are no tables of it")
    assert [each.exposure for each in dark.exposures] == [EXPOSURES[0]]
    assert dark.tests == ()


def test_a_product_that_another_task_measures_is_not_forgotten(repository):
    """Gains are measured by no task of cp_verify; here nothing is left of them but a log."""
    putAll(repository)
    repository.put("measureGain_log", ButlerLogRecords.from_records([]), "ButlerLogRecords", detector=3)
    report = collect(repository)
    assert [(each.name, each.verdict) for each in report.products] == [
        ("bias", Verdict.MAY),
        ("gain", Verdict.UNKNOWN),
    ]
    assert report.verdict is Verdict.UNKNOWN


def putLogs(repository: TableRepository, task: str, succeeded: Sequence[int], failed: Sequence[int]) -> None:
    """Store what is left of quanta of a merge, which have no metadata if they failed."""
    for exposure in (*succeeded, *failed):
        log = ButlerLogRecords.from_records([])
        repository.put(f"{task}_log", log, "ButlerLogRecords", exposure=exposure)
    for exposure in succeeded:
        repository.put(f"{task}_metadata", TaskMetadata(), "TaskMetadata", exposure=exposure)


def test_exposures_that_failed_can_be_left_out(repository):
    """The condition that the report itself proposes makes a report without them."""
    *kept, lost = EXPOSURES
    for exposure in kept:
        repository.putTables("bias", exposure)
    putLogs(repository, "verifyBiasExp", kept, [lost])
    product = only(collect(repository))
    assert (product.verdict, product.leaveOut) == (Verdict.UNKNOWN, (lost,))
    again = only(collect(repository, where=whereClause(product)))
    assert (again.verdict, [each.exposure for each in again.exposures]) == (Verdict.MAY, kept)


def test_an_exposure_that_failed_is_missed_in_its_filter_only(repository):
    band = repository.butler.query_dimension_records("physical_filter", instrument=repository.name)[0].name
    found, lost = exposureIds(2, 50)
    repository.addExposures([found, lost], band)
    for exposure in (*EXPOSURES, found):
        repository.putTables("flat", exposure)
    putLogs(repository, "verifyFlatExp", [*EXPOSURES, found], [lost])
    products = {each.physicalFilter: each for each in collect(repository).products}
    assert [each.exposure for each in products["unknown"].exposures] == list(EXPOSURES)
    assert products["unknown"].verdict is Verdict.MAY
    assert [each.exposure for each in products[band].exposures] == [found, lost]
    assert products[band].verdict is Verdict.UNKNOWN


def test_nothing_is_good_of_which_there_is_no_number(repository):
    """Tables of merges are not so: it is unknown there."""
    for exposure in EXPOSURES:
        table = repository.putTables("bias", exposure, without=["ampSummary"])
        summary = makeTables(table)["ampSummary"]
        summary["NOISE_value"][:16] = np.nan
        repository.put("cpBiasExp_ampSummary", summary, exposure=exposure)
    product = only(collect(repository))
    (noise,) = [each for each in product.tests if each.test.key == "NOISE"]
    assert noise.status.tolist() == [UNKNOWN] * 16 + [GOOD] * 128
    assert noise.nTested.tolist() == [0] * 16 + [3] * 128
    assert product.verdict is Verdict.UNKNOWN
    assert product.reasons[0] == "1 detector (R22_S00) has no verdict of NOISE."


def test_a_product_whose_tests_do_not_count_is_not_judged(repository):
    repository.putTables("cti")
    report = collect(repository)
    product = only(report)
    assert product.verdict is Verdict.NOT_JUDGED
    assert product.reasons[0].startswith("No test of it has a verdict that counts")
    # Alone, it says nothing of the run; beside others, it does not change what they say.
    assert report.verdict is Verdict.UNKNOWN
    for exposure in EXPOSURES:
        repository.putTables("bias", exposure)
    assert collect(repository).verdict is Verdict.MAY


def test_a_product_that_is_not_judged_has_to_be_there(repository):
    repository.putTables("cti", keep=withoutDetectors(3))
    product = only(collect(repository))
    assert product.verdict is Verdict.UNKNOWN
    assert "no results" in product.reasons[0]


def test_a_test_that_the_tables_lack(repository):
    for exposure in EXPOSURES:
        table = repository.putTables("bias", exposure, without=["ampSummary", "detectorSummary"])
        made = makeTables(table)
        for name in ("ampSummary", "detectorSummary"):
            each = made[name]
            each.remove_columns([column for column in each.colnames if column.startswith("CR_NOISE_")])
            repository.put(f"cpBiasExp_{name}", each, exposure=exposure)
    product = only(collect(repository))
    assert product.verdict is Verdict.UNKNOWN
    assert product.reasons[0] == "CR_NOISE was not tested: the tables have no results of it."


def test_the_merge_of_a_run_had_more_exposures(repository):
    for exposure in EXPOSURES[:2]:
        repository.putTables("bias", exposure)
    merged = describeColumns(Table({"detector": [0, 1], "nExposures": [3, 2]}), "detectorSummary")
    repository.put("cpBiasRun_detectorSummary", merged)
    product = only(collect(repository))
    assert product.verdict is Verdict.UNKNOWN
    assert product.reasons[0] == f"{RUN} was merged of 3 exposures, of which 2 are found."


def test_an_unknown_collection_names_similar_ones(repository):
    putAll(repository)
    with pytest.raises(MissingCollectionError, match=RUN):
        collect(repository, "u/someone/verify")


def test_an_unknown_instrument_names_those_that_there_are(repository):
    putAll(repository)
    with pytest.raises(ReportError, match="no instrument 'HSC' in the repository; there are LSSTComCam"):
        collect(repository, instrument="HSC")


def test_an_instrument_without_results_names_collections(repository):
    putAll(repository)
    Latiss().register(repository.butler.registry)
    with pytest.raises(ReportError, match=f"of LATISS. There are some in {RUN}"):
        collect(repository, instrument="LATISS")


def test_several_instruments_are_told_apart(repository):
    putAll(repository)
    other = TableRepository(repository.root, Latiss())
    other.putTables("ptc")
    with pytest.raises(ReportError, match="LATISS, LSSTComCam: say which"):
        collect(repository)
    assert [each.name for each in collect(repository, instrument="LATISS").products] == ["ptc"]


def test_an_expression_that_leaves_nothing_says_what_there_is(repository):
    putAll(repository)
    with pytest.raises(ReportError, match=r"fulfils 'exposure = 1'. Without it there are bias\."):
        collect(repository, where="exposure = 1")


def test_an_expression_that_leaves_out_a_product_is_a_remark(repository):
    putAll(repository)
    repository.putTables("dark", EXPOSURES[2])
    report = collect(repository, where=f"exposure IN ({EXPOSURES[0]}, {EXPOSURES[1]})")
    assert only(report).name == "bias"
    assert len(only(report).exposures) == 2
    assert [(each.dataset, each.isRemark) for each in report.problems] == [("dark", True)]


def test_a_collection_without_results_says_where_some_are(repository):
    putAll(repository)
    repository.butler.registry.registerRun("empty")
    for given in ("empty", "no*"):
        with pytest.raises(ReportError, match=f"The collections {re.escape(given)} have datasets of no "):
            collect(repository, given)


def test_a_repository_that_must_not_be_written_is_read(repository, caplog):
    putAll(repository)
    repository.butler.close()
    for path in (repository.root, *repository.root.rglob("*")):
        path.chmod(0o555 if path.is_dir() else 0o444)
    try:
        with caplog.at_level(logging.WARNING):
            assert collect(repository).verdict is Verdict.MAY
    finally:
        for path in (repository.root, *repository.root.rglob("*")):
            path.chmod(0o755 if path.is_dir() else 0o644)

# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""A report has the numbers of the tables, of every product."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import astropy.units as u
import numpy as np
import pytest
from astropy.table import vstack
from registries import Registries
from resultColumns import Columns, makeAmpTable
from tableRepository import EXPOSURES, RUN, TableRepository, chooseAmps, exposureIds, failAmps, makeTables

from lsst.analysis.cp.catalogue import getProduct, products
from lsst.analysis.cp.core.amps import FAILED, GOOD, UNKNOWN, AmpTable, summarize
from lsst.analysis.cp.report import ProductReport, ReportedTest, Verdict, collectReport
from lsst.analysis.tools.interfaces import MetricMeasurementBundle
from lsst.verify import Measurement

HAVING_TABLES = tuple(name for name in products() if getProduct(name).tests)
STATUS = {"good": GOOD, "failed": FAILED, "unknown": UNKNOWN}
NOISY = ((0, "C03"), (4, "C11"))


def findTested(product: ProductReport, key: str) -> ReportedTest:
    return {each.test.key: each for each in product.tests}[key]


def spoil(columns: Columns) -> None:
    """Let some rows fail, and others have no number."""
    for name in columns:
        endings = ("_NOISE", "_STDEV", "_PTC_GAIN", "_SERIAL_CTI", "_MAX_DEVIATION")
        if name.endswith(endings) and "_VERIFY_" not in name:
            columns[name][chooseAmps(columns, *NOISY)] *= 5.0
            columns[name][chooseAmps(columns, (7, "C00"))] = np.nan


@pytest.fixture(scope="module")
def everything(
    template: Path, tmp_path_factory: pytest.TempPathFactory, registries: Registries
) -> TableRepository:
    """Make a repository with all products, of which the second exposure is spoiled."""
    root = tmp_path_factory.mktemp("everything") / "repository"
    made = TableRepository(registries.copy(template, root))
    for name in HAVING_TABLES:
        for exposure in EXPOSURES if getProduct(name).epoch != "none" else (None,):
            change = spoil if exposure in (None, EXPOSURES[1]) else lambda columns: None
            made.putTables(name, exposure, seed=(exposure or 0) % 97, change=change)
    return made


@pytest.fixture(scope="module")
def reported(everything: TableRepository) -> dict[str, ProductReport]:
    """Collect the report of all products, by name."""
    report = collectReport(everything.open(), [RUN])
    assert not report.problems
    return {product.product.name: product for product in report.products}


def readRows(everything: TableRepository, product: str, table: str) -> list[dict[str, Any]]:
    """List the rows of the stored tables of all exposures, each with its exposure."""
    epoch = getProduct(product).epoch
    stem = f"cp{product[0].upper()}{product[1:]}{'Run' if epoch == 'none' else 'Exp'}"
    rows = []
    for exposure in (-1,) if epoch == "none" else EXPOSURES:
        data_id = {} if epoch == "none" else {epoch: exposure}
        stored = everything.butler.get(
            f"{stem}_{table}", instrument=everything.name, collections=RUN, **data_id
        )
        rows += [
            {"exposure": exposure} | dict(zip(stored.colnames, row, strict=True)) for row in stored.iterrows()
        ]
    return rows


def test_all_products_are_there(reported):
    assert tuple(reported) == HAVING_TABLES


@pytest.mark.parametrize("name", HAVING_TABLES)
def test_tests_of_amplifiers_have_the_counts_and_the_worst_of_the_tables(name, everything, reported):
    layout, product = everything.layout, reported[name]
    rows: dict[tuple[int, str], list[dict[str, Any]]] = {}
    for row in readRows(everything, name, "ampSummary"):
        rows.setdefault((row["detector"], row["amplifier"]), []).append(row)
    keys = list(zip(layout.detectorId[layout.ampDetector].tolist(), layout.ampName.tolist(), strict=True))
    for reported_test in product.tests:
        test = reported_test.test
        if test.row != "amplifier":
            continue
        for place in range(0, layout.nAmps, 5):
            own = rows[keys[place]]
            status = [STATUS[row[f"{test.key}_status"]] if test.isTested else UNKNOWN for row in own]
            assert reported_test.nFailed[place] == status.count(FAILED)
            assert reported_test.nTested[place] == len(own) - status.count(UNKNOWN)
            expected = FAILED if FAILED in status else UNKNOWN if UNKNOWN in status else GOOD
            assert reported_test.status[place] == expected
            value = reported_test.value[place]
            if test.statistic is None:
                assert math.isnan(value)
                assert reported_test.worstExposure[place] == -1
                continue
            values = [row[f"{test.key}_value"] for row in own]
            if np.isnan(values).all():
                assert math.isnan(value)
                assert reported_test.worstExposure[place] == -1
                continue
            shown = next(row for row in own if row["exposure"] == reported_test.worstExposure[place])
            np.testing.assert_equal(value, shown[f"{test.key}_value"])
            if test.quantity is None:
                assert value == np.nanmax(values)
            else:
                np.testing.assert_equal(reported_test.quantity[place], shown[f"{test.key}_quantity"])
                margins = [slowMargin(test, row[f"{test.key}_quantity"], row["physicalType"]) for row in own]
                worst = min(margins) if min(margins) < math.inf else math.nan
                assert reported_test.margin[place] == pytest.approx(worst, rel=1e-12, nan_ok=True)


def placeOf(repository: TableRepository, detector: int, amplifier: str) -> int:
    """Return the place of an amplifier in the camera."""
    return int(repository.layout.findAmps(np.array([detector]), np.array([amplifier]))[0])


def slowMargin(test: Any, quantity: float, physicalType: str) -> float:
    """Measure the distance to the limit, infinite where there is no quantity."""
    if math.isnan(quantity):
        return math.inf
    limit = test.threshold[physicalType] if isinstance(test.threshold, dict) else test.threshold
    if test.operator == "inside":
        low, high = limit
        scale = high / 2 - low / 2
        return min(quantity / scale - low / scale, high / scale - quantity / scale)
    scale = abs(limit) or 1.0
    return (limit - quantity if test.operator.startswith("<") else quantity - limit) / scale


@pytest.mark.parametrize("name", HAVING_TABLES)
def test_detectors_have_the_status_of_the_tables(name, everything, reported):
    layout, product = everything.layout, reported[name]
    rows = readRows(everything, name, "detectorSummary")
    for index, number in enumerate(layout.detectorId.tolist()):
        own = [row for row in rows if row["detector"] == number]
        status = [STATUS[row["status"]] for row in own]
        expected = FAILED if FAILED in status else GOOD if set(status) == {GOOD} else UNKNOWN
        assert product.detectorStatus[index] == expected
        for column, each in enumerate(product.tests):
            if not each.test.isTested or each.test.row == "exposure":
                continue
            status = [STATUS[row[f"{each.test.key}_status"]] for row in own]
            expected = FAILED if FAILED in status else GOOD if set(status) == {GOOD} else UNKNOWN
            assert product.matrix[index, column] == expected


@pytest.mark.parametrize("name", HAVING_TABLES)
def test_culprits_are_those_of_the_tables_with_the_worst_first(name, everything, reported):
    stored = readRows(everything, name, "culprits")
    culprits = reported[name].culprits
    assert len(culprits) == len(stored)
    columns = [key for key in stored[0] if key != "exposure"] if stored else []
    found = sorted(str([str(row[key]) for key in columns]) for row in culprits)
    assert found == sorted(str([str(row[key]) for key in columns]) for row in stored)
    if stored:
        known = culprits["margin"][~np.isnan(culprits["margin"])]
        assert np.all(np.diff(known) >= 0)


def test_columns_of_culprits_keep_unit_and_description(reported):
    culprits = reported["bias"].culprits
    assert str(culprits["readNoise"].unit) == "electron"
    assert culprits["reason"].description == "Why, in words."


def test_failed_amplifiers_are_counted_once_by_detector(reported):
    product = reported["bias"]
    column = [each.test.key for each in product.tests].index("NOISE")
    assert product.failed[:, column].tolist() == [1, 0, 0, 0, 1, 0, 0, 0, 0]
    assert findTested(product, "NOISE").nFailed.sum() == 2


def test_exposures_count_failures_and_detectors(reported):
    second = reported["bias"].exposures[1]
    assert (second.exposure, second.dayObs, second.run) == (EXPOSURES[1], 20260301, RUN)
    assert second.nFailed["NOISE"] == 2
    assert (second.nDetectors, second.nDetectorsFailed, second.nDetectorsMissing) == (9, 2, 0)
    assert reported["bias"].exposures[0].nFailed["NOISE"] == 0


def test_calibrations_have_no_exposures(reported):
    assert reported["ptc"].exposures == ()
    assert reported["ptc"].verdict is Verdict.MAY


def test_what_has_no_number_is_no_failure_and_is_named(everything, reported):
    product = reported["dark"]
    assert findTested(product, "NOISE").status[placeOf(everything, 7, "C00")] == UNKNOWN
    assert any(reason.startswith("1 amplifier has no verdict of NOISE") for reason in product.reasons)


def test_values_that_are_too_low_are_counted(repository):
    repository.putTables("bias", EXPOSURES[0], change=failAmps("BIAS_NOISE", 0.0, (1, "C00")))
    product = collectReport(repository.open(), RUN).products[0]
    assert findTested(product, "NOISE").nSuspicious.sum() == 1
    assert findTested(product, "NOISE").nSuspicious[placeOf(repository, 1, "C00")] == 1


def test_flats_are_split_by_filter(repository):
    band = repository.butler.query_dimension_records("physical_filter", instrument=repository.name)[0].name
    others = exposureIds(2, 50)
    repository.addExposures(others, band)
    repository.putTables("flat", EXPOSURES[0])
    for exposure in others:
        repository.putTables("flat", exposure)
    found = collectReport(repository.open(), RUN).products
    assert {each.physicalFilter: len(each.exposures) for each in found} == {"unknown": 1, band: 2}
    assert {each.name for each in found} == {"flat-unknown", f"flat-{band}"}
    assert {each.title for each in found} == {"Flat, unknown", f"Flat, {band}"}


def test_limits_are_those_of_the_tables(repository):
    limits = {"maxResidualThresholdSpline": 0.05, "source": "linearizer_config of run"}
    repository.putTables("linearizer", fields=limits)
    product = collectReport(repository.open(), RUN).products[0]
    test = findTested(product, "SPLINE_RESIDUAL").test
    assert (test.threshold, test.thresholdSource) == (0.05, "linearizer_config of run")
    assert product.product["SPLINE_RESIDUAL"].threshold == 0.05
    assert product.verdict is Verdict.MAY_NOT


def test_without_limits_in_the_tables_they_are_those_of_the_catalogue(repository):
    repository.putTables("linearizer", withLimits=False)
    test = findTested(collectReport(repository.open(), RUN).products[0], "SPLINE_RESIDUAL").test
    assert test == getProduct("linearizer")["SPLINE_RESIDUAL"]


def test_units_tell_whether_gains_were_applied(repository):
    repository.putTables("bias", EXPOSURES[0], gainsApplied=False)
    product = collectReport(repository.open(), RUN).products[0]
    assert not product.product.gainsApplied
    assert findTested(product, "NOISE").test.unit == "adu"


def test_exposures_as_a_whole_have_the_numbers_of_their_metrics(repository):
    repository.putTables("flat", EXPOSURES[0])
    values = {"min": 0.04, "quantityMin": 0.04, "nTested": 1.0, "nFailed": 0.0}
    bundle = MetricMeasurementBundle(
        {"flatExpScatter": [Measurement(name, u.Quantity(value, "")) for name, value in values.items()]}
    )
    repository.put("cpFlatExp_metrics", bundle, "MetricMeasurementBundle", exposure=EXPOSURES[0])
    product = collectReport(repository.open(), RUN).products[0]
    found = findTested(product, "EXP_SCATTER")
    assert found.value.tolist() == [0.04]
    assert found.status.tolist() == [GOOD]
    assert found.margin[0] == pytest.approx(0.2)


def test_exposures_as_a_whole_are_good_by_themselves(repository):
    """Each is tested once, however many there are."""
    for exposure, n_failed in zip(EXPOSURES, (0.0, 1.0, 0.0), strict=True):
        repository.putTables("flat", exposure)
        values = {"min": 0.04, "quantityMin": 0.04, "nTested": 1.0, "nFailed": n_failed}
        measured = [Measurement(name, u.Quantity(value, "")) for name, value in values.items()]
        bundle = MetricMeasurementBundle({"flatExpScatter": measured})
        repository.put("cpFlatExp_metrics", bundle, "MetricMeasurementBundle", exposure=exposure)
    found = findTested(collectReport(repository.open(), RUN).products[0], "EXP_SCATTER")
    assert found.status.tolist() == [GOOD, FAILED, GOOD]


def test_amplifiers_are_good_if_they_are_in_all_exposures_of_a_visit(repository):
    first, second = EXPOSURES[:2]
    change = failAmps("DEFECTS_OUTLIERS", np.nan, (0, "C00"))
    parts = [
        makeTables(makeAmpTable("defects", repository.layout, first)),
        makeTables(makeAmpTable("defects", repository.layout, second, change=change)),
    ]
    for name in ("ampSummary", "culprits"):
        repository.put(f"cpDefectsExp_{name}", vstack([part[name] for part in parts]), visit=first)
    repository.put("cpDefectsExp_detectorSummary", parts[1]["detectorSummary"], visit=first)
    outliers = findTested(collectReport(repository.open(), RUN).products[0], "OUTLIERS")
    place = placeOf(repository, 0, "C00")
    assert (outliers.nTested[place], outliers.status[place]) == (1, UNKNOWN)
    assert set(np.delete(outliers.status, place)) == {GOOD}


@pytest.mark.parametrize("amplifiers", [["C00"], None], ids=["an amplifier", "a whole detector"])
def test_rows_of_one_exposure_of_a_visit_do_not_stand_for_all(repository, amplifiers):
    first, second = EXPOSURES[:2]
    parts = [makeTables(makeAmpTable("defects", repository.layout, number)) for number in (first, second)]
    rows = parts[1]["ampSummary"]
    lost = (rows["detector"] == 3) & (True if amplifiers is None else np.isin(rows["amplifier"], amplifiers))
    parts[1]["ampSummary"] = rows[~lost]
    for name in ("ampSummary", "culprits"):
        repository.put(f"cpDefectsExp_{name}", vstack([part[name] for part in parts]), visit=first)
    repository.put("cpDefectsExp_detectorSummary", parts[0]["detectorSummary"], visit=first)
    product = collectReport(repository.open(), RUN).products[0]
    name = repository.layout.detectorName[3]
    if amplifiers is None:
        assert product.verdict == "unknown"
        assert f"1 detector ({name}) has no results in at least one visit." in product.reasons
    place = placeOf(repository, 3, "C00")
    outliers = findTested(product, "OUTLIERS")
    assert (outliers.nTested[place], outliers.status[place]) == (1, UNKNOWN)
    assert outliers.status[placeOf(repository, 4, "C00")] == GOOD


def test_visits_of_several_exposures_are_pooled(repository):
    """Both exposures of a visit are counted, and the worst is shown."""
    first, second = EXPOSURES[:2]
    parts = [
        makeTables(makeAmpTable("defects", repository.layout, number, change=change))
        for number, change in (
            (first, lambda columns: None),
            (second, failAmps("DEFECTS_OUTLIERS", 200.0, (0, "C00"))),
        )
    ]
    for name in ("ampSummary", "culprits"):
        joined = vstack([part[name] for part in parts])
        repository.put(f"cpDefectsExp_{name}", joined, visit=first)
    repository.put("cpDefectsExp_detectorSummary", parts[1]["detectorSummary"], visit=first)
    outliers = findTested(collectReport(repository.open(), RUN).products[0], "OUTLIERS")
    place = placeOf(repository, 0, "C00")
    assert (outliers.nTested[place], outliers.nFailed[place]) == (2, 1)
    assert outliers.value[place] == 200.0
    assert outliers.nTested.tolist() == [2] * 144


def test_the_rule_has_the_verdict_of_the_metrics_of_the_run(repository):
    """Enough amplifiers fail in two of three exposures, as the metrics of the run say, too."""
    many = [(detector, f"C{i // 8}{i % 8}") for detector in range(5) for i in range(16)]
    tables = []
    for exposure, n_failed in zip(EXPOSURES, (40, 41, 39), strict=True):
        change: Callable[[Columns], None] = failAmps("BIAS_MEAN", 100.0, *many[:n_failed])
        tables.append(repository.putTables("bias", exposure, change=change))
    columns = {
        "exposure": [],
        "detector": [],
        "amplifier": [],
        "BIAS_NOISE": [],
        "BIAS_MEAN": [],
        "BIAS_VERIFY_MEAN": [],
    }
    for table in tables:
        columns["exposure"].append(table.exposures[table.exposureIndex])
        columns["detector"].append(table.layout.detectorId[table.layout.ampDetector[table.ampIndex]])
        columns["amplifier"].append(table.layout.ampName[table.ampIndex])
        columns["BIAS_NOISE"].append(table.statistics["BIAS_NOISE"])
        columns["BIAS_MEAN"].append(table.statistics["BIAS_MEAN"])
        columns["BIAS_VERIFY_MEAN"].append(table.flags["BIAS_VERIFY_MEAN"] == 1)
    joined = {name: np.concatenate(parts) for name, parts in columns.items()}
    run = AmpTable.fromColumns(joined, getProduct("bias"), repository.layout, tests=("MEAN",))
    metrics = summarize(run, "run").values("MEAN")
    product = collectReport(repository.open(), RUN).products[0]
    assert [each.overLimit for each in product.exposures] == [("MEAN",), ("MEAN",), ()]
    assert metrics["nExposuresOverLimit"][0] == 2
    assert (product.verdict is Verdict.MAY_NOT) == bool(metrics["majorityFailed"][0])
    assert product.leaveOut == EXPOSURES[:2]
    assert product.reasons[0] == (
        "MEAN failed for the majority of detectors in 2 of 3 exposures, of which 2 are enough to refuse: "
        "40 failed amplifiers are enough in each."
    )

# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Tables that the tasks of cp_verify have written, against their rows as they are on disk."""

import json
import math
import operator
import statistics

import numpy as np
import pyarrow.parquet as pq
import pytest
import yaml
from numpy.testing import assert_array_equal

from lsst.afw.cameraGeom import Camera
from lsst.analysis.cp.catalogue import getProduct
from lsst.analysis.cp.core import CameraLayout, DetectorSelection
from lsst.analysis.cp.core.amps import (
    AmpTable,
    ampSummaryTable,
    culpritsTable,
    detectorSummaryTable,
    judge,
    runCountsTable,
    statusNames,
    summarize,
)
from lsst.daf.butler.formatters.parquet import arrow_to_astropy

FITTED = ("SLOPE", "OFFSET", "SUCCESS")
"""What cp_verify has of the fit of a covariance."""


@pytest.fixture(scope="module")
def comCam(sharedData):
    return CameraLayout.fromCamera(Camera.readFits(str(sharedData / "cameras" / "LSSTComCam.fits")))


@pytest.fixture(scope="module")
def load(sharedData):
    """Return a reader of a table, as Butler gives it and as a list of rows with None where it is masked."""

    def read(name):
        arrow = pq.read_table(sharedData / "tables" / f"{name}.parq")
        return arrow_to_astropy(arrow), arrow.to_pylist()

    return read


@pytest.fixture(scope="module")
def faults(sharedData):
    """Return what was put into a product that should fail, as (exposure, detector, amplifier, test)."""

    def read(name, exposures=(None,)):
        truth = json.loads((sharedData / "tables" / name / "truth.json").read_text())
        return {
            (exposure, fault["detector"], fault["amplifier"], fault["test"].split(" (")[0])
            for fault in truth["expected_failures"]
            for exposure in ([fault["exposure"]] if fault["exposure"] else exposures)
        }

    return read


def valuesOf(rows, column, kind="amplifier"):
    """List the values of a column in rows of amplifiers or of others; masked ones are None."""
    return [row[column] for row in rows if (row["amplifier"] is None) is (kind != "amplifier")]


def checkCounts(values, verdicts, statistic=None):
    """Compare counts and reductions of one group with those of a list of verdicts and values."""
    assert values["nTested"].tolist() == [sum(verdict is not None for verdict in verdicts)]
    assert values["nFailed"].tolist() == [sum(verdict is False for verdict in verdicts)]
    if statistic is not None:
        finite = [value for value in statistic if value is not None and np.isfinite(value)]
        assert values["nValid"].tolist() == [len(finite)]
        expected = (min(finite), statistics.median(finite), max(finite))
        assert tuple(values[name][0] for name in ("min", "median", "max")) == expected


def failedIn(table):
    """List what failed, as (exposure, detector, amplifier, test)."""
    culprits = culpritsTable(table)
    has_exposures = "exposure" in culprits.colnames
    return {
        (
            int(row["exposure"]) if has_exposures else None,
            int(row["detector"]),
            str(row["amplifier"]) or None,
            str(row["test"]),
        )
        for row in culprits
        if row["status"] == "failed"
    }


def test_dark(load, comCam, faults):
    data, rows = load("dark/verifyDarkResults")
    product = getProduct("dark")
    table = AmpTable.fromColumns(data, product, comCam)
    assert len(table) == len(rows) == 288
    run = summarize(table, "run")
    for test in product:
        if test.verifyColumn and test.statistic:
            values = valuesOf(rows, test.statisticColumn)
            checkCounts(run.tests[test.key].values, valuesOf(rows, test.verifyColumn), values)
    checkCounts(run.tests["SUCCESS"].values, valuesOf(rows, "DARK_VERIFY_SUCCESS"))
    exposures = table.exposures.tolist()
    assert exposures == [2024110501101, 2024110501102]
    assert failedIn(table) == faults("dark", exposures)
    # The fully masked amplifier has no finite value, and has failed.
    assert run.tests["MEAN"].values["nValid"].tolist() == [286]
    assert table.status(product["MEAN"])[np.isnan(table.statistics["DARK_MEAN"])].tolist() == [0, 0]
    detectors = summarize(table, "detector")
    expected = {(row["exposure"], row["detector"]): [] for row in rows}
    for row in rows:
        expected[row["exposure"], row["detector"]].append(row["DARK_VERIFY_NOISE"])
    keys = zip(detectors.exposure.tolist(), detectors.detectorIndex.tolist(), strict=True)
    for key, n_failed in zip(keys, detectors.tests["NOISE"].values["nFailed"].tolist(), strict=True):
        assert n_failed == expected[key].count(False)
    assert "DARK_DIST_50.0_PCT" not in detectors.tests
    assert "DARK_DIST_50.0_PCT" in summarize(table, "runDetector").tests


@pytest.mark.parametrize("key", ["MEAN_WITHIN_ERROR", "NOISE_TWO_SIDED"])
def test_own_criteria_of_a_dark(load, comCam, key):
    data, rows = load("dark/verifyDarkResults")
    table = AmpTable.fromColumns(data, getProduct("dark"), comCam)
    test = getProduct("dark")[key]
    amps = zip(comCam.detectorId[comCam.ampDetector].tolist(), comCam.ampName.tolist(), strict=True)
    nominal = dict(zip(amps, zip(comCam.ampReadNoise, comCam.ampPixels, strict=True), strict=True))
    expected = []
    for row in rows:
        read_noise, n_pixels = nominal[row["detector"], row["amplifier"]]
        mean, noise = row["DARK_MEAN"], row["DARK_NOISE"]
        error = noise / math.sqrt(n_pixels)
        expected.append(abs(mean) / error if key.startswith("MEAN") else abs(noise - read_noise) / read_noise)
    np.testing.assert_allclose(table.quantity(test), expected, rtol=1e-12)
    limit = 5 if key.startswith("MEAN") else 0.05
    verdicts = [-1 if math.isnan(value) else int(value <= limit) for value in expected]
    assert table.verdict(test).tolist() == verdicts
    # The amplifier that is masked as a whole, in both exposures.
    assert verdicts.count(-1) == 2
    assert verdicts.count(0) >= 2
    assert set(culpritsTable(table)["test"]).isdisjoint({key})


def test_majority_of_a_dark(load, comCam):
    data, _ = load("dark/verifyDarkResults")
    table = AmpTable.fromColumns(data, getProduct("dark"), comCam)
    run = summarize(table, "run", maxFailuresPerDetector=1)
    assert {
        key: reduced.values["nExposuresOverLimit"][0]
        for key, reduced in run.tests.items()
        if reduced.test.counts
    } == {
        "MEAN": 0,
        "NOISE": 0,
        "CR_NOISE": 0,
        "PROCESSING": 0,
        "READ_NOISE_CONSISTENT": 0,
        "SUCCESS": 1,
    }


@pytest.mark.parametrize("key", ["MEAN", "NOISE", "CR_NOISE", "READ_NOISE_CONSISTENT"])
def test_thresholds_of_the_catalogue_are_those_of_a_dark(load, comCam, key):
    data, _ = load("dark/verifyDarkResults")
    test = getProduct("dark")[key]
    table = AmpTable.fromColumns(data, getProduct("dark"), comCam)
    quantity = table.quantity(test)
    judged, stored = judge(test, quantity, table.physicalType["amplifier"]), table.verdict(test)
    assert set(stored.tolist()) == {0, 1}
    # What has no value is failed in the table, and unknown where the verdict is computed.
    differ = judged != stored
    assert differ.sum() == 2
    assert_array_equal(differ, np.isnan(quantity))


FLATS = {"exposure": "verifyFlatExpResults_2024110501201_r_03", "run": "verifyFlatResults_r_03"}


@pytest.mark.parametrize(("level", "n"), [("exposure", 1), ("run", 2)])
def test_flat(load, comCam, faults, level, n):
    data, rows = load(f"flat/{FLATS[level]}")
    table = AmpTable.fromColumns(data, getProduct("flat"), comCam)
    assert {kind: len(own) for kind, own in table.rows.items()} == {
        "amplifier": 144 * n,
        "detector": 9 * n,
        "exposure": n,
    }
    values = {key: reduced.values for key, reduced in summarize(table, level).tests.items()}
    checkCounts(values["NOISE"], valuesOf(rows, "FLAT_VERIFY_NOISE"), valuesOf(rows, "FLAT_NOISE"))
    for key, verdict, statistic in (
        ("DET_SCATTER", "FLAT_DET_VERIFY_SCATTER", "FLAT_DET_SCATTER"),
        ("EXP_SCATTER", "flat_VERIFY_SCATTER", "flat_SCATTER"),
    ):
        checkCounts(values[key], valuesOf(rows, verdict, "other"), valuesOf(rows, statistic, "other"))
    assert values["NOISE"]["nFailed"].tolist() == [2 * n]
    assert values["DET_SCATTER"]["nFailed"].tolist() == [2 * n]
    assert values["DET_SCATTER"]["nDetectorsFailed"].tolist() == [2]
    # A standard deviation of 500 electrons is compared with 0.05; as a fraction it is half of that.
    assert values["EXP_SCATTER"]["nFailed"].tolist() == [n]
    assert values["EXP_SCATTER_FRACTION"]["nFailed"].tolist() == [0]
    expected = {
        (exposure, detector, amplifier, test.replace(" ", "_"))
        for exposure, detector, amplifier, test in faults("flat", table.exposures.tolist())
        if detector is not None
    }
    assert failedIn(table) == expected
    detectors = summarize(table, "runDetector")
    failed = {0, 3, 6}
    assert statusNames(detectors.status).tolist() == [
        "failed" if detector in failed else "good" for detector in comCam.detectorId.tolist()
    ]


def test_scatter_of_the_detectors_of_a_flat_as_a_fraction(load, comCam):
    data, rows = load("flat/verifyFlatResults_r_03")
    table = AmpTable.fromColumns(data, getProduct("flat"), comCam, tests=["EXP_SCATTER_FRACTION"])
    test = getProduct("flat")["EXP_SCATTER_FRACTION"]
    for exposure, found in zip(table.exposures.tolist(), table.quantity(test), strict=True):
        means = [
            row["FLAT_DET_MEAN"]
            for row in rows
            if row["exposure"] == exposure and row["FLAT_DET_MEAN"] is not None
        ]
        assert len(means) == 9
        # cp_verify stores the standard deviation of the very same means.
        assert found == pytest.approx(statistics.pstdev(means) / statistics.mean(means), rel=1e-12)
        assert 0.02 < found < 0.03


@pytest.mark.parametrize("key", ["NOISE", "DET_SCATTER", "EXP_SCATTER"])
def test_thresholds_of_the_catalogue_are_those_of_a_flat(load, comCam, key):
    data, _ = load("flat/verifyFlatResults_r_03")
    test = getProduct("flat")[key]
    table = AmpTable.fromColumns(data, getProduct("flat"), comCam)
    judged, stored = judge(test, table.quantity(test), table.physicalType[test.row]), table.verdict(test)
    assert len(stored) > 0
    # The one amplifier whose mean is below 0 has no photon noise.
    means = table.statistics["FLAT_MEAN"] if key == "NOISE" else np.ones(len(stored))
    assert_array_equal(judged[means >= 0], stored[means >= 0])
    assert set(judged[means < 0].tolist()) <= {-1}


def test_noise_of_a_flat_beside_photon_and_read_noise(load, comCam):
    data, rows = load("flat/verifyFlatResults_r_03")
    table = AmpTable.fromColumns(data, getProduct("flat"), comCam)
    test = getProduct("flat")["NOISE_WITH_READ_NOISE"]
    amps = [row for row in rows if row["amplifier"] is not None]
    keys = zip(comCam.detectorId[comCam.ampDetector].tolist(), comCam.ampName.tolist(), strict=True)
    noise = dict(zip(keys, comCam.ampReadNoise.tolist(), strict=True))
    expected = [
        row["FLAT_NOISE"] / math.sqrt(row["FLAT_MEAN"] + noise[row["detector"], row["amplifier"]] ** 2)
        for row in amps
    ]
    np.testing.assert_allclose(table.quantity(test), expected, rtol=1e-12)
    bad = table.failed(test).tolist()
    failed = {(row["detector"], row["amplifier"]) for row, is_bad in zip(amps, bad, strict=True) if is_bad}
    # Of 10% more noise than that of photons; the dead amplifier has more than its read noise, too.
    assert failed == {(3, "C11"), (0, "C00")}


def test_detectors_of_a_flat(load, comCam, makeProduct):
    data, rows = load("flat/verifyFlatResults_r_03")
    table = AmpTable.fromColumns(data, makeProduct("flat"), comCam)
    detectors = summarize(table, "detector")
    found = {
        (exposure, detector): (scatter, n_failed)
        for exposure, detector, scatter, n_failed in zip(
            detectors.exposure.tolist(),
            comCam.detectorId[detectors.detectorIndex].tolist(),
            detectors.tests["DET_SCATTER"].values["median"].tolist(),
            detectors.tests["DET_SCATTER"].values["nFailed"].tolist(),
            strict=True,
        )
    }
    assert found == {
        (row["exposure"], row["detector"]): (row["FLAT_DET_SCATTER"], int(not row["FLAT_DET_VERIFY_SCATTER"]))
        for row in rows
        if row["FLAT_DET_SCATTER"] is not None
    }


def test_flat_of_one_detector_has_no_row_of_an_exposure(load, comCam, makeProduct):
    data, rows = load("flat/verifyFlatDetResults_2024110501201_6")
    keys = ["NOISE", "DET_SCATTER", "DET_MEAN"]
    table = AmpTable.fromColumns(data, makeProduct("flat"), comCam.select([6]), tests=keys)
    assert {kind: len(own) for kind, own in table.rows.items()} == {
        "amplifier": 16,
        "detector": 1,
        "exposure": 0,
    }
    detector = summarize(table, "detector")
    assert statusNames(detector.status).tolist() == ["failed"]
    assert detector.tests["DET_SCATTER"].values["max"].tolist() == [rows[-1]["FLAT_DET_SCATTER"]]


@pytest.mark.parametrize("keys", [["DET_SCATTER"], ["DET_MEAN"], ["NOISE", "DET_SCATTER"]])
def test_flat_without_tests_of_exposures(load, comCam, makeProduct, keys):
    data, rows = load("flat/verifyFlatResults_r_03")
    table = AmpTable.fromColumns(data, makeProduct("flat"), comCam, tests=keys)
    own = [i for i, row in enumerate(rows) if row["FLAT_DET_MEAN"] is not None]
    assert table.rows["detector"].source.tolist() == own
    assert len(table.rows["exposure"]) == 0


DEFECTS = (
    ("OUTLIERS", "UNMASKED_OUTLIERS", "OUTLIERS", operator.ge),
    ("STDEV", "UNMASKED_STDEV", "STDEV", operator.ge),
    ("MIN", "UNMASKED_MIN", "MIN", operator.le),
    ("MAX", "UNMASKED_MAX", "MAX", operator.ge),
    ("PROB_TEST", "STAT_OUTLIERS", "DEFECT_PIXELS", operator.eq),
)
"""Tests of defects: two statistics, and how they compare where the test is passed."""


@pytest.fixture
def defects(load, comCam):
    """Return the encoded results of defects, and their rows."""
    data, rows = load("defects/verifyDefectsResults")
    return AmpTable.fromColumns(data, getProduct("defects"), comCam), rows


def test_rows_of_defects(defects):
    table, rows = defects
    # What is beneath the mask of rows of detectors is -1 and NaN.
    found = {kind: len(own) for kind, own in table.rows.items()}
    assert found == {"amplifier": 96, "detector": 6, "exposure": 0}
    assert len(rows) == 102
    bad_columns = summarize(table, "run").tests["N_BAD_COLUMNS"]
    # It is never filled, and no test: not even unknown.
    assert bad_columns.values["nValid"].tolist() == [0]
    assert bad_columns.status is None
    assert "N_BAD_COLUMNS" not in set(culpritsTable(table)["test"])
    counts = summarize(table, "exposure").counts["detector"]
    assert counts["nDetectors"].tolist() == [3, 3]
    assert counts["nDetectorsMissing"].tolist() == [6, 6]


@pytest.mark.parametrize(("key", "first", "second", "passes"), DEFECTS, ids=[test[0] for test in DEFECTS])
def test_verdicts_of_defects_are_computed(defects, key, first, second, passes):
    table, rows = defects
    columns = [valuesOf(rows, f"DEFECTS_{name}") for name in (first, second)]
    verdicts = [passes(*pair) for pair in zip(*columns, strict=True)]
    test = getProduct("defects")[key]
    assert test.verifyColumn is None
    run = summarize(table, "run").tests[key].values
    checkCounts(run, verdicts, valuesOf(rows, test.statisticColumn))
    differences = [a - b for a, b in zip(*columns, strict=True)]
    differences = [-d if key == "MIN" else abs(d) if key == "PROB_TEST" else d for d in differences]
    assert run["quantityMin"].tolist() == [min(differences)]
    assert run["quantityMedian"].tolist() == [statistics.median(differences)]
    assert run["quantityMax"].tolist() == [max(differences)]
    parts = summarize(table, "exposure", DetectorSelection(detectorTypes=None))
    assert parts.level.dimensions == ("instrument", "visit")
    exposures = valuesOf(rows, "exposure")
    assert parts.tests[key].values["nFailed"].tolist() == [
        sum(not verdict for exposure, verdict in zip(exposures, verdicts, strict=True) if exposure == own)
        for own in table.exposures.tolist()
    ]


def test_computed_verdicts_are_those_that_cp_verify_stored(sharedData, defects):
    """They are in its statistics only, which the analysis does not read."""
    table, rows = defects
    stored = {}
    for path in sorted((sharedData / "tables" / "defects").glob("verifyDefectsDetStats_*.yaml")):
        exposure, detector = map(int, path.stem.split("_")[1:])
        for amplifier, verdicts in yaml.safe_load(path.read_text())["VERIFY"]["AMP"].items():
            stored |= {(exposure, detector, amplifier, key): passed for key, passed in verdicts.items()}
    amps = [row for row in rows if row["amplifier"] is not None]
    for key, *_ in DEFECTS:
        computed = table.verdict(getProduct("defects")[key]).tolist()
        expected = [stored[row["exposure"], row["detector"], row["amplifier"], key] for row in amps]
        assert computed == [int(passed) for passed in expected]
        assert len(expected) == 96


def test_culprits_of_defects(sharedData, defects):
    table, _ = defects
    truth = json.loads((sharedData / "tables" / "defects" / "truth.json").read_text())
    allowed = {(f["detector"], f["amplifier"], f["test"]) for f in truth["may_fail"]}
    found = failedIn(table)
    # That of PROB_TEST is set aside: an interpolated defect fails it.
    assert {fault["test"] for fault in truth["expected_failures"]} == {"PROB_TEST"}
    assert {(detector, amplifier, test) for _, detector, amplifier, test in found} == allowed
    assert [exposure for exposure, *_ in found] == [2024110501302]
    culprits = culpritsTable(table)
    assert {reason.partition(":")[0] for reason in culprits["reason"]} == {
        "failed (computed, not stored by cp_verify)",
        "no row in the table",
    }


def test_tests_of_ours_on_defects(defects):
    table, rows = defects
    product = getProduct("defects")
    amps = [row for row in rows if row["amplifier"] is not None]
    values = {
        "OUTLIERS_LEFT": [row["DEFECTS_OUTLIERS"] for row in amps],
        "STDEV_RATIO": [row["DEFECTS_STDEV"] / row["DEFECTS_UNMASKED_STDEV"] for row in amps],
        "GOOD_MASKED": [
            (row["DEFECTS_DEFECT_PIXELS"] - row["DEFECTS_UNC_OUTLIERS"] + row["DEFECTS_OUTLIERS"])
            / round(row["DEFECTS_DEFECT_PIXELS"] / row["DEFECTS_FRAC"])
            for row in amps
        ],
    }
    for key, expected in values.items():
        np.testing.assert_allclose(table.quantity(product[key]), expected, rtol=1e-12)
        # The seven outliers that the mask lacks are fewer than an unmasked column has rows.
        assert not table.failed(product[key]).any()
    assert max(values["OUTLIERS_LEFT"]) == 7


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"OUTLIERS": 51}, {"OUTLIERS_LEFT": "failed"}),
        ({"DEFECT_PIXELS": 0, "FRAC": 0.0, "UNMASKED_OUTLIERS": 0}, {"GOOD_MASKED": "good"}),
        ({"DEFECT_PIXELS": np.nan}, {"GOOD_MASKED": "unknown", "PROB_TEST": "unknown", "MIN": "good"}),
        (
            # As of an amplifier that is masked as a whole: at cp_verify it fails.
            {"OUTLIERS": 0, "STDEV": np.nan, "MIN": np.nan, "MAX": np.nan, "MEDIAN": np.nan},
            dict.fromkeys(("STDEV", "MIN", "MAX", "OUTLIERS_LEFT", "STDEV_RATIO", "GOOD_MASKED"), "unknown"),
        ),
    ],
)
def test_unknown_statistics_of_defects_are_not_good(load, comCam, change, status):
    data, _ = load("defects/verifyDefectsDetResults_2024110501301_0")
    for name, value in change.items():
        data[f"DEFECTS_{name}"][3] = value
    table = AmpTable.fromColumns(data, getProduct("defects"), comCam.select([0]))
    found = {key: statusNames(table.status(getProduct("defects")[key]))[3] for key in status}
    assert found == status


def test_tables_say_that_verdicts_of_defects_are_computed(defects):
    table, _ = defects
    said = "The verdict is computed from statistics, not one of cp_verify."
    for written, ends in (
        (detectorSummaryTable(summarize(table, "runDetector")), ("status", "nFailed", "nTested")),
        (ampSummaryTable(table), ("status",)),
        (runCountsTable(table), ("nTested", "nFailed", "majorityFailed")),
    ):
        for test in filter(lambda test: test.isTested, getProduct("defects")):
            assert all(written[f"{test.key}_{end}"].info.description.endswith(said) for end in ends)
        others = [name for name in written.colnames if not name.endswith(ends) and name.count("_n") == 0]
        assert others
        assert not any(said in written[name].info.description for name in others)


@pytest.fixture(scope="module", params=["spline", "spline_node1", "squared"])
def linearizer(request, load, comCam):
    """Read the results of linearizers: the name of their folder, the table, and its rows of amplifiers."""
    name = f"linearity_{request.param}"
    data, rows = load(f"{name}/verifyLinearizerResults")
    of_amps = [row for row in rows if row["amplifier"] is not None]
    assert len(rows) - len(of_amps) == 2
    return name, AmpTable.fromColumns(data, getProduct("linearizer"), comCam), of_amps


def test_linearity(linearizer, sharedData):
    """Residuals by hand, and what was injected; the stored verdicts are reported beside."""
    name, table, rows = linearizer
    key = "QUADRATIC_TERM" if name.endswith("squared") else "SPLINE_RESIDUAL"
    expected = []
    for row in rows:
        coefficients = row["LINEARITY_COEFFS"]
        n = len(coefficients) // 2
        ratios = [
            abs(value / knot) * 100
            for knot, value in zip(coefficients[:n], coefficients[n:], strict=False)
            if knot
        ]
        expected.append(abs(coefficients[2]) if key == "QUADRATIC_TERM" else max(ratios))
    np.testing.assert_allclose(table.quantity(getProduct("linearizer")[key]), expected, rtol=1e-14)
    truth = json.loads((sharedData / "tables" / name / "truth.json").read_text())
    injected = {(None, fault["detector"], fault["amplifier"], key) for fault in truth["injected"]}
    assert failedIn(table) == injected
    run = summarize(table, "run")
    for other in ("MAX_RESIDUAL_ERROR", "SUCCESS"):
        checkCounts(run.tests[other].values, [row[f"LINEARITY_{other}"] for row in rows])
    own = run.tests[key].values
    checkCounts(own, [value <= (1e-6 if key == "QUADRATIC_TERM" else 1) for value in expected], expected)
    assert statusNames(summarize(table, "detector").status).tolist() == [
        "failed" if detector in (4, 8) else "unknown" for detector in table.layout.detectorId
    ]


def test_computed_verdict_of_linearity_is_that_of_cp_verify_where_no_knot_is_0(linearizer):
    name, table, rows = linearizer
    keys = ("SPLINE_RESIDUAL", "QUADRATIC_TERM")
    verdicts = np.maximum(*(table.verdict(table.product[key]) for key in keys))
    stored = np.array([row["LINEARITY_MAX_RESIDUAL_ERROR"] for row in rows])
    if name == "linearity_spline":
        assert not stored.any()
        assert {row["LINEARITY_COEFFS"][0] for row in rows} == {0}
    else:
        assert_array_equal(verdicts == 1, stored)


def test_statistics_of_linearity_that_have_no_limit(linearizer):
    name, table, rows = linearizer
    squares = [[value**2 for value in row["LINEARITY_FIT_RESIDUALS"] if value == value] for row in rows]
    np.testing.assert_allclose(
        table.statistics["LINEARITY_FIT_RESIDUALS_RMS"], [math.sqrt(statistics.mean(s)) for s in squares]
    )
    if name != "linearity_squared":
        ends = [row["LINEARITY_COEFFS"][9] for row in rows]
        assert_array_equal(table.statistics["LINEARITY_SPLINE_END"], ends)


@pytest.fixture
def crosstalk(load, comCam):
    """Return the encoded results of crosstalk, and their rows."""
    data, rows = load("crosstalk/verifyCrosstalkResults")
    return AmpTable.fromColumns(data, getProduct("crosstalk"), comCam), rows


def test_crosstalk(crosstalk, comCam, faults):
    table, rows = crosstalk
    assert (len(table), len(table.rows["detector"])) == (0, 2)
    run = summarize(table, "run")
    values = run.tests["NO_SIGNIFICANT_DETECTION"].values
    numbers = valuesOf(rows, "CROSSTALK_N_VALID")
    checkCounts(values, valuesOf(rows, "CROSSTALK_VERIFY_NO_SIGNIFICANT_DETECTION"), numbers)
    assert [values[f"quantity{end}"].tolist() for end in ("Min", "Median", "Max")] == [[0], [1.5], [3]]
    assert run.tests["N_AMP"].values["max"].tolist() == [16]
    assert failedIn(table) == faults("crosstalk")
    assert statusNames(summarize(table, "detector").status).tolist() == [
        {4: "good", 7: "failed"}.get(detector, "unknown") for detector in comCam.detectorId.tolist()
    ]


def test_threshold_of_the_catalogue_is_that_of_crosstalk(crosstalk):
    table, _ = crosstalk
    test = table.product["NO_SIGNIFICANT_DETECTION"]
    assert_array_equal(judge(test, table.quantity(test), table.physicalType["detector"]), table.verdict(test))


def test_table_of_coefficients_of_crosstalk_is_not_read(load, crosstalk, sharedData):
    """All rows of a detector are its last one, whatever the statistics are."""
    _, rows = load("crosstalk/verifyCrosstalkMatrix")
    for detector in (4, 7):
        own = {tuple(row[name] for name in ("amplifierIdx", "amplifierCompIdx", "coefficient"))
               for row in rows if row["detector"] == detector}  # fmt: skip
        stats = sharedData / "tables" / "crosstalk" / f"verifyCrosstalkDetStats_{detector}.yaml"
        matrix = yaml.safe_load(stats.read_text())["DET"]["COEFFS"]
        assert own == {(15, 15, matrix[15][15])}
        assert max(map(max, matrix)) > 0
    assert {"coefficient", "amplifierIdx"}.isdisjoint(crosstalk[0].product.inputColumns())


@pytest.fixture(scope="module", params=["expapprox", "fullcov", "lsstcam"])
def ptc(request, load):
    """Read the results of photon transfer curves: the name of their folder, the table and its rows."""
    name = f"ptc_{request.param}"
    layout = request.getfixturevalue("lsstCamLayout" if request.param == "lsstcam" else "comCam")
    data, rows = load(f"{name}/verifyPtcResults")
    ids = sorted({row["detector"] for row in rows})
    return name, AmpTable.fromColumns(data, getProduct("ptc"), layout.select(ids)), rows


def test_ptc(ptc, faults):
    name, table, rows = ptc
    assert len(table) == len(rows)
    run = summarize(table, "run", DetectorSelection(detectorTypes=None))
    for test in table.tests:
        if test.isTested:
            values = None if test.statistic is None else valuesOf(rows, test.statisticColumn)
            checkCounts(run.tests[test.key].values, valuesOf(rows, test.verifyColumn), values)
    assert failedIn(table) == faults(name)
    assert run.nAmpsMissing.tolist() == [0]
    written = detectorSummaryTable(summarize(table, "runDetector"))
    assert "nExposures" not in written.colnames
    failed = {row["detector"] for row in rows if row["PTC_VERIFY_SUCCESS"] is False}
    assert_array_equal(written["status"] == "failed", np.isin(written["detector"], list(failed)))


def test_quantities_of_ptc(ptc):
    """Against the columns by hand; a fit that is NaN has no quantity."""
    _, table, rows = ptc
    expected = {
        "PTC_GAIN": [100 * abs(r["PTC_PTC_GAIN"] / r["PTC_AMP_GAIN"] - 1) for r in rows],
        "PTC_NOISE": [100 * abs(r["PTC_PTC_NOISE"] / r["PTC_AMP_NOISE"] - 1) for r in rows],
        "PTC_TURNOFF": [r["PTC_PTC_TURNOFF"] * r["PTC_PTC_GAIN"] for r in rows],
        "PTC_BFE_A00": [r["PTC_PTC_BFE_A00"] for r in rows],
    }
    for test in table.tests:
        if test.quantity is not None:
            np.testing.assert_allclose(table.quantity(test), expected.pop(test.key), rtol=1e-9)
    assert expected == {}


def test_thresholds_of_the_catalogue_are_those_of_ptc(ptc):
    _, table, _ = ptc
    for test in table.tests:
        if test.quantity is not None:
            quantity, stored = table.quantity(test), table.verdict(test)
            judged = judge(test, quantity, table.physicalType["amplifier"])
            # What has no value is failed in the table, and unknown where the verdict is computed.
            assert_array_equal(judged != stored, np.isnan(quantity))


def test_fits_of_covariances_without_pairs_are_left_out_and_named(ptc):
    name, table, rows = ptc
    # The amplifier without any pair that the fit could use.
    bad = [row["detector"] == 7 and row["amplifier"] == "C17" and name == "ptc_expapprox" for row in rows]
    kinds = [f"PTC_PTC_COV_{lag}_FIT_{kind}" for lag in ("10", "01", "11", "20", "02") for kind in FITTED]
    for column in kinds:
        stored = np.array([row[column] for row in rows], dtype=float)
        assert_array_equal(table.statistics[column], np.where(bad, np.nan, stored))
    if any(bad):
        written = ampSummaryTable(table)
        for column in kinds:
            text = written[f"{column.removeprefix('PTC_')}_value"].description
            assert text.endswith(" Left out of R22_S21 C17: not measured.")
    else:
        assert table.leftOut == {}


def test_fit_that_is_nan_passes_the_independence_of_noise_and_fails_the_rest(load, comCam):
    data, _ = load("ptc_expapprox/verifyPtcResults")
    table = AmpTable.fromColumns(data, getProduct("ptc"), comCam)
    row = int(np.flatnonzero((data["detector"] == 0) & (data["amplifier"] == "C00"))[0])
    found = {test.key: int(table.status(test)[row]) for test in table.tests if test.isTested}
    assert found.pop("NOISE_SIGNAL_INDEPENDENCE") == 1
    assert set(found.values()) == {0}


def test_detector_with_fewer_pairs_is_read(load, comCam):
    """Its vectors are padded, those of booleans with True; no vector is read."""
    data, rows = load("ptc_expapprox/verifyPtcResults")
    assert {len(row["PTC_PTC_RAW_MEANS"]) for row in rows} == {8}
    vectors = [name for name in data.colnames if data[name].ndim == 2]
    assert "PTC_PTC_EXP_ID_MASK" in vectors
    assert set(getProduct("ptc").inputColumns()).isdisjoint(vectors)
    alone, _ = load("ptc_expapprox/verifyPtcDetResults_8")
    table = AmpTable.fromColumns(alone, getProduct("ptc"), comCam.select([8]))
    merged = AmpTable.fromColumns(data, getProduct("ptc"), comCam)
    own = merged.layout.detectorId[merged.rows["amplifier"].detectorIndex] == 8
    for column, values in table.statistics.items():
        assert_array_equal(values, merged.statistics[column][own], column)

# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Numbers of every detector of the real LSSTCam, against a slow computation from the rows of tables."""

import math
from collections import defaultdict

import numpy as np
import pytest
from astropy.table import MaskedColumn, Table, vstack

from lsst.analysis.cp.catalogue import getProduct
from lsst.analysis.cp.core.amps import AmpTable, culpritsTable, detectorSummaryTable, summarize

EXPOSURES = (2026070200001, 2026070200002)
ABSENT = (EXPOSURES[1], 94)
"""As where cosmic rays are too many: the task fails, and the detector has no row."""


QUANTITIES = {
    "dark": {
        "MEAN": ("MEAN", "<", 1.0, lambda r: abs(r["MEAN"]) / r["NOISE"]),
        "NOISE": ("NOISE", "<=", 0.05, lambda r: (r["NOISE"] - r["RN"]) / r["RN"]),
        "CR_NOISE": ("CR_NOISE", "<=", 0.05, lambda r: abs(r["NOISE"] - r["CR_NOISE"]) / r["CR_NOISE"]),
        "READ_NOISE_CONSISTENT": (
            "READ_NOISE_ADU",
            "<=",
            0.05,
            lambda r: (r["GAIN"] * r["READ_NOISE_ADU"] - r["RN"]) / r["RN"],
        ),
        "MEAN_WITHIN_ERROR": (
            "MEAN",
            "<=",
            5.0,
            lambda r: abs(r["MEAN"]) / (r["NOISE"] / math.sqrt(r["PIXELS"])),
        ),
        "NOISE_TWO_SIDED": ("NOISE", "<=", 0.05, lambda r: abs(r["NOISE"] - r["RN"]) / r["RN"]),
    },
    "defects": {
        "OUTLIERS": ("OUTLIERS", ">=", 0.0, lambda r: r["UNMASKED_OUTLIERS"] - r["OUTLIERS"]),
        "OUTLIERS_LEFT": (
            "OUTLIERS",
            "<=",
            50.0,
            lambda r: math.nan if math.isnan(r["STDEV"]) else r["OUTLIERS"],
        ),
        "STDEV": ("STDEV", ">=", 0.0, lambda r: r["UNMASKED_STDEV"] - r["STDEV"]),
        "STDEV_RATIO": ("STDEV", "<=", 1.01, lambda r: r["STDEV"] / r["UNMASKED_STDEV"]),
        "MIN": ("MIN", ">=", 0.0, lambda r: r["MIN"] - r["UNMASKED_MIN"]),
        "MAX": ("MAX", ">=", 0.0, lambda r: r["UNMASKED_MAX"] - r["MAX"]),
        "PROB_TEST": ("STAT_OUTLIERS", "<=", 0.0, lambda r: abs(r["STAT_OUTLIERS"] - r["DEFECT_PIXELS"])),
    },
}
"""Statistic, operator, threshold and quantity of each test."""

STORED = ("MEAN", "NOISE", "CR_NOISE", "READ_NOISE_CONSISTENT")
COUNTS = ("OUTLIERS", "UNMASKED_OUTLIERS", "UNC_OUTLIERS", "STAT_OUTLIERS", "DEFECT_PIXELS")
WIDTHS = {"MIN": -5.0, "UNMASKED_MIN": -5.0, "MAX": 5.0, "UNMASKED_MAX": 5.0}


def makeKeys(layout):
    """List exposure, detector and amplifier of all rows but those of the absent detector, in random order."""
    rows = [
        (exposure, int(layout.detectorId[i]), str(name))
        for exposure in EXPOSURES
        for i, name in zip(layout.ampDetector, layout.ampName, strict=True)
        if (exposure, layout.detectorId[i]) != ABSENT
    ]
    return [rows[i] for i in np.random.default_rng(0).permutation(len(rows))]


def makeTable(layout, product):
    """Make a table as a Butler gives it: True, -1 and NaN are what is beneath masks."""
    keys, rng = makeKeys(layout), np.random.default_rng(1)
    n = len(keys)
    table = Table(rows=keys, names=("exposure", "detector", "amplifier"))
    columns = {"MEAN", "NOISE", "CR_NOISE", "READ_NOISE_ADU"} if product == "dark" else {"FRAC"}
    if product == "defects":
        columns |= {*COUNTS, *WIDTHS, "STDEV", "UNMASKED_STDEV", "MEDIAN"}
        columns |= {"UNC_DEFECT_PIXELS", "UNC_MEDIAN", "UNC_STDEV", "UNC_MIN", "UNC_MAX"}
    for name in sorted(columns):
        values = rng.normal(6.0, 0.3, n) + WIDTHS.get(name, 0.0) * 10
        values[rng.random(n) < 0.01] = np.nan
        if name in COUNTS:
            values = rng.integers(0, 70, n)
        is_masked = rng.random(n) < 0.01
        values[is_masked] = -1 if name in COUNTS else np.nan
        table[f"{product.upper()}_{name}"] = MaskedColumn(values, mask=is_masked)
    for name in STORED if product == "dark" else ():
        passed, is_masked = rng.random(n) > 0.05, rng.random(n) < 0.02
        table[f"DARK_VERIFY_{name}"] = MaskedColumn(passed | is_masked, mask=is_masked)
    if product == "dark":
        table["DARK_VERIFY_SUCCESS"] = table["DARK_VERIFY_NOISE"]
        return table
    of_detectors = Table(rows=sorted({key[:2] for key in keys}), names=("exposure", "detector"))
    of_detectors["DEFECTS_N_BAD_COLUMNS"] = np.nan
    stacked = vstack([table, of_detectors])
    for name in COUNTS:
        # What a Butler reads beneath the mask.
        np.ma.getdata(stacked[f"DEFECTS_{name}"])[len(table) :] = -1
    np.ma.getdata(stacked["amplifier"])[len(table) :] = ""
    return stacked


def listRows(table, layout, product):
    """List the rows; what is masked is NaN, and a verdict that is masked is None."""
    amps = zip(layout.detectorId[layout.ampDetector].tolist(), layout.ampName.tolist(), strict=True)
    nominal = zip(
        layout.ampReadNoise.tolist(), layout.ampGain.tolist(), layout.ampPixels.tolist(), strict=True
    )
    found = dict(zip(amps, nominal, strict=True))
    names = [name for name in table.colnames if name.startswith(product.upper())]
    columns = {}
    for name in names:
        absent = None if "VERIFY" in name else math.nan
        masked = np.ma.getmaskarray(table[name]).tolist()
        values = np.ma.getdata(table[name]).tolist()
        columns[name.partition("_")[2]] = [
            absent if bad else value for bad, value in zip(masked, values, strict=True)
        ]
    rows = []
    for i, key in enumerate(makeKeys(layout)):
        row = {name: values[i] for name, values in columns.items()}
        row |= dict(zip(("exposure", "detector", "amplifier"), key, strict=True))
        rows.append(row | dict(zip(("RN", "GAIN", "PIXELS"), found[key[1:]], strict=True)))
    return rows


def judgeSlowly(row, key, operator, threshold, quantity):
    """Return the stored verdict, or the one that follows from the quantity."""
    if f"VERIFY_{key}" in row:
        return row[f"VERIFY_{key}"]
    if math.isnan(quantity):
        return None
    return quantity >= threshold if operator == ">=" else quantity <= threshold


@pytest.fixture(scope="module", params=QUANTITIES)
def results(request, lsstCamLayout):
    """Return a product, its encoded table, and its rows."""
    table = makeTable(lsstCamLayout, request.param)
    rows = listRows(table, lsstCamLayout, request.param)
    product = getProduct(request.param)
    return product, AmpTable.fromColumns(table, product, lsstCamLayout, exposures=EXPOSURES), rows


def groupOf(summary, row, level):
    """Return the key of the group of a row."""
    exposure = row["exposure"] if level in ("detector", "exposure") else None
    return exposure, row["detector"] if level in ("detector", "runDetector") else None


@pytest.mark.parametrize("level", ["detector", "exposure", "runDetector", "run"])
def test_numbers_of_every_detector(results, lsstCamLayout, slowReduction, level):
    product, table, rows = results
    summary = summarize(table, level)
    science = set(lsstCamLayout.detectorId[lsstCamLayout.detectorType == "SCIENCE"].tolist())
    groups = defaultdict(list)
    for row in rows:
        if level.endswith("etector") or row["detector"] in science:
            groups[groupOf(summary, row, level)].append(row)
    exposures = list(EXPOSURES) if level in ("detector", "exposure") else [None]
    detectors = sorted(lsstCamLayout.detectorId.tolist()) if level.endswith("etector") else [None]
    expected_keys = [(exposure, detector) for exposure in exposures for detector in detectors]
    assert len(summary) == len(expected_keys)
    assert len(groups) == len(expected_keys) - (level == "detector")
    amps = [len(groups[key]) for key in expected_keys]
    assert summary.counts["amplifier"]["nAmps"].tolist() == amps
    for key, (statistic, operator, threshold, quantity) in QUANTITIES[product.name].items():
        values = summary.tests[key].values
        for i, group in enumerate(expected_keys):
            own = groups[group]
            quantities = [quantity(row) for row in own]
            verdicts = [
                judgeSlowly(row, key, operator, threshold, value)
                for row, value in zip(own, quantities, strict=True)
            ]
            reduced = slowReduction(row[statistic] for row in own)
            assert values["nValid"][i] == reduced[3], (key, group)
            assert values["nTested"][i] == len(own) - verdicts.count(None), (key, group)
            assert values["nFailed"][i] == verdicts.count(False), (key, group)
            for name, value in zip(("min", "median", "max"), reduced[:3], strict=True):
                assert values[name][i] == pytest.approx(value, rel=1e-12, nan_ok=True), (key, group)
            reduced = slowReduction(quantities)
            for name, value in zip(("Min", "Median", "Max"), reduced[:3], strict=True):
                found = values[f"quantity{name}"][i]
                assert found == pytest.approx(value, rel=1e-9, abs=1e-12, nan_ok=True), (key, group)


def test_detector_without_rows_is_missing_and_never_good(results, lsstCamLayout):
    """So is one in which cosmic rays were too many for the task."""
    _, table, _ = results
    exposure, detector = ABSENT
    culprits = culpritsTable(table)
    own = culprits[(culprits["exposure"] == exposure) & (culprits["detector"] == detector)]
    assert set(own["status"]) == {"unknown"}
    assert set(own["reason"]) == {"no row in the table"}
    counts = summarize(table, "exposure").values("STDEV" if "STDEV" in table.product else "NOISE")
    assert counts["nDetectors"].tolist() == [189, 188]
    assert counts["nDetectorsMissing"].tolist() == [0, 1]
    assert counts["nAmpsMissing"].tolist() == [0, 16]
    summary = detectorSummaryTable(summarize(table, "detector"))
    (row,) = summary[(summary["exposure"] == exposure) & (summary["detector"] == detector)]
    assert (row["nAmps"], row["nAmpsMissing"], row["status"]) == (0, 16, "unknown")


def test_verdict_beneath_a_mask_is_unknown(results):
    """On disk it is True, as of a test that was passed."""
    product, table, rows = results
    for key in STORED if product.name == "dark" else ():
        expected = [{True: 1, False: 0, None: -1}[row[f"VERIFY_{key}"]] for row in rows]
        assert table.verdict(product[key]).tolist() == expected
        assert set(table.status(product[key])[np.equal(expected, -1)].tolist()) == {-1}
        assert expected.count(-1) > 50
    for key in ("STAT_OUTLIERS", "DEFECT_PIXELS") if product.name == "defects" else ():
        is_masked = np.array([math.isnan(row[key]) for row in rows])
        assert is_masked.sum() > 20
        assert set(table.verdict(product["PROB_TEST"])[is_masked].tolist()) == {-1}


def test_medians_of_every_detector(lsstCamLayout, bias):
    rng = np.random.default_rng(0)
    order = rng.permutation(lsstCamLayout.nAmps)
    columns = {
        "exposure": np.full(lsstCamLayout.nAmps, 2026070200001),
        "detector": lsstCamLayout.detectorId[lsstCamLayout.ampDetector[order]],
        "amplifier": lsstCamLayout.ampName[order],
        "BIAS_NOISE": (lsstCamLayout.ampReadNoise * 1.01)[order],
        "BIAS_VERIFY_NOISE": np.full(lsstCamLayout.nAmps, True),
    }
    summary = summarize(AmpTable.fromColumns(columns, bias, lsstCamLayout, tests=["NOISE"]), "detector")
    expected = [
        np.median(lsstCamLayout.ampReadNoise[lsstCamLayout.ampDetector == i] * 1.01)
        for i in range(lsstCamLayout.nDetectors)
    ]
    np.testing.assert_array_equal(summary.tests["NOISE"].values["median"], expected)
    np.testing.assert_allclose(summary.tests["NOISE"].values["quantityMax"], 0.01, rtol=1e-12)
    assert set(summary.status.tolist()) == {1}

# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
import numpy as np
import pytest

from lsst.analysis.cp.metrics import DetectorName, DetectorNames, Labels, TrendBlock, makeTrendTable

NAN = np.nan
GOOD_COUNTS = {"nAmps": 16.0, "nValid": 16.0, "nTested": 16.0, "nFailed": 0.0}


def makeBlock(metric="biasNoise", **fields):
    values = {name: np.array([value], dtype=np.float64) for name, value in fields.pop("values").items()}
    return TrendBlock(
        **{
            "topic": f"cpBiasExpDet_{metric}",
            "metric": metric,
            "values": values,
            "instrument": Labels.constant("LSSTCam", 1),
            "physical_filter": Labels.constant(None, 1),
            "run": Labels.constant("run", 1),
            "detector": np.array([94]),
            "exposure": np.array([2026010100001]),
            "day_obs": np.array([20260101]),
            "mjd": np.array([61042.0]),
            **fields,
        }
    )


def readColumn(block, column="value", **kwargs):
    table = makeTrendTable([block], **kwargs)
    values = getattr(table, column)
    values = values.values if isinstance(values, Labels) else values
    return dict(zip(table.measurement.values.tolist(), values.tolist(), strict=True))


@pytest.mark.parametrize("zeroIsAbsent", [False, True])
@pytest.mark.parametrize("nValid", [0.0, NAN])
def test_nothing_is_taken_where_nothing_is_valid(nValid, zeroIsAbsent):
    names = ("min", "median", "max", "quantityMin", "quantityMedian", "quantityMax")
    values = dict.fromkeys(names, 0.0) | {"nValid": nValid, "nAmps": 16.0}
    result = readColumn(makeBlock(values=values, zeroIsAbsent=zeroIsAbsent))
    assert all(np.isnan(result[name]) for name in names)
    assert result["nAmps"] == 16.0


def test_a_zero_that_is_valid_stays():
    assert readColumn(makeBlock(values={"median": 0.0, "nValid": 1.0}))["median"] == 0.0


def test_the_score_of_no_structure_is_not_valid():
    block = makeBlock("biasStructures", values={"nLine": 0.0, "maxLineScore": 0.0, "nGlow": 1.0})
    assert np.isnan(readColumn(block)["maxLineScore"])


@pytest.mark.parametrize("value", [NAN, np.inf, -np.inf])
def test_what_is_not_finite_is_not_valid(value):
    assert np.isnan(readColumn(makeBlock(values={"median": value, "nValid": 1.0}))["median"])


@pytest.mark.parametrize(
    ("zeroIsAbsent", "lowest", "expected"),
    [(True, 0.0, NAN), (False, 0.0, 0.0), (True, -0.01, 0.0)],
)
def test_quantities_that_all_are_zero_may_be_absent(zeroIsAbsent, lowest, expected):
    values = {"quantityMin": lowest, "quantityMedian": 0.0, "quantityMax": 0.0, "nValid": 16.0}
    result = readColumn(makeBlock(values=values, zeroIsAbsent=zeroIsAbsent))
    np.testing.assert_equal(result["quantityMax"], expected)


@pytest.mark.parametrize(
    ("value", "expected"), [(0.05, "good"), (np.nextafter(0.05, 1.0), "failed"), (NAN, "unknown")]
)
def test_a_tested_quantity_is_judged_by_the_catalogue(value, expected):
    block = makeBlock(values={"quantityMax": value, "nValid": 16.0})
    assert readColumn(block, "passed")["quantityMax"] == expected
    assert readColumn(block, "threshold")["quantityMax"] == 0.05


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ({}, "good"),
        ({"nFailed": 1.0}, "failed"),
        ({"nTested": 15.0}, "unknown"),
        ({"nValid": 15.0}, "unknown"),
        ({"nAmpsMissing": 1.0}, "unknown"),
        (dict.fromkeys(GOOD_COUNTS, 0.0), "unknown"),
        ({"nFailed": NAN}, "unknown"),
    ],
)
def test_no_failure_is_good_if_all_were_tested(counts, expected):
    block = makeBlock(values=GOOD_COUNTS | counts)
    assert readColumn(block, "passed")["nFailed"] == expected


def test_amplifiers_that_a_camera_has_may_not_be_missing():
    detectors = DetectorNames({("LSSTCam", 94): DetectorName(nAmps=17)})
    block = makeBlock(values=GOOD_COUNTS)
    assert readColumn(block, "passed", detectors=detectors)["nFailed"] == "unknown"


@pytest.mark.parametrize("metric", ["biasFailures", "biasAmpCorner"])
def test_what_is_not_tested_has_no_verdict(metric):
    block = makeBlock(metric, values=GOOD_COUNTS | {"quantityMax": 0.1})
    assert set(readColumn(block, "passed").values()) == {""}
    assert np.isnan(list(readColumn(block, "threshold").values())).all()


def test_a_value_in_another_unit_is_not_judged():
    block = makeBlock(values={"quantityMax": 0.1, "nValid": 1.0}, units={"quantityMax": "adu"})
    assert readColumn(block, "passed")["quantityMax"] == ""


def test_vendors_have_the_limits_of_their_test():
    block = makeBlock("biasNoiseE2V", values={"quantityMax": 0.1, "nValid": 1.0})
    assert readColumn(block, "passed")["quantityMax"] == "failed"


@pytest.mark.parametrize(
    ("exposure", "detector", "level"),
    [(1, 0, "detector"), (1, -1, "exposure"), (-1, 0, "runDetector"), (-1, -1, "run")],
)
def test_the_level_follows_from_the_data_id(exposure, detector, level):
    block = makeBlock(values={"nAmps": 1.0}, exposure=np.array([exposure]), detector=np.array([detector]))
    assert readColumn(block, "level")["nAmps"] == level


def test_units_are_those_of_the_catalogue_where_none_are_stored():
    block = makeBlock(values={"median": 1.0, "nValid": 1.0}, units={"nValid": "ct"})
    assert readColumn(block, "unit") == {"median": "electron", "nValid": "ct"}


def test_the_unit_of_an_unknown_metric_is_not_known():
    table = makeTrendTable([makeBlock("other", values={"mean": 1.0, "nThings": 1.0})])
    assert table.unit.present.tolist() == [False, True]


def test_counts_judge_measurements_that_are_asked_for_alone():
    block = makeBlock(values=GOOD_COUNTS)
    assert readColumn(block, "passed", measurements=["nFailed"]) == {"nFailed": "good"}


def test_detectors_of_several_instruments_are_told_apart():
    detectors = DetectorNames(
        {
            ("LSSTCam", 94): DetectorName(name="R22_S11", raft="R22", physicalType="E2V"),
            ("LATISS", 0): DetectorName(name="RXX_S00"),
        }
    )
    other = makeBlock(values={"nAmps": 1.0}, detector=np.array([0]), instrument=Labels.constant("LATISS", 1))
    table = makeTrendTable([makeBlock(values={"nAmps": 1.0}), other], detectors=detectors)
    assert table.detectorName.values.tolist() == ["RXX_S00", "R22_S11"]
    assert table.physicalType.values.tolist() == ["", "E2V"]


def test_input_is_not_changed():
    values = {"median": np.array([0.0]), "nValid": np.array([0.0])}
    block = makeBlock(values={})
    makeTrendTable([TrendBlock(**{**vars(block), "values": values})])
    assert values["median"][0] == 0.0

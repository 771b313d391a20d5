# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.

"""Bundles of measurements, and the statistics they are made of."""

import json
import math
import warnings

import astropy.units as u
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lsst.analysis.tools import math as nan_math
from lsst.analysis.tools.interfaces import MetricMeasurementBundle
from lsst.verify import Measurement


class TestMath:
    @given(st.lists(st.floats(-1e6, 1e6), min_size=1), st.integers(0, 3))
    def test_nan_is_left_out(self, values, count):
        filled = np.array(values + [math.nan] * count)
        assert nan_math.nanMax(filled) == max(values)
        assert nan_math.nanMin(filled) == min(values)
        assert nan_math.nanMean(filled) == pytest.approx(math.fsum(values) / len(values), abs=1e-6)
        middle = sorted(values)[(len(values) - 1) // 2 : len(values) // 2 + 1]
        assert nan_math.nanMedian(filled) == pytest.approx(sum(middle) / len(middle))

    def test_spread_is_that_of_anormal_distribution(self):
        values = np.random.default_rng(1).normal(3.0, 2.0, 100_000)
        assert nan_math.nanSigmaMad(values) == pytest.approx(2.0, rel=0.02)

    @pytest.mark.parametrize("name", nan_math.__all__)
    def test_nothing_but_nan_gives_nan(self, name):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert math.isnan(getattr(nan_math, name)(np.full(3, math.nan)))


class TestBundle:
    def test_json_holds_measurements_and_attributes(self):
        bundle = MetricMeasurementBundle(
            {"tool": [Measurement("a", 1 * u.adu)]},
            dataset_identifier="id",
            reference_package="lsst_distrib",
            timestamp_version="run_timestamp",
            metricNamePrefix="cpBias_",
        )
        document = json.loads(bundle.json())
        assert [item["metric"] for item in document.pop("tool")] == ["a"]
        assert document == {
            "__reference_package": "lsst_distrib",
            "__timestamp_version": "run_timestamp",
            "__dataset_identifier": "id",
            "__metricNamePrefix": "cpBias_",
        }

    def test_attributes_that_are_unset_are_not_written(self):
        assert json.loads(MetricMeasurementBundle().json()) == {"__metricNamePrefix": ""}

    def test_what_is_written_is_read(self):
        bundle = MetricMeasurementBundle(
            {"tool": [Measurement("a", 1 * u.adu), Measurement("b", math.nan)]}, dataset_identifier="id"
        )
        again = MetricMeasurementBundle.parse_obj(json.loads(bundle.json()))
        assert again["tool"][0] == bundle["tool"][0]
        assert math.isnan(again["tool"][1].quantity.value)
        assert again.dataset_identifier == "id"
        assert again.metricNamePrefix == ""

    def test_short_floats_are_written(self):
        bundle = MetricMeasurementBundle({"t": [Measurement("a", np.float32(1.5) * u.adu)]})
        assert json.loads(bundle.json())["t"][0]["value"] == 1.5

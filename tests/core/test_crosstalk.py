# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Coefficients of crosstalk out of their calibrations."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from lsst.analysis.cp.core.calibrations import Crosstalk
from lsst.ip.isr import CrosstalkCalib, IsrCalib


def makeCalib(n: int = 4, number: int = 10_000) -> CrosstalkCalib:
    """Make a calibration as cp_pipe does: nothing is measured of an amplifier with itself."""
    rng = np.random.default_rng(n)
    calib = CrosstalkCalib(nAmp=n)
    calib.hasCrosstalk = True
    calib.coeffs = rng.normal(0, 1e-6, (n, n))
    calib.coeffErr = rng.uniform(1e-4, 2e-4, (n, n))
    calib.coeffNum[:] = number
    calib.coeffValid[:] = False
    for matrix, value in ((calib.coeffs, np.nan), (calib.coeffErr, np.nan), (calib.coeffNum, 0)):
        np.fill_diagonal(matrix, value)
    return calib


def test_errors_are_those_of_the_mean():
    calib = makeCalib()
    calib.coeffNum[0, 2] = 400
    found = Crosstalk.fromCalib(calib, calib.nAmp)
    for i in range(4):
        for j in range(4):
            if i != j:
                n = int(calib.coeffNum[i, j])
                error = float(calib.coeffErr[i, j]) / math.sqrt(n)
                assert found.errors[i, j] == pytest.approx(error, rel=1e-12)
                significance = float(calib.coeffs[i, j]) / error
                assert found.significance[i, j] == pytest.approx(significance, rel=1e-12)
    assert np.isnan(found.errors.diagonal()).all()


@pytest.mark.parametrize("name", ["r22_s11", "r10_s00", "r44_sw1"])
def test_errors_of_a_matrix_without_counts_are_its_own(sharedData, name):
    calib = IsrCalib.readText(str(sharedData / "crosstalk" / f"{name}.ecsv"))
    assert not calib.coeffNum.any()
    found = Crosstalk.fromCalib(calib, calib.nAmp)
    assert_array_equal(found.coefficients, calib.coeffs)
    assert_array_equal(found.errors, np.where(calib.coeffErr > 0, calib.coeffErr, np.nan))
    assert not found.isSelf.any()
    assert found.isMeasured.sum() == calib.nAmp * (calib.nAmp - 1)


def test_pair_without_pixels_is_not_measured():
    calib = makeCalib()
    calib.coeffNum[1, :] = 0
    # What stands there is no coefficient, whatever it is.
    calib.coeffs[1, 2] = 0.0
    found = Crosstalk.fromCalib(calib, calib.nAmp)
    expected = ~np.eye(4, dtype=bool)
    expected[1] = False
    assert_array_equal(found.isMeasured, expected)
    assert np.isnan(found.coefficients[1, 2])
    assert not found.isBeyond().any()


@pytest.mark.parametrize(
    ("coefficient", "deviation", "beyond"),
    [
        (1.1e-5, 2e-4, True),
        (-1.1e-5, 2e-4, True),
        (0.9e-5, 2e-5, False),
        (4e-5, 1e-3, False),
        (6e-5, 1e-3, True),
        (1e-2, np.nan, False),
        (np.nan, 1e-4, False),
    ],
    ids=["both", "negative", "small", "uncertain", "certain", "withoutError", "absent"],
)
def test_coefficient_has_to_be_certain_and_large(coefficient, deviation, beyond):
    calib = makeCalib()
    calib.coeffs[2, 0], calib.coeffErr[2, 0] = coefficient, deviation
    found = Crosstalk.fromCalib(calib, calib.nAmp).isBeyond(nSigma=5.0, tolerance=1e-5)
    expected = np.zeros((4, 4), dtype=bool)
    expected[2, 0] = beyond
    assert_array_equal(found, expected)


def test_coefficient_without_error_is_measured_and_not_judged():
    calib = makeCalib()
    calib.coeffErr[2, 0] = np.nan
    found = Crosstalk.fromCalib(calib, calib.nAmp)
    assert (bool(found.isMeasured[2, 0]), bool(found.isJudged[2, 0])) == (True, False)


@pytest.mark.parametrize(("value", "isSelf"), [(0.0, False), (np.nan, False), (1e-5, True), (-1e-9, True)])
def test_amplifier_has_no_coefficient_with_itself(value, isSelf):
    calib = makeCalib()
    calib.coeffs[3, 3], calib.coeffNum[3, 3], calib.coeffErr[3, 3] = value, 1000, 1e-4
    found = Crosstalk.fromCalib(calib, calib.nAmp)
    assert found.isSelf.tolist() == [False, False, False, isSelf]
    assert not found.isBeyond(nSigma=1e-9, tolerance=0.0)[3, 3]


def test_calibration_is_not_changed():
    calib = makeCalib()
    calib.coeffNum[1, 2] = 0
    before = calib.coeffs.copy(), calib.coeffErr.copy()
    Crosstalk.fromCalib(calib, calib.nAmp)
    assert_array_equal(calib.coeffs, before[0])
    assert_array_equal(calib.coeffErr, before[1])


def test_calibration_without_coefficients_is_refused():
    calib = CrosstalkCalib()
    calib.getMetadata()["DETECTOR"] = 94
    with pytest.raises(ValueError, match="calibration of detector 94 has no coefficients of crosstalk"):
        Crosstalk.fromCalib(calib, calib.nAmp)


def test_matrices_of_two_sizes_are_refused():
    calib = makeCalib()
    calib.coeffErr = np.ones((3, 3))
    with pytest.raises(ValueError, match=r"shapes \[\(3, 3\), \(4, 4\)\], expected \(4, 4\)"):
        Crosstalk.fromCalib(calib, calib.nAmp)


def test_amplifiers_have_the_sums_of_their_coefficients():
    calib = makeCalib(6)
    calib.coeffs[2, 0], calib.coeffs[3, 0], calib.coeffs[0, 5] = 3e-4, -2e-4, 1e-4
    calib.coeffValid[2, 0] = calib.coeffValid[3, 0] = True
    calib.coeffErr[4, 1] = np.nan
    calib.coeffNum[:, 3] = 0
    calib.coeffs[2, 2], calib.coeffNum[2, 2], calib.coeffErr[2, 2] = 1e-4, 100, 1e-4
    amps = Crosstalk.fromCalib(calib, 6).summarizeAmps(nSigma=5.0, tolerance=1e-5)
    for amp in range(6):
        others = [i for i in range(6) if i != amp]
        seen = {i: abs(float(calib.coeffs[i, amp])) for i in others if calib.coeffNum[i, amp]}
        sent = [abs(float(calib.coeffs[amp, i])) for i in others if calib.coeffNum[amp, i]]
        if seen:
            assert amps.largestSeen[amp] == max(seen.values())
            errors = {i: float(calib.coeffErr[i, amp]) / math.sqrt(calib.coeffNum[i, amp]) for i in seen}
            far = [i for i in seen if seen[i] > 1e-5 and seen[i] > 5 * errors[i]]
            assert amps.nDifferent[amp] == len(far)
            assert amps.nSignificant[amp] == sum(bool(calib.coeffValid[i, amp]) for i in seen)
        assert amps.largestSent[amp] == max(sent)
    assert amps.nDifferent[[0, 5]].tolist() == [2, 1]
    assert np.isnan([amps.largestSeen[3], amps.nDifferent[3], amps.nSignificant[3]]).all()
    assert amps.nNotMeasured.tolist() == [0, 1, 0, 5, 0, 0]
    assert amps.nSelf.tolist() == [0, 0, 1, 0, 0, 0]

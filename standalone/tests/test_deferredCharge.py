# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Deferred charge: the files of the real class, and faults of simulated sensors."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from lsst.cp.simulator import CtiModel, listExpectedCtiResults, parseFaults, simulateCti
from lsst.ip.isr import DeferredChargeCalib, IsrCalib, SerialTrap
from lsst.obs.lsst import LsstCam

FAULTS = parseFaults(
    [
        "serialCti detector:90 amplifiers:C03",
        "parallelCti detector:90 amplifiers:C05",
        "maskedAmplifier detector:90 amplifiers:C04",
    ]
)
SCALARS = (
    "driftScale", "decayTime", "globalCti", "inputGain", "serialCtiTurnoff", "parallelCtiTurnoff",
    "serialCtiTurnoffSamplingErr", "parallelCtiTurnoffSamplingErr",
)  # fmt: skip


@pytest.fixture(scope="module")
def camera():
    return LsstCam().getCamera()


@pytest.fixture(scope="module")
def cti(camera) -> DeferredChargeCalib:
    made = simulateCti(camera[90], camera, FAULTS, seed=2)
    # Coefficients of different numbers are padded in files.
    made.serialTraps["C00"] = SerialTrap(10.0, 0.5, 3, "linear", [0.25])
    return made


def checkEqual(found, expected) -> None:
    """Compare all that a file holds."""
    for attribute in (*SCALARS, "signals", "serialEper", "parallelEper"):
        first, second = getattr(found, attribute), getattr(expected, attribute)
        assert list(first) == list(second)
        for name in second:
            assert_array_equal(first[name], second[name], f"{attribute} {name}")
    assert list(found.serialTraps) == list(expected.serialTraps)
    for name, trap in expected.serialTraps.items():
        own = found.serialTraps[name]
        for field in ("size", "emission_time", "pixel", "trap_type"):
            assert getattr(own, field) == getattr(trap, field)
        assert list(own.coeffs) == list(trap.coeffs)
    for key in ("DETECTOR", "DET_NAME", "CTI_VERSION", "OBSTYPE", "UNITS"):
        assert found.getMetadata()[key] == expected.getMetadata()[key]


def test_file_is_read_as_it_was_written(cti, tmp_path):
    found = IsrCalib.readFits(cti.writeFits(str(tmp_path / "cti.fits")))
    assert isinstance(found, DeferredChargeCalib)
    checkEqual(found, cti)


def test_tables_are_those_of_ip_isr(cti, isrModule):
    theirs = isrModule("deferredCharge").DeferredChargeCalib.fromTable(cti.toTable())
    checkEqual(theirs, cti)
    for own, other in zip(cti.toTable(), theirs.toTable(), strict=True):
        assert own.colnames == other.colnames
        for name in own.colnames:
            assert_array_equal(own[name], other[name])
    checkEqual(DeferredChargeCalib.fromTable(theirs.toTable()), theirs)


def test_what_an_older_file_lacks_is_not_known(cti):
    table, traps = cti.toTable()
    table.remove_columns(["SIGNALS", "SERIAL_EPER", "SERIAL_CTI_TURNOFF", "INPUT_GAIN"])
    table.meta["CTI_VERSION"] = 1.1
    found = DeferredChargeCalib.fromTable([table, traps])
    assert np.isnan([found.serialCtiTurnoff["C00"], found.inputGain["C00"], *found.serialEper["C00"]]).all()
    assert found.globalCti == cti.globalCti


def test_oldest_files_are_refused_as_by_ip_isr(cti):
    table, traps = cti.toTable()
    table.meta["CTI_VERSION"] = 1.0
    with pytest.raises(RuntimeError, match=r"old version of CTI calibration \(ver. 1.0 < 1.1\)"):
        DeferredChargeCalib.fromTable([table, traps])


def test_unknown_attribute_is_an_error(cti):
    with pytest.raises(AttributeError, match="DeferredChargeCalib has no attribute 'serialEPER'"):
        cti.serialEPER  # noqa: B018


def test_estimates_are_the_injected_inefficiencies_below_the_turnoff(cti):
    below = np.array(CtiModel().signals) < CtiModel().turnoff
    for estimates, name, expected in ((cti.serialEper, "C03", 2e-5), (cti.parallelEper, "C05", 1e-5)):
        np.testing.assert_allclose(estimates[name][below], expected, rtol=0.1)
        assert (estimates[name][~below] > 1.05 * expected).all()
    assert cti.serialCtiTurnoff["C03"] == np.array(CtiModel().signals)[below].max()


def test_truth_is_of_the_faults(cti, camera):
    results = {result.amplifier: result for result in listExpectedCtiResults(FAULTS, camera)}
    assert results["C03"].failures == {"SERIAL_CTI", "GLOBAL_CTI"}
    assert results["C05"].failures == {"PARALLEL_CTI"}
    assert results["C04"].untested == {"SERIAL_CTI", "GLOBAL_CTI", "PARALLEL_CTI"}
    assert np.isnan(cti.serialEper["C04"]).all()


def test_dictionary_is_that_of_ip_isr(cti, isrModule, tmp_path):
    theirs = isrModule("deferredCharge").DeferredChargeCalib.fromDict(cti.toDict())
    checkEqual(theirs, cti)
    assert cti.toDict().keys() == theirs.toDict().keys()
    checkEqual(DeferredChargeCalib.fromDict(theirs.toDict()), cti)
    found = IsrCalib.readText(cti.writeText(str(tmp_path / "cti.yaml")))
    assert found == cti
    found.serialTraps.popitem()
    assert found != cti

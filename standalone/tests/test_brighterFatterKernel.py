# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Brighter-fatter kernels: the files of the real class, and what simulated ones are made of."""

import numpy as np
import pytest
from astropy.table import Table
from numpy.testing import assert_allclose, assert_array_equal

from lsst.cp.simulator import listExpectedKernelResults, parseFaults, simulateKernel
from lsst.ip.isr import BrighterFatterKernel, IsrCalib
from lsst.obs.lsst import LsstCam

FAULTS = parseFaults(
    [
        "flippedKernel detector:90 amplifiers:C03",
        "maskedAmplifier detector:90 amplifiers:C04",
        "strongBrighterFatter detector:90 amplifiers:C05",
    ]
)
ARRAYS = ("rawMeans", "rawVariances", "rawXcorrs", "expIdMask", "meanXcorrs", "ampKernels")


@pytest.fixture(scope="module")
def camera():
    return LsstCam().getCamera()


@pytest.fixture(scope="module")
def bfk(camera) -> BrighterFatterKernel:
    made = simulateKernel(camera[90], camera, FAULTS, seed=2)
    made.detKernels = {"R22_S00": made.ampKernels["C00"]}
    return made


@pytest.fixture
def upstream(isrModule):
    """Load the class of ip_isr, where a checkout is given."""
    return isrModule("brighterFatterKernel").BrighterFatterKernel


def checkEqual(found, expected) -> None:
    """Compare all that a file holds."""
    for attribute in (*ARRAYS, "detKernels"):
        first, second = getattr(found, attribute), getattr(expected, attribute)
        assert list(first) == list(second)
        for name in second:
            assert_array_equal(first[name], second[name], f"{attribute} {name}")
    for attribute in ("gain", "noise", "valid"):
        assert dict(getattr(found, attribute)) == dict(getattr(expected, attribute))
    assert set(found.badAmps) == set(expected.badAmps)
    assert (found.level, tuple(found.shape)) == (expected.level, tuple(expected.shape))
    for key in ("LEVEL", "KERNEL_DX", "KERNEL_DY", "DETECTOR", "DET_NAME", "bfk_VERSION", "OBSTYPE"):
        assert found.getMetadata()[key] == expected.getMetadata()[key]


def test_file_is_read_as_it_was_written(bfk, tmp_path):
    found = IsrCalib.readFits(bfk.writeFits(str(tmp_path / "bfk.fits")))
    assert isinstance(found, BrighterFatterKernel)
    checkEqual(found, bfk)


def test_tables_are_those_of_ip_isr(bfk, upstream, tmp_path):
    theirs = upstream.fromTable(bfk.toTable())
    checkEqual(theirs, bfk)
    for own, other in zip(bfk.toTable(), theirs.toTable(), strict=True):
        assert own.colnames == other.colnames
        for name in own.colnames:
            assert_array_equal(own[name], other[name])
    checkEqual(BrighterFatterKernel.fromTable(theirs.toTable()), theirs)


def test_first_version_has_the_pairs_that_were_used(bfk):
    table, _ = bfk.toTable()
    table.rename_columns(["RAW_MEANS", "RAW_VARIANCES"], ["MEANS", "VARIANCES"])
    table.remove_column("EXP_ID_MASK")
    table.meta["bfk_VERSION"] = 1.0
    found = BrighterFatterKernel.fromTable([table])
    assert found.expIdMask["C04"].all()
    assert_array_equal(found.rawMeans["C00"], bfk.rawMeans["C00"])
    assert found.detKernels == {}


def test_unknown_version_is_refused():
    with pytest.raises(RuntimeError, match=r"Unknown version for brighter-fatter kernel: 2.0"):
        BrighterFatterKernel.fromTable([Table(meta={"bfk_VERSION": 2.0})])


def test_correlations_are_the_laplacian_of_the_kernel(bfk):
    for name, kernel in bfk.ampKernels.items():
        padded = np.pad(kernel, 1)
        laplacian = padded[2:, 1:-1] + padded[:-2, 1:-1] + padded[1:-1, 2:] + padded[1:-1, :-2] - 4 * kernel
        assert_allclose(laplacian, bfk.meanXcorrs[name], atol=1e-18, err_msg=name)
        assert_array_equal(kernel[::-1, ::-1].round(15), kernel.round(15))


def test_faults_make_kernels_that_are_not_valid_and_no_others(bfk, camera):
    expected = {r.amplifier for r in listExpectedKernelResults(FAULTS, camera) if "VALID" in r.failures}
    assert {name for name, valid in bfk.valid.items() if not valid} == expected == {"C03", "C04"}
    assert not bfk.ampKernels["C04"].any()
    assert set(bfk.badAmps) == expected
    for seed in range(10):
        assert all(simulateKernel(camera[191], camera, seed=seed).valid.values())


def test_simulation_is_repeatable(bfk, camera):
    again = simulateKernel(camera[90], camera, FAULTS, seed=2)
    assert_array_equal(again.ampKernels["C07"], bfk.ampKernels["C07"])
    assert (again.ampKernels["C07"] != bfk.ampKernels["C06"]).any()


def test_dictionary_is_that_of_ip_isr(bfk, upstream, tmp_path):
    theirs = upstream.fromDict(bfk.toDict())
    checkEqual(theirs, bfk)
    assert bfk.toDict().keys() == theirs.toDict().keys()
    checkEqual(BrighterFatterKernel.fromDict(theirs.toDict()), bfk)
    found = IsrCalib.readText(bfk.writeText(str(tmp_path / "bfk.yaml")))
    assert found == bfk
    found.ampKernels["C04"][0, 0] += 1
    assert found != bfk

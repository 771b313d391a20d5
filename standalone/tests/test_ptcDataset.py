# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Photon transfer curves: the files of the real class, and its formulae."""

import warnings
from itertools import islice

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Table
from numpy.testing import assert_allclose, assert_array_equal

from lsst.cp.simulator import simulatePtc, splitPtc
from lsst.ip.isr import IsrCalib, PhotonTransferCurveDataset
from lsst.obs.lsst import Latiss

FILES = (
    "ptc_expapprox/ptc_LSSTComCam_0",
    "ptc_fullcov/ptc_LSSTComCam_3",
    "ptc_lsstcam/ptc_LSSTCam_191",
    "ptc_lsstcam/ptc_LSSTCam_39",
)


@pytest.fixture(params=FILES)
def file(request, sharedData) -> str:
    """Name a file that the real class has written."""
    return str(sharedData / "tables" / f"{request.param}.fits")


@pytest.fixture
def upstream(isrModule, monkeypatch):
    """Load the class of ip_isr, on its own base class, where a checkout is given."""
    monkeypatch.setattr("lsst.ip.isr.IsrCalib", isrModule("calibType").IsrCalib)
    return isrModule("ptcDataset").PhotonTransferCurveDataset


def makePtc(side: int = 3) -> PhotonTransferCurveDataset:
    """Make curves of two amplifiers, with covariances of some lags."""
    rng = np.random.default_rng(side)
    ptc = PhotonTransferCurveDataset(["C00", "C01"], "FULLCOVARIANCE", side)
    for name in ptc.ampNames:
        ptc.gain[name] = 1.5
        ptc.aMatrix[name] = rng.normal(size=(side, side)) * 1e-7
        ptc.aMatrix[name][0, 0] = -2e-6
        ptc.bMatrix[name] = rng.normal(size=(side, side)) * 1e-7
        ptc.noiseMatrix[name] = rng.normal(size=(side, side))
        ptc.covariances[name] = ptc.covariancesModel[name] = rng.normal(size=(2, side, side))
        ptc.covariancesSqrtWeights[name] = np.ones((2, side, side))
        ptc.rawMeans[name] = np.array([1e3, 1e4])
        ptc.inputExpIdPairs[name] = [[1, 2], [3, 4]]
        ptc.expIdMask[name] = np.array([True, False])
    return ptc


def test_file_is_written_as_it_was_read(file, tmp_path):
    ptc = IsrCalib.readFits(file)
    assert isinstance(ptc, PhotonTransferCurveDataset)
    copy = ptc.writeFits(str(tmp_path / "copy.fits"))
    difference = fits.FITSDiff(file, copy)
    assert difference.identical, difference.report()


def test_attributes_are_the_columns(file):
    ptc, table = PhotonTransferCurveDataset.readFits(file), Table.read(file, hdu=1, mask_invalid=False)
    assert ptc.ampNames == list(table["AMPLIFIER_NAME"])
    assert (ptc.getMetadata()["DETECTOR"], ptc.getMetadata()["DET_SER"]) == (
        table.meta["DETECTOR"],
        table.meta["DET_SER"],
    )
    for row in table:
        name = str(row["AMPLIFIER_NAME"])
        for attribute, column in {
            "gain": "GAIN",
            "ptcTurnoff": "PTC_TURNOFF",
            "ptcRolloffTau": "PTC_ROLLOFF_TAU",
            "rawVars": "RAW_VARS",
            "expIdMask": "EXP_ID_MASK",
            "inputExpIdPairs": "INPUT_EXP_ID_PAIRS",
        }.items():
            assert_array_equal(getattr(ptc, attribute)[name], row[column])
        assert ptc.covariances[name].shape == (8, 3, 3)
        assert ptc.aMatrix[name].shape == (3, 3)
        assert_array_equal(ptc.covariances[name].ravel(), row["COVARIANCES"])


@pytest.mark.parametrize("side", [1, 2, 5, 8])
def test_model_of_covariances_is_that_of_ip_isr(upstream, side):
    ptc, mu = makePtc(side), np.linspace(10, 9e4, 7)
    expected = upstream.evalPtcModel(ptc, mu)
    for name, model in ptc.evalPtcModel(mu).items():
        assert_allclose(model, expected[name], rtol=1e-9, atol=1e-6)


def test_model_of_variances_is_that_of_ip_isr(upstream, sharedData):
    ptc, mu = IsrCalib.readFits(str(sharedData / "tables" / f"{FILES[0]}.fits")), np.linspace(10, 9e4, 7)
    expected = upstream.evalPtcModel(ptc, mu)
    for name, model in ptc.evalPtcModel(mu).items():
        assert_allclose(model, expected[name], rtol=1e-9)


def test_model_of_a_polynomial_is_that_of_ip_isr(upstream):
    ptc, mu = PhotonTransferCurveDataset(["C00"], "POLYNOMIAL"), np.linspace(10, 9e4, 7)
    ptc.ptcFitPars["C00"] = np.array([40.0, 0.7, -1e-6, 1e-12])
    with pytest.warns(FutureWarning, match="POLYNOMIAL"):
        found = ptc.evalPtcModel(mu)["C00"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        expected = upstream.evalPtcModel(ptc, mu)["C00"]
    assert_array_equal(found, expected)


MIXED_UP = {"ptcRolloffError", "ptcRolloffTau", "ptcRolloffTauError"}
"""What ip_isr reads from the columns of other values (ptcDataset.py:624-625)."""


def checkEqual(found, expected) -> None:
    """Compare all that a file holds of each amplifier."""
    assert found.ampNames == expected.ampNames
    assert found.ptcFitType == expected.ptcFitType
    own = {name: value for name, value in vars(found).items() if isinstance(value, dict)}
    names = {name for name, value in own.items() if value.keys() == set(found.ampNames)}
    assert len(names) > 40
    for name in names - MIXED_UP:
        for amp, value in own[name].items():
            assert_array_equal(np.asarray(value), np.asarray(getattr(expected, name)[amp]), f"{name} {amp}")


def test_real_class_reads_the_same_and_writes_what_is_read(file, upstream, tmp_path):
    """Its tables of the same file, from its own reader to that of the stand-in and back."""
    own = IsrCalib.readFits(file)
    theirs = upstream.fromTable(own.toTable())
    checkEqual(own, theirs)
    for ours, other in zip(own.toTable(), theirs.toTable(), strict=True):
        assert ours.colnames == other.colnames
        for name in ours.colnames:
            if not name.startswith("PTC_ROLLOFF_"):
                assert_array_equal(ours[name], other[name], name)
    checkEqual(PhotonTransferCurveDataset.fromTable(theirs.toTable()), theirs)


def test_model_is_the_equation():
    """Without interaction of neighbours, the series of the third order in the signal."""
    ptc, mu = makePtc(1), np.array([1e4, 5e4])
    a, c, noise = ptc.aMatrix["C00"][0, 0], (ptc.aMatrix["C00"] * ptc.bMatrix["C00"])[0, 0], 0.0
    noise = ptc.noiseMatrix["C00"][0, 0]
    s = 1.5 * mu
    expected = s + a * s**2 + 2 / 3 * (a**2 + c) * s**3 + (a**3 / 3 + 5 / 6 * a * c) * s**4 + noise
    assert_allclose(ptc.evalPtcModel(mu)["C00"][:, 0, 0], expected / 1.5**2, rtol=1e-12)


def test_fit_that_is_not_known_has_no_model():
    ptc = PhotonTransferCurveDataset(["C00"], "PARTIAL")
    with pytest.raises(RuntimeError, match="ptcFitType PARTIAL"):
        ptc.evalPtcModel(np.ones(2))


def test_what_an_older_file_lacks_is_not_known():
    [table] = makePtc().toTable()
    table.remove_columns(["PTC_ROLLOFF", "RAW_DELTAS", "EXP_ID_ROLLOFF_MASK", "NPIXEL_COVARIANCES"])
    table.meta["PTC_VERSION"] = 2.3
    ptc = PhotonTransferCurveDataset.fromTable([table])
    assert np.isnan(ptc.ptcRolloff["C00"])
    assert ptc.nPixelCovariances["C01"] == -1
    assert_array_equal(ptc.rawDeltas["C01"], np.full(2, np.nan))
    assert_array_equal(ptc.expIdRolloffMask["C00"], [False, False])
    assert_array_equal(ptc.expIdMask["C00"], [True, False])


def test_file_with_the_noise_in_another_unit_is_refused():
    [table] = makePtc().toTable()
    table.meta["PTC_VERSION"] = 1.8
    with pytest.raises(ValueError, match=r"has version 1.8; this stand-in reads 1.9 and later"):
        PhotonTransferCurveDataset.fromTable([table])


def test_base_class_reads_no_file_without_a_class():
    with pytest.raises(ValueError, match="Cannot use base class"):
        IsrCalib.determineCalibClass({}, "here")


def test_dictionary_is_that_of_ip_isr(file, upstream):
    own = IsrCalib.readFits(file)
    theirs = upstream.fromDict(own.toDict())
    checkEqual(own, theirs)
    assert own.toDict().keys() == theirs.toDict().keys()
    checkEqual(PhotonTransferCurveDataset.fromDict(theirs.toDict()), own)


def test_text_and_tables_are_read_as_they_were_written(tmp_path):
    ptc = makePtc(2)
    ptc.badAmps = list(ptc.ampNames)
    ptc.auxValues = {"CCDTEMP": np.array([-100.0]), "intVal": np.array([7]), "PROGRAM": np.array(["BLOCK-0"])}
    for path in (ptc.writeText(str(tmp_path / "ptc.yaml")), ptc.writeFits(str(tmp_path / "ptc.fits"))):
        found = (IsrCalib.readText if path.endswith("yaml") else IsrCalib.readFits)(path)
        assert found == ptc
        assert found.getGoodAmps() == []
        assert {name: values.dtype.kind for name, values in found.auxValues.items()} == {
            "CCDTEMP": "f",
            "intVal": "i",
            "PROGRAM": "U",
        }
        found.gain[ptc.ampNames[-1]] += 1
        assert found != ptc


def test_auxiliary_values_of_pairs_stay_beside_their_pairs():
    camera = Latiss().getCamera()
    curve = simulatePtc(camera[0], camera, seed=1)
    pairs = list(islice(splitPtc(curve, camera[0]), 3))
    for i, pair in enumerate(pairs):
        pair.auxValues = {"CCDTEMP": np.array([-100.0 - i])}
    whole = PhotonTransferCurveDataset(curve.ampNames, "PARTIAL", curve.covMatrixSide)
    for pair in pairs[:2]:
        whole.appendPartialPtc(pair)
    assert whole.auxValues["CCDTEMP"].tolist() == [-100.0, -101.0]
    assert_array_equal(whole.rawMeans["C00"], curve.rawMeans["C00"][:2])
    pairs[2].auxValues["OTHER"] = np.array([1.0])
    with pytest.raises(ValueError, match="mismatched auxValue key OTHER"):
        whole.appendPartialPtc(pairs[2])

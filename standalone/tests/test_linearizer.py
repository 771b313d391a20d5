# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Linearizers: the files of the real class, and the corrections of its types."""

import importlib.util
import os
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Table
from numpy.testing import assert_allclose, assert_array_equal

from lsst.afw.image import ImageF
from lsst.geom import Box2I, Extent2I, Point2I
from lsst.ip.isr import IsrCalib, Linearizer
from lsst.obs.lsst import Latiss

FILES = [
    f"linearity_{kind}/linearizer_{detector}"
    for kind in ("spline", "spline_node1", "squared")
    for detector in (4, 8)
]
TABLE = np.random.default_rng(1).normal(scale=5, size=(3, 2500))
COEFFICIENTS = {
    "Squared": [2.5e-5],
    "LookupTable": [2, -50.5],
    "Polynomial": [5e-6, 1e-9],
    "Spline": [0, 1000, 2000, 3000, 0, 1, 4, 9],
    "DoubleSpline": [3, 4, 0, 2000, 4000, 0, 1, 2, 0, 1000, 2000, 3000, 0, 1, 4, 9, 0, 0],
    "Proportional": [0],
    "None": [0],
}
SIGNAL = np.linspace(-5, 2480, 90, dtype=np.float32).reshape(9, 10)


@pytest.fixture(params=FILES)
def file(request, sharedData) -> str:
    """Name a file that the real class has written."""
    return str(sharedData / "tables" / f"{request.param}.fits")


@pytest.fixture(scope="module")
def upstream() -> ModuleType:
    """Load the module of ip_isr with its base of calibrations, where a checkout is given."""
    path = Path(os.environ.get("UPSTREAM_DIR", "")) / "ip_isr/python/lsst/ip/isr"
    if "UPSTREAM_DIR" not in os.environ or not path.is_dir():
        pytest.skip("needs a checkout of ip_isr: set UPSTREAM_DIR to the directory that has it")
    with pytest.MonkeyPatch.context() as patch:
        # Of other packages, in C++, and of detectors: none is called.
        for name, member in {
            "astro_metadata_translator": "merge_headers",
            "lsst.ip.isr.applyLookupTable": "applyLookupTable",
            "lsst.ip.isr.isrFunctions": "isTrimmedImage",
        }.items():
            stub = ModuleType(name)
            setattr(stub, member, None)
            patch.setitem(sys.modules, name, stub)
        for name in ("calibType", "linearize"):
            spec = importlib.util.spec_from_file_location(f"lsst.ip.isr.{name}", path / f"{name}.py")
            module = importlib.util.module_from_spec(spec)
            patch.setitem(sys.modules, spec.name, module)
            spec.loader.exec_module(module)
    return module


def correct(linearizer, kind: str, signal=SIGNAL, **kwargs):
    image = ImageF(signal.copy())
    apply = linearizer.getLinearityTypeByName(kind)()
    result = apply(image, coeffs=np.array(COEFFICIENTS[kind], float), table=TABLE, log=None, **kwargs)
    return image.array, result


def makeLinearizer(kind: str) -> Linearizer:
    """Make a linearizer of two amplifiers."""
    linearizer = Linearizer(table=TABLE if kind == "LookupTable" else None)
    linearizer.hasLinearity = True
    for i, name in enumerate(("C00", "C01")):
        linearizer.ampNames.append(name)
        linearizer.linearityType[name] = kind
        linearizer.linearityCoeffs[name] = np.array(COEFFICIENTS[kind], float)
        linearizer.linearityBBox[name] = Box2I(Point2I(10 * i, 0), Extent2I(10, 20))
        for attribute in ("inputGain", "inputTurnoff", "fitChiSq", "fitResidualsSigmaMad"):
            getattr(linearizer, attribute)[name] = 1.5 + i
        for attribute in ("linearityTurnoff", "linearityMaxSignal"):
            getattr(linearizer, attribute)[name] = 1e5 + i
        for attribute in ("inputAbscissa", "inputOrdinate", "inputNormalization", "fitParams", "linearFit"):
            getattr(linearizer, attribute)[name] = np.array([1.0, 2.0 + i])
        for attribute in ("fitParamsErr", "fitResiduals", "fitResidualsUnmasked", "fitResidualsModel"):
            getattr(linearizer, attribute)[name] = np.array([1.0, np.nan])
        linearizer.inputMask[name] = np.array([True, False])
        linearizer.inputGroupingIndex[name] = np.array([0, 1])
    return linearizer


def test_file_is_written_as_it_was_read(file, tmp_path):
    linearizer = IsrCalib.readFits(file)
    assert isinstance(linearizer, Linearizer)
    copy = linearizer.writeFits(str(tmp_path / "copy.fits"))
    difference = fits.FITSDiff(file, copy)
    assert difference.identical, difference.report()


def test_attributes_are_the_columns(file):
    linearizer, table = Linearizer.readFits(file), Table.read(file, hdu=1, mask_invalid=False)
    assert linearizer.ampNames == list(table["AMPLIFIER_NAME"])
    assert linearizer.hasLinearity
    assert linearizer.getMetadata()["DETECTOR"] == table.meta["DETECTOR"]
    for row in table:
        name = str(row["AMPLIFIER_NAME"])
        assert linearizer.linearityType[name] == row["TYPE"]
        box = linearizer.linearityBBox[name]
        assert (box.getMinX(), box.getHeight()) == (row["BBOX_X0"], row["BBOX_DY"])
        for attribute, column in {
            "linearityCoeffs": "COEFFS",
            "linearityTurnoff": "LINEARITY_TURNOFF",
            "linearityMaxSignal": "LINEARITY_MAX_SIGNAL",
            "inputOrdinate": "INP_ORDINATE",
            "inputMask": "INP_MASK",
            "fitResiduals": "FIT_RES",
            "fitResidualsModel": "FIT_RES_MODEL",
        }.items():
            assert_array_equal(getattr(linearizer, attribute)[name], row[column])


@pytest.mark.parametrize("kind", COEFFICIENTS)
def test_every_type_is_written_and_read(kind, tmp_path):
    linearizer = makeLinearizer(kind)
    linearizer.absoluteReferenceAmplifier = "C01"
    found = IsrCalib.readFits(linearizer.writeFits(str(tmp_path / "file.fits")))
    assert found.absoluteReferenceAmplifier == "C01"
    assert found.ampNames == ["C00", "C01"]
    assert (found.tableData is None) == (kind != "LookupTable")
    if found.tableData is not None:
        assert_array_equal(found.tableData, TABLE)
    for attribute, values in vars(linearizer).items():
        if isinstance(values, dict):
            for name, value in values.items():
                assert_array_equal(getattr(found, attribute)[name], value, attribute)


@pytest.mark.parametrize("kind", COEFFICIENTS)
def test_real_class_reads_what_is_written(upstream, kind):
    tables = makeLinearizer(kind).toTable()
    theirs = upstream.Linearizer.fromTable(tables).toTable()
    assert len(tables) == len(theirs)
    for own, other in zip(tables, theirs, strict=True):
        assert own.colnames == other.colnames
        for name in own.colnames:
            assert_array_equal(own[name], other[name], name)


@pytest.mark.parametrize("kind", sorted(COEFFICIENTS.keys() - {"LookupTable"}))
@pytest.mark.parametrize("gain", [1.0, 1.5])
def test_corrections_are_those_of_ip_isr(upstream, kind, gain):
    (own, result), (theirs, expected) = (
        correct(linearizer, kind, gain=gain) for linearizer in (Linearizer(), upstream.Linearizer())
    )
    assert result == expected
    assert_allclose(own, theirs, rtol=3e-7)


@pytest.mark.parametrize("first", [0.0, 100.0])
@pytest.mark.parametrize("offset", [0.0, 3.0])
def test_spline_is_anchored_at_no_signal(upstream, first, offset, monkeypatch):
    spline = [first, 1000, 2000, 3000, offset, 1, 4, 9]
    monkeypatch.setitem(COEFFICIENTS, "Spline", spline)
    own, theirs = (correct(linearizer, "Spline")[0] for linearizer in (Linearizer(), upstream.Linearizer()))
    assert_allclose(own, theirs, rtol=3e-7)
    assert correct(Linearizer(), "Spline", np.zeros((1, 1), np.float32))[0] == 0


def test_lookup_table_is_the_loop_over_pixels():
    row, expected, n_outside = TABLE[2].astype(np.float32), [], 0
    for value in SIGNAL.ravel().tolist():
        place = int(-50.5 + value)
        n_outside += place < 0 or place > 2499
        expected.append(np.float32(value) + row[min(max(place, 0), 2499)])
    found, result = correct(Linearizer(), "LookupTable")
    assert_array_equal(found.ravel(), np.array(expected, np.float32))
    assert result == (True, n_outside)
    assert n_outside > 0


def test_lookup_table_that_lacks_the_row_is_an_error(monkeypatch):
    monkeypatch.setitem(COEFFICIENTS, "LookupTable", [3, 0])
    with pytest.raises(RuntimeError, match=r"rowInd=3 not in range\[0, 3\)"):
        correct(Linearizer(), "LookupTable")


@pytest.mark.parametrize("kind", ["Spline", "DoubleSpline"])
def test_spline_that_is_not_finite_leaves_nothing(kind, monkeypatch):
    monkeypatch.setitem(COEFFICIENTS, kind, [*COEFFICIENTS[kind][:5], np.nan, *COEFFICIENTS[kind][6:]])
    found, result = correct(Linearizer(), kind)
    assert np.isnan(found).all()
    assert result == (False, 0)


def test_type_that_is_not_known_has_no_class():
    assert Linearizer().getLinearityTypeByName("Cubic") is None


@pytest.mark.parametrize(
    ("table", "message"),
    [(np.zeros(3), "must have two dimensions"), (np.zeros((3, 2)), "indices are switched")],
)
def test_table_of_another_shape_is_an_error(table, message):
    with pytest.raises(RuntimeError, match=message):
        Linearizer(table=table)


def test_corrections_of_the_camera_are_taken():
    detector = Latiss().getCamera()[0]
    linearizer = Linearizer(detector=detector)
    assert linearizer.ampNames == [amp.getName() for amp in detector]
    assert linearizer.hasLinearity
    assert linearizer.linearityType["C00"] == detector["C00"].getLinearityType()
    assert linearizer.getMetadata()["DETECTOR"] == 0


def test_what_an_older_file_lacks_is_not_known():
    [table] = makeLinearizer("Spline").toTable()
    table.remove_columns(["INPUT_GAIN", "INPUT_TURNOFF", "FIT_RES_MODEL", "LINEARITY_TURNOFF", "ABS_REF_AMP"])
    found = Linearizer.fromTable([table])
    assert np.isnan(found.inputGain["C00"])
    assert np.isinf(found.inputTurnoff["C00"])
    assert np.isnan(found.linearityTurnoff["C01"])
    assert found.fitResidualsModel["C01"] == [0.0]
    assert found.absoluteReferenceAmplifier == ""


def test_dictionaries_of_linearizers_are_left_out(tmp_path):
    linearizer = makeLinearizer("Spline")
    with pytest.raises(NotImplementedError, match="stand-in of Linearizer has no dictionaries: use ip_isr"):
        linearizer.writeText(str(tmp_path / "file.yaml"))
    with pytest.raises(RuntimeError, match=r"this stand-in writes '\.yaml'"):
        linearizer.writeText(str(tmp_path / "file.ecsv"))

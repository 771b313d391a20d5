# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Simulated defects and their masks, measured by the stand-in of cp_verify and by hand."""

import numpy as np
import pytest
from scipy.stats import norm

import lsst.cp.verify
from lsst.cp.simulator import (
    Fault,
    FaultKind,
    SimulateDefectsIsrTask,
    listExpectedDefectsResults,
    shrinkCamera,
)
from lsst.obs.lsst import LsstComCam
from lsst.pex.config import FieldValidationError

EXPOSURE, DETECTOR = 2026080100001, 4
FAULTS = (
    Fault(FaultKind.UNMASKED_COLUMN, DETECTOR, ("C03",)),
    Fault(FaultKind.UNMASKED_COLUMN, DETECTOR, ("C04",), -20.0),
    Fault(FaultKind.OVER_MASKED, DETECTOR, ("C11",)),
    Fault(FaultKind.MASKED_AMPLIFIER, DETECTOR, ("C15",)),
)


@pytest.fixture(scope="module")
def camera():
    return shrinkCamera(LsstComCam.getCamera(), 8)


def simulate(camera, *, doDefect, exposure=EXPOSURE):
    config = SimulateDefectsIsrTask.ConfigClass(faults=[fault.toText() for fault in FAULTS])
    config.doDefect = config.doCalculateStatistics = doDefect
    config.validate()
    return SimulateDefectsIsrTask(config=config).run(camera, "LSSTComCam", exposure, DETECTOR, 60000.0)


@pytest.fixture(scope="module")
def simulated(camera):
    return [simulate(camera, doDefect=doDefect) for doDefect in (True, False)]


@pytest.fixture(scope="module")
def verified(simulated):
    corrected, uncorrected = simulated
    config = lsst.cp.verify.CpVerifyDefectsConfig(useIsrStatistics=True, catalogStatKeywords={})
    config.validate()
    return lsst.cp.verify.CpVerifyDefectsTask(config=config).run(
        corrected.outputExposure,
        None,
        isrStatistics=corrected.outputStatistics,
        uncorrectedExp=uncorrected.outputExposure,
        dimensions={"instrument": "LSSTComCam", "exposure": EXPOSURE, "detector": DETECTOR},
    )


def getPixels(exposure, name):
    """Get the pixels of an amplifier, and which are masked."""
    (amp,) = [amp for amp in exposure.getDetector() if amp.getName() == name]
    view = exposure[amp.getBBox()]
    return view.image.array, (view.mask.array & view.mask.getPlaneBitMask("BAD")) != 0


def test_both_tasks_see_the_same_pixels(simulated) -> None:
    corrected, uncorrected = (result.outputExposure for result in simulated)
    np.testing.assert_array_equal(corrected.image.array, uncorrected.image.array)
    masked = [
        [name for name in ("C03", "C11", "C15") if getPixels(exposure, name)[1].any()]
        for exposure in (corrected, uncorrected)
    ]
    # An amplifier that is known as bad is masked in any case.
    assert masked == [["C03", "C11", "C15"], ["C15"]]
    assert not hasattr(simulated[1], "outputStatistics")


def test_defects_are_the_same_in_all_exposures(camera, simulated) -> None:
    other = simulate(camera, doDefect=True, exposure=EXPOSURE + 1).outputExposure
    np.testing.assert_array_equal(other.mask.array, simulated[0].outputExposure.mask.array)
    assert (other.image.array != simulated[0].outputExposure.image.array).any()


def test_statistics_are_those_of_the_pixels(simulated, verified) -> None:
    exposure = simulated[0].outputExposure
    for name in ("C00", "C03", "C11"):
        pixels, masked = getPixels(exposure, name)
        values = verified.outputStats["AMP"][name]
        good = pixels[~masked].astype(float)
        assert values["DEFECT_PIXELS"] == masked.sum() > 0
        assert values["FRAC"] == masked.sum() / pixels.size
        assert values["MEDIAN"] == pytest.approx(np.median(good), rel=1e-6)
        assert (values["MIN"], values["UNMASKED_MAX"]) == (good.min(), pixels.max())
        outliers = np.abs(pixels - values["MEDIAN"]) > 5 * values["STDEV"]
        assert values["OUTLIERS"] == (outliers & ~masked).sum()
        assert values["UNC_OUTLIERS"] == values["UNMASKED_OUTLIERS"] == outliers.sum()
        deviations = (pixels.astype(float) - values["MEDIAN"]) / values["STDEV"]
        assert values["STAT_OUTLIERS"] == (norm.pdf(deviations) < 1 / pixels.size).sum()


def test_faults_of_the_mask_are_seen(camera, simulated, verified) -> None:
    failures = {name: set() for name in verified.outputStats["AMP"]}
    for name, values in verified.outputStats["AMP"].items():
        good = values["DEFECT_PIXELS"] - values["UNC_OUTLIERS"] + values["OUTLIERS"]
        size = getPixels(simulated[0].outputExposure, name)[0].size
        if values["OUTLIERS"] > 50:
            failures[name].add("OUTLIERS_LEFT")
        if good / size > 0.01 and np.isfinite(values["STDEV"]):
            failures[name].add("GOOD_MASKED")
    expected = listExpectedDefectsResults(FAULTS, camera, [EXPOSURE])
    assert {name: own for name, own in failures.items() if own} == {
        result.amplifier: set(result.failures) for result in expected if result.failures
    }
    assert {result.amplifier for result in expected} == {"C03", "C04", "C11", "C15"}


def test_verdicts_are_in_the_statistics_only(verified) -> None:
    verdicts = verified.outputStats["VERIFY"]["AMP"]
    assert set(verdicts["C00"]) == {"OUTLIERS", "STDEV", "MIN", "MAX", "PROB_TEST", "SUCCESS"}
    # Masks that are right leave the same pixels after clipping.
    assert all(verdicts["C00"][key] for key in ("OUTLIERS", "STDEV", "MIN", "MAX"))
    # No value fails.
    assert [verdicts["C15"][key] for key in ("STDEV", "MIN", "MAX", "SUCCESS")] == [False] * 4
    assert verified.outputStats["SUCCESS"] is False
    assert verified.outputStats["DET"] == {"NUM_COSMICS_BEFORE": 0, "NUM_COSMICS_AFTER": 0}
    table = verified.outputResults
    assert not [name for name in table.colnames if "VERIFY" in name or "COSMICS" in name]
    assert len(table) == 17
    assert np.ma.getmaskarray(table["amplifier"]).tolist() == [False] * 16 + [True]
    assert np.isnan(table["DEFECTS_N_BAD_COLUMNS"][-1])
    assert table["DEFECTS_STAT_OUTLIERS"].dtype.kind == "i"
    assert table["DEFECTS_DEFECT_PIXELS"].dtype.kind == "f"


@pytest.mark.parametrize("kind", [FaultKind.GAIN_STEP, FaultKind.HOT_NOISE])
def test_other_kinds_are_refused(kind) -> None:
    faults = [Fault(kind, DETECTOR, ("C00",)).toText()]
    with pytest.raises(FieldValidationError, match=f"This task simulates no {kind}"):
        SimulateDefectsIsrTask.ConfigClass(faults=faults).validate()


def test_catalogues_are_refused() -> None:
    with pytest.raises(FieldValidationError, match="does not support it"):
        lsst.cp.verify.CpVerifyDefectsConfig().validate()

# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""The pipeline of simulated biases, run through a Butler repository on a small camera."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from lsst.cp.simulator import (
    ExposureInfo,
    Fault,
    FaultKind,
    SimulateBiasIsrTask,
    listExpectedResults,
    makeRepository,
    shrinkCamera,
)
from lsst.daf.butler import Butler
from lsst.obs.lsst import Latiss, LsstComCam
from lsst.pipe.base import Pipeline
from lsst.pipe.base.simple_pipeline_executor import SimplePipelineExecutor

STANDALONE = Path(__file__).parents[1]
EXPOSURES = (ExposureInfo(20260702, 1), ExposureInfo(20260702, 2))
FIRST, SECOND = (info.id for info in EXPOSURES)
DETECTORS = (0, 4, 5)
WHERE = "instrument='LSSTComCam' AND detector IN (0, 4, 5)"
# All but the plots, which belong to another package.
LABELS = "verifyBiasIsr,verifyBiasDet,verifyBiasExp,verifyBias,mosaicBiasExp8,mosaicBiasExp64"

FAULTS = (
    Fault(FaultKind.HOT_NOISE, "R22_S00", ("C00",), 1.3, exposures=(FIRST,)),
    Fault(FaultKind.OFFSET_MEAN, 0, ("C01",)),
    Fault(FaultKind.COSMIC_RAYS, 0, ("C02",), 0.3),
    Fault(FaultKind.CORNER_GLOW, 0, ("C03",)),
    Fault(FaultKind.DEAD_AMPLIFIER, 0, ("C04",)),
    Fault(FaultKind.MASKED_AMPLIFIER, 0, ("C05",)),
    Fault(FaultKind.BIAS_SHIFT, 0, ("C06",)),
    Fault(FaultKind.CORRELATED_AMPLIFIERS, 0, ("C10", "C12"), 0.6),
    Fault(FaultKind.MISSING_DETECTOR, 5, exposures=(SECOND,)),
)


@pytest.fixture(scope="module")
def environment():
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CP_VERIFY_DIR", str(STANDALONE))
        patch.setenv("ANALYSIS_TOOLS_DIR", str(STANDALONE))
        yield


@pytest.fixture(scope="module")
def camera():
    return shrinkCamera(LsstComCam.getCamera(), 4)


@pytest.fixture(scope="module")
def butler(tmp_path_factory, environment, camera) -> Butler:
    """Run all quanta and give a butler that sees the outputs."""
    root = tmp_path_factory.mktemp("repository") / "butler"
    makeRepository(root, LsstComCam, EXPOSURES, camera=camera)
    pipeline = Pipeline.from_uri(f"{STANDALONE}/pipelines/LSSTComCam/verifyBias.yaml#{LABELS}")
    pipeline.addConfigOverride("verifyBiasIsr", "faults", [fault.toText() for fault in FAULTS])
    pipeline.addConfigOverride("verifyBiasDet", "ampCornerBoxSize", 50)
    executor = SimplePipelineExecutor.from_pipeline(
        pipeline,
        where=WHERE,
        butler=SimplePipelineExecutor.prep_butler(str(root), ["LSSTComCam/defaults"], "u/test"),
    )
    executor.run(register_dataset_types=True)
    return Butler.from_config(str(root), collections=["u/test", "LSSTComCam/defaults"])


@pytest.fixture(scope="module")
def table(butler):
    return butler.get("verifyBiasResults", instrument="LSSTComCam")


def test_every_amplifier_has_arow(table) -> None:
    keys = set(zip(table["exposure"], table["detector"], strict=True))
    assert keys == {(e, d) for e in (FIRST, SECOND) for d in DETECTORS} - {(SECOND, 5)}
    assert len(table) == 16 * len(keys)


def test_each_fault_trips_its_flags_and_no_others(table, camera) -> None:
    expected = {
        (result.exposure, result.detector, result.amplifier): set(result.failures)
        for result in listExpectedResults(FAULTS, camera, [FIRST, SECOND])
    }
    assert len(expected) == 9 + 8 + 1
    for row in table:
        found = {
            name
            for name in ("MEAN", "NOISE", "CR_NOISE", "READ_NOISE_CONSISTENT")
            if row[f"BIAS_VERIFY_{name}"] is not np.ma.masked and not row[f"BIAS_VERIFY_{name}"]
        }
        key = row["exposure"], row["detector"], row["amplifier"]
        assert found == expected.get(key, set()), key


def test_stats_name_the_failures(butler, table) -> None:
    stats = butler.get("verifyBiasStats", instrument="LSSTComCam")
    assert stats[FIRST]["SUCCESS"] is stats["SUCCESS"] is False
    for exposure in (FIRST, SECOND):
        rows = table[(table["exposure"] == exposure) & ~table["BIAS_VERIFY_SUCCESS"]]
        named = {failure.split()[1] for failure in stats[exposure]["FAILURES"]}
        assert named == set(rows["amplifier"])


def test_stored_statistics_show_the_other_faults(butler, table) -> None:
    rows = {row["amplifier"]: row for row in table[(table["exposure"] == FIRST) & (table["detector"] == 0)]}
    assert rows["C03"]["BIAS_AMP_CORNER"] > 1.4
    assert abs(rows["C07"]["BIAS_AMP_CORNER"]) < 1
    assert rows["C06"]["BIAS_BIAS_SHIFT_COUNT"] == 2
    assert rows["C07"]["BIAS_BIAS_SHIFT_COUNT"] == 0
    matrix = butler.get("verifyBiasDetMatrix", instrument="LSSTComCam", detector=0, exposure=FIRST)
    pairs = {(row["ampName"], row["ampComp"]): row for row in matrix}
    assert pairs["C10", "C12"]["overscanCorr"] > 0.5
    assert pairs["C10", "C11"]["overscanCorr"] < 0.2
    assert pairs["C05", "C00"]["overscanCorr"] == 0


def test_table_agrees_with_the_stored_pixels(butler, table) -> None:
    exposure = butler.get("verifyBiasIsrExp", instrument="LSSTComCam", detector=4, exposure=FIRST)
    for row in table[(table["exposure"] == FIRST) & (table["detector"] == 4)]:
        pixels = exposure[exposure.getDetector()[row["amplifier"]].getBBox()].image.array.astype(float)
        assert row["BIAS_MEAN"] == pytest.approx(pixels.mean(), rel=1e-9)
        middle, spread = np.median(pixels), 0.7413 * np.subtract(*np.percentile(pixels, [75, 25]))
        kept = pixels[np.abs(pixels - middle) < 5 * spread]
        assert row["BIAS_NOISE"] == pytest.approx(kept.std(ddof=1), rel=1e-4)
        # Profiles are measured before the exposure is stored in steps of one electron.
        profile = row["BIAS_SERIAL_PROF"][: pixels.shape[1]]
        np.testing.assert_allclose(profile, pixels.mean(axis=0), atol=0.1)


def test_header_is_that_of_isr(butler, camera) -> None:
    header = butler.get("verifyBiasIsrExp.metadata", instrument="LSSTComCam", detector=4, exposure=FIRST)
    assert header["LSST ISR UNITS"] == "electron"
    for amp in camera[4]:
        name = amp.getName()
        assert header[f"LSST ISR GAIN {name}"] == pytest.approx(amp.getGain())
        assert header[f"LSST ISR READNOISE {name}"] == pytest.approx(amp.getReadNoise())
        stdev = header[f"LSST ISR OVERSCAN RESIDUAL SERIAL STDEV {name}"]
        assert stdev * amp.getGain() == pytest.approx(amp.getReadNoise(), rel=0.05)
    record = next(
        iter(butler.registry.queryDimensionRecords("exposure", exposure=FIRST, instrument="LSSTComCam"))
    )
    assert header["MJD"] == pytest.approx(record.timespan.begin.mjd)


def test_masked_amplifier_is_masked(butler) -> None:
    exposure = butler.get("verifyBiasIsrExp", instrument="LSSTComCam", detector=0, exposure=FIRST)
    bad = (exposure.mask.array & exposure.mask.getPlaneBitMask("BAD")) != 0
    box = exposure.getDetector()["C05"].getBBox()
    assert bad[box.getMinY() : box.getMaxY() + 1, box.getMinX() : box.getMaxX() + 1].all()
    assert bad.sum() == box.getWidth() * box.getHeight()


def test_binned_exposures(butler) -> None:
    ids = {"instrument": "LSSTComCam", "detector": 4, "exposure": FIRST}
    full = butler.get("verifyBiasIsrExp", ids).image.array
    for factor, tolerance in ((8, 0.4), (64, 0.05)):
        binned = butler.get(f"verifyBiasIsrExpBin{factor}", ids).image.array
        assert binned.shape == tuple(side // factor for side in full.shape)
        cut = full[: binned.shape[0] * factor, : binned.shape[1] * factor]
        means = cut.reshape(len(binned), factor, -1, factor).mean(axis=(1, 3))
        np.testing.assert_allclose(binned, means, atol=tolerance)


def test_mosaic_shows_detectors_with_data(butler) -> None:
    mosaic = butler.get("verifyBiasResidual8", instrument="LSSTComCam", exposure=FIRST)
    binned = butler.get("verifyBiasIsrExpBin8", instrument="LSSTComCam", exposure=FIRST, detector=4)
    assert np.isfinite(mosaic.array).sum() == 3 * binned.image.array.size
    second = butler.get("verifyBiasResidual8", instrument="LSSTComCam", exposure=SECOND)
    assert np.isfinite(second.array).sum() == 2 * binned.image.array.size


def test_task_gives_the_same_pixels_again(butler, camera) -> None:
    stored = butler.get("isrStatistics", instrument="LSSTComCam", detector=4, exposure=FIRST)
    again = SimulateBiasIsrTask().run(camera, "LSSTComCam", FIRST, 4, stored["MJD"])
    assert again.outputStatistics == stored


def test_task_refuses_afault_of_another_camera(camera) -> None:
    config = SimulateBiasIsrTask.ConfigClass(faults=["missingDetector detector:R01_S00"])
    with pytest.raises(ValueError, match="no such detector; its 9 detectors are R22_S00"):
        SimulateBiasIsrTask(config=config).run(camera, "LSSTComCam", FIRST, 4, 0.0)


def test_repository_has_the_exposures(butler) -> None:
    records = list(butler.registry.queryDimensionRecords("exposure", instrument="LSSTComCam"))
    assert {record.id for record in records} == {FIRST, SECOND}
    assert {record.observation_type for record in records} == {"bias"}
    assert {record.physical_filter for record in records} == {"empty"}


def test_camera_file_is_stored(tmp_path, camera) -> None:
    camera.writeFits(str(tmp_path / "camera.fits"))
    butler = makeRepository(tmp_path / "butler", LsstComCam, [], cameraFile=tmp_path / "camera.fits")
    stored = butler.get("camera", instrument="LSSTComCam", collections="LSSTComCam/defaults")
    assert stored[4].getBBox() == camera[4].getBBox()


def test_one_camera_only(tmp_path, camera) -> None:
    with pytest.raises(ValueError, match="either a camera or a camera file"):
        makeRepository(tmp_path / "butler", LsstComCam, [], camera=camera, cameraFile="camera.fits")


@pytest.mark.parametrize(("day", "number"), [(20261302, 1), (20260702, 0), (20260702, 100_000)])
def test_exposure_info_is_checked(day, number) -> None:
    with pytest.raises(ValueError, match="does not match format|unconverted|sequence number from 1 to 99999"):
        ExposureInfo(day, number)


def test_pipetask(tmp_path, environment) -> None:
    makeRepository(tmp_path / "butler", Latiss, EXPOSURES[:1], camera=shrinkCamera(Latiss.getCamera(), 8))
    pipeline = f"{STANDALONE}/pipelines/LATISS/verifyBias.yaml#{LABELS}"
    command = [sys.executable, "-c", "from lsst.ctrl.mpexec.cli.pipetask import main; main()", "run"]
    options = ["-b", str(tmp_path / "butler"), "-p", pipeline, "-i", "LATISS/defaults", "-o", "u/run"]
    options += [
        "-d",
        "instrument='LATISS'",
        "--register-dataset-types",
        "-c",
        "verifyBiasDet:ampCornerBoxSize=30",
    ]
    subprocess.run([*command, *options], check=True, env=os.environ, timeout=120)
    butler = Butler.from_config(str(tmp_path / "butler"), collections="u/run")
    assert len(butler.get("verifyBiasResults", instrument="LATISS")) == 16

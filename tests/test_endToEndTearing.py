# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""The tearing of flats, from simulated pixels through what ISR measures to metrics and plots."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from pipelineRuns import SimulatedRepository, findPlots, readPipeline

from lsst.analysis.cp.tasks import MeasureTearingTask
from lsst.daf.butler import Butler, DatasetType
from lsst.obs.lsst import Latiss
from lsst.pipe.base import NoWorkFound, Pipeline

simulator = pytest.importorskip("lsst.cp.simulator", reason="needs the simulator of the stand-ins")
pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[1]
LINES = ["tearing detector:0 amplifiers:C04", "tearing detector:0 amplifiers:C10 amplitude:0.09"]
FAULTS = simulator.parseFaults(LINES)
FILTER = "SDSSr_65mm~empty"
EXPOSURES = [
    simulator.ExposureInfo(20260105, number, observationType="flat", physicalFilter=FILTER)
    for number in (11, 12, 13)
]


@pytest.fixture(scope="module")
def isr(tmp_path_factory) -> SimulatedRepository:
    """Simulate torn flats, of which ISR measures the tearing, and combine them."""
    repository = SimulatedRepository(tmp_path_factory.mktemp("tearing") / "butler", Latiss)
    camera = simulator.shrinkCamera(Latiss().getCamera(), 4)
    simulator.makeRepository(repository.root, Latiss, EXPOSURES, camera=camera)
    pipeline = Pipeline.from_uri(f"{ROOT}/standalone/pipelines/LATISS/verifyFlat.yaml#verifyFlatIsr")
    pipeline.addConfigOverride("verifyFlatIsr", "faults", LINES)
    pipeline.addConfigOverride("verifyFlatIsr", "isrStats.doDivisaderoStatistics", True)
    repository.run(pipeline, "u/isr")
    root, collections = str(repository.root), repository.collections
    butler = Butler.from_config(root, collections=collections, run="u/flat", instrument="LATISS")
    flat, *others = [butler.get("verifyFlatIsrExp", exposure=info.id, detector=0) for info in EXPOSURES]
    for other in others:
        flat.image.array += other.image.array
    # A masked column at a boundary is no tearing.
    flat.image.array[:, 0] = flat.image.array[:, -1] = 0
    flat.mask.array[:, 0] = flat.mask.array[:, -1] = flat.mask.getPlaneBitMask("BAD")
    dimensions = ("instrument", "detector", "physical_filter")
    dataset_type = DatasetType(
        "flat", dimensions, "ExposureF", isCalibration=True, universe=butler.dimensions
    )
    butler.registry.registerDatasetType(dataset_type)
    butler.put(flat, dataset_type, detector=0, physical_filter=FILTER)
    repository.collections.insert(0, "u/flat")
    return repository


@pytest.fixture(scope="module", params=["analyzeTearing", "analyzeTearingStatistics"])
def flats(request, isr) -> Butler:
    """Measure the tearing, of combined flats or of what ISR has measured, and make its history."""
    repository = replace(isr, collections=list(isr.collections))
    repository.run(f"{request.param}.yaml", f"u/{request.param}")
    repository.run("trendTearing.yaml", f"u/{request.param}/trend")
    return repository.open()


def isCombined(butler: Butler) -> bool:
    """Tell whether combined flats were measured."""
    return "u/analyzeTearing" in butler.collections.defaults


def test_torn_boundaries_are_beyond_the_limit_and_no_others(flats):
    rows = flats.get("cpTearingResults")
    found = {(int(row["detector"]), str(row["amplifier"])) for row in rows if row["TEARING_MAX"] >= 0.05}
    assert found == simulator.listTornAmplifiers(FAULTS, Latiss().getCamera())
    assert found == {(0, name) for name in ("C03", "C04", "C05", "C10", "C11")}
    values = {m.metric_name.metric: m.quantity.value for m in flats.get("cpTearingRun_metrics")["tearingMax"]}
    assert (values["nFailed"], values["nValid"]) == (5, 16)
    assert values["quantityMax"] == pytest.approx(max(rows["TEARING_MAX"]) / 0.05, rel=1e-9)
    assert len(flats.get("cpTearingRun_culprits")) == 0


def test_measured_is_the_injected_tearing(flats):
    rows = {str(row["amplifier"]): row["TEARING_MAX"] for row in flats.get("cpTearingResults")}
    assert [rows["C04"], rows["C05"], rows["C10"]] == pytest.approx([0.12, 0.12, 0.09], abs=0.003)
    assert rows["C00"] < 0.003


def test_numbers_are_those_of_the_pixels(flats):
    """Against the flats themselves: medians for clipped means, a fit of its own."""
    camera = flats.get("camera", instrument="LATISS")
    if isCombined(flats):
        images = [flats.get("flat", detector=0, physical_filter=FILTER).image.array]
    else:
        images = [flats.get("verifyFlatIsrExp", exposure=e.id, detector=0).image.array for e in EXPOSURES]
    profiles = {}
    for amp in camera[0]:
        box = amp.getBBox()
        own = []
        for image in images:
            pixels = image[box.getMinY() : box.getMaxY() + 1, box.getMinX() : box.getMaxX() + 1]
            near = pixels[-210:-10] if amp.getRawFlipY() else pixels[10:210]
            profile = np.median(near, axis=0)
            x = np.arange(len(profile), dtype=float)
            matrix = np.column_stack([x, np.ones_like(x)])
            line, *_ = np.linalg.lstsq(matrix[25:-25], profile[25:-25], rcond=None)
            own.append(profile / (matrix @ line))
        profiles[box.getMinY(), box.getMinX()] = amp.getName(), np.median(own, axis=0)
    expected = {}
    for (y, x), (name, profile) in profiles.items():
        for (v, u), (other, beside) in profiles.items():
            if v == y and u == x + len(profile):
                largest = np.abs(np.concatenate([profile[-2:], beside[:2]]) - 1).max()
                for each in (name, other):
                    expected[each] = max(expected.get(each, 0), largest)
    rows = {str(row["amplifier"]): row for row in flats.get("cpTearingResults")}
    assert len(expected) == 16
    for name, profile in profiles.values():
        known = np.isfinite(rows[name]["TEARING_PROFILE"])
        assert np.count_nonzero(~known) == (isCombined(flats) and name in ("C00", "C07", "C10", "C17"))
        # Medians of 200 rows scatter by 0.05%.
        np.testing.assert_allclose(rows[name]["TEARING_PROFILE"][known], profile[known], atol=3e-3)
        assert rows[name]["TEARING_MAX"] == pytest.approx(expected[name], abs=2e-3)


def test_numbers_are_those_of_the_statistics(flats):
    if isCombined(flats):
        assert set(flats.get("cpTearingResults")["TEARING_N_EXPOSURES"]) == {1}
        return
    stored = [flats.get("isrStatistics", exposure=info.id, detector=0)["DIVISADERO"] for info in EXPOSURES]
    for row in flats.get("cpTearingResults"):
        own = [statistics[str(row["amplifier"])] for statistics in stored]
        middle = [sorted(values)[1] for values in zip(*(o["DIVISADERO_PROFILE"] for o in own), strict=True)]
        np.testing.assert_allclose(row["TEARING_PROFILE"], middle, rtol=1e-12)
        assert row["TEARING_LARGEST"] == max(o["DIVISADERO_MAX"] for o in own)
        assert (row["TEARING_N_EXPOSURES"], row["TEARING_LIMIT"]) == (3, 0.05)


def test_stats_have_no_vectors(flats):
    own = flats.get("cpTearingDetStats", detector=0)["AMP"]["C00"]
    assert own.keys() == {"MAX", "LIMIT", "LARGEST", "N_EXPOSURES"}


def test_plots_are_written(flats):
    found = findPlots(flats, "Tearing")
    assert {
        "cpTearingRun_tearingMax_FocalPlaneGeometryPlot",
        "cpTearingRun_tearingLargest_FocalPlaneGeometryPlot",
        "cpTearingProfilesExtended_tearingProfiles_TearingPlot",
        "cpTearingRaftProfilesExtended_tearingProfiles_TearingPlot",
        "cpTearingRunExtended_tearingByVendor_VendorHistogramPlot",
        "cpTearingTrend_tearingMaxByDetector_TrendPlot",
    } <= found.keys()
    assert "toolFailures" not in flats.get("analyzeTearingRun_metadata")["analyzeTearingRun"]


class Handle:
    """A handle of the statistics of an exposure."""

    ref = SimpleNamespace(datasetType=SimpleNamespace(name="isrStatistics"))

    def __init__(self, exposure, statistics):
        self.dataId = SimpleNamespace(mapping={"exposure": exposure})
        self._statistics = statistics

    def get(self):
        if isinstance(self._statistics, Exception):
            raise self._statistics
        return self._statistics


def makeStatistics(width: int, deviation: float) -> dict[str, object]:
    """Make statistics in which each amplifier deviates at its right side."""
    profile = [1.0] * (width - 1) + [1 + deviation]
    return {
        amp.getName(): {"DIVISADERO_PROFILE": profile, "DIVISADERO_MAX": abs(deviation)}
        for amp in Latiss().getCamera()[0]
    }


def test_bad_exposures_cost_themselves_and_are_named(caplog):
    camera = Latiss().getCamera()
    width = camera[0][0].getBBox().getWidth()
    task = MeasureTearingTask(config=MeasureTearingTask.ConfigClass())
    lacking = makeStatistics(width, -0.2)
    lacking["C00"] = {"DIVISADERO_PROFILE": [1.0, 1.0], "DIVISADERO_MAX": float("nan")}
    del lacking["C01"]
    handles = [
        Handle(4, {"DIVISADERO": None}),
        Handle(3, {"DIVISADERO": lacking}),
        Handle(2, OSError("cut")),
        Handle(1, {"DIVISADERO": makeStatistics(width, 0.1)}),
    ]
    with caplog.at_level(logging.WARNING):
        found = task.readStatistics(handles, camera[0])
        measured = task.amplifierStatistics(found, camera=camera)
    assert "exposure 2 is left out: OSError('cut')" in caplog.text
    assert "1 input(s) have no DIVISADERO (exposure 4)" in caplog.text
    assert "profile of C00 has the shape (2,)" in caplog.text
    assert [measured[name]["N_EXPOSURES"] for name in ("C00", "C01", "C02")] == [1, 1, 2]
    # Of C01 one profile is known; the median of 1.1 and 0.8 is 0.95.
    assert measured["C13"]["MAX"] == pytest.approx(0.05, rel=1e-12)
    assert measured["C00"]["LARGEST"] == 0.1
    assert measured["C13"]["LARGEST"] == 0.2


def test_without_the_statistics_nothing_is_made():
    task = MeasureTearingTask(config=MeasureTearingTask.ConfigClass())
    with pytest.raises(
        NoWorkFound, match=r"none of 2 datasets isrStatistics of detector 0 has DIVISADERO; .*isrStats.doDivi"
    ):
        task.readStatistics(
            [Handle(1, {"DIVISADERO": None}), Handle(2, {"MJD": 1.0})], Latiss().getCamera()[0]
        )


def test_amplifiers_without_a_profile_are_unknown():
    """Their neighbours' columns at the boundary say nothing of them."""
    camera = Latiss().getCamera()
    statistics = makeStatistics(camera[0][0].getBBox().getWidth(), 0.1)
    del statistics["C12"]
    task = MeasureTearingTask(config=MeasureTearingTask.ConfigClass())
    measured = task.amplifierStatistics(
        task.readStatistics([Handle(1, {"DIVISADERO": statistics})], camera[0]), camera=camera
    )
    assert [name for name, own in measured.items() if np.isnan(own["MAX"])] == ["C12"]
    assert measured["C12"]["N_EXPOSURES"] == 0


@pytest.mark.parametrize("field", ["limit", "numImpactPixels"])
def test_page_and_table_have_to_have_the_same_limits(field):
    pipeline = readPipeline("LATISS/analyzeTearing.yaml")
    pipeline.addConfigOverride("measureTearing", field, 1)
    with pytest.raises(Exception, match=f"measureTearing.{field}"):
        pipeline.to_graph()

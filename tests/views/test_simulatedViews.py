# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Views of darks and flats, and of combined ones, from simulated pixels to what they show."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pipelineRuns import SimulatedRepository

from lsst.afw.cameraGeom import Camera
from lsst.analysis.cp.actions.plot.image import plots
from lsst.daf.butler import Butler
from lsst.obs.lsst import Latiss, LsstComCam
from lsst.utils.plotting import make_figure

simulator = pytest.importorskip("lsst.cp.simulator", reason="needs the simulator of the stand-ins")
flat_frames = pytest.importorskip("lsst.cp.simulator.flatFrames")
frames = pytest.importorskip("lsst.cp.simulator.frames")
random_streams = pytest.importorskip("lsst.cp.simulator.randomStreams")
pytestmark = pytest.mark.slow

FLUX = 50_000.0
SHRINK = 8
DETECTORS = {"LATISS": (0,), "LSSTComCam": (0, 4)}
DEAD = simulator.Fault(simulator.FaultKind.DEAD_AMPLIFIER, 0, ("C03",))


@pytest.fixture
def views(monkeypatch) -> dict[str, Any]:
    """Keep what is prepared of each figure of an image by its title, and draw nothing."""
    kept: dict[str, Any] = {}

    def keep(view):
        kept[f"{view.title}, {view.frame.shown.sum()} detectors"] = view
        return make_figure(figsize=(1, 1))

    monkeypatch.setattr(plots, "makeImageFigure", keep)
    return kept


def run(root: Any, readPipeline: Any, instrument: type, product: str) -> Butler:
    """Simulate one exposure of a product, verify it, and make its views."""
    repository = SimulatedRepository(root, instrument)
    name, title = repository.name, product.title()
    labels = [f"verify{title}{end}" for end in ("Isr", "Det", "Exp")]
    labels += [f"mosaic{title}Exp8", f"{product}Views"]
    pipeline = readPipeline(f"{name}/verify{title}.yaml#{','.join(labels)}")
    pipeline.addConfigOverride(f"verify{title}Isr", "faults", [DEAD.toText()])
    info = simulator.ExposureInfo(20260801, 1, observationType=product, exposureTime=15.0)
    camera = simulator.shrinkCamera(instrument().getCamera(), SHRINK)
    simulator.makeRepository(root, instrument, [info], camera=camera)
    return repository.run(pipeline, where=f"detector IN {(*DETECTORS[name], -1)}")


@pytest.mark.parametrize("instrument", [Latiss, LsstComCam], ids=lambda instrument: instrument.getName())
@pytest.mark.parametrize("product", ["dark", "flat"])
def test_views_of_simulated_exposures(tmp_path, readPipeline, views, instrument, product):
    butler = run(tmp_path / "butler", readPipeline, instrument, product)
    n_detectors = len(DETECTORS[instrument.getName()])
    one = f"cp{product.title()}ExpDetView_{product}Image_DetectorImagePlot"
    assert len(butler.query_datasets(one)) == n_detectors
    whole = f"cp{product.title()}ExpView_{product}Image_FocalPlaneImagePlot"
    assert len(butler.query_datasets(whole)) == 1
    raft_types = list(butler.registry.queryDatasetTypes(f"*RaftView_{product}Image_*"))
    assert [len(butler.query_datasets(name)) for name in raft_types] == [1] * (n_detectors > 1)
    (structures,) = butler.query_datasets(f"cp{product.title()}ExpResidual_structures")
    table = butler.get(structures)
    dead = table[np.asarray(table["kind"]) == "deadAmplifier"]
    assert {(int(row["detector"]), str(row["amplifier"])) for row in dead} == {(0, "C03")}
    label = {"dark": "Residual dark", "flat": "Flat"}[product]
    shown = [view for title, view in views.items() if title.startswith(f"{label}, one scale for all")]
    assert shown
    for view in shown:
        limits = view.scale.limits
        assert view.scale.label == f"{label} (electron)"
        if product == "flat":
            # The colours span the light, not the way to it from 0; the dead amplifier is beyond them.
            assert 0.8 * FLUX < limits.low < limits.high < 1.1 * FLUX
        else:
            assert limits.low == -limits.high
            assert limits.high < 100.0
        assert view.message == ""


def makeFlatPixels(detector: Any, camera: Camera) -> np.ndarray:
    """Make the combined flat of a detector as the simulator has it."""
    box = detector.getBBox()
    pixels = np.zeros((box.getHeight(), box.getWidth()), dtype=np.float32)
    place = flat_frames.FocalPlanePlace.ofDetector(detector, camera)
    streams = random_streams.RandomStreams(1, "LSSTComCam", detector.getId())
    for amp in detector:
        geometry = frames.AmplifierGeometry.fromAmplifier(amp, box)
        _, combined = flat_frames.makeCombinedFlat(geometry, place, flat_frames.FlatModel(), 1.0, streams)
        pixels[geometry.rows, geometry.columns] = combined
    return pixels


def makeDarkPixels(detector: Any, camera: Camera) -> np.ndarray:
    """Make a combined dark (electron/s): a dark current of 0.02, its noise, and hot pixels."""
    rng = np.random.default_rng(detector.getId())
    box = detector.getBBox()
    pixels = rng.normal(0.02, 0.004, (box.getHeight(), box.getWidth())).astype(np.float32)
    pixels[rng.integers(0, box.getHeight(), 30), rng.integers(0, box.getWidth(), 30)] += 5.0
    return pixels


COMBINED = {
    "dark": (makeDarkPixels, "Combined dark (electron / s)", (0.0, 0.02, 0.1)),
    "flat": (makeFlatPixels, "Combined flat", (0.8, 1.0, 1.1)),
}


@pytest.mark.parametrize("product", COMBINED)
def test_views_of_simulated_calibrations(makeRepository, readPipeline, views, product):
    make, label, (least, middle, most) = COMBINED[product]
    repository = makeRepository()
    filters = ("physical_filter",) if product == "flat" else ()
    names = (product, f"{product}Bin8", f"{product}Mosaic8")
    repository.fill(
        *names,
        dimensions=("instrument", *filters),
        isCalibration=True,
        makePixels=lambda detector: make(detector, repository.camera),
    )
    repository.run(readPipeline(f"LSSTComCam/viewCombined{product.title()}.yaml"))
    name = label.partition(" (")[0]
    shown = [view for title, view in views.items() if title.startswith(f"{name}, one scale for all")]
    assert {int(view.frame.shown.sum()) for view in shown} == {1, 9}
    for view in shown:
        assert view.scale.label == label
        assert least < view.scale.limits.low < view.scale.limits.high < most
        assert view.scale.limits.low < middle
        # What is never 0 does not diverge from there.
        assert view.scale.limits.low != -view.scale.limits.high

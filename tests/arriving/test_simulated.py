# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Results that a pipeline has measured: nominal read noise and times are from headers, as in the merge."""

from __future__ import annotations

import json

import pytest
from nights import writePipeline
from pipelineRuns import SimulatedRepository, readPipeline

from lsst.analysis.cp.arriving import Target, Watch
from lsst.analysis.cp.core.amps import HEADER_SOURCE
from lsst.analysis.cp.report import collectReport
from lsst.analysis.cp.report.document import makeDocument
from lsst.obs.lsst import Latiss

simulator = pytest.importorskip("lsst.cp.simulator", reason="needs the simulator of the stand-ins")

EXPOSURE = simulator.ExposureInfo(20260801, 1)


@pytest.mark.parametrize("product", ["bias", "dark"])
def test_numbers_are_those_of_the_merge(tmp_path, upstreamPipelines, product):
    stem = f"verify{product.title()}"
    repository = SimulatedRepository(tmp_path / "repository", Latiss)
    camera = simulator.shrinkCamera(Latiss().getCamera(), 8)
    simulator.makeRepository(repository.root, Latiss, [EXPOSURE], camera=camera).close()
    pipeline = readPipeline(f"LATISS/{stem}.yaml#{stem}Isr,{stem}Det")
    if product == "bias":
        # The amplifiers are small.
        pipeline.addConfigOverride("verifyBiasDet", "ampCornerBoxSize", 25)
    repository.run(pipeline, "u/verify")
    target = Target(
        repo=str(repository.root),
        collections=["u/verify"],
        product=product,
        exposure=EXPOSURE.id,
        output="u/merge",
        instrument="LATISS",
        pipeline=writePipeline(tmp_path, product, Latiss()),
    )
    Watch(target, tmp_path / "out", print).run()
    (found,) = json.loads((tmp_path / "out" / "verdict.json").read_text())["products"]
    with repository.open("u/merge") as butler:
        (expected,) = makeDocument(collectReport(butler, ["u/merge"], instrument="LATISS"))["products"]
        table = butler.get(f"cp{product.title()}Exp_ampSummary", exposure=EXPOSURE.id)
    assert set(table["readNoiseSource"]) == {HEADER_SOURCE}
    for key in ("verdict", "reasons", "status", "tests", "detectors"):
        assert found[key] == expected[key]
    assert len(found["tests"]) > 4

# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Pages of the detectors of a run, from one stored table."""

from __future__ import annotations

import pytest
from astropy.table import vstack

from lsst.analysis.cp.actions.plot import DetectorSeriesPlot
from lsst.analysis.cp.atools import addExtendedTools
from lsst.analysis.cp.tasks import DetectorPagesTask, ToolFailuresError
from lsst.obs.lsst import LsstComCam
from lsst.pipe.base import PipelineGraph

NAME = "pages_darkCurrentByAmp_DetectorSeriesPlot"


@pytest.fixture(scope="module")
def repository(makeRepository, makeTable):
    """LSSTComCam with the darks of a run, of which detector 3 has no results."""
    made = makeRepository(LsstComCam)
    tables = [
        makeTable(detector, exposure, "dark")
        for exposure in made.exposures
        for detector in made.camera
        if detector.getId() != 3
    ]
    made.register("verifyDarkResults", "ArrowAstropy", ("instrument",))
    made.put("verifyDarkResults", vstack(tables))
    return made


def makePages(repository):
    """Make pages of three detectors."""
    config = DetectorPagesTask.ConfigClass()
    config.connections.data, config.connections.outputName = "verifyDarkResults", "pages"
    config.connections.exposureResults = "verifyDarkExpResults"
    addExtendedTools(config, "dark", "runDetector")
    graph = PipelineGraph()
    graph.add_task("pages", DetectorPagesTask, config)
    return repository.prepare(graph, "detector IN (0, 3, 4)")


def test_detectors_with_rows_have_a_page(repository):
    executor = makePages(repository)
    (quantum,) = executor.run(register_dataset_types=True)
    assert len(quantum.outputs[NAME]) == 3
    found = repository.open(f"run{repository.runs}").query_datasets(NAME)
    assert {ref.dataId["detector"] for ref in found} == {0, 4}


def test_what_fails_is_named_with_its_detector(repository, monkeypatch):
    """A page that cannot be drawn costs itself, and then the quantum fails."""
    draw = DetectorSeriesPlot.__call__

    def drawOthers(self, data, **kwargs):
        if kwargs["detector"] == 0:
            raise RuntimeError("no ink")
        return draw(self, data, **kwargs)

    monkeypatch.setattr(DetectorSeriesPlot, "__call__", drawOthers)
    with pytest.raises(ToolFailuresError, match="0 darkCurrentByAmp: RuntimeError: no ink"):
        makePages(repository).run(register_dataset_types=True)
    (ref,) = repository.open(f"run{repository.runs}").query_datasets(NAME)
    assert ref.dataId["detector"] == 4

# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""What a followed exposure leaves in the repository is what its pipeline would have written."""

from __future__ import annotations

import re
from functools import partial

import numpy as np
import pytest
from nights import DETECTORS, EXPOSURE, RUN, Follower, Night, writePipeline
from pipelineRuns import runPipeline

from lsst.analysis.cp.arriving import MergeStep, NoMergeError, WatchError
from lsst.analysis.cp.metrics import readBundle
from lsst.analysis.cp.report.model import Verdict
from lsst.daf.butler import Butler, DatasetRef
from lsst.pipe.base import Pipeline

MERGE, PIPELINE = "u/night/merge", "u/night/pipeline"


def mergeByPipeline(night: Night, pipeline: str, where: str) -> None:
    """Merge as ``pipetask run`` does."""
    inputs = [RUN, f"{night.name}/calib/unbounded"]
    label = f"{night.stem}Exp"
    runPipeline(night.root, Pipeline.from_uri(f"{pipeline}#{label}"), inputs, PIPELINE, where)


def listDatasets(butler: Butler, collection: str) -> dict[tuple[str, str], DatasetRef]:
    """List what a merge wrote, by type and data ID."""
    run = butler.collections.query(collection, flatten_chains=True)[0]
    refs = butler.query_all_datasets(run, find_first=False, limit=None)
    return {(ref.datasetType.name, str(ref.dataId)): ref for ref in refs}


def assertSame(butler: Butler, first: DatasetRef, second: DatasetRef) -> int:
    """Compare two datasets; return how many numbers or words were compared."""
    storage = first.datasetType.storageClass_name
    if storage == "MetricMeasurementBundle":
        values = readBundle(butler, first).values
        assert values == readBundle(butler, second).values
        return sum(map(len, values.values()))
    if storage == "ArrowAstropy":
        one, other = butler.get(first), butler.get(second)
        assert one.colnames == other.colnames
        for name in one.colnames:
            np.testing.assert_array_equal(one[name], other[name], name)
        return len(one) * len(one.colnames)
    if storage == "StructuredDataDict":
        assert butler.get(first) == butler.get(second)
        return len(butler.get(first))
    return 0


@pytest.mark.parametrize("product", ["bias", "dark"])
def test_all_is_as_of_the_pipeline(makeNight, follower, tmp_path, product):
    night = follower.night = makeNight(product, "other")
    follower.pipeline = writePipeline(tmp_path, product)
    assert follower.follow(*(partial(night.add, detector) for detector in DETECTORS)) is Verdict.MAY
    mergeByPipeline(night, follower.pipeline, f"instrument = '{night.name}' AND exposure = {EXPOSURE}")
    with night.open() as butler:
        ours, theirs = listDatasets(butler, MERGE), listDatasets(butler, PIPELINE)
        assert ours.keys() == theirs.keys()
        compared = {name: assertSame(butler, ours[name, key], ref) for (name, key), ref in theirs.items()}
    stem = product.title()
    full = {f"verify{stem}ExpStats", f"verify{stem}ExpResults", f"cp{stem}Exp_metrics"}
    full |= {f"cp{stem}Exp_{name}" for name in ("ampSummary", "detectorSummary", "culprits")}
    assert all(compared[name] > 9 for name in full)
    assert compared[f"cp{stem}ExpDet_metrics"] > 9
    assert {f"verify{stem}Exp_log", f"verify{stem}Exp_metadata"} <= compared.keys()


def test_the_output_is_a_chain_of_merge_and_inputs(follower, night):
    night.add(*DETECTORS)
    follower.follow()
    night.butler.registry.refresh()
    first, *others = night.butler.collections.query(MERGE, flatten_chains=True)
    assert first.startswith(f"{MERGE}/2")
    assert others == [RUN, "LSSTComCam/calib/unbounded"]
    assert follower.read()["arrival"]["run"] == first


def test_a_second_merge_comes_before_the_first(follower, night, monkeypatch):
    """As after a kill: everything is done again, and nothing of the first is in the way."""
    stamps = iter(["20260302T000000Z", "20260302T000001Z"])
    monkeypatch.setattr("lsst.pipe.base.Instrument.makeCollectionTimestamp", lambda: next(stamps))
    night.add(*DETECTORS)
    assert follower.follow() is Verdict.MAY
    before = follower.read()["products"]
    assert follower.follow() is Verdict.MAY
    assert follower.read()["products"] == before
    night.butler.registry.refresh()
    runs = night.butler.collections.query(MERGE, flatten_chains=True)
    assert runs[:2] == [f"{MERGE}/20260302T000001Z", f"{MERGE}/20260302T000000Z"]


@pytest.fixture
def plotting(follower: Follower) -> Follower:
    """Follow with the pipeline as it is."""
    follower.pipeline = None
    return follower


def test_maps_tell_what_is_not_there_yet_until_the_stored_ones_take_their_place(plotting, night):
    seen: list[list[bytes]] = []

    def look() -> None:
        seen.append([path.read_bytes() for path in sorted(plotting.out.glob("*.png"))])

    night.add(0, 1, 2, 3)
    waits = [look] * 30
    assert plotting.follow(*waits, partial(night.add, 4, 5, 6, 7, 8)) is Verdict.MAY
    assert len(seen[0]) == 0
    assert len(seen[-1]) == 5
    with night.open(collections=MERGE, instrument=night.name) as butler:
        plot = "cpBiasExp_biasFailures_FailureMapPlot"
        stored = butler.getURI(plot, exposure=EXPOSURE).read()
    (shown,) = re.findall(r'src="(biasFailures-\d+\.png)"', plotting.page)
    assert (plotting.out / shown).read_bytes() == stored
    assert stored not in seen[-1]
    assert f"stored as {plot}" in plotting.page
    assert plotting.page.count("<img") == 5


def test_a_merge_that_fails_leaves_its_log(follower, night, monkeypatch):
    def fail(self, *args, **kwargs):
        raise RuntimeError("no room on the disk")

    monkeypatch.setattr("lsst.analysis.cp.tasks.merge.ExpMergeAnalysisTask.run", fail)
    night.add(*DETECTORS)
    with pytest.raises(WatchError, match="The merge failed: RuntimeError: no room on the disk"):
        follower.follow()
    document = follower.read()
    assert document["verdict"] == "MAY"
    assert document["arrival"]["trouble"] == "The merge failed: RuntimeError: no room on the disk"
    with night.open(collections=MERGE, instrument=night.name) as butler:
        records = butler.get("verifyBiasExp_log", exposure=EXPOSURE)
    assert any("no room on the disk" in record.message for record in records)


def test_a_pipeline_without_such_a_merge(upstreamPipelines):
    with pytest.raises(NoMergeError, match=r"verifyPtc.yaml has no merges of the detectors .* 'ptc'"):
        MergeStep.find("$ANALYSIS_CP_DIR/pipelines/LSSTComCam/verifyPtc.yaml", "ptc")


@pytest.mark.parametrize(
    ("product", "earlier"),
    [
        ("bias", ("verifyBiasDet", "verifyBiasIsr")),
        ("flat", ("verifyFlatDet", "verifyFlatIsr")),
        ("defects", ("verifyDefectsDet", "verifyDefectsIsr", "verifyUncorrectedDefectsIsr")),
    ],
)
def test_tasks_before_the_merge(upstreamPipelines, product, earlier):
    step = MergeStep.find(f"$ANALYSIS_CP_DIR/pipelines/LSSTCam/verify{product.title()}.yaml", product)
    assert step.earlier == earlier
    assert step.inputs["inputResults"] == f"verify{product.title()}DetResults"
    assert step.headers == f"verify{product.title()}IsrExp"

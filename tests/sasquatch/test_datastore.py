# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Our bundles through upstream's datastore, which sends each bundle as it is put."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
from services.avroJson import decodeMessage
from services.biasResults import makeColumns
from services.bundleRepository import findId, registerExposures
from services.restProxy import RestProxy

from lsst.analysis.cp.metrics import BundleContent, readBundle
from lsst.analysis.cp.tasks.runner import ToolRunner
from lsst.daf.butler import Butler, Config, DatasetType
from lsst.obs.lsst import LsstCam
from lsst.pipe.base import Pipeline

DATASTORES = "lsst.daf.butler.datastores"
SASQUATCH = "lsst.analysis.tools.interfaces.datastore"
PIPELINE = Path(__file__).parents[2] / "pipelines" / "LSSTCam" / "verifyBias.yaml"
FILES = "<butlerRoot>/files"
DETECTORS = (0, 94, 204)


@pytest.fixture
def butler(tmp_path: Path, proxy: RestProxy) -> Butler:
    """Make a repository that writes files and sends to Sasquatch."""
    pytest.importorskip(SASQUATCH, reason="needs upstream's datastore in the place of ours")
    config = {
        "datastore": {
            "cls": f"{DATASTORES}.chainedDatastore.ChainedDatastore",
            "datastores": [
                {
                    "datastore": {
                        "cls": f"{DATASTORES}.fileDatastore.FileDatastore",
                        "root": "<butlerRoot>/files",
                    }
                },
                {
                    "datastore": {
                        "cls": f"{SASQUATCH}.SasquatchDatastore",
                        "restProxyUrl": proxy.url,
                        "namespace": "lsst.cp",
                        "constraints": {"accept": ["MetricMeasurementBundle"]},
                    }
                },
            ],
        }
    }
    butler = Butler.from_config(Butler.makeRepo(str(tmp_path), config=Config(config)), writeable=True)
    LsstCam().register(butler.registry)
    registerExposures(butler, [1])
    butler.collections.register("run")
    return butler


def putBundles(butler: Butler, label: str, kind: str) -> None:
    """Put the bundles that a merge of biases makes, that of the whole and those of some detectors."""
    node = Pipeline.fromFile(str(PIPELINE)).to_graph().tasks[label]
    camera = LsstCam().getCamera()
    runner = ToolRunner(logging.getLogger("test"), {})
    columns = makeColumns([camera[number] for number in DETECTORS], findId(1), kind)
    identity: dict[str, int | str] = {"instrument": "LSSTCam"}
    identity |= {"exposure": findId(1)} if "exposure" in node.raw_dimensions else {}
    detectors = [(identity.get("exposure"), detector) for detector in DETECTORS]
    outputs = node.task_class(config=node.config).analyze(
        columns, runner, camera=camera, exposures=[findId(1)], detectors=detectors
    )
    assert not runner.failures
    bundles = [(identity, "metrics", outputs.metrics)]
    bundles += [
        (identity | {"detector": detector}, "detectorMetrics", bundle)
        for detector, bundle in zip(DETECTORS, outputs.detectorMetrics, strict=True)
    ]
    for data_id, name, bundle in bundles:
        output = node.outputs[name]
        dataset_type = DatasetType(
            output.dataset_type_name, data_id, output.storage_class_name, universe=butler.dimensions
        )
        butler.registry.registerDatasetType(dataset_type)
        butler.put(bundle, dataset_type, data_id, run="run")


def readTopic(proxy: RestProxy, topic: str) -> list[dict[str, object]]:
    """Decode the records of a topic."""
    return [decodeMessage(message, proxy.registry.schemas) for message in proxy.log.read(topic)]


@pytest.mark.parametrize("kind", ["valid", "invalid"])
def test_datastore_sends_every_bundle(monkeypatch, butler, proxy, caplog, kind):
    monkeypatch.setenv("ANALYSIS_CP_DIR", str(PIPELINE.parents[2]))
    putBundles(butler, "verifyBiasExp", kind)
    putBundles(butler, "verifyBias", kind)
    assert [entry.message for entry in caplog.records if entry.name.startswith("lsst.analysis.tools")] == []
    exposures = readTopic(proxy, "lsst.cp.cpBiasExp_biasNoise")
    detectors = readTopic(proxy, "lsst.cp.cpBiasExpDet_biasNoise")
    assert [(each["exposure"], each["day_obs"]) for each in exposures] == [(str(findId(1)), "20260801")]
    assert exposures[0]["physical_filter"] == "empty"
    assert [each["detector"] for each in detectors] == [str(number) for number in DETECTORS]
    for record in (*exposures, *detectors):
        assert record["instrument"] == "LSSTCam"
        assert (record["nValid"] == 0.0) == (kind == "invalid")
    (run,) = readTopic(proxy, "lsst.cp.cpBiasRun_biasNoise")
    assert (run["instrument"], run["exposure"], run["detector"]) == ("LSSTCam", "", "")


def test_bundle_is_read_back_where_it_is_a_file(monkeypatch, butler):
    monkeypatch.setenv("ANALYSIS_CP_DIR", str(PIPELINE.parents[2]))
    putBundles(butler, "verifyBias", "valid")
    (ref,) = butler.query_datasets("cpBiasRun_metrics", "run")
    assert readBundle(butler, ref) == BundleContent.fromJson(butler.get(ref).json())

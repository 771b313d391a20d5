# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""The submit files: one for each pipeline, what they submit, and which quanta are one job."""

from __future__ import annotations

import re
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from lsst.daf.butler import Butler, CollectionType
from lsst.obs.lsst import Latiss, LsstCam, LsstComCam
from lsst.pipe.base import Pipeline
from lsst.pipe.base.all_dimensions_quantum_graph_builder import AllDimensionsQuantumGraphBuilder
from lsst.pipe.base.quantum_graph import PredictedQuantumGraph
from lsst.utils import doImport

bps = pytest.importorskip("lsst.ctrl.bps", reason="needs ctrl_bps")
simulator = pytest.importorskip("lsst.cp.simulator", reason="needs the simulator of the stand-ins")

ROOT = Path(__file__).parents[2]
FILES = sorted((ROOT / "bps").glob("*.yaml"))
INGREDIENTS = ROOT / "bps" / "_ingredients"
CAMERAS = {instrument.getName(): instrument for instrument in (Latiss, LsstComCam, LsstCam)}
EXPOSURES = tuple(simulator.ExposureInfo(20260801, number) for number in (1, 2))

every_file = pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
every_camera = pytest.mark.parametrize("camera", CAMERAS)
every_pipeline = pytest.mark.parametrize(
    ("file", "camera"),
    [
        pytest.param(file, camera, id=f"{file.stem}-{camera}")
        for file in FILES
        for camera in CAMERAS
        if (ROOT / "pipelines" / camera / file.name).exists()
    ],
)


def readFile(file: Path) -> Any:
    """Read a submit file as ``bps submit`` does."""
    config = bps.BpsConfig(str(file), search_order=bps.BPS_SEARCH_ORDER, defaults=bps.BPS_DEFAULTS)
    config[".bps_defined.timestamp"] = "20260801T000000Z"
    return config


def setUp(shell: pytest.MonkeyPatch, file: Path, camera: str, selection: str = "instrument='some'") -> None:
    """Say what is verified, if the file asks for it, and of which camera."""
    shell.setenv("INSTRUMENT", camera)
    for name in re.findall(r"SELECTION_\w+", file.read_text()):
        shell.setenv(name, selection)


def readOwn(file: Path) -> dict:
    """Read what a file says itself, without what it includes."""
    return yaml.safe_load(file.read_text())


@every_camera
def test_each_pipeline_has_a_submit_file(camera):
    pipelines = {path.name for path in (ROOT / "pipelines" / camera).glob("*.yaml")}
    assert pipelines <= {file.name for file in FILES}


def test_each_submit_file_has_a_pipeline():
    pipelines = {path.name for path in (ROOT / "pipelines" / "LSSTCam").glob("*.yaml")}
    assert {file.name for file in FILES} <= pipelines


@every_file
def test_files_say_what_is_their_own_and_no_more(file):
    """All else is in the ingredients, once."""
    own = readOwn(file)
    assert own.keys() == {"includeConfigs", "payload"}
    assert own["payload"].keys() <= {"payloadName", "verification", "dataQuery", "subset"}


@every_pipeline
def test_the_pipeline_is_that_of_the_name_and_of_the_camera(file, camera, shell):
    shell.setenv("INSTRUMENT", camera)
    config = readFile(file)
    assert config["payloadName"] == file.stem
    subset = "#biasNightRun" if file.stem == "verifyNight" else ""
    assert config["pipelineYaml"] == f"{ROOT}/pipelines/{camera}/{file.name}{subset}"


@every_file
def test_all_variables_are_documented_and_checked(file, shell):
    """What is set nowhere ends the submission, before anything is written."""
    page = (ROOT / "doc" / "lsst.analysis.cp" / "bps.rst").read_text()
    shell.setenv("INSTRUMENT", "LATISS")
    shell.delenv("TICKET")
    shell.delenv("CALIB_COLLECTIONS")
    texts = [file.read_text(), *(path.read_text() for path in INGREDIENTS.glob("*.yaml"))]
    names = set(re.findall(r"\$\{(\w+)\}|'(BPS_\w+)'", "\n".join(texts)))
    assert [name for pair in sorted(names) for name in pair if name and f"``{name}``" not in page] == []
    config = readFile(file)
    with pytest.raises(RuntimeError, match=r"not set: .*TICKET.*CALIB_COLLECTIONS"):
        config.generate_config()


@every_file
def test_values_of_the_command_line_need_no_variable(file, shell):
    shell.setenv("INSTRUMENT", "LATISS")
    for name in ("REPO", "TAG", "VERIFY_RERUN", "USER_CALIB_PREFIX", "CALIB_COLLECTIONS", "RAW_COLLECTION"):
        shell.delenv(name)
    config = readFile(file)
    given = {"butlerConfig": "repo", "inCollection": "a,b", "output": "c", "dataQuery": "instrument='LATISS'"}
    for key, value in given.items():
        config[f".bps_cmdline.{key}"] = value
    config.generate_config()
    assert config["createQuantumGraph"].count("-i a,b -o c --output-run c/20260801T000000Z") == 1
    assert config["site"]["local"]["cores"] == 2


@every_file
def test_inputs_and_selections(file, shell):
    setUp(shell, file, "LSSTCam", "exposure.day_obs > 20260101")
    config = readFile(file)
    verb = re.match("[a-z]+", file.stem).group()
    assert (config["dataQuery"] == "exposure.day_obs > 20260101") == (verb == "verify")
    assert verb == "verify" or config["dataQuery"] == "instrument='LSSTCam'"
    of_ticket = "u/me/LSSTCam/calib/DM-1"
    assert config["output"] == f"{of_ticket}/trial/{file.stem}.a"
    if "verification" in config:
        verification = config["verification"]
        expected = f"{of_ticket}/trial/{verification}.a,{of_ticket},calibrations"
        assert re.sub("^(analyze|view)", "verify", file.stem) == verification
    elif verb == "verify":
        expected = f"{of_ticket},raws,calibrations"
    elif verb in ("gather", "trend"):
        expected = "first,second,calibrations"
    else:
        expected = f"{of_ticket},calibrations"
    assert config["inCollection"] == expected


@pytest.fixture(scope="module")
def repository(tmp_path_factory) -> Path:
    """Make a repository of LSSTComCam with two exposures, and nothing in it."""
    root = tmp_path_factory.mktemp("graphs") / "butler"
    camera = simulator.shrinkCamera(LsstComCam().getCamera(), 8)
    with simulator.makeRepository(root, LsstComCam, EXPOSURES, camera=camera) as butler:
        simulator.defineVisits(butler, "LSSTComCam")
    return root


@pytest.fixture
def butler(repository, tmp_path) -> Iterator[Butler]:
    """Copy it, as the pipelines do not agree on the types of calibrations that nobody has registered."""
    with Butler.from_config(shutil.copytree(repository, tmp_path / "repo"), writeable=True) as butler:
        yield butler


def predict(butler: Butler, pipeline: Pipeline) -> PredictedQuantumGraph:
    """Build the quantum graph of a pipeline, as if all its inputs were there for all data IDs."""
    graph = pipeline.to_graph(butler.registry)
    run = f"inputs{len(butler.collections.query('inputs*'))}"
    butler.collections.register(run, CollectionType.RUN)
    for _, node in graph.iter_overall_inputs():
        if node.name == "camera":
            continue
        dataset_type = node.dataset_type
        if dataset_type.isComponent():
            dataset_type = dataset_type.makeCompositeDatasetType()
        butler.registry.registerDatasetType(dataset_type)
        ids = butler.registry.queryDataIds(
            dataset_type.dimensions, where="instrument='LSSTComCam'", instrument="LSSTComCam"
        )
        # The registry alone: nothing is read.
        butler._registry.insertDatasets(dataset_type, ids.expanded(), run=run)
    with butler.clone(collections=[run, "LSSTComCam/defaults"], run="outputs") as inputs:
        builder = AllDimensionsQuantumGraphBuilder(graph, inputs, where="instrument='LSSTComCam'")
        return builder.finish(attach_datastore_records=False).assemble()


def cluster(butler: Butler, file: Path) -> Any:
    """Make jobs of the quantum graph of a submit file."""
    config = readFile(file)
    config.generate_config()
    config[".bps_defined.runQgraphFile"] = "none.qg"
    predicted = predict(butler, Pipeline.from_uri(config["pipelineYaml"]))
    clustered = doImport(config["clusterAlgorithm"])(config, predicted, file.stem)
    clustered.validate()
    return clustered


@every_file
def test_jobs_of_quantum_graphs(file, butler, shell):
    """Each detector of an exposure is a job, merges are jobs of their own, and nothing waits in a circle."""
    setUp(shell, file, "LSSTComCam")
    clustered = cluster(butler, file)
    labels = Counter(job.label for job in clustered.clusters())
    tasks = clustered.qgraph.pipeline_graph.tasks
    assert tasks
    for job in clustered.clusters():
        dimensions = {frozenset(tasks[label].dimensions.names) for label in job.quanta_counts}
        if job.label in tasks:
            assert list(job.quanta_counts.values()) == [1]
            # Short quanta are no jobs of their own.
            assert not any("detector" in names for names in dimensions)
        if job.label == "exposureDetectors":
            assert set(job.tags) == {"exposure", "detector"}
            assert set(job.quanta_counts.values()) == {1}
    if "exposureDetectors" in labels:
        assert labels["exposureDetectors"] == 9 * len(EXPOSURES)
    if file.stem == "verifyBias":
        assert labels["verifyBias"] == 1
        assert labels["verifyBiasExp"] == labels["viewBiasExpResidual"] == len(EXPOSURES)
        chain = next(job for job in clustered.clusters() if job.label == "exposureDetectors")
        assert chain.quanta_counts == {"verifyBiasIsr": 1, "verifyBiasDet": 1}


@pytest.mark.parametrize("product", ["bias", "dark", "flat"])
def test_jobs_of_the_steps_of_a_night_are_those_of_the_product(product, butler, shell):
    """Beside them there is its part of the history."""
    night, whole = (ROOT / "bps" / f"verify{name}.yaml" for name in ("Night", product.title()))
    for file in (night, whole):
        setUp(shell, file, "LSSTComCam")
    subsets = readOwn(ROOT / "pipelines" / "LSSTComCam" / "verifyNight.yaml")["subsets"]
    found: Counter[str] = Counter()
    for step in [name for name in subsets if name.startswith(product)]:
        shell.setenv("NIGHT_STEP", step)
        found.update(job.label for job in cluster(butler, night).clusters())
    expected = Counter(job.label for job in cluster(butler, whole).clusters())
    assert found == expected + Counter([f"gather{product.title()}"])


def test_a_job_has_as_many_detectors_as_the_shell_says(butler, shell):
    file = ROOT / "bps" / "verifyBias.yaml"
    setUp(shell, file, "LSSTComCam")
    shell.setenv("BPS_DETECTORS", "4")
    clustered = cluster(butler, file)
    chains = [job for job in clustered.clusters() if job.label == "exposureDetectors"]
    sizes = Counter(job.quanta_counts["verifyBiasIsr"] for job in chains)
    # Of nine detectors, in each of two exposures.
    assert sizes == {4: 4, 1: 2}
    assert all(job.quanta_counts["verifyBiasIsr"] == job.quanta_counts["verifyBiasDet"] for job in chains)


@pytest.fixture(scope="module")
def labels() -> set[str]:
    """List the labels of the tasks of all pipelines."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ANALYSIS_CP_DIR", str(ROOT))
        patch.setenv("CP_VERIFY_DIR", str(ROOT / "standalone"))
        patch.setenv("ANALYSIS_TOOLS_DIR", str(ROOT / "standalone"))
        files = (ROOT / "pipelines").glob("LSSTCam/*.yaml")
        return {label for file in files for label in Pipeline.from_uri(str(file)).task_labels}


def test_clusters_and_requests_name_tasks_that_there_are(labels):
    clusters = readOwn(INGREDIENTS / "clusters.yaml")["cluster"]
    clustered = [name.strip() for each in clusters.values() for name in each["pipetasks"].split(",")]
    assert set(clustered) <= labels
    assert max(Counter(clustered).values()) == 1
    assert set(readOwn(INGREDIENTS / "requests.yaml")["pipetask"]) <= labels


def test_merges_request_more_than_detectors(labels):
    requests = readOwn(INGREDIENTS / "requests.yaml")
    memory = {label: request["requestMemory"] for label, request in requests["pipetask"].items()}
    of_runs = {label for label in labels if re.fullmatch(r"verify(Bias|Dark|Flat|Defects)", label)}
    of_runs |= {label for label in labels if re.match(r"analyze(Bias|Dark|Flat|Defects)Run", label)}
    assert of_runs <= memory.keys()
    assert {memory[label] for label in of_runs} == {8192}
    assert {memory[label] for label in labels if re.match("verify.*Exp$", label)} == {4096}
    assert requests["requestMemory"] == 2048

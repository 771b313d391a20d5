# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""A tiny pipeline whose quanta really run, and fail where they are told to."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from pathlib import Path

from lsst.daf.butler import Butler, CollectionType, DataCoordinate, DatasetRef, DatasetType
from lsst.pex.config import ListField
from lsst.pipe.base import (
    AlgorithmError,
    AnnotatedPartialOutputsError,
    InputQuantizedConnection,
    NoWorkFound,
    OutputQuantizedConnection,
    Pipeline,
    PipelineTask,
    PipelineTaskConfig,
    PipelineTaskConnections,
    QuantumContext,
)
from lsst.pipe.base.automatic_connection_constants import (
    PROVENANCE_DATASET_TYPE_NAME,
    PROVENANCE_STORAGE_CLASS,
)
from lsst.pipe.base.connectionTypes import Input, Output
from lsst.pipe.base.mp_graph_executor import MPGraphExecutorError
from lsst.pipe.base.separable_pipeline_executor import SeparablePipelineExecutor

__all__ = [
    "DETECTORS",
    "EXPOSURES",
    "INSTRUMENT",
    "MESSAGE",
    "REPAIRED",
    "BadAmplifierError",
    "MeasureTask",
    "MergeTask",
    "SumTask",
    "makePipeline",
    "makeRepository",
    "run",
]

INSTRUMENT = "TestCam"
DETECTORS = (0, 1, 2, 3)
EXPOSURES = (11, 12)
REPAIRED: set[str] = set()
"""Quanta that do not fail any more, as exposure/detector: what is configured must not change in a run."""

MESSAGE = "amplifier C07 of detector {detector} reads nothing"


class BadAmplifierError(AlgorithmError):
    """What partial outputs are annotated with."""

    @property
    def metadata(self) -> dict[str, int]:
        return {"nAmps": 1}


class MeasureConnections(PipelineTaskConnections, dimensions=("instrument", "exposure", "detector")):
    table = Output(
        doc="", name="tinyTable", storageClass="StructuredDataDict", dimensions=("exposure", "detector")
    )
    extra = Output(
        doc="", name="tinyExtra", storageClass="StructuredDataDict", dimensions=("exposure", "detector")
    )


class MeasureConfig(PipelineTaskConfig, pipelineConnections=MeasureConnections):
    failing = ListField[str]("Quanta that raise, as exposure/detector.", default=[])
    partial = ListField[str]("Quanta that write a part only and say so.", default=[])
    idle = ListField[str]("Quanta that have no work.", default=[])


class MeasureTask(PipelineTask):
    ConfigClass = MeasureConfig
    _DefaultName = "measure"
    config: MeasureConfig

    def runQuantum(
        self,
        butlerQC: QuantumContext,
        inputRefs: InputQuantizedConnection,
        outputRefs: OutputQuantizedConnection,
    ) -> None:
        data_id = butlerQC.quantum.dataId
        assert data_id is not None
        key = f"{data_id['exposure']}/{data_id['detector']}"
        message = MESSAGE.format(detector=data_id["detector"])
        if key in self.config.failing and key not in REPAIRED:
            raise ValueError(message)
        if key in self.config.idle:
            raise NoWorkFound("nothing to do")
        butlerQC.put({"sum": 1}, outputRefs.table)
        if key in self.config.partial:
            error = BadAmplifierError(message)
            raise AnnotatedPartialOutputsError.annotate(error, self, log=self.log) from error
        butlerQC.put({"sum": 1}, outputRefs.extra)


class MergeConnections(PipelineTaskConnections, dimensions=("instrument", "exposure")):
    tables = Input(
        doc="",
        name="tinyTable",
        storageClass="StructuredDataDict",
        dimensions=("exposure", "detector"),
        multiple=True,
    )
    merged = Output(doc="", name="tinyMerged", storageClass="StructuredDataDict", dimensions=("exposure",))


class MergeConfig(PipelineTaskConfig, pipelineConnections=MergeConnections):
    pass


class MergeTask(PipelineTask):
    ConfigClass = MergeConfig
    _DefaultName = "merge"

    def runQuantum(
        self,
        butlerQC: QuantumContext,
        inputRefs: InputQuantizedConnection,
        outputRefs: OutputQuantizedConnection,
    ) -> None:
        butlerQC.put({"sum": len(butlerQC.get(inputRefs.tables))}, outputRefs.merged)


class SumConnections(PipelineTaskConnections, dimensions=("instrument",)):
    merged = Input(
        doc="", name="tinyMerged", storageClass="StructuredDataDict", dimensions=("exposure",), multiple=True
    )
    total = Output(doc="", name="tinyTotal", storageClass="StructuredDataDict", dimensions=("instrument",))


class SumConfig(PipelineTaskConfig, pipelineConnections=SumConnections):
    pass


class SumTask(PipelineTask):
    ConfigClass = SumConfig
    _DefaultName = "total"

    def runQuantum(
        self,
        butlerQC: QuantumContext,
        inputRefs: InputQuantizedConnection,
        outputRefs: OutputQuantizedConnection,
    ) -> None:
        butlerQC.put({"sum": len(butlerQC.get(inputRefs.merged))}, outputRefs.total)


def makePipeline(**options: Sequence[str]) -> Pipeline:
    """Return the three tasks; ``options`` are fields of the first one's config."""
    pipeline = Pipeline("tiny")
    pipeline.addTask(MeasureTask, "measureTiny")
    pipeline.addTask(MergeTask, "mergeTiny")
    pipeline.addTask(SumTask, "totalTiny")
    for name, value in options.items():
        pipeline.addConfigOverride("measureTiny", name, list(value))
    return pipeline


def makeRepository(
    root: Path, detectors: Sequence[int] = DETECTORS, exposures: Sequence[int] = EXPOSURES
) -> Butler:
    """Return a new repository with the records of an instrument, and nothing else."""
    Butler.makeRepo(root)
    butler = Butler.from_config(root, writeable=True)
    records = {
        "instrument": [
            {
                "name": INSTRUMENT,
                "visit_max": 10**9,
                "exposure_max": 10**9,
                "detector_max": 300,
                "class_name": "lsst.pipe.base.Instrument",
            }
        ],
        "physical_filter": [{"instrument": INSTRUMENT, "name": "none", "band": "r"}],
        "day_obs": [{"instrument": INSTRUMENT, "id": 20260301}],
        "group": [{"instrument": INSTRUMENT, "name": str(e)} for e in exposures],
        "detector": [
            {
                "instrument": INSTRUMENT,
                "id": d,
                "full_name": f"R01_S{d:02d}",
                "name_in_raft": f"S{d:02d}",
                "raft": "R01",
            }
            for d in detectors
        ],
        "exposure": [
            {
                "instrument": INSTRUMENT,
                "id": e,
                "obs_id": str(e),
                "day_obs": 20260301,
                "group": str(e),
                "physical_filter": "none",
            }
            for e in exposures
        ],
    }
    for element, rows in records.items():
        butler.registry.insertDimensionData(element, *rows)
    butler.collections.register("raw", CollectionType.RUN)
    return butler


def run(
    root: Path,
    run: str,
    graph: Path,
    *,
    skipExistingIn: Sequence[str] = (),
    clobber: bool = False,
    failsOnPartial: bool = True,
    withProvenance: bool = False,
    exposures: Sequence[int] = EXPOSURES,
    **options: Sequence[str],
) -> None:
    """Run the pipeline as ``pipetask run --save-qgraph`` does.

    Parameters
    ----------
    root
        The repository.
    run
        RUN collection of the outputs.
    graph
        File in which the quantum graph is saved.
    skipExistingIn
        Collections in which quanta that succeeded are not run again.
    clobber
        Whether to run failed quanta again in a collection that exists.
    failsOnPartial
        Whether partial outputs are a failure.
    withProvenance
        Whether to store the provenance of the run in the repository.
    exposures
        Exposures of which anything is run; the graph has all.
    **options
        Quanta that fail, are partial, or idle.
    """
    with Butler.from_config(root, writeable=True, collections=["raw"], run=run) as butler:
        executor = SeparablePipelineExecutor(
            butler,
            clobber_output=clobber,
            skip_existing_in=list(skipExistingIn) or None,
            raise_on_partial_outputs=failsOnPartial,
        )
        builder = executor.make_quantum_graph_builder(makePipeline(**options), f"instrument = '{INSTRUMENT}'")
        components = builder.finish(attach_datastore_records=False)
        components.write(graph)
        executor.pre_execute_qgraph(components.assemble(), register_dataset_types=True, save_versions=False)
        if not exposures:
            return
        if exposures != EXPOSURES:
            where = f"instrument = '{INSTRUMENT}' AND exposure IN ({', '.join(map(str, exposures))})"
            builder = executor.make_quantum_graph_builder(makePipeline(**options), where)
            components = builder.finish(attach_datastore_records=False)
        reference = None
        if withProvenance:
            kind = DatasetType(
                PROVENANCE_DATASET_TYPE_NAME, butler.dimensions.empty, PROVENANCE_STORAGE_CLASS
            )
            butler.registry.registerDatasetType(kind)
            reference = DatasetRef(kind, DataCoordinate.make_empty(butler.dimensions), run=run)
        with contextlib.suppress(MPGraphExecutorError):
            executor.run_pipeline(components.assemble(), provenance_dataset_ref=reference)

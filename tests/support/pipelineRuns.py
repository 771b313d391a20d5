# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Pipelines that run in this process, and repositories of simulated data for them to run in."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import Any

import pytest
from matplotlib import rc_context

from lsst.analysis.cp import __version__
from lsst.analysis.cp.notebook import Picture
from lsst.daf.butler import Butler
from lsst.pipe.base import Pipeline, PipelineGraph
from lsst.pipe.base.simple_pipeline_executor import SimplePipelineExecutor

__all__ = [
    "WITHOUT_PLOTS",
    "SimulatedRepository",
    "executePipeline",
    "findPlots",
    "preparePipeline",
    "readPipeline",
    "runPipeline",
]

ROOT = Path(__file__).resolve().parents[2]

WITHOUT_PLOTS = """
from lsst.analysis.tools.interfaces import NoPlot

for tool in config.atools:
    tool.produce.plot = NoPlot
"""
"""Configuration of tasks of which the numbers alone are looked at: plots take most of the time."""

_DPI = 40
"""Resolution of plots that are drawn only to see that they can be; more takes as long again."""

_N_LINES = 20
"""How many lines of its log are shown of a pipeline that failed."""


def readPipeline(path: str) -> Pipeline:
    """Read one of our pipelines, over the stand-ins.

    Parameters
    ----------
    path
        The file in the folder ``pipelines``, and the labels that are wanted of it after a ``#``.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CP_VERIFY_DIR", str(ROOT / "standalone"))
        patch.setenv("ANALYSIS_TOOLS_DIR", str(ROOT / "standalone"))
        patch.setenv("ANALYSIS_CP_DIR", str(ROOT))
        return Pipeline.from_uri(f"{ROOT}/pipelines/{path}")


def preparePipeline(
    root: str | PathLike[str],
    pipeline: Pipeline | PipelineGraph,
    inputs: Sequence[str],
    output: str,
    where: str = "",
) -> SimplePipelineExecutor:
    """Make the quantum graph of a pipeline, for `executePipeline`.

    Parameters
    ----------
    root
        The repository.
    pipeline
        The pipeline.
    inputs
        Collections of the inputs, the first to be searched first.
    output
        Collection that gets the outputs.
    where
        Expression that restricts the data IDs.
    """
    butler = SimplePipelineExecutor.prep_butler(str(root), list(inputs), output)
    make = SimplePipelineExecutor.from_pipeline_graph
    if isinstance(pipeline, Pipeline):
        make = SimplePipelineExecutor.from_pipeline
    with _tellingWhatFailed(pipeline, output):
        return make(pipeline, where=where, butler=butler)


def executePipeline(executor: SimplePipelineExecutor) -> None:
    """Run a pipeline that is prepared; what it raises has its last log lines as a note."""
    with _tellingWhatFailed(executor.quantum_graph.pipeline_graph, executor.butler.run):
        executor.run(register_dataset_types=True)


def runPipeline(
    root: str | PathLike[str],
    pipeline: Pipeline | PipelineGraph,
    inputs: Sequence[str],
    output: str,
    where: str = "",
) -> None:
    """Run a pipeline; the parameters are those of `preparePipeline`."""
    executePipeline(preparePipeline(root, pipeline, inputs, output, where))


class _LastLines(logging.Handler):
    """Keeps the last lines that are logged."""

    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(logging.Formatter("%(levelname)s %(name)s: %(message)s"))
        self.lines: deque[str] = deque(maxlen=_N_LINES)

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a line."""
        self.lines.append(self.format(record))


@contextmanager
def _tellingWhatFailed(pipeline: Pipeline | PipelineGraph, output: str) -> Iterator[None]:
    """Add to what is raised which pipeline failed, and what was logged last."""
    labels = pipeline.tasks.keys() if isinstance(pipeline, PipelineGraph) else pipeline.task_labels
    handler = _LastLines()
    logging.getLogger().addHandler(handler)
    try:
        yield
    except Exception as error:
        head = f"The pipeline of {', '.join(labels)}, which writes {output}, failed."
        error.add_note("\n  ".join([head, "Its last log lines:", *handler.lines]))
        raise
    finally:
        logging.getLogger().removeHandler(handler)


@dataclass
class SimulatedRepository:
    """A repository without data, and how to run pipelines in it.

    Parameters
    ----------
    root
        Where it is.
    instrument
        Class of its instrument.
    collections
        Collections with what there is, the latest first; by default that of the camera. Each pipeline that
        runs adds its own.
    """

    root: Path
    instrument: type[Any]
    collections: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.collections = self.collections or [f"{self.name}/defaults"]

    @property
    def name(self) -> str:
        """Name of the instrument."""
        return self.instrument.getName()

    def run(
        self,
        pipeline: str | Pipeline,
        output: str = "u/test",
        where: str = "",
        inputs: Sequence[str] | None = None,
    ) -> Butler:
        """Run a pipeline.

        Parameters
        ----------
        pipeline
            The pipeline, or its file in the folder of the instrument.
        output
            Collection that gets the outputs.
        where
            Expression that restricts the data IDs of the instrument.
        inputs
            Collections of the inputs; all that there are if they are not given.

        Returns
        -------
        butler
            A butler of the outputs and, after them, the inputs.
        """
        if isinstance(pipeline, str):
            pipeline = readPipeline(f"{self.name}/{pipeline}")
        where = " AND ".join(filter(None, [f"instrument = '{self.name}'", where]))
        with rc_context({"savefig.dpi": _DPI}):
            runPipeline(self.root, pipeline, self.collections if inputs is None else inputs, output, where)
        self.collections.insert(0, output)
        return self.open(output)

    def open(self, *collections: str) -> Butler:
        """Open collections; all that there are if none is given."""
        return Butler.from_config(
            str(self.root), collections=collections or self.collections, instrument=self.name
        )


def findPlots(butler: Butler, product: str) -> dict[str, int]:
    """Count plots by their types; each has to be a picture whose file says where it is from.

    Parameters
    ----------
    butler
        Collections in which the plots are.
    product
        What they show, as it begins the names of the types: ``cp``, then this.
    """
    numbers = {}
    types = butler.registry.queryDatasetTypes(f"cp{product}*Plot")
    # Those of analysis_tools itself say nothing.
    for dataset_type in [each for each in types if not each.name.startswith(f"cp{product}Core_")]:
        refs = butler.query_datasets(dataset_type, explain=False, limit=None)
        for ref in refs:
            picture = Picture(butler.getURI(ref).read(), ref, butler)
            assert picture.provenance["Software"] == f"analysis_cp {__version__}", ref
            assert f"_{picture.provenance['Tool']}_" in dataset_type.name, ref
            assert picture.findData(), ref
        if refs:
            numbers[dataset_type.name] = len(refs)
    return numbers

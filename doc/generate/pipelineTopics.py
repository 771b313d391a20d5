# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Walks the pipelines for the topics that they fill."""

import copy
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lsst.analysis.tools.interfaces import NoMetric
from lsst.pipe.base import Pipeline
from lsst.pipe.base.pipeline_graph import PipelineGraph, TaskNode

__all__ = ["Topic", "TopicError", "changedTopics", "collectTopics", "resolvePipelines"]

_PACKAGE = "lsst.analysis.cp."
_STORAGE_CLASS = "MetricMeasurementBundle"


class TopicError(ValueError):
    """Two bundles would fill a topic with different fields."""


@dataclass(frozen=True, kw_only=True)
class Topic:
    """One topic.

    Parameters
    ----------
    datasetType
        Dataset type of the bundles.
    dimensions
        Dimensions of their data ids, sorted.
    tool
        Name of the tool that makes the measurements.
    units
        Unit of each measurement by its name, empty if dimensionless.
    """

    datasetType: str
    dimensions: tuple[str, ...]
    tool: str
    units: Mapping[str, str]


def resolvePipelines(files: Iterable[Path]) -> dict[Path, PipelineGraph]:
    """Resolve pipelines by their files. The environment variables in these must be set."""
    return {path: Pipeline.fromFile(str(path)).to_graph() for path in files}


def collectTopics(pipelines: Mapping[Path, PipelineGraph], *, others: bool = False) -> dict[str, Topic]:
    """List the topics that pipelines fill.

    Parameters
    ----------
    pipelines
        Resolved pipelines by their files.
    others
        Whether to list those of tasks of other packages, such as ``analyzeBiasCore``, instead of our own.

    Returns
    -------
    topics
        By name without namespace, such as ``cpBiasExp_biasNoise``; sorted.

    Raises
    ------
    TopicError
        Raised if a topic is filled with different fields, or by data ids of different dimensions.
    """
    topics: dict[str, Topic] = {}
    for path, graph in pipelines.items():
        for node in graph.tasks.values():
            if node.task_class_name.startswith(_PACKAGE) == others:
                continue
            for name, topic in _topicsOf(node):
                if topics.setdefault(name, topic) != topic:
                    raise TopicError(
                        f"topic {name}: task {node.label} of {path} fills it with {topic}, another "
                        f"with {topics[name]}"
                    )
    return dict(sorted(topics.items()))


def _topicsOf(node: TaskNode) -> Iterator[tuple[str, Topic]]:
    """List the topics of the bundles that a task writes, with their names."""
    config: Any = node.config
    for output in node.iter_all_outputs():
        if output.storage_class_name != _STORAGE_CLASS:
            continue
        if output.connection_name == "detectorMetrics":
            units = config.detectorMetrics.units
        else:
            metrics = {name: _finalized(tool).produce.metric for name, tool in config.atools.items()}
            units = {name: m.units for name, m in metrics.items() if not isinstance(m, NoMetric) and m.units}
        prefix = output.dataset_type_name.removesuffix("metrics") if config.addOutputNamePrefix else ""
        for tool, own in units.items():
            yield (
                f"{prefix}{tool}",
                Topic(
                    datasetType=output.dataset_type_name,
                    dimensions=tuple(sorted(output.raw_dimensions)),
                    tool=tool,
                    units=dict(own),
                ),
            )


def _finalized(tool: Any) -> Any:
    """Get a tool as it is when it runs: those of other packages name their measurements only then."""
    if type(tool).__module__.startswith(_PACKAGE):
        return tool
    tool = copy.deepcopy(tool)
    tool.finalize()
    return tool


def changedTopics(old: Mapping[str, Topic], new: Mapping[str, Topic]) -> list[str]:
    """Name what readers of topics would miss.

    Parameters
    ----------
    old, new
        Topics by name.

    Returns
    -------
    changes
        One text for each topic of the old ones that is gone, or whose bundles have other dimensions, and for
        each measurement that is gone, or has another unit.
    """
    changes = []
    for name, topic in old.items():
        if (now := new.get(name)) is None:
            changes.append(f"{name} is gone")
            continue
        if now.dimensions != topic.dimensions:
            changes.append(f"{name} has {', '.join(now.dimensions)}, had {', '.join(topic.dimensions)}")
        for field, unit in topic.units.items():
            if field not in now.units:
                changes.append(f"{name} lacks {field}")
            elif now.units[field] != unit:
                changes.append(f"{name} has {field} in {now.units[field]!r}, had {unit!r}")
    return changes

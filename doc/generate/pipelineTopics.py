# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Walks the pipelines for the topics that they fill."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from lsst.analysis.cp.catalogue import SENSOR_GROUPS, findTest
from lsst.analysis.cp.sasquatch import Topic
from lsst.analysis.tools.interfaces import NoMetric
from lsst.pipe.base import Pipeline
from lsst.pipe.base.pipeline_graph import TaskNode

__all__ = ["TopicError", "collectTopics"]

_PACKAGE = "lsst.analysis.cp."
_STORAGE_CLASS = "MetricMeasurementBundle"


class TopicError(ValueError):
    """Two bundles would fill a topic with different fields."""


def collectTopics(pipelines: Iterable[Path]) -> dict[str, Topic]:
    """List the topics that pipelines fill.

    Tasks of other packages, such as ``analyzeBiasCore``, are left out.

    Parameters
    ----------
    pipelines
        Files of the pipelines. The environment variables in these must be set.

    Returns
    -------
    topics
        By name, sorted.

    Raises
    ------
    TopicError
        Raised if a topic is filled with different fields, or by data ids of different dimensions.
    """
    topics: dict[str, Topic] = {}
    for path in pipelines:
        for node in Pipeline.fromFile(str(path)).to_graph().tasks.values():
            if not node.task_class_name.startswith(_PACKAGE):
                continue
            for topic in _topicsOf(node):
                if topics.setdefault(topic.name, topic) != topic:
                    raise TopicError(
                        f"topic {topic.name}: task {node.label} of {path} fills it with {topic}, another "
                        f"with {topics[topic.name]}"
                    )
    return dict(sorted(topics.items()))


def _topicsOf(node: TaskNode) -> Iterator[Topic]:
    """List the topics of the bundles that a task writes."""
    config: Any = node.config
    for output in node.iter_all_outputs():
        if output.storage_class_name != _STORAGE_CLASS:
            continue
        dataset_type = output.dataset_type_name
        if output.connection_name == "detectorMetrics":
            metrics = dict.fromkeys(config.detectorMetrics.units, config.detectorMetrics)
            units = config.detectorMetrics.units
        else:
            metrics = {name: tool.produce.metric for name, tool in config.atools.items()}
            units = {name: m.units for name, m in metrics.items() if not isinstance(m, NoMetric) and m.units}
        prefix = dataset_type.removesuffix("metrics") if config.addOutputNamePrefix else ""
        for name, own in units.items():
            test = findTest(name)
            yield Topic(
                name=f"{prefix}{name}",
                datasetType=dataset_type,
                dimensions=tuple(sorted(output.raw_dimensions)),
                tool=name,
                detectors=next((group for group in SENSOR_GROUPS if name.endswith(group)), ""),
                description=test.description if test else str(type(metrics[name]).__doc__).partition("\n")[0],
                units=dict(own),
            )

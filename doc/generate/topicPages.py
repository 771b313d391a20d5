# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""The list of all topics as a file, and as a page of the documentation."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from itertools import groupby
from operator import attrgetter
from typing import Any

import yaml
from pageText import makeTable, wrap

from lsst.analysis.cp.catalogue import validityCount
from lsst.analysis.cp.metrics import TIME_SOURCES
from lsst.analysis.cp.sasquatch import OWN_INFIX, Topic, ownFields, upstreamFields

__all__ = ["topicFiles"]

_PREAMBLE = f"""\
.. Generated from the pipelines of lsst.analysis.cp; do not edit.

###################
Topics in Sasquatch
###################

Each tool of a task has a topic for each kind of bundle that the task writes. Its full name is
``<namespace>.<topic>`` in the schema of upstream's dispatcher, and ``<namespace>.{OWN_INFIX}.<topic>`` in
our own.

The fields of a topic depend on the pipeline, never on the data. They are the common fields of the schema, any
extra fields of the command, and the measurements that are listed below.

Measurements are ``["null", "double"]`` with the default null in our own schema, and ``float`` with the
default 0.0 in that of upstream. Minima, medians, maxima and scores are valid only where the field in the
column *valid where* is not 0. Elsewhere our own records have null, and those of upstream 0.0.
"""

_OWN = """\
Common fields of our own topics
===============================

Times are in seconds since 1970 UTC. The database keeps one point of a topic at a time, so that ``timestamp``
is ``observation_time`` moved by less than a second: by 1 ms for each unit of the detector's id, and by a
number of microseconds that is made of camera, filter and run (see
`lsst.analysis.cp.metrics.makeTimestamp`). It is the same whenever a record is sent again. ``time_source``
says what ``observation_time`` is:
"""

_UPSTREAM = """\
Common fields of the topics of upstream
=======================================

The dispatcher adds ``tags`` to the schema where a metric has tags.

"""


def topicFiles(topics: Mapping[str, Topic]) -> dict[str, str]:
    """Generate all files.

    Parameters
    ----------
    topics
        All topics by name.

    Returns
    -------
    files
        Text of each file by its path, relative to the root of the package.
    """
    return {
        "python/lsst/analysis/cp/sasquatch/topics.yaml": _makeList(topics),
        "doc/lsst.analysis.cp/topics.rst": _makePage(topics.values()),
    }


def _makeList(topics: Mapping[str, Topic]) -> str:
    """Write the topics as YAML."""
    entries: dict[str, Any] = {}
    for name, topic in topics.items():
        entry = asdict(topic) | {"dimensions": list(topic.dimensions)}
        entries[name] = {key: value for key, value in entry.items() if value and key != "name"}
    notice = "# Generated from the pipelines of lsst.analysis.cp; do not edit.\n"
    return notice + yaml.safe_dump(entries, sort_keys=False, default_flow_style=None, width=110)


def _makePage(topics: Iterable[Topic]) -> str:
    """Write the topics as a page of the documentation."""
    parts = [
        _PREAMBLE,
        _OWN,
        makeTable([{"time_source": f"``{name}``", "time": text} for name, text in TIME_SOURCES.items()]),
        _commonFields(ownFields({}, {})),
        _UPSTREAM + _commonFields(upstreamFields({}, {})),
    ]
    ordered = sorted(topics, key=attrgetter("datasetType", "name"))
    for dataset_type, members in groupby(ordered, key=attrgetter("datasetType")):
        parts.append(_makeSection(dataset_type, list(members)))
    return "\n".join(parts)


def _commonFields(fields: Iterable[Mapping[str, Any]]) -> str:
    rows = []
    for field in fields:
        default = f"``{json.dumps(field['default'])}``" if "default" in field else "none"
        row = {
            "field": f"``{field['name']}``",
            "type": f"``{json.dumps(field['type'])}``",
            "default": default,
        }
        if "description" in field:
            row |= {"unit": field["units"], "meaning": field["description"]}
        rows.append(row)
    return makeTable(rows)


def _makeSection(dataset_type: str, topics: list[Topic]) -> str:
    """Describe the topics of one kind of bundles; those of some detectors beside those of all."""
    groups: dict[str, list[str]] = {}
    for topic in topics:
        name = topic.name.removesuffix(topic.detectors)
        groups.setdefault(name, []).extend([topic.detectors] if topic.detectors else [])
    rows = [
        {
            "topic": f"``{topic.name}``",
            **({"also for": ", ".join(groups[topic.name])} if any(groups.values()) else {}),
            "fields": _describeFields(topic.units),
            "valid where": _describeValidity(topic.units),
            "meaning": topic.description,
        }
        for topic in topics
        if topic.name in groups
    ]
    text = f"One point for each {', '.join(topics[0].dimensions)}."
    if any(groups.values()):
        text += " With a name of the column *also for* at its end, a topic is of these detectors."
    return "\n".join([dataset_type, "=" * len(dataset_type), "", wrap(text), "", makeTable(rows)])


def _describeFields(units: Mapping[str, str]) -> str:
    """List the fields, each unit once after those that have it."""
    parts = []
    for unit, fields in groupby(units.items(), key=lambda item: item[1]):
        names = ", ".join(f"``{name}``" for name, _ in fields)
        parts.append(f"{names} ({unit})" if unit else names)
    return ", ".join(parts)


def _describeValidity(units: Mapping[str, str]) -> str:
    """List the fields that tell whether others are valid."""
    counts = [count for name in units if (count := validityCount(name)) in units]
    return ", ".join(f"``{count}``" for count in dict.fromkeys(counts))

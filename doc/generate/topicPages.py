# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""The list of all topics as a compact file, and the page of the documentation that shows it."""

import json
from collections.abc import Collection, Iterable, Mapping
from typing import Any

import yaml
from pageText import makeTable
from pipelineTopics import Topic

from lsst.analysis.cp.catalogue import SENSOR_GROUPS
from lsst.analysis.cp.metrics import TIME_SOURCES
from lsst.analysis.cp.sasquatch import OWN_INFIX, ownFields, upstreamFields

__all__ = ["TOPIC_LIST", "readTopics", "topicFiles"]

TOPIC_LIST = "doc/lsst.analysis.cp/topics.yaml"
"""The list of topics, relative to the root of the package."""

_ENDINGS = {"*": ("", *SENSOR_GROUPS), "+": ("ByDetector", "ByRaft", "ByVendor")}
"""Endings of the names of tools that there are together, by a sign for them."""

_NOTICE = f"""\
# Generated from the pipelines of lsst.analysis.cp; do not edit.
#
# fields: sets of measurements, each under the first topic that has it, with units.
# bundles: for each dataset type the dimensions, and the tools by their set of fields. In the dataset type
# <output>_metrics a tool has the topic <output>_<tool>. Signs stand for tools with these endings:
# * for none, {", ".join(SENSOR_GROUPS)}; + for {", ".join(_ENDINGS["+"])}.
"""

_PREAMBLE = f"""\
.. Generated from the pipelines of lsst.analysis.cp; do not edit.

###################
Topics in Sasquatch
###################

Each tool of a task has a topic for each kind of bundle that the task writes. Its full name is
``<namespace>.{OWN_INFIX}.<topic>``, and ``<namespace>.<topic>`` in the schema of upstream's dispatcher. At
Rubin the namespace is ``lsst.cp``.

The fields of a topic depend on the pipeline, never on the data. They are the common fields below, any extra
fields of the command, and the measurements that are listed at the end of this page. Measurements are
``["null", "double"]`` with the default null in our own schema, and ``float`` with the default 0.0 in that of
upstream. :doc:`metrics` says what each measurement is, and which are valid only where a count is not 0.

Common fields of our own topics
===============================

Times are in seconds since 1970 UTC. The database keeps one point of a topic at a time, so ``timestamp`` is
``observation_time`` moved by less than 10.5 s (`lsst.analysis.cp.metrics.makeTimestamp`): the same whenever a
record is sent again, and another for each detector and exposure of a run. ``time_source`` says what
``observation_time`` is:
"""

_UPSTREAM = """\
Common fields of the topics of upstream
=======================================

The dispatcher adds ``tags`` to the schema where a metric has tags.
"""

_OTHERS = """\
Topics of other packages
========================

The bias pipelines also run ``analyzeBiasCore`` of analysis_tools, those of defects ``analyzeDefectCore``, and
those of photon transfer curves ``analyzePtcCore``. Their bundles ``cpBiasCore_metrics``,
``cpDefectCore_metrics`` and ``cpPtcCore_metrics``, one for each instrument and run, are sent like ours. Their
topics have the names of the tools, and one field each:

.. csv-table::
   :header-rows: 1
   :delim: |

   topic | field | median over all amplifiers and exposures of
   ``biasReadNoisePerAmp`` | ``median`` (adu) | ``BIAS_READ_NOISE_ADU``
   ``biasMeanPerAmp`` | ``median`` (adu) | ``BIAS_MEAN``
   ``biasNoisePerAmp`` | ``median`` (adu) | ``BIAS_NOISE``
   ``biasCrNoisePerAmp`` | ``median`` (adu) | ``BIAS_CR_NOISE``
   ``biasCornerMeanPerAmp`` | ``median`` (adu) | ``BIAS_AMP_CORNER``
   ``defectsPixels`` | ``median`` (adu) | ``DEFECTS_DEFECT_PIXELS``
   ``defectsPixelsFrac`` | ``median`` (adu) | ``DEFECTS_FRAC``
   ``ptcGainPerAmp`` | ``median`` (adu) | ``PTC_PTC_GAIN``
   ``ptcNoisePerAmp`` | ``median`` (adu) | ``PTC_PTC_NOISE``
   ``ptcA00PerAmp`` | ``median`` (adu) | ``PTC_PTC_BFE_A00``
   ``ptcTurnoffPerAmp`` | ``median`` (adu) | ``PTC_PTC_TURNOFF``
   ``ptcMaxPerAmp`` | ``median`` (adu) | ``PTC_PTC_MAX_RAW_MEANS``
   ``ptcRowMeanVarianceSlopePerAmp`` | ``median`` (adu) | ``PTC_PTC_ROW_MEAN_VARIANCE_SLOPE``

The tools say ``adu`` of all of them, although of biases all but the first are in electrons, those of defects
are a number of pixels and a fraction, and those of curves have a unit each. To leave them out, name the
bundles that are to be sent:

.. code-block:: bash
   :class: elsewhere

   butler push-verify-metrics /repo/main --collections "u/me/verifyBias" \\
       --dataset-type "cpBiasExp*_metrics,cpBiasRun*_metrics" \\
       --proxy https://sasquatch.example/rest-proxy --namespace lsst.cp

"""

_LIST = """\
All topics
==========

This list (:download:`topics.yaml`) is made from the pipelines. A test compares it with them, and with that of
the last release: a topic of a release keeps its fields and units.

.. literalinclude:: topics.yaml
   :language: yaml
   :lines: 2-
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
    parts = [
        _PREAMBLE,
        makeTable([{"time_source": f"``{name}``", "time": text} for name, text in TIME_SOURCES.items()]),
        _commonFields(ownFields({}, {}), "field", "type", "default", "unit", "meaning"),
        _UPSTREAM,
        _commonFields(upstreamFields({}, {}), "field", "type", "default"),
        _OTHERS + _LIST,
    ]
    return {TOPIC_LIST: _writeTopics(topics), "doc/lsst.analysis.cp/topics.rst": "\n".join(parts)}


def _commonFields(fields: Iterable[Mapping[str, Any]], *titles: str) -> str:
    """Write a table of fields, one line each."""
    lines = [".. csv-table::", "   :header-rows: 1", "   :delim: |", "", f"   {' | '.join(titles)}"]
    for field in fields:
        default = f"``{json.dumps(field['default'])}``" if "default" in field else "none"
        cells = [f"``{field['name']}``", f"``{json.dumps(field['type'])}``", default]
        cells += [field["units"] or "none", field["description"]] if "description" in field else []
        lines.append(f"   {' | '.join(cells)}")
    return "\n".join([*lines, ""])


def _writeTopics(topics: Mapping[str, Topic]) -> str:
    """Write the topics as YAML."""
    fields: dict[str, str] = {}
    bundles: dict[str, dict[str, str]] = {}
    for dataset_type in sorted({topic.datasetType for topic in topics.values()}):
        members = {name: topic for name, topic in topics.items() if topic.datasetType == dataset_type}
        (dimensions,) = {topic.dimensions for topic in members.values()}
        tools: dict[str, list[str]] = {}
        for name, topic in members.items():
            tools.setdefault(fields.setdefault(_writeFields(topic.units), name), []).append(topic.tool)
        bundles[dataset_type] = {"dimensions": " ".join(dimensions)}
        bundles[dataset_type] |= {first: " ".join(_shorten(names)) for first, names in tools.items()}
    content = {"fields": {first: text for text, first in fields.items()}, "bundles": bundles}
    return _NOTICE + yaml.safe_dump(content, sort_keys=False, width=110)


def _writeFields(units: Mapping[str, str]) -> str:
    """Write the names of fields, those of one unit together."""
    names: dict[str, list[str]] = {}
    for name, unit in units.items():
        names.setdefault(unit, []).append(name)
    return ", ".join(" ".join(some) + (f" ({unit})" if unit else "") for unit, some in names.items())


def _readFields(text: str) -> dict[str, str]:
    """Read what `_writeFields` wrote."""
    units: dict[str, str] = {}
    for part in text.split(", "):
        names, _, unit = part.removesuffix(")").partition(" (")
        units |= dict.fromkeys(names.split(), unit)
    return units


def _shorten(tools: Collection[str]) -> list[str]:
    """Write tools with the same name but for an ending once, with a sign for these endings."""
    for sign, endings in _ENDINGS.items():
        stems = {name.removesuffix(ending) for name in tools for ending in endings if name.endswith(ending)}
        whole = {stem for stem in stems if {stem + ending for ending in endings} <= set(tools)}
        covered = {stem + ending for stem in whole for ending in endings}
        tools = sorted({*tools} - covered | {stem + sign for stem in whole})
    return list(tools)


def readTopics(text: str) -> dict[str, Topic]:
    """Read the list of topics.

    Parameters
    ----------
    text
        The text of the file.

    Returns
    -------
    topics
        By name, sorted.
    """
    content = yaml.safe_load(text)
    topics = {}
    for dataset_type, bundle in content["bundles"].items():
        dimensions = tuple(bundle.pop("dimensions").split())
        for first, names in bundle.items():
            units = _readFields(content["fields"][first])
            for name in names.split():
                endings = _ENDINGS.get(name[-1], ("",))
                for tool in (name.rstrip("".join(_ENDINGS)) + ending for ending in endings):
                    topics[f"{dataset_type.removesuffix('metrics')}{tool}"] = Topic(
                        datasetType=dataset_type, dimensions=dimensions, tool=tool, units=units
                    )
    return dict(sorted(topics.items()))

# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""What the tasks share: tools run one by one, so that one that fails costs nothing but its own results."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from copy import deepcopy
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from astropy.time import Time
from matplotlib.figure import Figure

from lsst.analysis.cp import __version__
from lsst.analysis.cp.core import ColumnError, floatColumn, idColumn
from lsst.analysis.tools.interfaces import MetricMeasurementBundle
from lsst.pipe.base import AlgorithmError, AnnotatedPartialOutputsError, Struct
from lsst.verify import Measurement

if TYPE_CHECKING:
    from lsst.analysis.tools.interfaces import AnalysisBaseConfig, AnalysisTool
    from lsst.daf.butler import DataCoordinate, DatasetProvenance, DatasetRef
    from lsst.pipe.base import InputQuantizedConnection, QuantumContext, Task
    from lsst.utils.logging import LsstLogAdapter

    type Tools = Iterable[tuple[str, AnalysisTool]]

__all__ = [
    "ToolFailuresError",
    "ToolRunner",
    "describeInputs",
    "describeProvenance",
    "describeRows",
    "listInputs",
    "makeBundle",
    "putOutputs",
    "raiseFailures",
    "runTools",
    "signFigures",
]

_WORDS = {"tableName": "Inputs", "run": "Collections", "raft": "Raft"}
"""Keys of a PNG file, by what they say of the provenance."""

_MAX_INPUTS = 2000
"""Number of inputs beyond which the Butler names none in the metadata of a table."""

_LAST_MJD = 2973483
"""Last day of the year 9999, after which dates cannot be written with four digits of the year."""


class ToolFailuresError(AlgorithmError):
    """Tools of a quantum raised.

    Parameters
    ----------
    failures
        Exception of each tool that failed, by the tool's name.
    """

    def __init__(self, failures: Mapping[str, str]) -> None:
        self._failures = dict(failures)
        listed = "; ".join(f"{name}: {exception}" for name, exception in failures.items())
        super().__init__(f"{len(failures)} analysis tool(s) failed: {listed}")

    @property
    def metadata(self) -> dict[str, str]:
        """Exception of each tool that failed."""
        return self._failures


class ToolRunner:
    """Runs tools and remembers which of them failed.

    Parameters
    ----------
    log
        Where failures are logged, each tool's first with its traceback.
    plotInfo
        Provenance for the figures; each tool gets its own copy.
    """

    def __init__(self, log: LsstLogAdapter, plotInfo: Mapping[str, Any]) -> None:
        self.failures: dict[str, str] = {}
        self._log = log
        self._plotInfo = plotInfo

    def leaveOut(self, tables: Mapping[str, str]) -> None:
        """Log the tables that are left out, with the reasons by their names, and tell the figures."""
        for name, reason in tables.items():
            self._log.warning("%s is left out: %s", name, reason)
        self.failures |= tables
        if tables:
            self._plotInfo = {**self._plotInfo, "leftOut": {**self._plotInfo.get("leftOut", {}), **tables}}

    def attempt[T](self, name: str, function: Callable[..., T], *args: Any, **kwargs: Any) -> T | None:
        """Call a function; record its exception under a name, and return None, if it raises."""
        try:
            return function(*args, **kwargs)
        except Exception as error:
            if name not in self.failures:
                self._log.exception("Tool %s failed; the other outputs are not affected.", name)
                self.failures[name] = f"{type(error).__name__}: {error}"
            return None

    def run(
        self, tools: Tools, data: Mapping[str, Any], bundle: MetricMeasurementBundle, **kwargs: Any
    ) -> dict[str, Figure]:
        """Run tools on the same data.

        Parameters
        ----------
        tools
            Names and tools.
        data
            Columns, or scalars.
        bundle
            Where each tool's measurements are added, under its name.
        **kwargs
            Further arguments of every tool, such as ``camera``.

        Returns
        -------
        figures
            Figures by the name of the tool's output, each signed by `signFigures`.
        """
        figures: dict[str, Figure] = {}
        for name, tool in tools:
            plot_info = deepcopy(dict(self._plotInfo))
            results = self.attempt(name, tool, data, plotInfo=plot_info, **kwargs) or {}
            if measurements := [value for value in results.values() if isinstance(value, Measurement)]:
                bundle[name] = measurements
            made = {key: value for key, value in results.items() if isinstance(value, Figure)}
            signFigures(made.values(), name, self._plotInfo)
            figures |= made
        return figures


def signFigures(figures: Iterable[Figure], tool: str, plotInfo: Mapping[str, Any]) -> None:
    """Say where figures are from, in the files that they are written to.

    Parameters
    ----------
    figures
        Figures of one tool. Each gets ``metadata``, which the Butler writes into the file of the picture: the
        version of this package, the tool, and the provenance.
    tool
        Name of the tool.
    plotInfo
        Provenance of the figures.
    """
    known = {word: plotInfo.get(key) for key, word in _WORDS.items()}
    made_by = {"Software": f"analysis_cp {__version__}", "Tool": tool}
    for figure in figures:
        # Not of matplotlib: upstream's formatter looks for it.
        cast(Any, figure).metadata = made_by | {word: str(value) for word, value in known.items() if value}


def makeBundle(config: AnalysisBaseConfig, prefix: str) -> MetricMeasurementBundle:
    """Make an empty bundle; the prefix is that of the tools' names, if the configuration asks for one."""
    return MetricMeasurementBundle(
        dataset_identifier=config.dataset_identifier,
        reference_package=config.reference_package,
        timestamp_version=config.timestamp_version,
        metricNamePrefix=prefix if config.addOutputNamePrefix else "",
    )


def runTools(
    config: AnalysisBaseConfig, data: Mapping[str, Any], runner: ToolRunner, **kwargs: Any
) -> Struct:
    """Run the tools of a configuration.

    Parameters
    ----------
    config
        Configuration of the task.
    data
        What the tools get.
    runner
        Runs the tools, and remembers which failed.
    **kwargs
        Further arguments of every tool, such as ``camera``.

    Returns
    -------
    outputs : `lsst.pipe.base.Struct`
        ``metrics``, and the figures by the names of their connections.
    """
    output_name = config.connections.outputName
    outputs = Struct(metrics=makeBundle(config, f"{output_name}_"))
    figures = runner.run(config.atools.items(), data, outputs.metrics, **kwargs)
    for name, figure in figures.items():
        setattr(outputs, f"{output_name}_{name}", figure)
    return outputs


def putOutputs(
    butlerQC: QuantumContext, outputs: Struct, refs: Iterable[tuple[str, Any]], runner: ToolRunner
) -> None:
    """Write what could be made, by the names of connections; the runner remembers what cannot be written."""
    for name, ref in refs:
        if (value := getattr(outputs, name, None)) is not None:
            # A figure is drawn when it is written, so that this can fail, too.
            runner.attempt(name, _put, butlerQC, value, ref)


def _put(butlerQC: QuantumContext, value: Any, ref: DatasetRef | Sequence[DatasetRef]) -> None:
    """Write a dataset, or each of many before the next is made."""
    if not isinstance(ref, Sequence):
        butlerQC.put(value, ref)
        return
    for one, its_ref in zip(value, ref, strict=True):
        butlerQC.put(one, its_ref)


def listInputs(inputRefs: InputQuantizedConnection) -> list[DatasetRef]:
    """List the datasets that a quantum takes, but for the camera."""
    refs: list[DatasetRef] = []
    for name, given in inputRefs:
        if name != "camera":
            refs += given if isinstance(given, Iterable) else [given]
    return refs


def describeInputs(
    data: Sequence[DatasetRef], dataId: DataCoordinate | None, others: Sequence[DatasetRef] = ()
) -> dict[str, Any]:
    """Say on figures where the inputs are from.

    Parameters
    ----------
    data
        What is shown.
    dataId
        Data ID of the figure.
    others
        What else contributes to the figure.

    Returns
    -------
    plotInfo
        The data ID; the types of the ``data`` as ``tableName``; all collections as ``run``, both with commas
        between them; and, where the data ID names no exposure, those of the inputs as ``exposures`` (or
        ``visits``), and their observing days as ``days``, as far as data IDs tell them.
    """
    known = dict(dataId.mapping) if dataId else {}
    refs = [*data, *others]
    info = {
        "tableName": ", ".join(sorted({ref.datasetType.name for ref in data})),
        "run": ", ".join(sorted({ref.run for ref in refs})),
    }
    epochs = {
        f"{key.removesuffix('_obs')}s": sorted({ref.dataId[key] for ref in refs if key in ref.dataId.mapping})
        for key in ("exposure", "visit", "day_obs")
        if known.keys().isdisjoint({"exposure", "visit"})
    }
    return info | {key: found for key, found in epochs.items() if found} | known


def describeProvenance(ref: DatasetRef, provenance: DatasetProvenance) -> dict[str, Any]:
    """Say what a table is made of, as the Butler does in the metadata of one of astropy, but not of others.

    Parameters
    ----------
    ref
        What the table is stored as.
    provenance
        What it is made of.

    Returns
    -------
    meta
        Metadata, by their keys.
    """
    return provenance.to_flat_dict(
        ref, prefix="LSST.BUTLER", sep=".", simple_types=True, max_inputs=_MAX_INPUTS
    )


def describeRows(columns: Mapping[str, Any]) -> dict[str, list[int]]:
    """Say on figures which exposures the rows of a table are from.

    Parameters
    ----------
    columns
        Columns of the table. ``exposure`` and ``mjd`` (TAI) are used if they are there.

    Returns
    -------
    plotInfo
        ``exposures``, and ``days``, the observing days, which begin at 12 hours TAI.
    """
    info, names = {}, list(columns.keys())  # A table is searched row by row.
    if "exposure" in names:
        with suppress(ColumnError):
            ids, present = idColumn(columns["exposure"], "exposure")
            info["exposures"] = np.unique(ids[present]).tolist()
    if "mjd" in names:
        # What is no date, such as a value that stands for none, must not cost the figures.
        with suppress(ColumnError):
            mjd = floatColumn(columns["mjd"], "mjd")
            noons = np.unique(np.floor(mjd[(mjd > 0) & (mjd < _LAST_MJD)] - 0.5))
            info["days"] = [int(day) for day in Time(noons, format="mjd", scale="tai").strftime("%Y%m%d")]
    return {key: values for key, values in info.items() if values}


def raiseFailures(task: Task, failures: Mapping[str, str]) -> None:
    """Raise if tools failed, when all that could be made is written; metadata of the task record it.

    Raises
    ------
    lsst.pipe.base.AnnotatedPartialOutputsError
        Raised if there is any.
    """
    if failures:
        error = ToolFailuresError(failures)
        raise AnnotatedPartialOutputsError.annotate(error, task, log=task.log) from error

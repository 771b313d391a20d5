# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""The seven merge tasks of cp_verify (2026-04-22).

They behave as cp_verify's, with these differences: the inputs of a merge are left as they were (cp_verify
takes ``SUCCESS`` out of them and pads the tables in place), a boolean vector is padded with False (there,
True), and a merge of no tables is an empty table (there, an empty list).
"""

__all__ = [
    "CpVerifyCalibMergeConfig",
    "CpVerifyCalibMergeTask",
    "CpVerifyExpMergeByFilterConfig",
    "CpVerifyExpMergeByFilterTask",
    "CpVerifyExpMergeConfig",
    "CpVerifyExpMergeTask",
    "CpVerifyRunMergeByFilterConfig",
    "CpVerifyRunMergeByFilterTask",
    "CpVerifyRunMergeConfig",
    "CpVerifyRunMergeTask",
    "CpVerifyVisitExpMergeConfig",
    "CpVerifyVisitExpMergeTask",
    "CpVerifyVisitRunMergeConfig",
    "CpVerifyVisitRunMergeTask",
]

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, override

from astropy.table import Table

from lsst.pex.config import DictField, Field
from lsst.pipe.base import PipelineTask, PipelineTaskConfig, Struct

from .mergeConnections import (
    CpVerifyCalibMergeConnections,
    CpVerifyExpMergeByFilterConnections,
    CpVerifyExpMergeConnections,
    CpVerifyRunMergeByFilterConnections,
    CpVerifyRunMergeConnections,
    CpVerifyVisitExpMergeConnections,
    CpVerifyVisitRunMergeConnections,
)
from .mergeStatistics import listFailures, stackTables


class CpVerifyExpMergeConfig(PipelineTaskConfig, pipelineConnections=CpVerifyExpMergeConnections):
    """Configuration of a merge of detectors into an exposure."""

    statKeywords = DictField[str, str](
        doc="Statistics of the merged set: the name of the test, and the name of an afw statistic. "
        "A task that gives any has to implement calcStatistics, verify and pack.",
        default={},
    )
    hasMatrixCatalog = Field[bool](doc="Are there matrix tables to merge?", default=False)
    hasInputResults = Field[bool](doc="Are there tables of results to merge?", default=False)
    doDropStats = Field[bool](doc="Leave the merged Stats out of the outputs?", default=False)
    mergeDimension = Field[str](doc="Dimension that the inputs are keyed by.", default="detector")
    stageName = Field[str](doc="Prefix of the columns that this merge adds, if any.", default="stageName")


class CpVerifyExpMergeTask(PipelineTask):
    """Merge the statistics and tables of the detectors of one exposure."""

    ConfigClass: ClassVar[type[CpVerifyExpMergeConfig]] = CpVerifyExpMergeConfig
    config: CpVerifyExpMergeConfig
    _DefaultName = "cpVerifyExpMerge"

    @override
    def runQuantum(self, butlerQC: Any, inputRefs: Any, outputRefs: Any) -> None:
        inputs = butlerQC.get(inputRefs)
        inputs["inputDims"] = [dict(ref.dataId.required) for ref in inputRefs.inputStats]
        butlerQC.put(self.run(**inputs), outputRefs)

    def run(
        self,
        inputStats: Sequence[Mapping[str, Any]],
        inputDims: Sequence[Mapping[str, Any]],
        camera: Any = None,
        inputResults: Sequence[Table] | None = None,
        inputMatrix: Sequence[Table] | None = None,
    ) -> Struct:
        """Merge statistics and tables.

        Parameters
        ----------
        inputStats
            Nested statistics of each input.
        inputDims
            Data ID of each element of ``inputStats``.
        camera
            Camera that names the detectors; needed if the merge is over detectors.
        inputResults
            Table of each input.
        inputMatrix
            Matrix table of each input.

        Returns
        -------
        outputStats : `dict`
            ``SUCCESS``, and ``FAILURES`` where there are any, of each input by name, and the overall
            ``SUCCESS``.
        outputResults : `astropy.table.Table`
            The rows of all ``inputResults``; empty if these are `None`.
        outputMatrix : `astropy.table.Table` or `None`
            The rows of all ``inputMatrix``.
        """
        merge_detectors = self.config.mergeDimension == "detector"
        out_key = "EXP" if merge_detectors else "RUN"
        output_stats: dict[Any, Any] = {}
        merged_stats: dict[Any, Mapping[str, Any]] = {}
        for stats, data_id in zip(inputStats, inputDims, strict=True):
            key = data_id[self.config.mergeDimension]
            name = camera[key].getName() if merge_detectors else key
            merged_stats[name] = stats
            output_stats[name] = {"SUCCESS": True}
            if stats["SUCCESS"] is not True:
                output_stats[name] = {"SUCCESS": False, "FAILURES": listFailures(stats)}

        success = all(entry["SUCCESS"] for entry in output_stats.values())
        additional_results = None
        if self.config.statKeywords:
            output_stats[out_key] = self.calcStatistics(merged_stats)
            output_stats["VERIFY"], group_success = self.verify(merged_stats, output_stats)
            success = success and group_success
        output_stats["SUCCESS"] = success
        if out_key in output_stats:
            additional_results, _ = self.pack(output_stats, inputDims, out_key)

        return Struct(
            outputStats=output_stats,
            outputResults=self.mergeTable(inputResults, additional_results),
            outputMatrix=None if inputMatrix is None else self.mergeTable(inputMatrix),
        )

    @staticmethod
    def mergeTable(
        inputResults: Sequence[Table] | None, newStats: Sequence[Mapping[str, Any]] | None = None
    ) -> Table:
        """Stack tables, with vectors of unequal length padded by NaN.

        Parameters
        ----------
        inputResults
            Tables to stack.
        newStats
            Rows to append.

        Returns
        -------
        merged
            All rows and all columns, masked where an input lacks a column. Empty if ``inputResults`` is
            `None`, even if there are ``newStats``.

        Raises
        ------
        ValueError
            Raised for vectors of integers or strings of unequal length.
        """
        if inputResults is None:
            return Table()
        merged = stackTables(list(inputResults))
        return stackTables([merged, Table(newStats)]) if newStats else merged

    def calcStatistics(self, statisticsDict: Mapping[Any, Mapping[str, Any]]) -> dict[str, Any]:
        """Calculate statistics of the merged set; a subclass with ``statKeywords`` implements it.

        Parameters
        ----------
        statisticsDict
            Statistics of the inputs by name.

        Returns
        -------
        statistics
            Values by the name of the statistic.

        Raises
        ------
        NotImplementedError
            Raised by this base class.
        """
        raise NotImplementedError(f"{type(self).__name__} has statKeywords but no calcStatistics method.")

    def verify(
        self, detectorStatistics: Mapping[Any, Mapping[str, Any]], statisticsDictionary: Mapping[Any, Any]
    ) -> tuple[dict[str, Any], bool]:
        """Test the statistics of the merged set; a subclass with ``statKeywords`` implements it.

        Parameters
        ----------
        detectorStatistics
            Statistics of the inputs by name.
        statisticsDictionary
            Output statistics so far.

        Returns
        -------
        results
            Test results by level and test.
        success
            Whether all tests passed.

        Raises
        ------
        NotImplementedError
            Raised by this base class.
        """
        raise NotImplementedError(f"{type(self).__name__} has statKeywords but no verify method.")

    def pack(
        self, statisticsDict: Mapping[Any, Any], dimensions: Sequence[Mapping[str, Any]], outKey: str
    ) -> tuple[list[dict[str, Any]], list[dict[str, Any]] | None]:
        """Make table rows of the new statistics; a subclass with ``statKeywords`` implements it.

        Parameters
        ----------
        statisticsDict
            Output statistics.
        dimensions
            Data IDs of the inputs.
        outKey
            Key of the new statistics.

        Returns
        -------
        rows
            Rows for the table of results.
        matrixRows
            Rows for the matrix table, or `None`.

        Raises
        ------
        NotImplementedError
            Raised by this base class.
        """
        raise NotImplementedError(f"{type(self).__name__} has statKeywords but no pack method.")


class CpVerifyRunMergeConfig(CpVerifyExpMergeConfig, pipelineConnections=CpVerifyRunMergeConnections):
    """Configuration of a merge of exposures into a run."""

    mergeDimension = Field[str](doc="Dimension that the inputs are keyed by.", default="exposure")


class CpVerifyRunMergeTask(CpVerifyExpMergeTask):
    """Merge the statistics and tables of the exposures of a run."""

    ConfigClass = CpVerifyRunMergeConfig
    _DefaultName = "cpVerifyRunMerge"


class CpVerifyExpMergeByFilterConfig(
    CpVerifyExpMergeConfig, pipelineConnections=CpVerifyExpMergeByFilterConnections
):
    """Configuration of a merge of detectors into an exposure with a filter."""


class CpVerifyExpMergeByFilterTask(CpVerifyExpMergeTask):
    """Merge the detectors of one exposure, with the filter as a dimension.

    Notes
    -----
    As in cp_verify, the configuration class and the default name are those of the run merge; a subclass sets
    `CpVerifyExpMergeByFilterConfig` or a child of it.
    """

    ConfigClass: ClassVar[type[CpVerifyExpMergeConfig]] = CpVerifyRunMergeConfig
    _DefaultName = "cpVerifyRunMerge"


class CpVerifyRunMergeByFilterConfig(
    CpVerifyRunMergeConfig, pipelineConnections=CpVerifyRunMergeByFilterConnections
):
    """Configuration of a merge of exposures into a run for each filter."""


class CpVerifyRunMergeByFilterTask(CpVerifyExpMergeTask):
    """Merge the exposures of a run, separately for each filter."""

    ConfigClass = CpVerifyRunMergeByFilterConfig
    _DefaultName = "cpVerifyRunMergeByFilter"


class CpVerifyVisitExpMergeConfig(
    CpVerifyExpMergeConfig, pipelineConnections=CpVerifyVisitExpMergeConnections
):
    """Configuration of a merge of detectors into a visit."""


class CpVerifyVisitExpMergeTask(CpVerifyExpMergeTask):
    """Merge the statistics and tables of the detectors of one visit."""

    ConfigClass = CpVerifyVisitExpMergeConfig
    _DefaultName = "cpVerifyVisitExpMerge"


class CpVerifyVisitRunMergeConfig(
    CpVerifyRunMergeConfig, pipelineConnections=CpVerifyVisitRunMergeConnections
):
    """Configuration of a merge of visits into a run."""


class CpVerifyVisitRunMergeTask(CpVerifyRunMergeTask):
    """Merge the statistics and tables of the visits of a run.

    Notes
    -----
    As in cp_verify, ``mergeDimension`` is ``exposure`` unless a pipeline sets ``visit``.
    """

    ConfigClass = CpVerifyVisitRunMergeConfig
    _DefaultName = "cpVerifyVisitRunMerge"


class CpVerifyCalibMergeConfig(CpVerifyRunMergeConfig, pipelineConnections=CpVerifyCalibMergeConnections):
    """Configuration of a merge of the detectors of a calibration without exposures."""


class CpVerifyCalibMergeTask(CpVerifyRunMergeTask):
    """Merge the statistics and tables of the detectors of a calibration.

    Notes
    -----
    As in cp_verify, ``mergeDimension`` is ``exposure`` unless a pipeline sets ``detector``.
    """

    ConfigClass = CpVerifyCalibMergeConfig
    _DefaultName = "cpVerifyCalibMerge"

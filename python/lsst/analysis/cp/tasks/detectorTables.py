# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Tasks that run tools on the tables of one detector, or one raft, of all exposures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from lsst.analysis.cp.core import CameraLayout, ColumnError, cameraLayout, idColumn
from lsst.analysis.cp.core.epochs import vectorColumn
from lsst.analysis.cp.core.typing import IndexArray
from lsst.pex.config import ListField
from lsst.pipe.base import (
    InputQuantizedConnection,
    NoWorkFound,
    OutputQuantizedConnection,
    PipelineTask,
    QuantumContext,
)
from lsst.pipe.base import connectionTypes as cT

from .connections import CAMERA, ConfiguredDimensionsConfig, ConfiguredDimensionsConnections
from .rafts import splitByRaft, storeByDetector
from .runner import ToolRunner, describeInputs, putOutputs, raiseFailures, runTools

if TYPE_CHECKING:
    from lsst.afw.cameraGeom import Camera
    from lsst.daf.butler import DeferredDatasetHandle

    type Part = tuple[str, list[int], Iterable[tuple[str, Any]]]
    """Name of a part of the camera, its detectors, and where its outputs go."""

__all__ = [
    "DetectorTablesConfig",
    "DetectorTablesConnections",
    "DetectorTablesTask",
    "RaftTablesConfig",
    "RaftTablesConnections",
    "RaftTablesTask",
]


_KEYS = (("detector", "amplifier"), ("detector", "ampName"), ("detectorComp", "ampComp"))
"""Columns that name amplifiers: of results, and the two of a row of correlations."""


class DetectorTablesConnections(ConfiguredDimensionsConnections, dimensions={"instrument", "detector"}):
    """Tables of detectors and exposures, and the camera."""

    data = cT.Input(
        doc="Tables of one detector and exposure each.",
        name="verifyBiasDetResults",
        storageClass="ArrowAstropy",
        multiple=True,
        deferLoad=True,
        # Tables that were not made must not empty the graph of what else is run.
        deferGraphConstraint=True,
    )
    camera = CAMERA

    def __init__(self, *, config: DetectorTablesConfig) -> None:
        super().__init__(config=config)
        self.redeclare("data", dimensions=tuple(config.inputDimensions))


class DetectorTablesConfig(ConfiguredDimensionsConfig, pipelineConnections=DetectorTablesConnections):
    """Configuration of tools run on the tables of one detector."""

    inputDimensions = ListField[str](
        doc="Dimensions of the tables.", default=["detector", "exposure", "instrument"]
    )

    def setDefaults(self) -> None:
        """Take one detector of all exposures."""
        super().setDefaults()
        self.dimensions = ["detector", "instrument"]


class DetectorTablesTask(PipelineTask):
    """Run tools on the tables of one detector of all exposures.

    The tools get the columns that they ask for of all tables, one below the other; ``exposure``, from the
    data IDs, masked where these have none; and ``detectors``, ids of those that the quantum is for. No more
    than the tables of one detector, or one raft, are in memory.

    A table that cannot be read or has wrong rows, or a tool that fails, costs nothing but its own results,
    and then the quantum fails. A table without the columns or without rows is left out; if none has them,
    there is no work. What is left out is logged, and named on the plots.
    """

    ConfigClass = DetectorTablesConfig
    config: DetectorTablesConfig
    _DefaultName = "detectorTables"

    def runQuantum(
        self,
        butlerQC: QuantumContext,
        inputRefs: InputQuantizedConnection,
        outputRefs: OutputQuantizedConnection,
    ) -> None:
        """Read tables, run the tools, and write what they make.

        Raises
        ------
        lsst.pipe.base.NoWorkFound
            Raised if no table has the columns.
        lsst.pipe.base.AnnotatedPartialOutputsError
            Raised if a tool failed, or a table could not be read.
        """
        inputs = butlerQC.get(inputRefs)
        camera, handles = inputs["camera"], inputs["data"]
        failures: dict[str, str] = {}
        n_made = 0
        for part, detectors, refs in self.splitParts(handles, camera, outputRefs):
            own = [handle for handle in handles if int(handle.dataId["detector"]) in detectors]
            info = describeInputs([handle.ref for handle in own], butlerQC.quantum.dataId)
            columns, info["leftOut"] = self.readColumns(own, cameraLayout(camera), failures)
            if not columns:
                continue
            n_made += 1
            columns["detectors"] = np.array(detectors, dtype=np.int64)
            runner = ToolRunner(self.log, info | ({"raft": part} if part else {}))
            putOutputs(butlerQC, runTools(self.config, columns, runner, camera=camera), refs, runner)
            failures |= {f"{part} {tool}".strip(): text for tool, text in runner.failures.items()}
        raiseFailures(self, failures)
        if not n_made:
            wanted = ", ".join(sorted(self.wantedColumns()))
            raise NoWorkFound(f"none of {len(handles)} tables has rows with the columns {wanted}")

    def splitParts(
        self, handles: Sequence[DeferredDatasetHandle], camera: Camera, outputRefs: OutputQuantizedConnection
    ) -> Iterator[Part]:
        """Say which detectors make which outputs: the one of the quantum makes all."""
        yield "", sorted({int(handle.dataId["detector"]) for handle in handles}), outputRefs

    def wantedColumns(self) -> set[str]:
        """List the columns that the tools take from tables."""
        asked = {name for tool in self.config.atools for name, _ in tool.getInputSchema()}
        return asked - {"exposure", "detectors"}

    def readColumns(
        self, handles: Sequence[DeferredDatasetHandle], layout: CameraLayout, failures: dict[str, str]
    ) -> tuple[dict[str, Any], dict[str, str]]:
        """Read the columns that the tools take, of tables one below the other.

        Parameters
        ----------
        handles
            Handles of the tables.
        layout
            The camera.
        failures
            Where the reasons are added for those that are not as they should be.

        Returns
        -------
        columns
            By name; vectors are padded with NaN to the longest. Empty if no table has them.
        leftOut
            Why tables are left out, by exposure and detector.
        """
        wanted = sorted(self.wantedColumns())
        parts: dict[str, dict[str, Any]] = {}
        empty, wrong = {}, {}
        for handle in handles:
            name = _nameTable(handle, layout)
            try:
                parts[name] = _readTable(handle, wanted, layout)
            except NoWorkFound as nothing:
                empty[name] = str(nothing)
            except Exception as error:
                wrong[name] = f"{type(error).__name__}: {error}"
        for name in _findOdd(parts):
            wrong[name] = "ColumnError: its columns hold something else than those of most tables"
            del parts[name]
        left_out = empty | wrong
        for name, reason in left_out.items():
            self.log.warning("%s of %s is left out: %s", handles[0].ref.datasetType.name, name, reason)
        failures |= wrong
        columns = {}
        if parts:
            names = (*wanted, "exposure")
            columns = {name: _joinColumns([part[name] for part in parts.values()]) for name in names}
        return columns, left_out


def _nameTable(handle: DeferredDatasetHandle, layout: CameraLayout) -> str:
    """Name a table by its exposure, if it has one, and its detector."""
    detector = layout.detectorName[layout.findDetectors(np.array([handle.dataId["detector"]]))[0]]
    return " ".join(str(part) for part in (handle.dataId.get("exposure", ""), detector) if part)


def _readTable(handle: DeferredDatasetHandle, wanted: Sequence[str], layout: CameraLayout) -> dict[str, Any]:
    """Read the wanted columns of a table, with the exposure of its data ID, and check what its rows are of.

    Raises
    ------
    NoWorkFound
        Raised if it lacks a column, or has no rows.
    """
    stored = {str(column) for column in handle.get(component="columns")}
    if absent := [column for column in wanted if column not in stored]:
        raise NoWorkFound(f"it lacks {', '.join(absent)}")
    table = handle.get(parameters={"columns": wanted})
    if not len(table):
        raise NoWorkFound("it has no rows")
    columns = {column: _readColumn(table[column], column) for column in wanted}
    keys = _placeRows(columns, layout, int(handle.dataId["detector"]))
    known = "exposure" in handle.dataId.mapping
    if known and (repeated := len(keys) - len(np.unique(keys, axis=0))):
        raise ColumnError(f"{repeated} row(s) repeat others")
    exposure = np.full(len(table), int(handle.dataId["exposure"]) if known else 0, dtype=np.int64)
    return columns | {"exposure": np.ma.array(exposure, mask=not known)}


def _placeRows(columns: Mapping[str, Any], layout: CameraLayout, detector: int) -> IndexArray:
    """Find the amplifiers of rows that name all that they should, and check the detector of every row.

    Parameters
    ----------
    columns
        Columns of a table of a detector.
    layout
        The camera.
    detector
        Id of the detector.

    Returns
    -------
    amps
        Amplifiers of each such row, shape (nNamed, nKeys).

    Raises
    ------
    AmpKeyError
        If a detector or an amplifier is not in the camera.
    ColumnError
        If a row is of another detector.
    """
    ids, present = idColumn(columns["detector"], "detector")
    if len(foreign := np.unique(ids[present & (ids != detector)])):
        raise ColumnError(f"rows of detector {foreign[0]} in a table of detector {detector}")
    keys = [names for names in _KEYS if columns.keys() >= {*names}]
    amps = np.column_stack([layout.ampIndex(columns[ids], columns[names]) for ids, names in keys])
    return amps[(amps >= 0).all(axis=1)]


def _readColumn(column: Any, name: str) -> Any:
    """Read a column of a table: vectors as an array of two dimensions, all else as it is."""
    return column if column.ndim == 1 and column.dtype.kind != "O" else vectorColumn(column, name)


def _findOdd(parts: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Find the tables of which a column cannot be joined with that of most tables."""
    kinds = {
        name: tuple((column.ndim, column.dtype.kind in "SU") for column in part.values())
        for name, part in parts.items()
    }
    usual = [kind for kind, _ in Counter(kinds.values()).most_common(1)]
    return [name for name, kind in kinds.items() if kind not in usual]


def _joinColumns(columns: Sequence[Any]) -> Any:
    """Put a column of several tables one below the other; vectors may differ in length."""
    if columns[0].ndim == 1:
        return np.ma.concatenate(columns)
    joined = np.full((sum(map(len, columns)), max(part.shape[1] for part in columns)), np.nan)
    start = 0
    for part in columns:
        joined[start : start + len(part), : part.shape[1]] = part
        start += len(part)
    return joined


class RaftTablesConnections(DetectorTablesConnections, dimensions={"instrument"}):
    """Tables of all detectors and exposures.

    Rafts are no dimension: the plots of each are stored under its detector of the lowest id.
    """

    def __init__(self, *, config: RaftTablesConfig) -> None:
        super().__init__(config=config)
        storeByDetector(self)


class RaftTablesConfig(DetectorTablesConfig, pipelineConnections=RaftTablesConnections):
    """Configuration of tools run on the tables of one raft."""

    def setDefaults(self) -> None:
        """Take all detectors of all exposures, raft by raft."""
        super().setDefaults()
        self.dimensions = ["instrument"]


class RaftTablesTask(DetectorTablesTask):
    """Run tools on the tables of each raft of all exposures; see `DetectorTablesTask` for what they get."""

    ConfigClass = RaftTablesConfig
    _DefaultName = "raftTables"

    def splitParts(
        self, handles: Sequence[DeferredDatasetHandle], camera: Camera, outputRefs: OutputQuantizedConnection
    ) -> Iterator[Part]:
        """Say which detectors make which outputs: those of a raft make one of each."""
        yield from splitByRaft(camera, outputRefs)

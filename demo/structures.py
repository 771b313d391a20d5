# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Structures that were found in the images, next to what was put into their pixels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from astropy.table import Row, Table
from simulatedRun import SimulatedRun

from lsst.cp.simulator import (
    FaultKind,
    InjectedFault,
    SimulateBiasIsrConfig,
    listInjectedFaults,
)

__all__ = ["OtherStructure", "StructureLine", "judgeStructures", "listOthers"]

SHOWN_AS = {
    FaultKind.HOT_PIXEL: {"pixel"},
    FaultKind.BRIGHT_COLUMN: {"column"},
    FaultKind.SCRATCH: {"cluster", "event", "streak"},
    FaultKind.STREAK: {"streak", "cluster", "event"},
    FaultKind.CORNER_GLOW: {"glow", "cluster"},
    FaultKind.DEAD_AMPLIFIER: {"deadAmplifier"},
    FaultKind.GRADIENT: {"gradient"},
    FaultKind.ROW_PATTERN: {"rowPattern", "row"},
    FaultKind.COLUMN_PATTERN: {"columnPattern", "column"},
}
"""Kinds of structures as which a fault may be found."""

TOLERANCE = 2.0
"""Pixels by which a pixel or column may be off."""


@dataclass(frozen=True)
class StructureLine:
    """One line of the verdict on structures.

    Parameters
    ----------
    injected
        What was put in.
    found
        Kind, rank and score of the highest-ranking structure at its place; empty if there is none.
    """

    injected: InjectedFault
    found: str

    @property
    def isRight(self) -> bool:
        """Whether it was found."""
        return bool(self.found)


@dataclass(frozen=True)
class OtherStructure:
    """A structure where nothing was injected.

    Parameters
    ----------
    exposure
        Exposure id.
    detector, amplifier
        Names; the amplifier is empty for a structure of the whole detector.
    found
        Its kind, rank and score.
    """

    exposure: int
    detector: str
    amplifier: str
    found: str


def judgeStructures(run: SimulatedRun) -> list[StructureLine]:
    """Look for each injected structure in the tables of what was found.

    Parameters
    ----------
    run
        The run.

    Returns
    -------
    lines
        One for each structure that was put in.
    """
    if not run.part.product.judgesStructures:
        return []
    tables = {e: run.get("cp{}ExpResidual_structures", e) for e in run.exposures}
    return [StructureLine(item, _find(item, tables[item.exposure])) for item in _listInjected(run)]


def listOthers(run: SimulatedRun) -> list[OtherStructure]:
    """List the structures in amplifiers, or of detectors, without any injected fault.

    Parameters
    ----------
    run
        The run.

    Returns
    -------
    others
        The structures, but for those of kinds that are simulated everywhere, such as cosmic rays.
    """
    if not run.part.product.judgesStructures:
        return []
    expected = run.expected
    # A fault of a whole detector is one of all its amplifiers, and what a detector shows may be one of any.
    of_amps = {(item.exposure, item.detector, item.amplifier) for item in (*_listInjected(run), *expected)}
    of_detectors = {(exposure, detector) for exposure, detector, _ in of_amps}
    others = []
    for exposure in run.exposures:
        table = run.get("cp{}ExpResidual_structures", exposure)
        for row in table[~np.isin(table["kind"], list(run.part.product.everywhere))]:
            detector, amplifier = int(row["detector"]), str(row["amplifier"])
            known = (exposure, detector, "") in of_amps or (exposure, detector, amplifier) in of_amps
            if known or (not amplifier and (exposure, detector) in of_detectors):
                continue
            others.append(OtherStructure(exposure, str(row["detectorName"]), amplifier, _describe(row)))
    return others


def _listInjected(run: SimulatedRun) -> list[InjectedFault]:
    """List the structures that were put in, at the places that the simulation chose."""
    seed = SimulateBiasIsrConfig().seed
    return listInjectedFaults(
        run.faults, run.camera, run.exposures, instrument=run.part.camera.name, seed=seed
    )


def _find(item: InjectedFault, table: Table) -> str:
    near = (table["detector"] == item.detector) & np.isin(table["kind"], list(SHOWN_AS[item.fault.kind]))
    if item.amplifier:
        near &= table["amplifier"] == item.amplifier
    if item.fault.kind in (FaultKind.HOT_PIXEL, FaultKind.BRIGHT_COLUMN):
        near &= np.abs(table["x"] - item.fault.x) <= TOLERANCE
    if item.fault.kind is FaultKind.HOT_PIXEL:
        near &= np.abs(table["y"] - item.fault.y) <= TOLERANCE
    if not near.any():
        return ""
    return _describe(table[near][0])


def _describe(row: Row) -> str:
    return f"{row['kind']}, rank {row['rank']}, {abs(row['score']):.1f} sigma"

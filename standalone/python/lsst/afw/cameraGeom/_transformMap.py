# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""The coordinate systems of a camera and the transforms between them."""

from __future__ import annotations

__all__ = ["Connection", "TransformMap"]

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import overload

from lsst.geom import Point2D

from ._cameraSys import CameraSys
from ._transform import TransformPoint2ToPoint2, makeScaling


@dataclass(frozen=True)
class Connection:
    """Transform between two coordinate systems."""

    transform: TransformPoint2ToPoint2
    fromSys: CameraSys
    toSys: CameraSys

    def reversed(self) -> Connection:
        """Return the connection that goes the other way."""
        return Connection(self.transform.inverted(), self.toSys, self.fromSys)


class TransformMap:
    """Tree of coordinate systems, each connected with its parent.

    Parameters
    ----------
    reference
        The root of the tree.
    connections
        Transforms between neighbours, in any order and direction.

    Raises
    ------
    ValueError
        Raised if there is no connection, or if a system is not connected to the reference by just one path.
    """

    def __init__(self, reference: CameraSys, connections: Iterable[Connection]) -> None:
        self._reference = reference
        self._connections = _sortOutward(reference, list(connections))
        self._parents = {connection.toSys: connection for connection in self._connections}
        self._transforms: dict[tuple[CameraSys, CameraSys], TransformPoint2ToPoint2] = {}

    def getConnections(self) -> list[Connection]:
        """Return the connections, from the reference outward."""
        return list(self._connections)

    def __contains__(self, system: CameraSys) -> bool:
        return system == self._reference or system in self._parents

    def __len__(self) -> int:
        return len(self._connections) + 1

    def getTransform(self, fromSys: CameraSys, toSys: CameraSys) -> TransformPoint2ToPoint2:
        """Return the transform from one system to another.

        Raises
        ------
        ValueError
            Raised if the map does not have one of them.
        """
        key = (fromSys, toSys)
        if key not in self._transforms:
            self._transforms[key] = self._findTransform(fromSys, toSys)
        return self._transforms[key]

    @overload
    def transform(self, point: Point2D, fromSys: CameraSys, toSys: CameraSys) -> Point2D: ...

    @overload
    def transform(self, point: Sequence[Point2D], fromSys: CameraSys, toSys: CameraSys) -> list[Point2D]: ...

    def transform(
        self, point: Point2D | Sequence[Point2D], fromSys: CameraSys, toSys: CameraSys
    ) -> Point2D | list[Point2D]:
        """Transform a point or each of a list of points from one system to another."""
        return self.getTransform(fromSys, toSys).applyForward(point)

    def _findTransform(self, fromSys: CameraSys, toSys: CameraSys) -> TransformPoint2ToPoint2:
        inward, outward = self._findPath(fromSys), self._findPath(toSys)
        while inward and outward and inward[-1] is outward[-1]:
            inward.pop()
            outward.pop()
        steps = [connection.transform.inverted() for connection in inward]
        steps += [connection.transform for connection in reversed(outward)]
        if not steps:
            return makeScaling(1.0, 1.0)
        joined = steps[0]
        for step in steps[1:]:
            joined = joined.then(step)
        return joined

    def _findPath(self, system: CameraSys) -> list[Connection]:
        """Return the connections from a system inward to the reference."""
        path = []
        while system != self._reference:
            if system not in self._parents:
                raise ValueError(f"Unsupported coordinate system: {system}")
            path.append(self._parents[system])
            system = path[-1].fromSys
        return path


def _sortOutward(reference: CameraSys, connections: list[Connection]) -> list[Connection]:
    """Order connections by their distance from the reference, and turn them to point away from it."""
    if not connections:
        raise ValueError("Cannot create a TransformMap with no connections.")
    by_system: dict[CameraSys, list[int]] = {}
    for index, connection in enumerate(connections):
        by_system.setdefault(connection.fromSys, []).append(index)
        by_system.setdefault(connection.toSys, []).append(index)
    found: list[Connection] = []
    known, used, layer = {reference}, set[int](), [reference]
    while layer:
        indices = sorted({index for system in layer for index in by_system.get(system, ())} - used)
        used.update(indices)
        current, layer = set(layer), []
        for index in indices:
            connection = connections[index]
            if connection.fromSys not in current:
                connection = connection.reversed()
            if connection.toSys in known:
                raise ValueError(f"Multiple paths between {reference} and {connection.toSys}.")
            known.add(connection.toSys)
            layer.append(connection.toSys)
            found.append(connection)
    if len(used) < len(connections):
        loose = [str(c.toSys) for index, c in enumerate(connections) if index not in used]
        raise ValueError(f"Not connected with {reference}: {', '.join(loose)}.")
    return found

# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""What the Plot Navigator shows of a summary, by a reader that shares nothing with what writes it."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

__all__ = ["PlotNavigatorReader", "ShownPlot"]

GROUPS = ("tracts", "visits", "global")
BANDS = "ugrizy"


@dataclass(frozen=True)
class ShownPlot:
    """A plot on a page: its data ID, its caption and the id of its dataset."""

    dataId: dict[str, Any]
    caption: str
    id: str


@dataclass(frozen=True)
class PlotNavigatorReader:
    """A summary, read by what is known of the Plot Navigator."""

    collection: str
    repository: str
    groups: dict[str, dict[str, list[dict[str, str]]]]
    note: str

    @classmethod
    def fromFile(cls, path: Path) -> PlotNavigatorReader:
        """Read a summary, and fail on what stops the Plot Navigator."""
        with gzip.open(path, "rt", encoding="utf-8") as stream:
            # Of keys that come twice, browsers take the last without a word.
            content = json.load(stream, object_pairs_hook=cls._unique)
        assert set(content) == {*GROUPS, "note"}
        assert isinstance(content["note"], str)
        for group in GROUPS:
            for name, entries in content[group].items():
                assert entries, f"{name} has no plots"
                assert all(set(entry) == {"dataId", "id"} for entry in entries)
        name = path.name.removeprefix("collection_").removesuffix(".json.gz")
        note = content.pop("note")
        return cls(unquote(name), unquote(path.parent.name), content, note)

    @staticmethod
    def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        assert len({key for key, _ in pairs}) == len(pairs)
        return dict(pairs)

    def listTypes(self) -> dict[str, int]:
        """Count the plots of each type, as the tab "Select by Plot Name" does: in the last of its groups."""
        return {name: len(entries) for group in GROUPS for name, entries in self.groups[group].items()}

    def listNumbers(self, group: str, key: str) -> dict[int, int]:
        """Count the plots of each visit or tract, as the tab "Select by Data Id" does."""
        entries = [entry for each in self.groups[group].values() for entry in each]
        counts = Counter(int(self._readId(entry)[key]) for entry in entries)
        return dict(sorted(counts.items()))

    def showType(self, name: str) -> list[ShownPlot]:
        """List the plots on the page of a type, of all bands, in its order."""
        entries = [entry for group in GROUPS for entry in self.groups[group].get(name, ())]
        return sorted(map(self._show, entries), key=lambda plot: self._order(plot.dataId))

    def showVisit(self, visit: int) -> dict[str, list[ShownPlot]]:
        """List the plots on the page of a visit by type; the last comes first."""
        found: dict[str, list[ShownPlot]] = {}
        for name, entries in self.groups["visits"].items():
            shown = [plot for plot in map(self._show, entries) if plot.dataId["visit"] == visit]
            if shown:
                found[name] = shown[::-1]
        return found

    @classmethod
    def _show(cls, entry: dict[str, str]) -> ShownPlot:
        data_id = cls._readId(entry)
        words = [f"{k}: {v}" for k, v in data_id.items() if k not in ("instrument", "skymap")]
        return ShownPlot(data_id, ", ".join(words), entry["id"])

    @classmethod
    def _readId(cls, entry: dict[str, str]) -> dict[str, Any]:
        # As a browser reads numbers.
        return json.loads(
            entry["dataId"], parse_int=lambda text: int(float(text)), object_pairs_hook=cls._unique
        )

    @staticmethod
    def _order(dataId: dict[str, Any]) -> tuple[float, ...]:
        """Order by these keys only; those of other names leave the order of the file."""
        numbers = [float(dataId[key]) for key in ("tract", "visit") if key in dataId]
        firsts = [dataId[key] for key in ("band", "physical_filter") if key in dataId]
        return (*numbers, *(BANDS.find(text[0]) for text in firsts))

# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Data IDs in few words, detectors by their names."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lsst.daf.butler import Butler

__all__ = ["KeyText"]

type DataKey = tuple[int | str, ...]

_N_LISTED = 12


class KeyText:
    """Writes data IDs.

    Parameters
    ----------
    names
        Names of detectors, by instrument and number.
    """

    def __init__(self, names: Mapping[tuple[str, int], str]) -> None:
        self._names = names
        self._nInstruments = len({instrument for instrument, _ in names})

    @classmethod
    def fromButler(cls, butler: Butler) -> KeyText:
        """Read the names of all detectors."""
        records = [
            record
            for name in butler.query_dimension_records("instrument", explain=False)
            for record in butler.query_dimension_records("detector", instrument=name.name, explain=False)
        ]
        return cls({(record.instrument, record.id): record.full_name for record in records})

    def nameDetector(self, instrument: int | str, detector: int | str) -> str:
        """Name a detector; by its number if its name is not known."""
        return self._names.get((str(instrument), int(detector)), str(detector))

    def describe(self, dimensions: Sequence[str], key: DataKey) -> str:
        """Write one data ID, as in ``R22_S11, r_57``."""
        return self.summarize(dimensions, [key])

    def summarize(self, dimensions: Sequence[str], keys: Iterable[DataKey], limit: int = _N_LISTED) -> str:
        """Write data IDs.

        Parameters
        ----------
        dimensions
            Their dimensions.
        keys
            Values of these.
        limit
            Number of detectors that are named.

        Returns
        -------
        text
            Names of detectors, after the other values that they share (``r_57: R22_S11, R22_S12``). The
            instrument is left out if the repository has no other.
        """
        shared: defaultdict[str, list[str]] = defaultdict(list)
        for key in keys:
            values = dict(zip(dimensions, key, strict=True))
            detectors = shared[self._describeOthers(values)]
            if "detector" in values:
                detectors.append(self.nameDetector(values["instrument"], values["detector"]))
        return "; ".join(
            ": ".join(filter(None, (others, _list(names, limit)))) for others, names in shared.items()
        )

    @staticmethod
    def listFilters(dimensions: Sequence[str], keys: Iterable[DataKey]) -> list[str]:
        """List the filters of data IDs; none if they have none."""
        if "physical_filter" not in dimensions:
            return []
        place = dimensions.index("physical_filter")
        return sorted({str(key[place]) for key in keys})

    def _describeOthers(self, values: Mapping[str, int | str]) -> str:
        others = [
            str(value)
            for name, value in values.items()
            if name != "detector" and (name != "instrument" or self._nInstruments > 1 or len(values) == 1)
        ]
        return ", ".join(others)


def _list(names: Sequence[str], limit: int) -> str:
    rest = len(names) - limit
    return ", ".join(names) if rest <= 1 else f"{', '.join(names[:limit])} and {rest} more"

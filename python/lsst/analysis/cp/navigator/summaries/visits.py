# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Which exposures may be listed as visits: those whose id is not that of a visit of other exposures."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lsst.daf.butler import Butler

__all__ = ["LARGEST", "OtherVisits"]

LARGEST = 2**53 - 1
"""Largest integer that browsers read exactly."""

_BATCH = 1000
"""Number of ids that are asked for at once."""


class OtherVisits:
    """Knows which ids of exposures are those of visits to which these exposures do not belong.

    Parameters
    ----------
    butler
        The repository.
    """

    def __init__(self, butler: Butler) -> None:
        self._butler = butler
        self._asked: defaultdict[str, set[int]] = defaultdict(set)
        self._others: defaultdict[str, set[int]] = defaultdict(set)

    def find(self, instrument: str, exposures: Iterable[int]) -> set[int]:
        """Find those of some exposures that must not be called visits.

        Parameters
        ----------
        instrument
            Name of the instrument.
        exposures
            Ids of exposures.

        Returns
        -------
        others
            The ids of these that are visits of other exposures.
        """
        wanted = set(exposures)
        for batch in itertools.batched(sorted(wanted - self._asked[instrument]), _BATCH):
            self._others[instrument] |= self._ask(instrument, batch)
        self._asked[instrument] |= wanted
        return self._others[instrument] & wanted

    def _ask(self, instrument: str, exposures: tuple[int, ...]) -> set[int]:
        with self._butler.query() as query:
            query = query.where({"instrument": instrument})
            query = query.where(query.expression_factory.visit.in_iterable(exposures))
            visits = {int(data_id["visit"]) for data_id in query.data_ids(["visit"])}
            # Joined by the definitions of visits.
            own = {
                int(data_id["visit"])
                for data_id in query.data_ids(["visit", "exposure"])
                if data_id["visit"] == data_id["exposure"]
            }
        return visits - own

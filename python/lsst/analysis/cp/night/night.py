# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""A night, its products, and the steps in which each is verified."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Self

import astropy.units as u
from astropy.time import Time

from lsst.daf.butler import CollectionType, MissingCollectionError

if TYPE_CHECKING:
    from lsst.daf.butler import Butler

__all__ = ["NIGHT_PRODUCTS", "STEPS", "Night", "NightError", "Step", "findDayObs"]

NIGHT_PRODUCTS = ("bias", "dark", "flat")
"""What an afternoon takes, as the catalogue and the types of exposures call it."""

_DAY_BEGIN = "T120000Z"


class NightError(RuntimeError):
    """A night cannot be verified."""


@dataclass(frozen=True)
class Step:
    """A step of the verification of a product: a subset of the pipeline that is run as a whole.

    Parameters
    ----------
    ending
        What follows the name of the product in the name of the subset.
    isOfHistory
        Whether it looks at all nights up to this one.
    """

    ending: str
    isOfHistory: bool = False

    def label(self, product: str) -> str:
        """Tell the name of the subset."""
        return f"{product}{self.ending}"


STEPS = (Step("NightDetectors"), Step("NightExposures"), Step("NightRun"), Step("Trends", isOfHistory=True))
"""The steps of each product, in their order.

A graph of each is made of what the steps before have left: in one graph, nothing runs after a failure.
"""


@dataclass(frozen=True, kw_only=True)
class Night:
    """A night of an instrument, where its data are, and where its results go.

    Parameters
    ----------
    repo
        URI or label of the repository.
    instrument
        Name of the instrument.
    dayObs
        Day of observation, YYYYMMDD.
    inputs
        Collections with what is verified, and what that needs.
    output
        CHAINED collection of the results of all nights, the latest first.
    pipeline
        File of the pipeline.
    """

    repo: str
    instrument: str
    dayObs: int
    inputs: tuple[str, ...]
    output: str
    pipeline: str

    @property
    def run(self) -> str:
        """RUN collection of the night.

        It is named by the begin of the day, which is then the time of metrics that are of no exposure: in
        Sasquatch, those of a merge that is made anew take the place of the old ones.
        """
        return f"{self.output}/{self.dayObs}{_DAY_BEGIN}"

    def expression(self, product: str) -> str:
        """Make the expression that the exposures of a product fulfil."""
        return (
            f"instrument = '{self.instrument}' AND exposure.day_obs = {self.dayObs} "
            f"AND exposure.observation_type = '{product}'"
        )

    @property
    def history(self) -> str:
        """Expression that the nights up to this one fulfil."""
        return f"instrument = '{self.instrument}' AND day_obs <= {self.dayObs}"

    def findExposures(self, butler: Butler, product: str) -> list[int]:
        """List the ids of the exposures of a product that the repository knows."""
        records = butler.query_dimension_records(
            "exposure", where=self.expression(product), explain=False, limit=None
        )
        return sorted(record.id for record in records)

    def findLater(self, butler: Butler) -> list[Self]:
        """List the nights after this one that have results, the latest first."""
        try:
            children = butler.collections.get_info(self.output).children
        except MissingCollectionError:
            return []
        stems = [name.removeprefix(f"{self.output}/").removesuffix(_DAY_BEGIN) for name in children]
        days = [int(stem) for stem in stems if stem.isdecimal() and int(stem) > self.dayObs]
        return [replace(self, dayObs=day) for day in sorted(days, reverse=True)]

    def register(self, butler: Butler) -> None:
        """Make the RUN collection, and show it among all nights, if that is not done.

        Raises
        ------
        NightError
            Raised if the output is no CHAINED collection.
        """
        butler.collections.register(self.run)
        butler.collections.register(self.output, CollectionType.CHAINED)
        info = butler.collections.get_info(self.output)
        if info.type is not CollectionType.CHAINED:
            raise NightError(f"{self.output} is a collection of type {info.type.name}, not CHAINED.")
        if self.run not in info.children:
            nights = [night.run for night in self.findLater(butler)]
            others = [name for name in info.children if name not in nights]
            butler.collections.redefine_chain(self.output, [*nights, self.run, *others])


def findDayObs(now: Time | None = None) -> int:
    """Tell the day of observation, YYYYMMDD, which begins at 12:00 TAI.

    Parameters
    ----------
    now
        The time; if None, the present.
    """
    return int(((now or Time.now()).tai - 12 * u.hour).strftime("%Y%m%d"))

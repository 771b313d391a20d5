# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""What metrics belong to: a detector or the camera, in one epoch or over a run."""

from dataclasses import dataclass
from functools import cache, cached_property

__all__ = ["EPOCHS", "LEVELS", "Level", "getLevel"]

LEVELS = ("detector", "runDetector", "exposure", "run")
"""Names of the levels: a detector in an epoch, a detector over a run, an epoch, a run."""

EPOCHS = ("exposure", "visit", "none")
"""What distinguishes the results of a run: Butler dimensions, or none for a calibration without exposures."""


@dataclass(frozen=True)
class Level:
    """What one group of results belongs to.

    Parameters
    ----------
    name
        One of `LEVELS`.
    epoch
        One of `EPOCHS`. Without epochs, a detector is grouped over all results, whatever the level.

    Raises
    ------
    ValueError
        Raised if there is no such level or epoch.
    """

    name: str
    epoch: str = "exposure"

    def __post_init__(self) -> None:
        for what, value, known in (("level", self.name, LEVELS), ("epoch", self.epoch, EPOCHS)):
            if value not in known:
                raise ValueError(f"{what} {value!r} is unknown; expected one of {', '.join(known)}")

    @cached_property
    def byDetector(self) -> bool:
        """Whether each detector is a group of its own."""
        return self.name in ("detector", "runDetector")

    @cached_property
    def hasEpochs(self) -> bool:
        """Whether results are told apart by exposure or visit, and these are counted."""
        return self.epoch != "none"

    @cached_property
    def byEpoch(self) -> bool:
        """Whether each exposure or visit is a group of its own."""
        return self.hasEpochs and self.name in ("detector", "exposure")

    @cached_property
    def keys(self) -> tuple[str, ...]:
        """Columns of tables that identify a group; that of an epoch is ``exposure``, also for visits."""
        return ("exposure",) * self.byEpoch + ("detector",) * self.byDetector

    @cached_property
    def dimensions(self) -> tuple[str, ...]:
        """Butler dimensions of a bundle of metrics of one group.

        A detector has its results from an exposure, also where these are merged by visit: a detector of a
        visit would need a region of the sky, which calibrations do not have.
        """
        epoch = "exposure" if self.byDetector else self.epoch
        return ("instrument", *((epoch,) * self.byEpoch), *(("detector",) * self.byDetector))


@cache
def getLevel(name: str, epoch: str = "exposure") -> Level:
    """Get a level, which is made once.

    Parameters
    ----------
    name
        One of `LEVELS`.
    epoch
        One of `EPOCHS`.

    Returns
    -------
    level
        The level.

    Raises
    ------
    ValueError
        Raised if there is no such level or epoch.
    """
    return Level(name, epoch)

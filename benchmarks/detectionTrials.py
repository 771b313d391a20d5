# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Put faults into simulated detectors, and look whether they are found; see ``detection.py``."""

from __future__ import annotations

__all__ = [
    "BUDGET",
    "COLUMN_SIGMAS",
    "HELD_OUT",
    "PIXEL_SIGMAS",
    "RANGES",
    "SETS",
    "UNMARKED",
    "Layout",
    "Outcome",
    "Trial",
    "evaluate",
    "runTrials",
]

import math
import multiprocessing
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from lsst.analysis.cp.core.images import binImage
from lsst.analysis.cp.core.structures import (
    DetectionThresholds,
    Structures,
    findStructures,
    markStructures,
    measureSignificance,
)
from lsst.cp.simulator import FaultKind, PixelFault, drawPixelFault, simulateFrame

BUDGET = 0.01
"""Part of clean detectors that may have a pixel or a column."""

BINNING = 16
"""Binning of the significance mosaic."""

GAP = 8
"""Distance between pixels and between columns in the same image (pixels)."""

PIXEL_SIGMAS = range(5, 13)
COLUMN_SIGMAS = range(4, 11)
NUM_BORDER = 20
"""Number of pixels on the border of an image."""

RANGES = {
    "partialColumn": (5.0, 15.0),
    "scratch": (1.0, 8.0),
    "cornerGlow": (0.1, 3.0),
    "rowPattern": (0.05, 0.5),
    "columnPattern": (0.02, 0.2),
    "gradient": (0.01, 0.6),
    "streak": (0.5, 8.0),
}
"""Amplitudes of the families, in the units of their kinds."""

KINDS = {
    "pixel": FaultKind.HOT_PIXEL,
    "borderPixel": FaultKind.HOT_PIXEL,
    "column": FaultKind.BRIGHT_COLUMN,
    "partialColumn": FaultKind.BRIGHT_COLUMN,
    **{name: FaultKind(name) for name in RANGES if name != "partialColumn"},
}
IN_AMPLIFIERS = ("partialColumn", "scratch", "cornerGlow", "rowPattern", "columnPattern")
WHOLE_DETECTOR = ("gradient", "streak")
HELD_OUT = ("streak",)
"""Families that no choice of method or parameter looked at."""

SETS = ("clean", "points", "families", *WHOLE_DETECTOR)

FOUND_AS = {
    "pixel": ("pixel",),
    "borderPixel": ("pixel", "event"),
    "column": ("column",),
    "partialColumn": ("column",),
    "scratch": ("pixel", "cluster", "streak", "column", "row"),
    "cornerGlow": ("glow",),
    "rowPattern": ("rowPattern",),
    "columnPattern": ("columnPattern",),
    "gradient": ("gradient",),
    "streak": ("pixel", "cluster", "streak", "column", "row", "glow"),
}
"""Kinds of structures as which a fault of a family is found."""

UNMARKED = ("rowPattern", "columnPattern", "gradient")
"""Families that are no places in the significance mosaic."""


@dataclass(frozen=True)
class Layout:
    """A detector of two rows of eight amplifiers.

    Parameters
    ----------
    height, width
        Size of an amplifier (pixels); the default is that of the E2V detectors of LSSTCam.
    """

    height: int = 2002
    width: int = 512

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of the image."""
        return 2 * self.height, 8 * self.width

    @cached_property
    def amps(self) -> list[tuple[slice, slice]]:
        """Rows and columns of each amplifier."""
        return [
            (slice(y, y + self.height), slice(x, x + self.width))
            for y in (0, self.height)
            for x in range(0, self.shape[1], self.width)
        ]

    @cached_property
    def thresholds(self) -> DetectionThresholds:
        """Thresholds by the budget and the numbers of pixels and columns."""
        return DetectionThresholds.fromBudget(self.amps, budget=BUDGET)


@dataclass(frozen=True)
class Trial:
    """A fault and what became of it.

    Parameters
    ----------
    family
        Family of the fault.
    amplitude
        Its amplitude, in the unit of its kind.
    isFound
        Whether a structure was found at its place.
    isVisible
        Whether the significance mosaic shows it.
    isEvent
        Whether there is an event at its place, found or not; also that of a cosmic ray.
    """

    family: str
    amplitude: float
    isFound: bool
    isVisible: bool
    isEvent: bool


@dataclass
class Outcome:
    """What was found in detectors.

    Parameters
    ----------
    clean
        Number of clean detectors.
    alarms
        Number of clean detectors with a structure of a kind; ``pixel or column`` is one of the keys.
    trials
        Faults.
    """

    clean: int = 0
    alarms: Counter[str] = field(default_factory=Counter)
    trials: list[Trial] = field(default_factory=list)

    def add(self, other: Outcome) -> None:
        """Add the outcome of other detectors."""
        self.clean += other.clean
        self.alarms += other.alarms
        self.trials += other.trials


def evaluate(task: tuple[Layout, int, str, int]) -> Outcome:
    """Simulate a detector and look for structures.

    Parameters
    ----------
    task
        Layout, seed of the evaluation, one of `SETS`, and the number of the detector in it.

    Returns
    -------
    outcome
        What was found.
    """
    layout, seed, name, number = task
    random = np.random.default_rng([seed, SETS.index(name), number, 0])
    noises = random.uniform(4, 9, len(layout.amps))
    faults = list(_DRAW[name](layout, noises, random)) if name in _DRAW else []
    image = simulateFrame(
        layout.amps,
        layout.shape,
        noises,
        [seed, SETS.index(name), number, 1],
        [fault for _, fault in faults],
    )
    significance = measureSignificance(image, np.zeros(layout.shape, dtype=bool), layout.amps)
    found = findStructures(significance, layout.amps, layout.thresholds, maxPerKind=10_000)
    if not faults:
        alarms = Counter({str(kind): 1 for kind in np.unique(found.kind)})
        alarms["pixel or column"] = int(len(found.select("pixel", "column")) > 0)
        return Outcome(clean=1, alarms=alarms)
    mosaic = binImage(np.abs(significance.values), BINNING, "max")
    mosaic = markStructures(mosaic, BINNING, found)
    return Outcome(trials=[_tryToFind(family, fault, found, mosaic, layout) for family, fault in faults])


Drawn = Iterator[tuple[str, PixelFault]]


def drawPoints(layout: Layout, noises: npt.NDArray[np.float64], random: np.random.Generator) -> Drawn:
    """Draw pixels and columns; the amplitudes are whole numbers, as often as fit."""
    n_columns = max(1, layout.width // 100)
    sigmas = random.permutation(np.resize(COLUMN_SIGMAS, n_columns * len(layout.amps))).tolist()
    taken = np.zeros(layout.shape, dtype=bool)
    for amp, noise in zip(layout.amps, noises.tolist(), strict=True):
        rows, columns = amp
        # Sorted numbers from a shorter range, spread by the gap, are a random choice of those apart.
        free = layout.width - (n_columns - 1) * (GAP - 1)
        places = np.sort(random.choice(free, n_columns, replace=False)) + (GAP - 1) * np.arange(n_columns)
        for x in (places + columns.start).tolist():
            taken[rows, max(x - 2, 0) : x + 3] = True
            yield "column", _draw("column", amp, noise, random, float(sigmas.pop()), x=x, size=layout.height)
    number = min(800, layout.shape[0] * layout.shape[1] // 4000)
    y, x = (random.integers(1, size - 1, number) for size in layout.shape)
    free_of_columns = ~taken[y, x]
    y, x = y[free_of_columns], x[free_of_columns]
    close = cKDTree(np.transpose([y, x])).query_pairs(GAP, p=math.inf, output_type="ndarray")
    alone = np.setdiff1d(np.arange(len(y)), close[:, 0])
    for i, sigma in zip(alone, np.resize(PIXEL_SIGMAS, len(alone)).tolist(), strict=True):
        yield "pixel", _drawPixel("pixel", layout, noises, (y[i], x[i]), random, float(sigma))
    for _ in range(NUM_BORDER):
        along = random.integers(layout.shape)
        axis = random.integers(2)
        along[axis] = random.choice([0, layout.shape[axis] - 1])
        if not taken[tuple(along)]:
            yield "borderPixel", _drawPixel("borderPixel", layout, noises, along, random, 10.0)


def drawFamilies(layout: Layout, noises: npt.NDArray[np.float64], random: np.random.Generator) -> Drawn:
    """Draw one fault in each amplifier."""
    for amp, noise in zip(layout.amps, noises.tolist(), strict=True):
        family = IN_AMPLIFIERS[random.integers(len(IN_AMPLIFIERS))]
        yield family, _draw(family, amp, noise, random, random.uniform(*RANGES[family]))


def drawGradient(layout: Layout, noises: npt.NDArray[np.float64], random: np.random.Generator) -> Drawn:
    """Draw one gradient."""
    yield _drawWhole("gradient", layout, noises, random)


def drawStreak(layout: Layout, noises: npt.NDArray[np.float64], random: np.random.Generator) -> Drawn:
    """Draw one streak."""
    yield _drawWhole("streak", layout, noises, random)


_DRAW: dict[str, Callable[[Layout, npt.NDArray[np.float64], np.random.Generator], Drawn]] = {
    "points": drawPoints,
    "families": drawFamilies,
    "gradient": drawGradient,
    "streak": drawStreak,
}


def _draw(
    family: str,
    region: tuple[slice, slice],
    noise: float,
    random: np.random.Generator,
    amplitude: float,
    **given: float,
) -> PixelFault:
    return drawPixelFault(KINDS[family], region, noise, random, amplitude=amplitude, **given)


def _drawPixel(
    family: str,
    layout: Layout,
    noises: npt.NDArray[np.float64],
    place: Sequence[int] | npt.NDArray[np.int_],
    random: np.random.Generator,
    amplitude: float,
) -> PixelFault:
    y, x = int(place[0]), int(place[1])
    amp = y // layout.height * 8 + x // layout.width
    return _draw(family, layout.amps[amp], float(noises[amp]), random, amplitude, x=x, y=y)


def _drawWhole(
    family: str, layout: Layout, noises: npt.NDArray[np.float64], random: np.random.Generator
) -> tuple[str, PixelFault]:
    whole = (slice(0, layout.shape[0]), slice(0, layout.shape[1]))
    amplitude = random.uniform(*RANGES[family])
    return family, _draw(family, whole, float(np.median(noises)), random, amplitude)


def _tryToFind(
    family: str,
    fault: PixelFault,
    structures: Structures,
    mosaic: npt.NDArray[np.float32],
    layout: Layout,
) -> Trial:
    events = structures.select("event")
    is_event = bool(family != "gradient" and _isAt(family, fault, events, layout).any())
    rows = np.flatnonzero(np.isin(structures.kind, FOUND_AS[family]))
    rows = rows[_isAt(family, fault, structures.take(rows), layout)]
    is_visible = False
    for row in rows:
        half_height, half_width = (structures.height[row] - 1) / 2, (structures.width[row] - 1) / 2
        first_y, last_y = (round(structures.y[row] + d) // BINNING for d in (-half_height, half_height))
        first_x, last_x = (round(structures.x[row] + d) // BINNING for d in (-half_width, half_width))
        shown = mosaic[first_y : last_y + 1, first_x : last_x + 1].max()
        is_visible = is_visible or bool(shown > structures.threshold[row])
    return Trial(family, fault.amplitude, len(rows) > 0, is_visible, is_event)


def _isAt(family: str, fault: PixelFault, structures: Structures, layout: Layout) -> npt.NDArray[np.bool_]:
    """Tell which structures lie where the fault is."""
    if family == "gradient":
        return structures.amplifier == -1
    if family in ("scratch", "streak"):
        radians = math.radians(fault.angle)
        x, y = structures.x - fault.x, structures.y - fault.y
        along = np.abs(x * math.cos(radians) + y * math.sin(radians))
        across = np.abs(y * math.cos(radians) - x * math.sin(radians))
        reach = np.inf if family == "streak" else 0.5 * fault.size + 3
        return (along < reach) & (across < 6)
    if family in ("cornerGlow", "rowPattern", "columnPattern"):
        return structures.amplifier == layout.amps.index(fault.region)
    is_at = np.abs(structures.x - fault.x) <= 0.5 * structures.width
    if family in ("column", "partialColumn"):
        return is_at & (structures.amplifier == layout.amps.index(fault.region))
    return is_at & (np.abs(structures.y - fault.y) <= 0.5 * structures.height)


def runTrials(layout: Layout, seed: int, numbers: dict[str, int], processes: int) -> Outcome:
    """Evaluate detectors of all sets.

    Parameters
    ----------
    layout
        Layout of the detectors.
    seed
        Seed of the evaluation.
    numbers
        Number of detectors of each of `SETS`.
    processes
        Number of processes.

    Returns
    -------
    outcome
        What was found in all of them.
    """
    tasks = [(layout, seed, name, number) for name in SETS for number in range(numbers.get(name, 0))]
    total = Outcome()
    if processes == 1:
        for task in tasks:
            total.add(evaluate(task))
        return total
    with multiprocessing.get_context("spawn").Pool(processes) as pool:
        for outcome in pool.imap_unordered(evaluate, tasks, chunksize=4):
            total.add(outcome)
    return total

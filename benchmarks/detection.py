# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Count false alarms and completeness of ``findStructures`` on simulated detectors.

The thresholds follow from the budget of false alarms and the number of pixels alone. They are printed before
the seed of the evaluation is drawn, by the operating system unless one is given to repeat a run.

clean
    Detectors of LSSTCam's size with correlated noise, steps between amplifiers and cosmic rays. A false alarm
    is one with a ``pixel`` or a ``column``.
points
    The same with single pixels and whole columns, each a distance apart. Pixels are not on the border of the
    image, where a cosmic ray may be cut to one pixel: those of the family ``borderPixel`` are, and may be
    found as ``event``.
families
    Other structures, one in an amplifier, of random kind, place, size and amplitude.
gradient, streak
    One of them in each detector. No choice of method or parameter looked at streaks.

A fault counts as found if a structure of its kind lies at its place. Scratches and streaks may be found as
anything but an ``event``, which is what cosmic rays are; how many of them are listed at all, as an event too,
is said beside it (for a long streak, a cosmic ray may lie on it by chance). Patterns and glows have to be
found in their amplifier. A fault is visible if the significance mosaic, binned by 16, is higher there than
the threshold of what was found; gradients and patterns have no place and are not marked in it. Intervals are
those of Wilson for 95%, from `astropy.stats.binom_conf_interval`.

A run with the default numbers takes two processes about a quarter of an hour. The exit status is 1 if a
required completeness is not reached, or if the false alarms cannot be reconciled with the budget: since it is
used up by construction, about half of all runs find a little more.

Usage: ``python benchmarks/detection.py [--clean N] [--points N] [--families N] [--gradient N] [--streak N]
[--processes N] [--seed N]``
"""

from __future__ import annotations

import argparse
import os
import platform
import secrets
import sys
import time
from collections.abc import Iterator, Sequence

import astropy
import numpy as np
import scipy
from astropy.stats import binom_conf_interval
from detectionTrials import (
    BUDGET,
    COLUMN_SIGMAS,
    HELD_OUT,
    PIXEL_SIGMAS,
    RANGES,
    SETS,
    UNMARKED,
    Layout,
    Outcome,
    Trial,
    runTrials,
)

DEFAULT_NUMBERS = {"clean": 2500, "points": 280, "families": 100, "gradient": 60, "streak": 120}

REQUIRED = {("pixel", 8): 0.95, ("pixel", 10): 0.999, ("column", 7): 0.95, ("column", 9): 0.999}
"""Completeness that pixels and columns of an amplitude need."""

LINES = ("scratch", "streak")
"""Families of which short pieces are listed as events."""

NUM_BINS = 6
"""Number of bins of the amplitudes that are drawn from a range."""


def parseArguments(arguments: Sequence[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description="Count false alarms and completeness.")
    for name in SETS:
        parser.add_argument(f"--{name}", type=int, default=DEFAULT_NUMBERS[name], help="number of detectors")
    parser.add_argument("--processes", type=int, default=2, help="number of processes")
    parser.add_argument("--seed", type=int, help="seed of a run to repeat")
    return parser.parse_args(arguments)


def writeFraction(number: int, trials: int) -> str:
    """Write a fraction and its interval."""
    low, high = binom_conf_interval(number, trials, confidence_level=0.95, interval="wilson")
    return f"{number / trials:8.5f} [{low:.5f}, {high:.5f}]"


def reportAlarms(outcome: Outcome) -> bool:
    """Print the false alarms, and tell whether they are within the budget."""
    print(f"\nStructures in {outcome.clean} clean detectors: detectors with one, and 95% interval")
    for kind, number in sorted(outcome.alarms.items()):
        print(f"  {kind:16s} {number:6d}  {writeFraction(number, outcome.clean)}")
    low, _ = binom_conf_interval(
        outcome.alarms["pixel or column"], outcome.clean, confidence_level=0.95, interval="wilson"
    )
    passed = bool(low <= BUDGET)
    print(f"  a budget of {BUDGET:.0%} is {'within' if passed else 'BELOW'} the interval of pixel or column")
    return passed


def listBins(family: str) -> Iterator[tuple[str, float, float]]:
    """List label, lower and upper end of the amplitudes to tell apart."""
    if family in RANGES:
        start, stop = RANGES[family]
        edges = np.linspace(start, stop, NUM_BINS + 1).tolist()
        for low, high in zip(edges[:-1], edges[1:], strict=True):
            yield f"{low:.3g} to {high:.3g}", low, high
    else:
        for sigma in COLUMN_SIGMAS if family == "column" else PIXEL_SIGMAS:
            yield str(sigma), sigma - 0.5, sigma + 0.5


def reportFamily(family: str, trials: Sequence[Trial]) -> bool:
    """Print the completeness of a family against amplitude, and tell whether it is as required."""
    print(f"\n{family}{' (held out)' if family in HELD_OUT else ''}: {len(trials)} faults")
    is_line = family in LINES
    title = "      amplitude   number  found and 95% interval        visible of found"
    print(title + "  found or event" * is_line)
    passed = True
    for label, low, high in listBins(family):
        chosen = [trial for trial in trials if low <= trial.amplitude < high]
        if not chosen:
            continue
        found = [trial for trial in chosen if trial.isFound]
        visible = sum(trial.isVisible for trial in found)
        seen = "-" if family in UNMARKED or not found else f"{visible / len(found):.5f}"
        required = REQUIRED.get((family, round((low + high) / 2)), 0.0) if family not in RANGES else 0.0
        enough = len(found) >= required * len(chosen)
        passed = passed and enough
        verdict = "" if not required else f"  {'reaches' if enough else 'MISSES'} {required:.1%}"
        noticed = sum(trial.isFound or trial.isEvent for trial in chosen) / len(chosen)
        print(
            f"  {label:>13s} {len(chosen):8d}  {writeFraction(len(found), len(chosen))}  {seen:>14s}"
            f"{f'{noticed:16.5f}' * is_line}{verdict}"
        )
    return passed


def main(arguments: Sequence[str]) -> int:
    """Run the benchmark; the exit status is 1 if a requirement is not met."""
    options = parseArguments(arguments)
    # Processes that are started from here on do not compete for processors with threads of their own.
    os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"
    print(
        f"python {platform.python_version()}, numpy {np.__version__}, scipy {scipy.__version__}, "
        f"astropy {astropy.__version__}"
    )
    layout = Layout()
    height, width = layout.shape
    print(f"detectors of {height} x {width} pixels, budget of false alarms {BUDGET:.1%}")
    print(layout.thresholds, flush=True)
    seed = secrets.randbits(64) if options.seed is None else options.seed
    print(f"seed {seed}", flush=True)
    start = time.perf_counter()
    numbers = {name: getattr(options, name) for name in SETS}
    outcome = runTrials(layout, seed, numbers, options.processes)
    passed = reportAlarms(outcome) if outcome.clean else True
    for family in dict.fromkeys(trial.family for trial in outcome.trials):
        passed &= reportFamily(family, [trial for trial in outcome.trials if trial.family == family])
    print(f"\n{sum(numbers.values())} detectors in {(time.perf_counter() - start) / 60:.1f} minutes")
    print("all requirements met" if passed else "A REQUIREMENT IS NOT MET")
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

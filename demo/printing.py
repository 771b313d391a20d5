# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""What the demonstration prints: what was found, next to what was injected, and where it is to be seen."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from figures import Figure, findFigure, writeIndex
from history import HistoryLine
from parts import Part
from structures import OtherStructure, StructureLine
from verdict import Line, ReportedLine

from lsst.analysis.cp.actions.plot.text import plural
from lsst.daf.butler import Butler

__all__ = ["Findings", "chooseFigures", "printFigures", "printFindings", "printMetrics", "summarize"]


@dataclass(frozen=True)
class Findings:
    """What was found of a part, next to what was injected.

    Parameters
    ----------
    tests
        Places with a fault that a test looks for, or with a failed test.
    structures
        Injected structures.
    others
        Structures where nothing was injected.
    reported
        Faults that show in statistics without a limit.
    history
        Step and drift of the history, and what else was found in it.
    figures
        All figures.
    """

    tests: list[Line]
    structures: list[StructureLine]
    others: list[OtherStructure]
    reported: list[ReportedLine]
    history: list[HistoryLine] = field(default_factory=list)
    figures: list[Figure] = field(default_factory=list)

    @property
    def nWrong(self) -> int:
        """Number of lines that are wrong."""
        return sum(not line.isRight for line in (*self.tests, *self.structures, *self.history))


def printMetrics(butler: Butler, part: Part) -> None:
    """Print the metrics of each exposure of a part, or of the run where there is none."""
    for exposure in part.exposureIds:
        bundle = butler.get(f"{part.product.output}_metrics", part.dataId(exposure))
        of_exposure = f", exposure {exposure}" if exposure else ""
        print(f"\n{part.name}{of_exposure}: metrics over the science detectors")
        print(f"    {'tool':28}{'min':>12}{'median':>12}{'max':>12}{'failed':>8}{'tested':>8}")
        for tool, measurements in bundle.items():
            values = {m.metric_name.metric: m.quantity for m in measurements}
            if "nFailed" in values and "median" in values:
                cells = "".join(f"{values[name].value:12.4g}" for name in ("min", "median", "max"))
                counts = "".join(f"{int(values[name].value):8}" for name in ("nFailed", "nTested"))
                print(f"    {tool:28}{cells}{counts}  {values['median'].unit}")


def printFindings(found: Findings) -> None:
    """Print what was found next to what was injected."""
    print(f"\n  {'exposure':15}{'detector':10}{'amp':5}{'injected':24}{'found':74}")
    for line in found.tests:
        words = ", ".join(sorted(line.found)) or "nothing"
        expected = ", ".join(sorted(line.expected)) or "nothing"
        note = "as expected" if line.isRight else f"WRONG: expected {expected}"
        place = f"{line.exposure or '':<15}{line.detector:10}{line.amplifier:5}"
        print(f"  {place}{line.injected or 'nothing':24} {words:73} {note}")
    for item in found.structures:
        fault = f"{item.injected.fault.kind} {item.injected.fault.amplitude:.1f}"
        place = f"{item.injected.exposure:<15}{item.injected.detectorName:10}{item.injected.amplifier:5}"
        print(f"  {place}{fault:24}{item.found or 'WRONG: not found'}")
    for other in found.others:
        place = f"{other.exposure:<15}{other.detector:10}{other.amplifier:5}"
        print(f"  {place}{'nothing':24}{other.found}")
    for value in found.reported:
        place = f"{value.exposure:<15}{value.detector:10}{value.amplifier:5}"
        words = f"{value.statistic} {value.value:.3g}, usually {value.usual:.3g}: reported, not judged"
        print(f"  {place}{value.injected:24}{words}")
    for step in found.history:
        note = "as expected" if step.isRight else "WRONG"
        print(f"  {'60 days':15}{'':10}{step.tool:22}{step.injected:34}{step.found:40}{note}")


def printFigures(findings: Mapping[str, Findings], folder: Path) -> None:
    """Print where the figures of what was found are, below a folder, by part, detector and test."""
    index = writeIndex([figure for found in findings.values() for figure in found.figures], folder)
    print(f"\nPictures of what was found, in {folder} (all are listed in {index.name}):")
    for part, found in findings.items():
        rows: dict[tuple[str, str], Figure] = {}
        for place, subject, figure in chooseFigures(found):
            if figure is not None:
                rows.setdefault((place, subject), figure)
        for (place, subject), figure in rows.items():
            print(f"  {part:18}{place:14}{subject:38} {figure.path.relative_to(folder)}")


def chooseFigures(found: Findings) -> Iterator[tuple[str, str, Figure | None]]:
    """Yield detector, test and figure of what was found: the map of each test, and views of pixels."""
    figures = found.figures
    product = figures[0].product if figures else ""
    for line in found.tests:
        for test in sorted(name.removesuffix(" unknown") for name in line.found):
            subject = f"{product}Failures" if test == "missing" else test
            yield line.detector, test, findFigure(figures, subject, line.exposure)
    for item in found.structures:
        place = item.injected.exposure, item.injected.detectorName
        yield place[1], str(item.injected.fault.kind), findFigure(figures, f"{product}Image", *place)
    for figure in figures:
        if figure.subject == f"{product}Significance":
            yield "focal plane", "significance", figure
        elif figure.subject == f"{product}Structures":
            yield "focal plane", "stamps of structures", figure
        elif "Raft" in figure.path.name and figure.subject == f"{product}Image":
            yield figure.detector.partition("_")[0], "raft", figure
        elif "Extended_" in figure.path.name:
            yield figure.detector or "focal plane", figure.subject, figure
    for step in found.history:
        yield "60 days", step.tool, findFigure(figures, f"{step.tool}ByDetector", 0)


def summarize(findings: Sequence[Findings], nDetectors: int, nViewed: int) -> str:
    """Say in a few sentences what was found, and where nothing was looked for.

    Parameters
    ----------
    findings
        Those of each camera; none of them is wrong.
    nDetectors, nViewed
        Number of detectors, each counted with each product, and of those whose pixels were looked at.

    Returns
    -------
    text
        "Nothing else" is said only of what was looked at.
    """
    n_tests, n_structures, n_others, n_reported = (
        sum(len(getattr(found, name)) for found in findings)
        for name in ("tests", "structures", "others", "reported")
    )
    words = [f"All faults were found: {n_tests} in tests, {plural(n_structures, 'structure')}"]
    words[0] += ", a step and a drift." if any(found.history for found in findings) else "."
    if n_others:
        words.append(f"No other test failed. Where nothing was injected: {plural(n_others, 'structure')}.")
    elif nViewed == nDetectors:
        words.append("Nothing else was found.")
    else:
        of_tests = f"Nothing else was found: no other test failed in {nDetectors} verifications of a detector"
        of_pixels = f", and no other structure is in the {nViewed} in which pixels were looked at"
        words.append(f"{of_tests}{of_pixels if nViewed else ''}.")
    if n_reported:
        words.append(f"Reported, and not judged: {plural(n_reported, 'fault')} that no test looks for.")
    return " ".join(words)

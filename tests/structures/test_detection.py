# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""False alarms and completeness of the search for structures: the benchmark on fewer and smaller detectors.

The detectors have sixteen amplifiers of a quarter of the pixels of a real one. Their thresholds follow from
the same budget for their number of pixels and columns, and are lower by 0.2 standard deviations. Numbers of
finds are compared with what is required by their binomial intervals.
"""

import dataclasses
import importlib
import math
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from astropy.stats import binom_conf_interval
from scipy.stats import norm

simulator = pytest.importorskip("lsst.cp.simulator", reason="needs the simulator of standalone/")

pytestmark = pytest.mark.slow

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
SEED = 20260702


@pytest.fixture(scope="session")
def benchmarks() -> Iterator[Path]:
    """Put the benchmarks on the path of imports."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(BENCHMARKS)
        yield BENCHMARKS


@pytest.fixture(scope="session")
def trials(benchmarks) -> ModuleType:
    """Import the module that makes the trials of the benchmark."""
    return importlib.import_module("detectionTrials")


@pytest.fixture(scope="session")
def detection(benchmarks) -> ModuleType:
    """Import the module that reports them."""
    return importlib.import_module("detection")


@pytest.fixture(scope="module")
def layout(trials):
    return trials.Layout(height=1001, width=256)


@pytest.fixture(scope="module")
def outcome(trials, layout):
    numbers = {"clean": 40, "points": 24, "families": 10, "gradient": 8, "streak": 8}
    return trials.runTrials(layout, SEED, numbers, 1)


def ofFamily(outcome, family, low=-math.inf, high=math.inf):
    return [trial for trial in outcome.trials if trial.family == family and low <= trial.amplitude <= high]


def interval(chosen):
    found = sum(trial.isFound for trial in chosen)
    return binom_conf_interval(found, len(chosen), confidence_level=0.99, interval="wilson")


def test_thresholds_follow_from_the_budget(layout) -> None:
    """Four fifths of 1% for pixels of both signs, one for columns, by the tail of a Gaussian."""
    n_pixels, n_columns = 16 * 1001 * 256, 16 * 256
    assert layout.thresholds.pixel == pytest.approx(norm.isf(0.008 / n_pixels / 2), abs=1e-3)
    assert layout.thresholds.column == pytest.approx(norm.isf(0.002 / n_columns / 2), abs=1e-3)


def test_false_alarms_are_within_the_budget(outcome) -> None:
    alarms = outcome.alarms["pixel or column"]
    low, _ = binom_conf_interval(alarms, outcome.clean, confidence_level=0.99, interval="wilson")
    assert outcome.clean == 40
    assert low <= 0.01


def test_clean_detectors_have_events_and_hardly_more(outcome) -> None:
    """Two cosmic rays in a million pixels: eight a detector."""
    assert outcome.alarms["event"] == outcome.clean
    others = set(outcome.alarms) - {"event", "pixel or column"}
    assert sum(outcome.alarms[kind] for kind in others) <= 3


@pytest.mark.parametrize(
    ("family", "amplitude", "required"),
    [("pixel", 8, 0.95), ("pixel", 10, 0.999), ("column", 7, 0.95), ("column", 9, 0.999)],
)
def test_completeness(outcome, family, amplitude, required) -> None:
    chosen = ofFamily(outcome, family, amplitude, amplitude)
    assert len(chosen) >= (2000 if family == "pixel" else 90)
    _, high = interval(chosen)
    assert high >= required


@pytest.mark.parametrize(("family", "amplitude"), [("pixel", 5), ("pixel", 6), ("column", 5)])
def test_completeness_is_that_of_gaussian_noise(outcome, layout, family, amplitude) -> None:
    threshold = getattr(layout.thresholds, family)
    low, high = interval(ofFamily(outcome, family, amplitude, amplitude))
    # Levels and noises that are measured shift it by a few hundredths of a standard deviation.
    assert low < norm.sf(threshold - amplitude - 0.15)
    assert high > norm.sf(threshold - amplitude + 0.15)


def test_pixels_on_the_border_are_reported(outcome) -> None:
    low, _ = interval(ofFamily(outcome, "borderPixel"))
    assert low > 0.95


def test_what_is_found_is_visible(outcome, trials) -> None:
    found = [trial for trial in outcome.trials if trial.isFound and trial.family not in trials.UNMARKED]
    assert len(found) > 10_000
    assert all(trial.isVisible for trial in found)


@pytest.mark.parametrize(
    "family", ["partialColumn", "scratch", "cornerGlow", "rowPattern", "columnPattern", "gradient"]
)
def test_strong_faults_of_other_families_are_found(outcome, trials, family) -> None:
    """In the upper half of their amplitudes, at least one of two."""
    chosen = ofFamily(outcome, family, np.mean(trials.RANGES[family]))
    assert len(chosen) >= 3
    assert sum(trial.isFound for trial in chosen) >= 0.5 * len(chosen)


def test_held_out_streaks_are_reported_apart(outcome, trials) -> None:
    assert trials.HELD_OUT == ("streak",)
    assert len(ofFamily(outcome, "streak")) == 8


def test_points_are_apart_and_inside(trials, layout) -> None:
    random = np.random.default_rng(1)
    faults = list(trials.drawPoints(layout, np.full(16, 5.0), random))
    pixels = np.array([(fault.y, fault.x) for family, fault in faults if family == "pixel"])
    columns = np.array([(fault.y, fault.x) for family, fault in faults if family == "column"])
    distances = np.abs(pixels[:, None] - pixels).max(axis=-1) + 100 * np.eye(len(pixels))
    assert distances.min() > trials.GAP
    assert pixels.min() > 0
    assert (pixels.max(axis=0) < np.array(layout.shape) - 1).all()
    of_row = np.sort(columns[columns[:, 0] < layout.height][:, 1])
    within = of_row[1:] // layout.width == of_row[:-1] // layout.width
    assert np.diff(of_row)[within].min() >= trials.GAP


def test_amplitudes_are_in_units_of_the_noise(trials, layout) -> None:
    noises = np.linspace(4, 9, 16)
    faults = [fault for _, fault in trials.drawPoints(layout, noises, np.random.default_rng(1))]
    image = simulator.simulateFrame(layout.amps, layout.shape, noises, 1, faults)
    clean = simulator.simulateFrame(layout.amps, layout.shape, noises, 1)
    pixel = next(fault for fault in faults if fault.kind == "hotPixel")
    amp = int(pixel.y) // layout.height * 8 + int(pixel.x) // layout.width
    raised = (image - clean)[int(pixel.y), int(pixel.x)]
    assert raised == pytest.approx(pixel.amplitude * noises[amp], abs=1e-3)


def test_an_outcome_is_the_sum_of_its_parts(trials, layout) -> None:
    first, second = (trials.evaluate((layout, SEED, name, 0)) for name in ("clean", "streak"))
    both = trials.Outcome()
    both.add(first)
    both.add(second)
    assert both.clean == 1
    assert both.alarms == first.alarms
    assert both.trials == second.trials
    # The same seeds give the same outcome.
    assert second == trials.evaluate((layout, SEED, "streak", 0))


def test_thresholds_are_printed_before_the_seed(detection, layout, monkeypatch, capsys) -> None:
    monkeypatch.setattr(detection, "Layout", lambda: layout)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "1")
    numbers = ["--clean", "2", "--points", "1", "--families", "1", "--gradient", "1", "--streak", "1"]
    detection.main([*numbers, "--processes", "1"])
    text = capsys.readouterr().out
    assert text.index("DetectionThresholds(pixel=") < text.index("seed ")
    assert "streak (held out): 1 faults" in text
    assert "Structures in 2 clean detectors" in text


@pytest.mark.parametrize(("found", "verdict"), [(95, "reaches 95.0%"), (94, "MISSES 95.0%")])
def test_report_of_a_family(detection, trials, capsys, found, verdict) -> None:
    trial = trials.Trial("pixel", 8.0, True, True, False)
    lost = dataclasses.replace(trial, isFound=False, isVisible=False)
    passed = detection.reportFamily("pixel", [trial] * found + [lost] * (100 - found))
    text = capsys.readouterr().out
    low, high = binom_conf_interval(found, 100, confidence_level=0.95, interval="wilson")
    assert f"{found / 100:.5f} [{low:.5f}, {high:.5f}]" in text
    assert verdict in text
    assert passed == (found == 95)


def test_report_of_lines_says_what_is_listed_as_event(detection, trials, capsys) -> None:
    short = trials.Trial("scratch", 5.0, False, False, True)
    found = dataclasses.replace(short, isFound=True, isVisible=True, isEvent=False)
    lost = dataclasses.replace(short, isEvent=False)
    assert detection.reportFamily("scratch", [short, found, lost, lost])
    (line,) = (line for line in capsys.readouterr().out.splitlines() if "4.5 to" in line)
    assert line.split()[3:5] == ["4", "0.25000"]
    assert line.split()[-2:] == ["1.00000", "0.50000"]


@pytest.mark.parametrize(("alarms", "passed"), [(10, True), (27, True), (60, False)])
def test_report_of_false_alarms(detection, trials, capsys, alarms, passed) -> None:
    outcome = trials.Outcome(clean=2000)
    outcome.alarms["pixel or column"] = alarms
    assert detection.reportAlarms(outcome) == passed
    assert f"{alarms / 2000:.5f}" in capsys.readouterr().out

# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Histograms by vendor, against numbers worked out row by row, and their artists."""

from __future__ import annotations

import io
import math
from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np
import pytest
from matplotlib.colors import to_hex
from numpy.testing import assert_allclose

from lsst.analysis.cp.actions.keyedData import encodeAmps
from lsst.analysis.cp.actions.plot import VendorHistogramPlot
from lsst.analysis.cp.actions.plot.amps.vendorHistogramPlot import VendorPanel, drawVendorPanel
from lsst.analysis.cp.actions.plot.histogram import chooseKindLooks, countValues
from lsst.analysis.cp.actions.plot.style import FAILING
from lsst.analysis.cp.atools import AmpResultsTool
from lsst.analysis.cp.catalogue import getProduct
from lsst.obs.lsst import Latiss, LsstCam, LsstComCam
from lsst.utils.plotting import make_figure

VENDORS = ("E2V", "ITL", "ITL_G", "ITL_WF")
INTERVALS = {"E2V": (-3.52e-6, -2.61e-6)} | dict.fromkeys(VENDORS[1:], (-4.56e-6, 6.91e-7))


@pytest.fixture
def uneven(flats: Callable) -> dict:
    """Return flats with noise that grows with the row; some have none, one an infinite one."""
    columns = flats()
    columns["FLAT_NOISE"][:64] = 120.0 + 0.5 * np.arange(64)
    columns["FLAT_NOISE"][[3, 35]] = np.nan
    columns["FLAT_NOISE"][7] = np.inf
    columns["FLAT_VERIFY_NOISE"][:64] = columns["FLAT_NOISE"][:64] <= math.sqrt(20000.0)
    columns["FLAT_VERIFY_NOISE"][9] = np.ma.masked
    return columns


def test_numbers_of_each_vendor(camera: Sequence, uneven: dict, encode: Callable, rowOf: Callable) -> None:
    gone = rowOf(uneven, 6, camera[0].id, "C00")
    view = VendorHistogramPlot().prepare(encode(uneven, gone))
    panel = view.panels[0]
    vendor = np.array([d.physicalType for _ in (5, 6) for d in camera for _ in d.amps])
    assert view.vendors == tuple(sorted(set(vendor.tolist())))
    noise, kept = np.asarray(uneven["FLAT_NOISE"][:64]), ~gone[:64]
    quantity = noise / math.sqrt(20000.0)
    passed = uneven["FLAT_VERIFY_NOISE"][:64]
    expected = {
        "values": kept & ~np.isnan(noise),
        "failed": kept & ~passed.filled(True),
        # A verdict that passes a noise that is no number is not known, and neither is a masked one.
        "unknown": kept & (passed.mask | (passed.filled(False) & ~np.isfinite(noise))),
        "below": kept & (quantity < panel.bins[0]),
        "above": kept & (quantity > panel.bins[-1]),
        "no row": ~kept,
    }
    for head, rows in expected.items():
        counted = Counter(vendor[rows].tolist())
        assert panel.numbers[head].tolist() == [counted[name] for name in view.vendors], head
    assert panel.noun == "results of amplifiers"
    assert panel.label == "10.X NOISE   passes: ≤ 1"
    n_failed = np.count_nonzero(expected["failed"])
    assert view.headline.startswith(f"{n_failed} failures of tests that count, of all sensors: E2V ")
    assert view.failing


def test_bins_hold_every_value_once(uneven: dict, encode: Callable) -> None:
    panel = VendorHistogramPlot().prepare(encode(uneven)).panels[0]
    quantity = np.asarray(uneven["FLAT_NOISE"][:64]) / math.sqrt(20000.0)
    total = sum(panel.histogram.counts.values())
    edges = panel.histogram.edges
    # The infinite one is in the wide bin at the end.
    # A value at the last edge of the range is within it.
    inner = panel.bins[-1]
    place = [
        np.flatnonzero((x > edges[:-1]) if x == inner else (x >= edges[:-1]))[-1]
        for x in quantity[~np.isnan(quantity)].tolist()
    ]
    assert total.tolist() == [place.count(i) for i in range(len(edges) - 1)]
    assert total[-1] == panel.histogram.nAbove
    assert total.sum() == 62
    assert panel.histogram.nAbove >= 1
    assert panel.limits == (("", 1.0),)
    assert panel.bins[0] < 1.0 < panel.bins[-1]


def test_tests_of_detectors_and_statistics_have_panels(flats: Callable, encode: Callable) -> None:
    by_label = {
        panel.label.split()[0]: panel for panel in VendorHistogramPlot().prepare(encode(flats())).panels
    }
    # The encoded tests have no statistic that is plotted and not tested; those of exposures have no vendor.
    assert by_label.keys() == {"10.X", "10.Y", "NOISE_WITH_READ_NOISE"}
    assert by_label["10.Y"].numbers["values"].sum() == 8
    assert by_label["10.Y"].noun == "results of detectors"


def test_chosen_tests(flats: Callable, encode: Callable) -> None:
    plot = VendorHistogramPlot()
    plot.tests = ["DET_SCATTER"]
    (panel,) = plot.prepare(encode(flats())).panels
    assert panel.label.startswith("10.Y DET_SCATTER")


@pytest.mark.parametrize("drop", [True, False])
def test_nothing_to_count(camera: Sequence, flats: Callable, encode: Callable, drop: bool) -> None:
    columns = flats()
    columns["FLAT_NOISE"][:] = np.nan
    data = encode(columns, np.full(2 * 37, drop))
    panel = VendorHistogramPlot().prepare(data).panels[0]
    assert panel.message == "No value"
    assert panel.numbers["values"].sum() == 0
    assert panel.numbers["unknown"].sum() == (0 if drop else 64)
    VendorHistogramPlot()(data, camera=camera).savefig(io.BytesIO(), dpi=40)


def makeSlopes(camera: Sequence) -> tuple[dict, np.ndarray, np.ndarray]:
    """Make PTC results with a00 about the limits of each vendor; return them with a00 and the vendors."""
    rng = np.random.default_rng(2)
    keys = [(d.getId(), a.getName(), d.getPhysicalType()) for d in camera for a in d.getAmplifiers()]
    detector, amplifier, vendor = map(np.array, zip(*keys, strict=True))
    a00 = np.where(vendor == "E2V", rng.normal(-3.1e-6, 3e-7, len(keys)), rng.normal(-2e-6, 3e-7, len(keys)))
    columns = {"detector": detector, "amplifier": amplifier, "PTC_PTC_BFE_A00": a00}
    low, high = np.array([INTERVALS[name] for name in vendor.tolist()]).T
    columns["PTC_VERIFY_PTC_BFE_A00"] = (low < a00) & (a00 < high)
    table = encodeAmps(columns, "ptc", ["PTC_BFE_A00"], camera=camera, epoch="none")
    return {"ampTable": table}, a00, vendor


def prepareSlopes(camera: Sequence) -> tuple[VendorPanel, np.ndarray, np.ndarray]:
    data, a00, vendor = makeSlopes(camera)
    view = VendorHistogramPlot().prepare(data)
    assert view.vendors == VENDORS
    (panel,) = view.panels
    return panel, a00, vendor


def test_limits_that_differ_by_vendor() -> None:
    panel, a00, vendor = prepareSlopes(LsstCam().getCamera())
    others = "ITL, ITL_G, ITL_WF"
    assert dict.fromkeys(name for name, _ in panel.limits) == {others: None, "E2V": None}
    assert sorted(panel.limits, key=lambda limit: limit[1]) == [
        (others, -4.56e-6),
        ("E2V", -3.52e-6),
        ("E2V", -2.61e-6),
        (others, 6.91e-7),
    ]
    assert panel.label == (
        "16.4 PTC_BFE_A00   passes: E2V: -3.52e-06 to -2.61e-06, ITL/ITL_G/ITL_WF: -4.56e-06 to 6.91e-07"
    )
    failed = [
        sum(not INTERVALS[name][0] < x < INTERVALS[name][1] for x in a00[vendor == name].tolist())
        for name in VENDORS
    ]
    assert failed[0] > 100
    assert panel.numbers["failed"].tolist() == failed
    assert panel.axisLabel == "PTC_BFE_A00 (1 / electron)"
    assert panel.noun == "amplifiers"


def test_artists_tell_vendors_apart_by_more_than_colour() -> None:
    panel, a00, vendor = prepareSlopes(LsstCam().getCamera())
    ax = make_figure(figsize=(6, 2)).add_subplot()
    looks = chooseKindLooks(VENDORS)
    steps = drawVendorPanel(ax, panel, looks)
    assert [step.get_label() for step in steps] == list(VENDORS)
    assert len({step.get_linestyle() for step in steps}) == 4
    # The sensors of ITL have one colour.
    assert len({step.get_edgecolor() for step in steps[1:]}) == 1
    assert steps[0].get_edgecolor() != steps[1].get_edgecolor()
    for step, name in zip(steps, VENDORS, strict=True):
        assert step.get_data().values.sum() == np.count_nonzero(vendor == name)
    lines = [line for line in ax.lines if to_hex(line.get_color()) == FAILING]
    assert sorted(line.get_xdata()[0] for line in lines) == sorted(end for _, end in panel.limits)
    # A line has the dashes of the vendor that it is the limit of, and its name.
    assert {line.get_linestyle() for line in lines} == {"-", "--"}
    assert Counter(text.get_text() for text in ax.texts)["E2V"] == 2
    first, last = ax.get_xlim()
    assert all(first < end < last for _, end in panel.limits)


@pytest.mark.parametrize("instrument", [Latiss, LsstComCam, LsstCam])
def test_vendor_has_the_same_look_on_every_camera(instrument: type) -> None:
    kinds = {detector.getPhysicalType() for detector in instrument().getCamera()}
    looks = chooseKindLooks(kinds)
    assert looks["ITL"] == chooseKindLooks(VENDORS)["ITL"] == chooseKindLooks(["A", "ITL", "Z"])["ITL"]
    assert set(looks) == kinds


def test_other_vendors_have_other_looks() -> None:
    looks = chooseKindLooks(["", "CCD250", *VENDORS])
    assert len(set(looks.values())) == 6
    assert len({colour for colour, _, _ in looks.values()}) == 4


def test_limit_far_away_is_named_at_the_edge(flats: Callable, encode: Callable) -> None:
    columns = flats()
    # The scatter of detectors is 0.0100 to 0.0101, and its limit 0.05.
    columns["FLAT_DET_SCATTER"][~columns["FLAT_DET_SCATTER"].mask] = 200.0 + 0.2 * np.arange(8)
    panel = next(p for p in VendorHistogramPlot().prepare(encode(columns)).panels if "DET_SCATTER" in p.label)
    ax = make_figure(figsize=(6, 2)).add_subplot()
    drawVendorPanel(ax, panel, chooseKindLooks(["E2V", "ITL"]))
    assert not ax.lines
    assert "limit 0.05 ▶" in [text.get_text() for text in ax.texts]


def test_broken_vendor_hides_no_other() -> None:
    """The noise of the few guiders is a thousand times that of the others."""
    camera = LsstCam().getCamera()
    data, a00, vendor = makeSlopes(camera)
    values = np.where(vendor == "ITL_G", -1e3 * a00, a00)
    columns = {"detector": data["ampTable"].layout.detectorId[data["ampTable"].layout.ampDetector]}
    columns |= {"amplifier": data["ampTable"].layout.ampName, "PTC_PTC_BFE_A00": values}
    columns["PTC_VERIFY_PTC_BFE_A00"] = np.ones(len(values), dtype=bool)
    table = encodeAmps(columns, "ptc", ["PTC_BFE_A00"], camera=camera, epoch="none")
    (panel,) = VendorHistogramPlot().prepare({"ampTable": table}).panels
    assert panel.numbers["above"][VENDORS.index("ITL_G")] == np.count_nonzero(vendor == "ITL_G")
    assert np.count_nonzero(panel.histogram.counts["E2V"]) >= 7


def test_whole_numbers_have_a_bin_each(camera: Sequence) -> None:
    amps = [(d.id, a.name) for d in camera for a in d.amps]
    detector, amplifier = map(np.array, zip(*amps, strict=True))
    n = len(amps)
    columns = {"exposure": np.full(n, 5), "detector": detector, "amplifier": amplifier}
    columns["BIAS_BIAS_SHIFT_COUNT"] = np.arange(n) % 3
    table = encodeAmps(columns, "bias", ["BIAS_SHIFT_COUNT"], camera=camera)
    (panel,) = VendorHistogramPlot().prepare({"ampTable": table}).panels
    assert_allclose(panel.bins, [-0.5, 0.5, 1.5, 2.5])
    assert sum(panel.histogram.counts.values()).tolist() == [11, 11, 10]
    # Nothing is tested, so that nothing fails.
    assert panel.limits == ()
    assert panel.numbers["failed"].sum() == panel.numbers["unknown"].sum() == 0


def test_column_that_is_absent_is_said(camera: Sequence) -> None:
    amps = [(d.id, a.name) for d in camera for a in d.amps]
    detector, amplifier = map(np.array, zip(*amps, strict=True))
    columns = {"exposure": np.full(len(amps), 5), "detector": detector, "amplifier": amplifier}
    table = encodeAmps(columns, "bias", ["BIAS_SHIFT_COUNT"], camera=camera)
    (panel,) = VendorHistogramPlot().prepare({"ampTable": table}).panels
    assert panel.message == "Not in the table"


@pytest.mark.parametrize("product", ["bias", "dark", "flat", "defects", "ptc", "linearizer"])
def test_tool_reads_what_the_plot_shows(product: str) -> None:
    tool = AmpResultsTool()
    tool.product, tool.produce.plot = product, VendorHistogramPlot
    tool.finalize()
    declared = getProduct(product)
    shown = {
        test.key
        for test in declared
        if test.row != "exposure"
        and (test.quantity is not None or (test.plotted and test.statistic is not None))
    }
    assert set(tool.prep.tests) == shown
    read = {name for name, _ in tool.getInputSchema()}
    assert read.issuperset(column for key in shown for column in declared[key].inputColumns)


@pytest.mark.parametrize("instrument", [Latiss, LsstCam])
def test_texts_of_the_figure_do_not_overlap(instrument: type) -> None:
    camera = instrument().getCamera()
    rng = np.random.default_rng(4)
    keys = [(d.getId(), a.getName(), a.getReadNoise()) for d in camera for a in d.getAmplifiers()]
    detector, amplifier, noise = map(np.array, zip(*keys, strict=True))
    n = len(keys)
    columns = {"exposure": np.full(n, 5), "detector": detector, "amplifier": amplifier}
    columns |= {"BIAS_MEAN": rng.normal(0.0, 1.0, n), "BIAS_NOISE": noise * rng.normal(1.0, 0.03, n)}
    columns |= {"BIAS_CR_NOISE": columns["BIAS_NOISE"] * rng.normal(1.0, 0.03, n)}
    columns |= {f"BIAS_VERIFY_{key}": rng.random(n) > 0.01 for key in ("MEAN", "NOISE", "CR_NOISE")}
    keys = ["MEAN", "NOISE", "CR_NOISE", "NOISE_TWO_SIDED"]
    data = {"ampTable": encodeAmps(columns, "bias", keys, camera=camera)}
    figure = VendorHistogramPlot()(
        data, plotInfo={"instrument": camera.getName(), "exposure": 5, "run": "u/a"}
    )
    figure.draw_without_rendering()
    boxes = [text.get_window_extent() for text in figure.texts if text.get_text()]
    boxes += [ax.get_tightbbox() for ax in figure.axes]
    for i, box in enumerate(boxes):
        assert figure.bbox.x0 <= box.x0
        assert box.x1 <= figure.bbox.x1 + 1
        assert not any(box.overlaps(other) for other in boxes[:i])


def test_histogram_of_values_counts_ends_apart() -> None:
    # The last edge is within the range.
    values = np.array([-np.inf, -1.0, 0.0, 0.5, 1.0, 2.0, 2.5, np.nan])
    histogram = countValues(values, np.array(["a", "b"] * 4), np.array([0.0, 1.0, 2.0]))
    assert (histogram.nBelow, histogram.nAbove) == (2, 1)
    assert_allclose(histogram.edges, [-0.16, 0.0, 1.0, 2.0, 2.16])
    assert {kind: counts.tolist() for kind, counts in histogram.counts.items()} == {
        "a": [1, 1, 1, 1],
        "b": [1, 1, 1, 0],
    }
    assert histogram.most == 1


def test_only_values_that_are_beyond_have_an_end() -> None:
    histogram = countValues(np.array([0.0, 2.0]), np.array(["a", "a"]), np.array([0.0, 1.0, 2.0]))
    assert_allclose(histogram.edges, [0.0, 1.0, 2.0])
    assert histogram.counts["a"].tolist() == [1, 1]

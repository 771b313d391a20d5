# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""The pages of calibrations: what they say, and ways through them in a browser."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from urllib.parse import urlencode

import pytest
import urllib3
from browsers import NARROW
from calibrationRepository import (
    CHAIN,
    DETECTORS,
    NIGHTLY,
    PATCH,
    UNUSED,
    WITH_RUN,
    CalibrationRepository,
    makeComCam,
    makeLsstCam,
    ofDetectors,
)
from runningServer import runServer

from lsst.analysis.cp.navigator.browse.keyText import KeyText
from lsst.analysis.cp.navigator.browse.timeAxis import TimeAxis, chooseWindow, packLanes
from lsst.analysis.cp.navigator.browse.timeline import findSearchOrder, readTimeline
from lsst.analysis.cp.navigator.browse.validity import ALWAYS, Validity, formatTime, parseTime
from lsst.analysis.cp.navigator.routes import calibrations
from lsst.daf.butler import Butler, DatasetType
from lsst.obs.lsst import Latiss, LsstComCam

NOW = parseTime("2026-06-01")


@pytest.fixture(scope="module")
def root(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("calibrations") / "repository"
    made = makeComCam(root)
    addPlots(made)
    made.butler.close()
    return root


@pytest.fixture(scope="module")
def address(root: Path) -> Iterator[str]:
    with runServer(root) as address:
        yield address


@pytest.fixture(scope="module")
def lsstCam(tmp_path_factory) -> Iterator[str]:
    """Serve calibrations of 205 detectors in six periods."""
    root = tmp_path_factory.mktemp("lsstCam") / "repository"
    makeLsstCam(root, ("bias", "flat"), 6).butler.close()
    with runServer(root) as address:
        yield address


def addPlots(made: CalibrationRepository) -> None:
    """Add plots of the bias of March, and an image of it, in a chain that holds its run."""
    for name, storage_class in (
        ("cpCombinedBiasView_biasImage_FocalPlaneImagePlot", "Plot"),
        ("cpBiasRun_biasNoise_FocalPlaneGeometryPlot", "Plot"),
        ("cpFlatRun_flatNoise_FocalPlaneGeometryPlot", "Plot"),
        ("cpCombinedBiasResidual_pyramid", "ImageF"),
    ):
        kind = DatasetType(name, ("instrument",), storage_class, universe=made.butler.dimensions)
        made.butler.registry.registerDatasetType(kind)
        made.insert(name, "u/me/verify/run", [{}])
    made.chain("u/me/verify", ["u/me/verify/run", "made/bias/march"])


def get(address: str, path: str = "/calibrations", **query: object) -> tuple[int, str]:
    """Return the status and the text of a page."""
    response = urllib3.request(
        "GET",
        f"{address}{path}?{urlencode(query)}" if query else address + path,
        headers={"accept": "text/html"},
        timeout=60,
    )
    return response.status, response.data.decode()


def toText(page: str) -> str:
    """Leave out the marks of a page."""
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", page)).split())


def show(address: str, **query: object) -> str:
    status, page = get(address, **query)
    assert status == 200
    return toText(page)


def findBars(page: str) -> list[str]:
    """List the addresses of the bars."""
    return [html.unescape(each) for each in re.findall(r'<a class="bar[^"]*" href="([^"]*)"', page)]


def test_collections_with_ranges_are_listed(address):
    page = show(address)
    assert all(name in page for name in (NIGHTLY, PATCH, UNUSED, CHAIN, WITH_RUN))
    assert "made/bias" not in page


def test_repository_without_any_says_so(tmp_path):
    root = tmp_path / "repository"
    CalibrationRepository.make(root, LsstComCam).butler.close()
    with runServer(root) as address:
        assert "no collection of type CALIBRATION: nothing was certified" in show(address)


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ({"collection": "made/dark"}, "made/dark is, or holds, no collection of type CALIBRATION"),
        ({"collection": UNUSED}, f"Nothing was ever certified in {UNUSED}."),
        (
            {"collection": CHAIN, "type": "linearizer"},
            f"No linearizer was ever certified in {CHAIN}. There are: bias, camera, dark, flat.",
        ),
        ({"collection": CHAIN, "from": "banana"}, "from: 'banana' is no time"),
        ({"collection": CHAIN, "at": "2026-07-01T00:00:00Z"}, "at: '2026-07-01T00:00:00Z' is no time"),
        ({"collection": CHAIN, "to": "2300-01-01"}, "to: '2300-01-01' is no time of the Butler"),
        (
            {"collection": CHAIN, "from": "2026-03-01", "to": "2026-02-01"},
            "The time from 2026-03-01 to 2026-02-01 ends before it begins: all is shown.",
        ),
        ({"collection": CHAIN, "detector": "R22_S99"}, "detector: there is no 'R22_S99'."),
        ({"collection": CHAIN, "physical_filter": "u"}, "physical_filter: there is no 'u'."),
        ({"collection": CHAIN, "instrument": "HSC"}, "instrument: there is no 'HSC' here."),
    ],
    ids=str,
)
def test_odd_questions_are_answered(address, query, text):
    page = show(address, **query)
    assert text in page
    if query["collection"] == CHAIN:
        # All the rest is shown.
        assert all(f"{name} : " in page for name in ("bias", "dark", "camera", "flat"))


@pytest.mark.parametrize("name", ["nothing", "LSSTComCam/*", "<script>", "../../etc/passwd"])
def test_missing_collection_is_named(address, name):
    status, page = get(address, collection=name)
    assert status == 404
    assert name in toText(page)
    assert "<script>" not in page


@pytest.mark.parametrize(
    "query", [{"after": "x"}, {"after": -1}, {"after": 2**70}, {"at": "1" * 600}], ids=str
)
def test_impossible_values_are_refused(address, query):
    assert get(address, collection=CHAIN, **query)[0] == 400


def test_times_have_all_digits_and_their_scale(address):
    page = show(address, collection=CHAIN, type="bias")
    assert "All times are TAI" in page
    assert "2026-03-06T12:00:00.123456789 unbounded 9 of 9 made/bias/march" in page


def test_missing_and_hidden_detectors_are_said(address):
    page = show(address, collection=CHAIN, type="bias")
    assert "8 of 9 missing: R22_S11 made/bias/february" in page
    assert "7 from 2026-02-10T00:00:00 to 2026-02-20T00:00:00" in page


def test_gaps_are_named(address):
    page = show(address, collection=CHAIN, type="bias")
    assert "2026-02-01T00:00:00 2026-02-10T00:00:00 1 of 9 R22_S11" in page
    page = show(address, collection=CHAIN, type="dark")
    assert "2026-02-08T00:00:00 2026-02-15T00:00:00 9 of 9 all" in page


def test_valid_at_a_time_is_what_the_butler_finds(address, root):
    at = "2026-02-12T00:00:00"
    page = show(address, collection=CHAIN, at=at)
    assert f"Valid at {at}" in page
    assert f"bias 2 of 9 made/bias/patch {PATCH}" in page
    assert f"bias 7 of 9 made/bias/february {NIGHTLY}" in page
    assert f"camera 1 of 1 made/camera {NIGHTLY} unbounded unbounded" in page
    assert "dark none for 9 of 9 R22_S00, R22_S01" in page


def test_selection_leaves_the_others_out(address):
    page = show(address, collection=CHAIN, type="flat", detector="R22_S11", physical_filter="i_06")
    assert "1 of 1 in i_06" in page
    assert "r_03" not in page


@pytest.mark.parametrize("collection", [CHAIN, WITH_RUN])
def test_each_bar_leads_to_its_datasets(address, root, collection):
    bars = findBars(get(address, collection=collection)[1])
    listed = set()
    for bar in bars:
        status, page = get(address, bar)
        assert status == 200
        listed |= set(re.findall(r"<code>([0-9a-f-]{36})</code>", page))
    with Butler.from_config(str(root), writeable=False) as butler:
        order = findSearchOrder(butler, collection)
        timelines = [readTimeline(butler, name, order) for name in order.types]
    periods = [period for each in timelines for period in each.periods]
    assert len(bars) == len(periods)
    assert listed == {str(id) for period in periods for id in period.datasets.values()}


def test_period_says_when_each_is_found(address):
    bar = next(each for each in findBars(get(address, collection=CHAIN)[1]) if "february" in each)
    page = toText(get(address, bar)[1])
    parts = "2026-02-01T00:00:00 to 2026-02-10T00:00:00; 2026-02-20T00:00:00 to 2026-03-01T00:00:00"
    assert re.search(f"R22_S10 [0-9a-f-]{{36}} {parts} R22_S12", page)


def test_period_leads_to_plots_and_images(address, root):
    bar = next(each for each in findBars(get(address, collection=CHAIN)[1]) if "march" in each)
    page = get(address, bar)[1]
    assert (
        "/plots?collection=u%2Fme%2Fverify&amp;type=cpCombinedBiasView_biasImage_FocalPlaneImagePlot" in page
    )
    assert "type=cpBiasRun_biasNoise_FocalPlaneGeometryPlot" in page
    assert "cpFlatRun" not in page
    with Butler.from_config(str(root), writeable=False) as butler:
        (image,) = butler.query_datasets("cpCombinedBiasResidual_pyramid", "u/me/verify")
    assert f"/view/{image.id}?collection=u%2Fme%2Fverify" in page


def test_period_that_is_not_there_is_said(address):
    query = {"collection": CHAIN, "type": "bias", "holder": NIGHTLY, "run": "made/bias/march"}
    status, page = get(address, "/calibrations/period", **query, start="2026-03-06")
    assert status == 404
    assert "it may have been decertified" in toText(page)
    assert get(address, "/calibrations/period", **query, start="banana")[0] == 400
    assert get(address, "/calibrations/period", **query | {"type": "nothing"})[0] == 404


def test_changes_are_seen_at_once(tmp_path):
    root = tmp_path / "repository"
    made = CalibrationRepository.make(root, LsstComCam)
    made.register({"bias": ("detector",)})
    made.certify("calib", made.insert("bias", "run", ofDetectors(DETECTORS)), "2026-01-01", None)
    with runServer(root) as address:
        assert "bias : 1 period, no gap" in show(address, collection="calib")
        made.decertify("calib", "bias", "2026-02-01", "2026-03-01")
        assert "bias : 2 periods, 1 gap" in show(address, collection="calib")
        made.decertify("calib", "bias", None, None)
        assert "bias : none is certified" in show(address, collection="calib")
    made.butler.close()


def test_two_instruments_are_told_apart(tmp_path):
    root = tmp_path / "repository"
    made = CalibrationRepository.make(root, LsstComCam)
    Latiss().register(made.butler.registry)
    made.register({"bias": ("detector",)})
    both = [*ofDetectors((0, 1)), {"instrument": "LATISS", "detector": 0}]
    made.certify("calib", made.insert("bias", "run", both), "2026-01-01", None)
    made.butler.close()
    with runServer(root) as address:
        page = show(address, collection="calib", at="2025-01-01")
        assert "LATISS: RXX_S00; LSSTComCam: R22_S00, R22_S01" in page
        assert "1 of 1" in show(address, collection="calib", type="bias", instrument="LATISS")
        assert "instrument: say which is meant" in show(address, collection="calib", detector="0")


def test_too_many_of_a_period_are_said(address, monkeypatch):
    monkeypatch.setattr(calibrations, "_MOST_OF_TYPE", 2)
    query = {"collection": CHAIN, "type": "bias", "holder": NIGHTLY, "run": "made/bias/march"}
    status, page = get(address, "/calibrations/period", **query, start="2026-03-06")
    assert status == 400
    assert "More than 2 calibrations of type bias" in toText(page)


def test_too_many_are_left_to_a_page_of_their_own(address, monkeypatch):
    monkeypatch.setattr(calibrations, "_MOST_READ", 30)
    page = show(address, collection=CHAIN)
    assert "More than 2 calibrations of type camera" not in page
    assert "dark : not read, there are too many" in page
    assert "bias : 4 periods" in page


def test_long_lists_are_cut_into_pages(address, monkeypatch):
    monkeypatch.setattr(calibrations, "_BARS_OF_ALL", 2)
    monkeypatch.setattr(calibrations, "_BARS_OF_ONE", 3)
    page = get(address, collection=CHAIN)[1]
    assert "1 to 2 of 4 periods. All of bias" in toText(page)
    first, rest = (get(address, collection=CHAIN, type="bias", after=n)[1] for n in (0, 3))
    assert "1 to 3 of 4 periods. After these" in toText(first)
    assert "4 to 4 of 4 periods. Before these" in toText(rest)
    bars = findBars(first) + findBars(rest)
    assert len(bars) == len(set(bars)) == 4


def test_full_camera_is_grouped(lsstCam):
    page = get(lsstCam, collection="LSSTCam/calib")[1]
    assert len(findBars(page)) == 12
    text = toText(page)
    assert "410 of 410 in i_39, r_57" in text
    assert "200 of 205 missing: " in text
    assert len(page) < 60_000


def test_detectors_of_a_full_camera_are_on_one_page(lsstCam):
    bar = findBars(get(lsstCam, collection="LSSTCam/calib")[1])[0]
    page = get(lsstCam, bar)[1]
    assert len(re.findall(r"<code>[0-9a-f-]{36}</code>", page)) == 205
    assert "After these" not in page


@pytest.mark.parametrize(
    ("times", "expected"),
    [
        ((), (NOW, NOW)),
        (("2026-01-01", "2026-05-01"), ("2026-01-01", "2026-06-01")),
        # Now is too far away.
        (("2020-01-01", "2020-02-01"), ("2020-01-01", "2020-02-01")),
        # Times that stand for none.
        (
            ("1980-01-01", "2026-04-01", "2026-05-01", "2026-06-01", "2050-01-01"),
            ("2026-04-01", "2026-06-01"),
        ),
        (("1980-01-01", "2050-01-01"), ("1980-01-01", "2050-01-01")),
    ],
    ids=str,
)
def test_window_shows_where_ranges_change(times, expected):
    numbers = [parseTime(each) for each in times]
    validities = [Validity(*each) for each in pairwise((ALWAYS.begin, *numbers, ALWAYS.end))]
    begin, end = (each if isinstance(each, int) else parseTime(each) for each in expected)
    window = chooseWindow(validities, NOW)
    margin = round(0.03 * (end - begin)) or 86_400 * 10**9
    assert window == (begin - margin, end + margin)


@pytest.mark.parametrize(
    ("begin", "end"),
    [
        ("1970-01-01", "2099-12-31"),
        ("2026-01-01", "2027-01-01"),
        ("2026-07-01", "2026-07-02"),
        ("2026-07-01T00:00:00", "2026-07-01T00:00:01"),
        ("2026-07-01T00:00:00", "2026-07-01T00:00:00.001"),
    ],
)
def test_ticks_are_where_they_say(begin, end):
    axis = TimeAxis(Validity(parseTime(begin), parseTime(end)))
    assert 2 <= len(axis.ticks) <= 8
    for x, text in axis.ticks:
        assert axis.at(parseTime(text)) == x


def test_shortest_window_can_be_shown():
    axis = TimeAxis(Validity(NOW, NOW + 1))
    assert axis.at(NOW) == 0
    assert axis.zoom(0.5).end > axis.zoom(0.5).begin
    assert all(formatTime(NOW).startswith(text) for _, text in axis.ticks)


@pytest.mark.parametrize("fraction", [-0.5, 0.5])
def test_window_stays_within_the_times_of_the_butler(fraction):
    axis = TimeAxis(ALWAYS)
    assert axis.shift(fraction) == axis.zoom(2) == ALWAYS


def test_bars_in_a_lane_do_not_overlap():
    validities = [Validity(0, 10), Validity(5, 15), Validity(10, 20), Validity(12, 13)]
    assert packLanes(validities) == [0, 1, 0, 2]


def test_long_lists_of_detectors_are_cut():
    text = KeyText({("LSSTCam", i): f"D{i:02d}" for i in range(30)})
    keys = [("LSSTCam", i) for i in range(30)]
    assert text.summarize(("instrument", "detector"), keys, 2) == "D00, D01 and 28 more"
    assert text.summarize(("instrument", "detector"), keys[:3], 2) == "D00, D01, D02"
    assert text.summarize(("instrument",), [("LSSTCam",)]) == "LSSTCam"
    assert text.describe(("instrument", "detector", "physical_filter"), ("LSSTCam", 99, "r")) == "r: 99"


@pytest.mark.slow
def test_mouse_asks_what_is_valid(page, address):
    page.goto(f"{address}/calibrations?collection={CHAIN}")
    box = page.locator("svg.timeline").bounding_box()
    # Above the first bars, where a gap of bias is below.
    x, y = round(box["x"] + box["width"] * 0.6), round(box["y"] + 5)
    page.mouse.move(x, y)
    said = page.locator("#pointed").text_content()
    page.mouse.click(x, y)
    page.wait_for_url("**&at=*")
    assert page.locator("#valid").text_content() == f"Valid at {said.partition(' ')[0]}"
    assert page.locator("line.asked").count() == 1


@pytest.mark.slow
def test_bar_leads_to_a_period_and_back(page, address):
    page.goto(f"{address}/calibrations?collection={CHAIN}&type=bias")
    page.locator("a.bar").nth(1).click()
    page.wait_for_url("**/calibrations/period?*")
    assert page.locator("h1").text_content() == "bias of made/bias/february"
    page.get_by_role("link", name="Time line of bias").click()
    assert page.locator("a.bar").count() == 4


@pytest.mark.slow
def test_keyboard_alone_is_enough(page, address):
    page.goto(f"{address}/calibrations?collection={CHAIN}&type=bias")
    page.keyboard.press("+")
    page.wait_for_url("**from=*")
    wide = page.locator("svg.timeline").get_attribute("data-begin")
    page.keyboard.press(".")
    page.wait_for_function(f"document.querySelector('svg.timeline').dataset.begin > '{wide}'")
    page.keyboard.press("0")
    page.wait_for_function("!location.search.includes('from=')")
    page.locator("#slider").focus()
    page.keyboard.press("ArrowRight")
    said = page.locator("#pointed").text_content()
    page.keyboard.press("Enter")
    page.wait_for_url("**&at=*")
    assert said.partition(" ")[0] in page.locator("#valid").text_content()
    page.locator("a.bar").first.focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/calibrations/period?*")


@pytest.mark.slow
def test_form_selects(page, address):
    page.goto(f"{address}/calibrations?collection={CHAIN}")
    page.get_by_label("Type").select_option("bias")
    page.get_by_label("Detector").fill("R22_S11")
    page.keyboard.press("Enter")
    page.wait_for_url("**detector=R22_S11*")
    assert page.locator("a.bar").count() == 3


@pytest.mark.slow
@pytest.mark.parametrize("page", [NARROW], indirect=True)
@pytest.mark.parametrize("query", ["", "&at=2025-03-20&type=flat"])
def test_narrow_window_is_wide_enough(page, lsstCam, query):
    page.goto(f"{lsstCam}/calibrations?collection=LSSTCam/calib{query}")
    assert page.evaluate("document.documentElement.scrollWidth") == NARROW["width"]
    texts = page.locator("svg.timeline text.tick:visible")
    boxes = sorted((each.bounding_box() for each in texts.all()), key=lambda box: box["x"])
    assert len(boxes) >= 2
    assert all(left["x"] + left["width"] < right["x"] for left, right in pairwise(boxes))
    assert boxes[-1]["x"] + boxes[-1]["width"] <= NARROW["width"]

# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Going through plots: what the server tells, and what keys and buttons do in a browser."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
import urllib3
from browsers import NARROW, follow, readAddress
from flipRepository import (
    BY_EXPOSURE,
    BY_FILTER,
    CHAIN,
    DETECTORS,
    EXPOSURES,
    FIRST,
    MEAN,
    NOISE,
    ODD_FILTER,
    ONE,
    SECOND,
    FlipRepository,
)
from registries import ON_SQLITE_ALONE
from runningServer import runServer

pytestmark = ON_SQLITE_ALONE
HERE = {"instrument": "LSSTComCam", "exposure": EXPOSURES[3], "detector": 1}


@pytest.fixture(scope="module")
def address(flips: FlipRepository) -> Iterator[str]:
    with runServer(flips.root) as address:
        yield address


def write(path: str, collection: str = CHAIN, type: str = NOISE, **query: object) -> str:
    return f"{path}?{urlencode({'collection': collection, 'type': type, **query})}"


def ask(address: str, path: str, **query: object) -> dict:
    response = urllib3.request("GET", address + write(path, **query))
    return {"status": response.status, **response.json()}


# What the server tells.


def test_what_is_not_said_is_the_first(address):
    response = urllib3.request("GET", address + write("/flip", instrument="LSSTComCam"), redirect=False)
    assert response.status == 302
    query = parse_qs(urlsplit(response.headers["Location"]).query)
    assert {key: value[0] for key, value in query.items()} == {
        "collection": CHAIN,
        "type": NOISE,
        "along": "exposure",
        "instrument": "LSSTComCam",
        "exposure": str(EXPOSURES[0]),
        "detector": "0",
    }


def test_the_page_has_what_is_beside(address):
    line = ask(address, "/flip/line", **HERE)
    assert [item["dataId"]["exposure"] for item in line["before"]] == [str(each) for each in EXPOSURES[2::-1]]
    assert [item["dataId"]["exposure"] for item in line["after"]] == [str(each) for each in EXPOSURES[4:]]
    assert line["here"]["run"] == SECOND
    assert ["detector", "R22_S01 (1)"] in line["here"]["facts"]
    assert (line["isFirst"], line["isLast"]) == (True, True)
    assert line["alongs"] == ["detector", "exposure"]
    picture = urllib3.request("GET", address + line["here"]["picture"])
    assert picture.data.startswith(b"\x89PNG")
    assert urllib3.request("GET", address + line["here"]["page"]).status == 200


@pytest.mark.parametrize(("end", "index"), [("first", 0), ("last", -1)])
def test_ends(address, end, index):
    line = ask(address, "/flip/line", **HERE, end=end)
    assert line["here"]["dataId"]["exposure"] == str(EXPOSURES[index])
    line = ask(address, "/flip/line", **HERE, along="detector", end=end)
    assert line["here"]["dataId"]["detector"] == str(DETECTORS[index])


def test_names_select_as_numbers_do(address):
    by_name = HERE | {"detector": "R22_S01", "exposure": "MC_O_20260301_000004"}
    assert ask(address, "/flip/line", **by_name)["here"] == {
        **ask(address, "/flip/line", **HERE)["here"],
        "address": ask(address, "/flip/line", **by_name)["here"]["address"],
    }


def test_a_raft_keeps_one_among_its_detectors(address):
    line = ask(address, "/flip/line", **HERE, raft="R22", along="detector")
    assert [item["dataId"]["detector"] for item in line["after"]] == ["2", "8"]


def test_other_filters_are_passed_over(address):
    chosen = HERE | {"exposure": EXPOSURES[1], "physical_filter": ODD_FILTER}
    line = ask(address, "/flip/line", **chosen)
    assert [item["dataId"]["exposure"] for item in line["after"]] == [str(EXPOSURES[5])]
    assert ODD_FILTER in parse_qs(urlsplit(line["after"][0]["address"]).query)["physical_filter"]


def test_filters_of_any_names(address):
    chosen = {"instrument": "LSSTComCam", "physical_filter": ODD_FILTER}
    line = ask(address, "/flip/line", type=BY_FILTER, **chosen)
    assert line["along"] == "physical_filter"
    assert line["here"]["label"] == ODD_FILTER
    page = urllib3.request("GET", address + write("/flip", type=BY_FILTER, **chosen))
    assert page.status == 200
    assert b"<b>&/" not in page.data


def test_a_plot_of_a_run_has_no_neighbours(address):
    line = ask(address, "/flip/line", type=ONE, instrument="LSSTComCam")
    assert (line["before"], line["after"], line["along"], line["alongs"]) == ([], [], "", [])
    assert urllib3.request("GET", address + write("/flip", type=ONE, instrument="LSSTComCam")).status == 200


def test_types_of_a_data_id(address):
    assert ask(address, "/flip/types", **HERE)["types"] == [MEAN, NOISE]
    without = HERE | {"exposure": EXPOSURES[1]}
    assert ask(address, "/flip/types", **without)["types"] == [NOISE]


@pytest.mark.parametrize(
    ("query", "status", "text"),
    [
        (
            HERE | {"collection": SECOND, "exposure": EXPOSURES[4]},
            404,
            f"are {EXPOSURES[3]}, {EXPOSURES[5]}.",
        ),
        (HERE | {"collection": "u/no"}, 404, "u/no"),
        (HERE | {"type": "noPlot"}, 404, "noPlot"),
        (HERE | {"along": "visit"}, 400, "it has detector, exposure"),
        (HERE | {"visit": 1}, 400, "visit"),
        (HERE | {"exposure": "1; DROP TABLE exposure"}, 400, "exposure"),
        (HERE | {"exposure": 10**30}, 400, "exposure"),
        (HERE | {"detector": -1}, 400, "detector"),
        (HERE | {"detector": ""}, 400, "detector"),
        ({"detector": 0, "exposure": EXPOSURES[0]}, 400, "LATISS, LSSTComCam"),
        (HERE | {"side": "above"}, 400, "side"),
        (HERE | {"end": "middle"}, 400, "end"),
    ],
)
def test_what_is_wrong_is_said(address, query, status, text):
    answer = ask(address, "/flip/line", **query)
    assert answer["status"] == status
    assert text in answer["detail"]


# What a browser shows.

slow = pytest.mark.slow


class Flip:
    """The page in a browser, and the pictures that it asked for."""

    def __init__(self, page, address: str) -> None:
        self.page = page
        self.address = address
        self.asked: list[str] = []
        page.on("request", lambda each: each.url.endswith("/picture") and self.asked.append(each.url))

    def open(self, **query: object) -> None:
        self.page.goto(self.address + write("/flip", **query))
        self.waitFor()

    def waitFor(self, exposure: int | None = None, detector: int | None = None) -> None:
        """Wait until a picture is shown, and what is said of it is right."""
        self.page.wait_for_selector("#stage img")
        for key, value in (("exposure", exposure), ("detector", detector)):
            if value is not None:
                self.page.wait_for_function(
                    "([key, value]) => new URLSearchParams(location.search).get(key) === value",
                    arg=[key, str(value)],
                )
                self.page.wait_for_selector("#stage img")

    def press(self, key: str) -> None:
        self.page.keyboard.press(key)

    def query(self) -> dict[str, str]:
        return {key: value[0] for key, value in parse_qs(urlsplit(readAddress(self.page)).query).items()}

    def shown(self) -> tuple[int, int]:
        """Read from the picture itself which it is: exposures have colours, and detectors places."""
        return tuple(
            self.page.evaluate(
                """() => {
                  const image = document.querySelector("#stage img");
                  const canvas = new OffscreenCanvas(image.naturalWidth, image.naturalHeight);
                  const context = canvas.getContext("2d", { willReadFrequently: true });
                  context.drawImage(image, 0, 0);
                  const red = context.getImageData(590, 10, 1, 1).data[0];
                  const row = context.getImageData(0, 340, 600, 1).data;
                  let x = 0;
                  while (row[4 * x] !== 0 || row[4 * x + 1] !== 0) x++;
                  return [(255 - red) / 20, (x - 100) / 60];
                }"""
            )
        )


@pytest.fixture
def flip(page, address) -> Flip:
    return Flip(page, address)


@slow
def test_a_choice_that_the_server_does_not_answer_is_taken_back(browser, address):
    page = browser.new_page()
    page.set_default_timeout(15000)
    page.goto(address + write("/flip", along="exposure", **HERE))
    page.wait_for_selector("#stage img")
    page.route("**/flip/line*", lambda route: route.abort())
    page.select_option("#along", "detector")
    page.locator("#note:text-is('The server does not answer.')").wait_for()
    assert page.input_value("#along") == "exposure"
    page.close()


@slow
def test_keys_go_through_exposures(flip):
    flip.open(**HERE)
    assert flip.shown() == (4, 1)
    flip.press("ArrowRight")
    flip.waitFor(EXPOSURES[4])
    assert flip.shown() == (5, 1)
    assert str(EXPOSURES[4]) in flip.page.title()
    for key, exposure in (("ArrowLeft", 3), ("Home", 0), ("End", 7), ("PageUp", 0), ("PageDown", 7)):
        flip.press(key)
        flip.waitFor(EXPOSURES[exposure], 1)
        assert flip.shown() == (exposure + 1, 1)
    flip.press("ArrowRight")
    assert flip.page.text_content("#note") == "This is the last exposure."
    assert flip.query()["exposure"] == str(EXPOSURES[-1])


@slow
def test_buttons_go_through_detectors(flip):
    flip.open(**HERE)
    flip.page.select_option("#along", "detector")
    flip.page.wait_for_function("() => location.search.includes('along=detector')")
    flip.page.click("#next")
    flip.waitFor(EXPOSURES[3], 2)
    assert flip.shown() == (4, 2)
    flip.page.click("#last")
    flip.waitFor(detector=8)
    assert flip.shown() == (4, 8)
    assert flip.page.is_disabled("#next")
    flip.page.click("#strip a >> nth=0")
    flip.waitFor(detector=0)
    assert flip.page.is_disabled("#previous")
    assert flip.page.get_attribute("#strip a[aria-current] img", "src").endswith("/thumbnail")


@slow
def test_neighbours_are_fetched_before_a_key_is_pressed(flip):
    flip.open(**HERE)
    line = ask(flip.address, "/flip/line", **HERE)
    ahead = {flip.address + item["picture"] for item in (*line["after"][:3], *line["before"][:2])}
    own = flip.address + line["here"]["picture"]
    flip.page.wait_for_load_state("networkidle")
    assert flip.asked[0] == own
    assert set(flip.asked) == {own, *ahead}
    flip.asked.clear()
    # It is shown in the same moment, before anything else can have happened.
    is_shown = flip.page.evaluate(
        """() => {
          document.body.dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowRight", bubbles: true }));
          return document.querySelector("#stage img")?.naturalWidth === 600;
        }"""
    )
    assert is_shown
    assert flip.shown() == (5, 1)
    flip.page.wait_for_load_state("networkidle")
    # There is one more to be fetched ahead, and nothing twice.
    assert flip.asked == [flip.address + line["after"][3]["picture"]]


@slow
def test_a_held_key_does_not_pass_what_is_not_shown(flip):
    """Pictures are slow; presses of a held key in between are dropped, and each exposure is seen."""
    devtools = flip.page.context.new_cdp_session(flip.page)
    slowly = {"offline": False, "latency": 150, "downloadThroughput": -1, "uploadThroughput": -1}
    devtools.send("Network.enable")
    devtools.send("Network.emulateNetworkConditions", slowly)
    flip.open(**HERE | {"exposure": EXPOSURES[0]})
    flip.page.evaluate(
        """() => {
          window.seen = [];
          new MutationObserver(() => {
            const image = document.querySelector("#stage img");
            if (image) window.seen.push(new URLSearchParams(location.search).get("exposure"));
          }).observe(document.getElementById("stage"), { childList: true });
          document.body.dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowRight", bubbles: true }));
          window.held = setInterval(() => document.body.dispatchEvent(
            new KeyboardEvent("keydown", { key: "ArrowRight", bubbles: true, repeat: true })), 20);
        }"""
    )
    flip.waitFor(EXPOSURES[-1])
    seen = flip.page.evaluate("clearInterval(window.held), window.seen")
    assert list(dict.fromkeys(seen)) == [str(each) for each in EXPOSURES[1:]]
    assert len(flip.asked) == len(set(flip.asked)) == len(EXPOSURES)


@slow
def test_addresses_show_the_same_again(flip, browser):
    flip.open(**HERE, along="detector")
    flip.press("ArrowRight")
    flip.waitFor(EXPOSURES[3], 2)
    flip.press("s")
    url, title = readAddress(flip.page), flip.page.title()
    assert flip.query()["size"] == "full"
    again = browser.new_page()
    again.goto(url)
    again.wait_for_selector("#stage img")
    assert again.title() == title
    assert again.evaluate("document.querySelector('#stage img').clientWidth") == 600
    assert again.input_value("#along") == "detector"
    again.close()


@slow
def test_sizes(flip):
    flip.open(**HERE)
    fitted = flip.page.evaluate("document.querySelector('#stage img').clientWidth")
    assert fitted > 600
    flip.press(" ")
    assert flip.page.evaluate("document.querySelector('#stage img').clientWidth") == 600
    flip.page.click("#size")
    assert flip.page.evaluate("document.querySelector('#stage img').clientWidth") == fitted
    assert flip.page.evaluate("document.documentElement.scrollHeight") <= 900


@slow
def test_keys_change_the_plot(flip):
    flip.open(**HERE)
    flip.press("ArrowDown")
    flip.page.wait_for_function(f"() => location.search.includes('type={MEAN}')")
    flip.waitFor(EXPOSURES[3], 1)
    assert flip.page.input_value("#type") == MEAN
    flip.press("ArrowRight")
    flip.waitFor(EXPOSURES[4], 1)
    flip.press("ArrowUp")
    flip.page.wait_for_function(f"() => location.search.includes('type={NOISE}')")
    flip.press("Home")
    flip.waitFor(EXPOSURES[0])
    flip.press("ArrowRight")
    flip.waitFor(EXPOSURES[1])
    flip.press("ArrowDown")
    flip.page.wait_for_selector("#note:text('no other plot of this data ID')")
    assert flip.query()["type"] == NOISE


@slow
def test_help(flip):
    flip.open(**HERE)
    flip.press("?")
    assert flip.page.is_visible("#help")
    flip.press("ArrowRight")
    assert flip.query()["exposure"] == str(EXPOSURES[3])
    flip.press("Escape")
    flip.page.click("#help-button")
    flip.page.click("#help button")
    assert not flip.page.is_visible("#help")
    flip.press("ArrowRight")
    flip.waitFor(EXPOSURES[4])


@slow
def test_a_lost_file_does_not_stop_one(browser, flips, tmp_path):
    root = shutil.copytree(flips.root, tmp_path / "copy")
    FlipRepository(root).lose(NOISE, **HERE | {"exposure": EXPOSURES[4]})
    with runServer(root) as address:
        page = browser.new_page()
        flip = Flip(page, address)
        flip.open(collection=FIRST, **HERE)
        flip.press("ArrowRight")
        page.wait_for_selector("#stage .problem:has-text('is gone')")
        assert str(EXPOSURES[4]) in page.text_content("#stage .problem")
        assert flip.query()["exposure"] == str(EXPOSURES[4])
        flip.press("ArrowRight")
        flip.waitFor(EXPOSURES[5])
        assert flip.shown() == (6, 1)
        flip.press("ArrowLeft")
        page.wait_for_selector("#stage .problem:has-text('is gone')")
        flip.press("ArrowLeft")
        flip.waitFor(EXPOSURES[3])
        page.close()


@slow
@pytest.mark.parametrize("page", [NARROW], indirect=True)
def test_small_screens(flip):
    flip.open(**HERE)
    assert flip.page.evaluate("document.documentElement.scrollWidth") == NARROW["width"]
    flip.page.click("#next")
    flip.waitFor(EXPOSURES[4])


@slow
def test_lists_and_datasets_lead_here(page, address):
    page.goto(f"{address}{write('/plots', FIRST, BY_EXPOSURE, instrument='LSSTComCam')}")
    follow(page, "figure a:text-is('flip') >> nth=2")
    page.wait_for_selector("#stage img")
    assert f"exposure={EXPOSURES[2]}" in readAddress(page)
    follow(page, "#dataset")
    follow(page, "a:text-is('Flip through')")
    page.wait_for_selector("#stage img")
    assert f"exposure={EXPOSURES[2]}" in readAddress(page)
    follow(page, "#compare")
    assert page.input_value("input[name=left]") == FIRST


@slow
def test_plots_of_one_filter(flip):
    flip.open(type=BY_FILTER, instrument="LSSTComCam", physical_filter=ODD_FILTER)
    assert flip.query()["physical_filter"] == ODD_FILTER
    assert ODD_FILTER in flip.page.title()
    flip.press("Home")
    flip.page.wait_for_function("() => document.getElementById('previous').disabled")
    flip.page.wait_for_selector("#stage img")

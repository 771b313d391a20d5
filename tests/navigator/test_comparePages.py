# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Two collections side by side in pages and in a browser."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from urllib.parse import parse_qs, quote, urlencode, urlsplit

import pytest
import urllib3
from browsers import NARROW, follow, readAddress
from flipRepository import (
    BY_EXPOSURE,
    BY_FILTER,
    CHAIN,
    EXPOSURES,
    FIRST,
    MEAN,
    NOISE,
    ODD_FILTER,
    OF_FIRST,
    OF_SECOND,
    SECOND,
    FlipRepository,
)
from registries import ON_SQLITE_ALONE
from runningServer import runServer

pytestmark = ON_SQLITE_ALONE
COMCAM = {"instrument": "LSSTComCam"}


@pytest.fixture(scope="module")
def address(flips: FlipRepository) -> Iterator[str]:
    with runServer(flips.root) as address:
        yield address


def write(left: str = FIRST, right: str = SECOND, type: str = NOISE, **query: object) -> str:
    return f"/compare?{urlencode({'left': left, 'right': right, 'type': type, **COMCAM, **query})}"


def get(address: str, path: str) -> tuple[int, str]:
    response = urllib3.request("GET", address + path, redirect=False)
    return response.status, response.data.decode()


# What the server tells.


def test_two_collections_are_asked_for(address):
    status, page = get(address, "/compare")
    assert status == 200
    assert "Choose two collections." in page
    status, page = get(address, f"/compare?left={quote(FIRST)}")
    assert f'<option value="{NOISE}">' in page
    assert "and a plot." in page


def test_own_exposures_are_the_first_if_not_said(address):
    response = urllib3.request(
        "GET", address + write(own="exposure", right=SECOND, exposure=3), redirect=False
    )
    query = parse_qs(urlsplit(response.headers["Location"]).query)
    assert query["left.exposure"] == [str(OF_FIRST[0])]
    assert query["right.exposure"] == [str(OF_SECOND[0])]
    assert "exposure" not in query


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ({"right": "u/no"}, "u/no"),
        ({"type": "noPlot"}, "noPlot"),
        ({"instrument": "LATISS"}, "LATISS"),
        ({"instrument": ""}, "say which is meant"),
        ({"exposure": "nothing"}, "exposure: there is no"),
        ({"left.exposure": EXPOSURES[0], "right.exposure": "x"}, "exposure: there is no"),
        ({"left.nothing": "1"}, "there is no such dimension"),
        ({"after": "[1]"}, "expected a list of detector, exposure"),
        ({"after": '{"a": 1}'}, "expected a list"),
        ({"before": "[" * 500}, "expected a list"),
        ({"after": f"[{10**30},1]"}, "expected a list"),
        ({"rightType": BY_EXPOSURE}, "left.detector: choose one"),
        ({"visit": "1"}, "visit: the plots of neither side have this dimension"),
        ({"own": "visit"}, "visit: the plots of neither side have this dimension"),
    ],
)
def test_what_is_wrong_is_said_beside_the_form(address, query, text):
    status, page = get(address, write(**query))
    assert status == 400
    assert text in page
    assert 'name="left"' in page


def test_nothing_is_said(address):
    status, page = get(address, write(detector=7))
    assert status == 200
    assert "There is no such plot in either collection." in page


def test_names_are_escaped(address):
    status, page = get(address, write(left="<script>alert(1)</script>"))
    assert status == 400
    assert "<script>alert" not in page


def test_the_same_dataset_is_known(address):
    _, page = get(address, write(right=CHAIN, exposure=EXPOSURES[0], detector=0))
    assert "the same dataset on both sides" in page


# What a browser shows.

slow = pytest.mark.slow


def readPairs(page) -> list[list[str]]:
    """Read what each pair is called, and which run it shows on each side."""
    return page.eval_on_selector_all(
        ".pair",
        """pairs => pairs.map((pair) => [pair.dataset.label,
          ...[...pair.querySelectorAll("figure")].map((each) => each.textContent.trim())])""",
    )


@slow
def test_pairs_are_of_one_data_id(page, address):
    page.goto(address + write(type=BY_EXPOSURE))
    wanted = [
        [
            f"exposure {each}",
            FIRST if each in OF_FIRST else f"Not in {FIRST}",
            SECOND if each in OF_SECOND else f"Not in {SECOND}",
        ]
        for each in EXPOSURES
    ]
    assert readPairs(page) == wanted[:6]
    page.keyboard.press("n")
    page.wait_for_url("**after=**")
    assert readPairs(page) == wanted[6:]
    page.keyboard.press("p")
    page.wait_for_url("**before=**")
    assert readPairs(page) == wanted[:6]
    assert "on one side only" in page.text_content(".pair .difference")


@slow
def test_keys_go_from_pair_to_pair(page, address):
    page.goto(address + write(type=BY_EXPOSURE))
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowRight")
    current = page.locator(".pair.current")
    assert current.get_attribute("data-label") == f"exposure {EXPOSURES[2]}"
    page.keyboard.press("ArrowUp")
    assert current.get_attribute("data-label") == f"exposure {EXPOSURES[1]}"
    url = readAddress(page)
    page.goto("about:blank")
    page.goto(url)
    assert current.get_attribute("data-label") == f"exposure {EXPOSURES[1]}"
    for _ in range(5):
        page.keyboard.press("ArrowDown")
    page.wait_for_url("**after=**")
    assert current.get_attribute("data-label") == f"exposure {EXPOSURES[6]}"
    page.keyboard.press("ArrowUp")
    page.wait_for_url("**before=**")
    assert current.get_attribute("data-label") == f"exposure {EXPOSURES[5]}"


@slow
def test_blinking_shows_both_at_one_place(page, address):
    page.goto(address + write(exposure=EXPOSURES[3]))
    page.keyboard.press("b")
    image = page.locator("#blink-stage img")
    image.wait_for()
    left = (image.bounding_box(), image.get_attribute("src"))
    assert page.text_content("#blink-side") == f"left: {FIRST}"
    page.wait_for_load_state("networkidle")
    page.keyboard.press("b")
    assert page.text_content("#blink-side") == f"right: {SECOND}"
    assert image.bounding_box() == left[0]
    assert image.get_attribute("src") != left[1]
    page.keyboard.press("ArrowRight")
    assert page.text_content("#blink-label") == "detector R22_S01 (1)"
    assert "blink=1" in readAddress(page)
    page.keyboard.press("a")
    page.wait_for_function(f"() => document.getElementById('blink-side').textContent === 'left: {FIRST}'")
    page.wait_for_function(f"() => document.getElementById('blink-side').textContent === 'right: {SECOND}'")
    url = readAddress(page)
    page.keyboard.press("Escape")
    assert not page.is_visible("#blinker")
    page.wait_for_function("() => !location.search.includes('blink')")
    page.goto("about:blank")
    page.goto(url)
    page.wait_for_selector("#blinker[open]")
    assert page.text_content("#blink-label") == "detector R22_S01 (1)"


@slow
def test_blinking_by_mouse_says_what_is_missing(page, address):
    page.goto(address + write(type=BY_EXPOSURE))
    page.click(".pair .blink >> nth=0")
    page.click("#blink-flip")
    assert page.text_content("#blink-stage") == f"Not in {SECOND}"
    page.click("#blinker form button")
    assert not page.is_visible("#blinker")


@slow
def test_exposures_of_their_own(page, address):
    page.goto(address + write(own="exposure"))
    heads = page.locator(".head")
    assert f"exposure {EXPOSURES[0]}" in heads.nth(0).inner_text()
    assert f"exposure {EXPOSURES[3]}" in heads.nth(1).inner_text()
    assert "Paired by detector, whatever the exposure." in page.inner_text("main")
    assert [each[0] for each in readPairs(page)] == [
        f"detector R22_S{i} ({n})" for i, n in (("00", 0), ("01", 1), ("02", 2), ("22", 8))
    ]
    follow(page, "a[title='Next exposure of the right']")
    page.wait_for_url(f"**right.exposure={EXPOSURES[5]}**")
    assert f"exposure {EXPOSURES[0]}" in page.locator(".head").nth(0).inner_text()
    page.click(".pair .blink >> nth=1")
    assert page.text_content("#blink-side") == f"left: {FIRST}, exposure {EXPOSURES[0]}"


@slow
def test_two_types(page, address):
    page.goto(address + write(right=FIRST, rightType=MEAN, detector=0))
    assert [each[2] for each in readPairs(page)] == [
        f"Not in {FIRST}" if each == EXPOSURES[1] else FIRST for each in OF_FIRST
    ]


@slow
def test_differences_are_those_of_pixels(page, address):
    """The picture of a detector differs from that of another one by the text and the square."""
    page.goto(address + write(right=FIRST, exposure=EXPOSURES[0], own="detector", **{"right.detector": 1}))
    output = page.locator(".pair .difference")
    page.wait_for_function("() => document.querySelector('.pair .difference').textContent !== ''")
    share = float(output.text_content().removesuffix(" % of the pixels differ"))
    square = 100 * 2 * 41 * 81 / (600 * 400)
    assert square < share < square + 1


@slow
def test_equal_files_are_said_to_be_equal(browser, flips, tmp_path):
    root = shutil.copytree(flips.root, tmp_path / "copy")
    with FlipRepository(root).open() as butler:
        data_id = COMCAM | {"exposure": EXPOSURES[3], "detector": 0}
        one, other = (
            butler.getURI(butler.find_dataset(NOISE, data_id, collections=each)).ospath
            for each in (FIRST, SECOND)
        )
        shutil.copy(one, other)
    lost = FlipRepository(root).lose(NOISE, **COMCAM, exposure=EXPOSURES[3], detector=1)
    with runServer(root) as address:
        page = browser.new_page()
        page.goto(address + write(exposure=EXPOSURES[3]))
        page.wait_for_selector(".difference:text-is('both files are equal, byte for byte')")
        page.keyboard.press("ArrowDown")
        page.wait_for_selector("figure.missing .problem:has-text('is gone')")
        assert lost.run == FIRST
        assert page.locator(".pair").nth(1).locator("figure.missing").count() == 1
        assert page.locator(".pair").nth(2).locator("img").count() == 2
        page.close()


@slow
def test_odd_filters(page, address):
    page.goto(address + write(type=BY_FILTER))
    labels = [each[0] for each in readPairs(page)]
    assert f"physical_filter {ODD_FILTER}" in labels
    place = labels.index(f"physical_filter {ODD_FILTER}")
    for _ in range(place):
        page.keyboard.press("ArrowDown")
    url = readAddress(page)
    page.goto("about:blank")
    page.goto(url)
    assert page.get_attribute(".pair.current", "data-label") == f"physical_filter {ODD_FILTER}"


@slow
def test_the_form_leads_to_pairs(browser, address):
    page = browser.new_page()
    page.goto(f"{address}/compare?left={quote(FIRST)}")
    page.fill("input[name=right]", SECOND)
    page.select_option("select[name=type]", NOISE)
    follow(page, "button:text-is('Compare')")
    page.wait_for_selector(".problem")
    page.fill("input[name=instrument]", "LSSTComCam")
    page.fill("input[name=detector]", "R22_S01")
    page.keyboard.press("Enter")
    page.wait_for_selector(".pair")
    assert page.locator(".pair").count() == 6
    page.close()


@slow
@pytest.mark.parametrize("page", [NARROW], indirect=True)
def test_small_screens(page, address):
    page.goto(address + write(detector=0))
    assert page.evaluate("document.documentElement.scrollWidth") == NARROW["width"]

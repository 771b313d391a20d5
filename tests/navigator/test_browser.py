# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Ways through the lists in a real browser: nothing fails, and no other host is asked for anything."""

from __future__ import annotations

import re

import pytest
from browsers import NARROW, WIDE, follow
from navigatorRepository import (
    CHAIN,
    COMCAM,
    DAYS,
    DETECTOR,
    EXPOSURE,
    FIRST,
    HOSTILE,
    LATISS,
    exposuresOf,
)
from registries import ON_SQLITE_ALONE
from runningServer import runServer

pytestmark = [pytest.mark.slow, ON_SQLITE_ALONE]
FIRST_EXPOSURE = exposuresOf(COMCAM)[0]


def shown(page) -> list[str]:
    """Read what stands under the thumbnails, once all of those that are in sight are there."""
    page.wait_for_load_state("networkidle")
    return [text.strip() for text in page.locator(".plots figure > a").all_inner_texts()]


def areLoaded(page) -> bool:
    """Scroll to all pictures, and tell whether each of them is one."""
    for image in page.locator("main img").all():
        image.scroll_into_view_if_needed()
    page.wait_for_load_state("networkidle")
    return page.evaluate("[...document.images].every(image => image.complete && image.naturalWidth > 0)")


def test_from_the_collections_to_a_plot_by_mouse(page, server):
    page.goto(server)
    follow(page, f"#collections a:text-is('{CHAIN}')")
    assert page.title() == f"Plots of {CHAIN}"
    assert areLoaded(page)
    follow(page, f"figure:has(small:text-is('{DETECTOR}')) a")
    assert len(shown(page)) == 48
    page.select_option("select[name=instrument]", COMCAM)
    page.fill("input[name=exposure]", str(FIRST_EXPOSURE))
    follow(page, "text=Select")
    assert shown(page) == [f"detector R22_S{i // 3}{i % 3} ({i})" for i in range(9)]
    assert areLoaded(page)
    follow(page, ".plots figure > a >> nth=4")
    assert f"detector R22_S11 (4), exposure {FIRST_EXPOSURE}" in page.title()
    assert areLoaded(page)
    follow(page, "figure.whole a")
    assert page.evaluate("document.images[0].naturalWidth") == 400
    page.go_back()
    page.go_back()
    assert len(shown(page)) == 9
    assert page.input_value("input[name=exposure]") == str(FIRST_EXPOSURE)


def test_from_the_collections_to_a_plot_by_keyboard(page, server):
    page.goto(server)
    page.keyboard.press("/")
    page.keyboard.type("verify/fi")
    page.keyboard.press("Enter")
    page.wait_for_url("**pattern=verify**")
    page.focus("#collections tbody a >> nth=0")
    page.keyboard.press("Enter")
    page.wait_for_url("**/plots**")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    chosen = page.evaluate("document.activeElement.getAttribute('href')")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowRight")
    assert page.evaluate("document.activeElement.getAttribute('href')") == chosen
    page.keyboard.press("Enter")
    page.wait_for_url("**type=**")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    page.wait_for_url("**/dataset/**")
    page.keyboard.press("u")
    page.wait_for_url("**/plots**")
    page.keyboard.press("u")
    page.wait_for_url(lambda url: "type=" not in url)


def test_pages_are_turned_by_mouse_and_by_keyboard(page, server):
    page.goto(f"{server}/plots?collection={CHAIN}&type={DETECTOR}")
    first = shown(page)
    follow(page, "a[rel=next] >> nth=0")
    page.wait_for_url("**after=**")
    second = shown(page)
    assert len(first + second) == len(set(first + second)) == 80
    assert page.locator("a[rel=next]").count() == 0
    page.keyboard.press("p")
    page.wait_for_url("**before=**")
    assert shown(page) == first
    page.keyboard.press("n")
    page.wait_for_url("**after=**")
    assert shown(page) == second


def test_another_instrument(page, server):
    page.goto(f"{server}/plots?collection={CHAIN}&type={DETECTOR}&instrument={COMCAM}&detector=R22_S11")
    assert len(shown(page)) == 8
    follow(page, ".chosen a:has-text('detector')")
    page.select_option("select[name=instrument]", LATISS)
    page.fill("input[name=day_obs]", str(DAYS[1]))
    page.keyboard.press("Enter")
    page.wait_for_url("**instrument=LATISS**")
    assert shown(page) == [
        f"detector RXX_S00 (0), exposure {n}" for n in exposuresOf(LATISS) if n // 100000 == DAYS[1]
    ]
    # The address has what is chosen, and nothing else.
    assert re.findall(r"[?&](\w+)=", page.url) == ["collection", "type", "instrument", "day_obs"]


def test_values_are_offered(page, server):
    page.goto(f"{server}/plots?collection={CHAIN}&type={DETECTOR}&instrument={COMCAM}")
    page.wait_for_load_state("networkidle")
    offered = "list => [...document.querySelectorAll(`#choices-${list} option`)].map(option => option.value)"
    assert page.evaluate(offered, "raft") == ["R22"]
    assert page.evaluate(offered, "detector")[4] == "R22_S11"
    assert page.evaluate(offered, "day_obs") == [str(day) for day in DAYS]
    note = page.locator("label:has(input[name=exposure]) .note").inner_text()
    assert note == "List: those of detector R22_S00 (0). Or type another."


def test_keys_go_into_the_selection_and_out_of_it(page, server):
    page.goto(f"{server}/plots?collection={CHAIN}")
    focus = "document.activeElement.name ?? document.activeElement.tagName"
    page.keyboard.press("/")
    # The instrument comes first, and seldom has to be chosen.
    assert page.evaluate(focus) == "physical_filter"
    page.keyboard.press("Escape")
    assert page.evaluate(focus) == "BODY"
    page.keyboard.press("ArrowRight")
    assert page.evaluate("document.activeElement.closest('figure') !== null")


def test_a_list_can_do_without_offered_values(browser, server):
    page = browser.new_page(viewport=WIDE)
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.route("**/choices*", lambda route: route.abort())
    page.goto(f"{server}/plots?collection={CHAIN}&type={DETECTOR}&instrument={COMCAM}")
    page.fill("input[name=detector]", "R22_S11")
    follow(page, "text=Select")
    assert shown(page)[0] == f"exposure {FIRST_EXPOSURE}"
    assert "detector=R22_S11" in page.url
    assert errors == []
    page.close()


def test_lost_file_costs_its_own_tile(browser, changed):
    lost = changed.find(EXPOSURE, FIRST, instrument=COMCAM, exposure=FIRST_EXPOSURE)
    changed.pathOf(lost).unlink()
    with runServer(changed.root) as address:
        page = browser.new_page(viewport=WIDE)
        page.goto(f"{address}/plots?collection={FIRST}&type={EXPOSURE}&instrument={COMCAM}")
        assert len(shown(page)) == 8
        # Also the picture that says what is lost is one.
        assert areLoaded(page)
        sizes = page.evaluate("[...document.querySelectorAll('.plots img')].map(image => image.naturalWidth)")
        assert sizes == [480] + [400] * 7
        follow(page, ".plots a >> nth=0")
        assert "is gone" in page.locator(".problem").inner_text()
        page.close()


@pytest.mark.parametrize("page", [NARROW], indirect=True)
def test_small_screens_scroll_down_only(page, server, repository):
    ref = repository.find(DETECTOR, instrument=COMCAM, exposure=FIRST_EXPOSURE, detector=4)
    for path in (
        "/",
        f"/plots?collection={CHAIN}",
        f"/plots?collection={CHAIN}&type={DETECTOR}&instrument={COMCAM}&detector=4",
        f"/images?collection={CHAIN}",
        f"/dataset/{ref.id}",
    ):
        page.goto(server + path)
        page.wait_for_load_state("networkidle")
        assert page.evaluate("document.documentElement.scrollWidth") == NARROW["width"], path


def test_hostile_names_execute_nothing(page, server):
    page.goto(server)
    page.locator("#collections a", has_text=HOSTILE).first.click()
    assert page.title() == f"Plots of {HOSTILE}"
    follow(page, "figure a")
    assert len(shown(page)) == 16
    follow(page, ".plots a >> nth=0")
    assert page.locator(f"dd:text-is({HOSTILE!r})").count() <= 1
    assert page.locator("[onerror]").count() == 0

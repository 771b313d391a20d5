# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""The gallery: each plot is of one kind, each kind has a plot, and pictures take the places of marks."""

import re

import pytest
from galleryPage import GalleryError, GalleryPlot, addPictures, assignPlots, galleryPage, readGallery
from generatedFiles import ROOT

PAGE = ROOT / "doc" / "lsst.analysis.cp" / "gallery.rst"
MAPS = GalleryPlot(
    room="A", title="Map of noise", types=("cp*_*Noise_*",), shows="Noise.", read="High is bad."
)
REST = GalleryPlot(room="A", title="Others", types=("cp*",), shows="All.", read="See there.", picture="cpB*")


def test_kinds_have_titles_and_texts_of_their_own():
    plots = readGallery()
    for values in ({plot.name for plot in plots}, {(plot.room, plot.title) for plot in plots}):
        assert len(values) == len(plots) > 60
    for plot in plots:
        assert all(text.endswith(".") and len(text) < 260 for text in (plot.shows, plot.read)), plot.title


def test_kind_has_what_those_before_it_have_not():
    assert assignPlots(["cpB_z", "cpA_aNoise_P", "cpA_b"], [MAPS, REST]) == {
        MAPS: ["cpA_aNoise_P"],
        REST: ["cpA_b", "cpB_z"],
    }


def test_kind_without_a_plot_is_an_error():
    with pytest.raises(GalleryError, match="A, Map of noise: no pipeline makes such a plot"):
        assignPlots(["cpA_b"], [MAPS, REST])


def test_plot_without_a_kind_is_an_error():
    with pytest.raises(GalleryError, match="lacks what pipelines make: cpA_b, cpA_c"):
        assignPlots(["cpA_c", "cpA_aNoise_P", "cpA_b"], [MAPS])


def test_page_says_what_plots_show_and_names_their_types():
    [page] = galleryPage(["cpB_z", "cpA_aNoise_P", "cpA_b"], [MAPS, REST]).values()
    noise, rest = page.split(".. grid-item-card:: ")[1:]
    assert "Noise.\n" in noise
    assert "*How to read it:* High is bad.\n" in noise
    assert "``cpA_aNoise_P``" in noise
    assert re.findall(r"\| ``(\w+)``", rest) == ["cpA_b", "cpB_z"]
    assert "2 dataset types" in rest


def test_pictures_are_where_their_plots_are():
    [page] = galleryPage(["cpA_aNoise_P", "cpA_b"], [MAPS, REST]).values()
    shown = addPictures(page, {"a-others": ("small.png", "../large.png")})
    noise, rest = shown.split(".. grid-item-card:: ")[1:]
    assert "image::" not in noise
    assert "      .. image:: small.png\n         :target: ../large.png\n" in rest
    assert rest.index("image::") < rest.index("All.")


def test_committed_page_has_a_place_for_each_picture():
    page = PAGE.read_text()
    plots = readGallery()
    shown = addPictures(page, {plot.name: (f"{plot.name}.png", "x") for plot in plots})
    assert re.findall(r"\.\. image:: (\S+)\.png", shown) == [plot.name for plot in plots]
    assert addPictures(page, {}) == page

# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""The page of plots of other packages: what it names is made by a pipeline, and nothing is left open."""

import pytest
from otherPlotsPage import OtherPlot, PlotError, otherPlotsPage, readOtherPlots

KERNEL = OtherPlot(package="eo_pipe", place="A", plot="Kernel", ours=("cpBfk*_bfkKernels_*",))


def test_each_plot_is_listed_once():
    plots = readOtherPlots()
    assert len({(plot.package, plot.place, plot.plot) for plot in plots}) == len(plots) > 40


def test_page_names_what_shows_a_plot_and_why_nothing_does():
    spots = OtherPlot(package="eo_pipe", place="B", plot="Spots", none="It needs spots.")
    [page] = otherPlotsPage(frozenset({"cpBfkX_bfkKernels_Y"}), [KERNEL, spots]).values()
    assert "   * - A\n     - Kernel\n     - ``cpBfk*_bfkKernels_*``\n" in page
    assert "   * - B\n     - Spots\n     - None. It needs spots.\n" in page


def test_rows_of_a_report_have_pages():
    rows = [
        OtherPlot(
            package="A's run report", place="CCD", plot="Kernel", ours=("cpBfk*",), page="detector page"
        ),
        OtherPlot(package="A's run report", place="Run", plot="Layout", page="run page"),
    ]
    [page] = otherPlotsPage(frozenset({"cpBfkX_bfkKernels_Y"}), rows).values()
    assert "     - Kernel\n     - Detector page: ``cpBfk*``\n" in page
    assert "     - Layout\n     - Run page\n" in page


def test_each_row_of_the_report_of_eo_pipe_is_listed():
    places = [plot.place for plot in readOtherPlots() if plot.package == "eo_pipe's run report"]
    assert (places.count("Run: mosaics"), places.count("Run: histograms")) == (25, 24)
    assert {"Run: gain stability", "Raft", "CCD"} < set(places)


def test_plot_that_no_pipeline_makes_is_an_error():
    with pytest.raises(PlotError, match=r"eo_pipe, A, Kernel: no pipeline makes cpBfk\*_bfkKernels_\*"):
        otherPlotsPage(frozenset({"cpBfkX_bfkOthers_Y"}), [KERNEL])


@pytest.mark.parametrize("words", [{}, {"ours": ("cp*",), "none": "No."}])
def test_plot_is_shown_or_has_a_reason(words):
    with pytest.raises(PlotError, match="expected one of ours and none"):
        OtherPlot(package="eo_pipe", place="A", plot="Kernel", **words)

# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""The plot of measured values against what they should be."""

import io
from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from lsst.analysis.cp.actions.keyedData import AMP_TABLE
from lsst.analysis.cp.actions.plot import AgreementPlot
from lsst.analysis.cp.actions.plot.amps.agreementPlot import prepareAgreement
from lsst.analysis.cp.catalogue import getProduct
from lsst.analysis.cp.core import cameraLayout
from lsst.analysis.cp.core.amps import AmpTable
from lsst.obs.lsst import Latiss, LsstCam

GAIN = getProduct("gain")


@pytest.fixture(scope="module", params=[Latiss, LsstCam], ids=["LATISS", "LSSTCam"])
def camera(request):
    return request.param().getCamera()


@pytest.fixture
def table(camera) -> AmpTable:
    """Make results with one amplifier 20 % too large, one 8 % too small, and one that is absent."""
    layout = cameraLayout(camera)
    n = layout.nAmps
    rng = np.random.default_rng(4)
    gain = layout.ampGain * (1 + 0.005 * rng.normal(size=n))
    gain[[2, 4]] = layout.ampGain[[2, 4]] * np.array([1.2, 0.92])
    gain[-1] = np.nan
    columns = {
        "detector": layout.detectorId[layout.ampDetector],
        "amplifier": layout.ampName,
        "GAIN_GAIN_FROM_FLAT_PAIR": gain / 0.97,
        "GAIN_CORRECTED": gain,
        "GAIN_GAIN_CORRECTION_FACTOR": np.full(n, 0.97),
        "GAIN_MEAN_FLUX_FLAT_PAIR": np.full(n, 1e4),
        "GAIN_AMP_GAIN": layout.ampGain,
        "GAIN_ISR_NOISE": layout.ampReadNoise / layout.ampGain,
        "GAIN_AMP_NOISE": layout.ampReadNoise,
        "GAIN_PTC_GAIN": gain,
    }
    return AmpTable.fromColumns(columns, GAIN, layout)


@pytest.fixture
def view(table):
    return prepareAgreement(table, GAIN["GAIN_FROM_FLAT_PAIR"], GAIN["CORRECTED"], GAIN["AMP_GAIN"])


def test_values_are_those_of_the_table(view, table):
    expected = table.statistics["GAIN_GAIN_FROM_FLAT_PAIR"][:-1] * 0.97
    assert_allclose(view.measured, expected, rtol=1e-12)
    assert_array_equal(view.nominal, table.layout.ampGain[:-1])
    assert_allclose(view.difference, 100 * (expected / table.layout.ampGain[:-1] - 1), rtol=1e-9, atol=1e-9)


def test_amplifiers_beyond_the_limit_and_unknown_ones_are_named(view, table):
    layout = table.layout
    names = [f"{layout.detectorName[layout.ampDetector[i]]} {layout.ampName[i]}" for i in (2, 4, -1)]
    assert view.names[view.failed].tolist() == names[:2]
    beyond, unknown = view.lists[-2:]
    assert [line.rsplit(None, 3)[0] for line in beyond[1:]] == names[:2]
    assert [line.split()[2] for line in beyond[1:]] == ["+20.00", "-8.00"]
    assert unknown[1:] == (names[2],)
    assert view.headline == f"2 of {layout.nAmps} amplifiers beyond 5 %, 1 unknown"
    assert view.isBad


def test_groups_are_rafts_or_the_amplifiers_of_one_detector(view, table):
    layout = table.layout
    detector = layout.detectorName[layout.ampDetector]
    of_amps = layout.ampName if layout.nDetectors == 1 else [name.split("_")[0] for name in detector.tolist()]
    assert view.groups.tolist() == sorted(set(of_amps))
    assert view.groups[view.group].tolist() == list(of_amps)[:-1]
    assert view.nUnknown.sum() == view.nUnknown[view.groups.tolist().index(of_amps[-1])] == 1


def test_figure_has_the_band_and_rings_what_failed(table, view, camera):
    plot = AgreementPlot(test="GAIN_FROM_FLAT_PAIR", measured="CORRECTED", nominal="AMP_GAIN")
    assert {test.key for test in filter(plot.wants, GAIN)} == {"GAIN_FROM_FLAT_PAIR", "CORRECTED", "AMP_GAIN"}
    figure = plot({AMP_TABLE: table}, camera=camera, plotInfo={"run": "u/me"})
    scatter, differences = figure.axes
    assert [line.get_ydata()[0] for line in differences.lines[:2]] == [-5.0, 5.0]
    low, upper = (line.get_ydata() / line.get_xdata() for line in scatter.lines[:2])
    assert_allclose([low, upper], [[0.95] * 2, [1.05] * 2], rtol=1e-12)
    kinds = sorted(set(view.kinds.tolist()))
    for ax, y in ((scatter, view.measured), (differences, view.difference)):
        *points, rings = ax.collections[1:] if ax is scatter else ax.collections
        assert [len(drawn.get_offsets()) for drawn in points] == [int((view.kinds == k).sum()) for k in kinds]
        assert len(rings.get_offsets()) == 2
        inside = np.abs(view.difference) < 14
        shown = np.ma.getdata(np.concatenate([drawn.get_offsets() for drawn in points]))[:, 1]
        order = np.concatenate([np.flatnonzero(view.kinds == kind) for kind in kinds])
        assert_allclose(shown[inside[order]], y[order][inside[order]], rtol=1e-12)
    # A difference of 20 % is at the edge of an axis that ends at 15 %.
    assert 14 < rings.get_offsets()[:, 1].max() < 15
    figure.savefig(io.BytesIO())


def test_nothing_measured_is_said(table, camera):
    empty = replace(table, statistics={k: np.full_like(v, np.nan) for k, v in table.statistics.items()})
    plot = AgreementPlot(test="GAIN_FROM_FLAT_PAIR", measured="CORRECTED", nominal="AMP_GAIN")
    figure = plot({AMP_TABLE: empty}, camera=camera)
    assert [ax.texts[-1].get_text() for ax in figure.axes] == ["No value"] * 2
    figure.savefig(io.BytesIO())


def test_limit_has_to_be_in_percent(table):
    with pytest.raises(ValueError, match="'CORRECTED' of gain has no limit in percent"):
        prepareAgreement(table, GAIN["CORRECTED"], GAIN["CORRECTED"], GAIN["AMP_GAIN"])

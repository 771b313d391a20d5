# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
import numpy as np

from lsst.analysis.cp.core.amps import AmpTable, summarize


def test_medians_of_every_detector(lsstCamLayout, bias):
    rng = np.random.default_rng(0)
    order = rng.permutation(lsstCamLayout.nAmps)
    columns = {
        "exposure": np.full(lsstCamLayout.nAmps, 2026070200001),
        "detector": lsstCamLayout.detectorId[lsstCamLayout.ampDetector[order]],
        "amplifier": lsstCamLayout.ampName[order],
        "BIAS_NOISE": (lsstCamLayout.ampReadNoise * 1.01)[order],
        "BIAS_VERIFY_NOISE": np.full(lsstCamLayout.nAmps, True),
    }
    summary = summarize(AmpTable.fromColumns(columns, bias, lsstCamLayout, tests=["NOISE"]), "detector")
    expected = [
        np.median(lsstCamLayout.ampReadNoise[lsstCamLayout.ampDetector == i] * 1.01)
        for i in range(lsstCamLayout.nDetectors)
    ]
    np.testing.assert_array_equal(summary.tests["NOISE"].values["median"], expected)
    np.testing.assert_allclose(summary.tests["NOISE"].values["quantityMax"], 0.01, rtol=1e-12)
    assert set(summary.status.tolist()) == {1}

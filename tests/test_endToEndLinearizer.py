# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Linearizers, from simulated flats to metrics and plots."""

from __future__ import annotations

import numpy as np
import pytest
from pipelineRuns import SimulatedRepository, findPlots, readPipeline

from lsst.daf.butler import Butler
from lsst.obs.lsst import Latiss, LsstComCam

simulator = pytest.importorskip("lsst.cp.simulator", reason="needs the simulator of the stand-ins")

Kind = simulator.FaultKind
FAULTS = {
    Latiss: (
        simulator.Fault(Kind.LINEARITY_CHANGE, 0, ("C03",)),
        simulator.Fault(Kind.LOW_TURNOFF, 0, ("C05",)),
        simulator.Fault(Kind.MASKED_AMPLIFIER, 0, ("C11",)),
    ),
    LsstComCam: (
        simulator.Fault(Kind.LINEARITY_CHANGE, "R22_S11", ("C11", "C12")),
        simulator.Fault(Kind.MISSING_DETECTOR, 3),
    ),
}
DETECTORS = {Latiss: (0,), LsstComCam: (0, 3, 4)}


@pytest.fixture(scope="module", params=[Latiss, pytest.param(LsstComCam, marks=pytest.mark.slow)])
def linearizers(request, tmp_path_factory) -> tuple[Butler, type]:
    """Verify the linearizers of some detectors, and make the plots on demand."""
    instrument, detectors = request.param, DETECTORS[request.param]
    repository = SimulatedRepository(tmp_path_factory.mktemp("linearizer") / "butler", instrument)
    butler = simulator.makeRepository(repository.root, instrument, ())
    camera = instrument().getCamera()
    simulator.LINEARIZERS.store(butler, instrument(), camera, FAULTS[instrument], detectors=detectors)
    pipeline = readPipeline(f"{repository.name}/verifyLinearizer.yaml")
    lines = [fault.toText() for fault in FAULTS[instrument]]
    pipeline.addConfigOverride("verifyLinearizerSecondLinearizer", "faults", lines)
    # A detector without a first linearizer would stop the graph: that of a prerequisite, as at cp_verify.
    where = f"detector IN {(*sorted({*detectors} - {3}), -1)}"
    repository.run(pipeline, "u/merged", where)
    repository.run("analyzeLinearizer.yaml#linearizerExtended", "u/extended", where)
    return repository.open(), instrument


def test_faults_of_linearizers_are_the_culprits(linearizers):
    butler, instrument = linearizers
    camera = instrument().getCamera()
    results = simulator.listExpectedLinearizerResults(FAULTS[instrument], camera)
    expected, untested = (
        {(result.detector, result.amplifier, test) for result in results for test in getattr(result, name)}
        for name in ("failures", "untested")
    )
    culprits = butler.get("cpLinearizerRun_culprits")
    assert {"exposure"}.isdisjoint(culprits.colnames)

    def listThose(status):
        rows = culprits[culprits["status"] == status]
        return {(int(row["detector"]), str(row["amplifier"]), str(row["test"])) for row in rows}

    assert listThose("failed") == expected
    assert len(expected) == {Latiss: 1, LsstComCam: 2}[instrument]
    absent = set() if instrument is Latiss else set(range(9)) - {0, 4}
    unknown = listThose("unknown")
    assert {row for row in unknown if row[0] not in absent and row[2] == "SPLINE_RESIDUAL"} == untested
    assert {row[0] for row in unknown} - {row[0] for row in untested} == absent
    summary = butler.get("cpLinearizerRun_detectorSummary")
    status = dict(zip(summary["detector"].tolist(), summary["status"].tolist(), strict=True))
    bad = {detector for detector, _, _ in expected}
    assert status == {d: "unknown" if d in absent else "failed" if d in bad else "good" for d in status}


def test_metrics_of_linearizers_are_those_of_the_linearizers(linearizers):
    """Against the stored linearizers themselves, and not against the table."""
    butler, instrument = linearizers
    residuals, ends = {}, {}
    for detector in set(DETECTORS[instrument]) - {3}:
        linearizer = butler.get("verifyLinearizerSecondLinearizer", detector=detector)
        splits = [np.split(c, 2) for c in linearizer.linearityCoeffs.values() if c.any()]
        residuals[detector] = [np.max(np.abs(values[1:] / knots[1:])) * 100 for knots, values in splits]
        ends[detector] = [knots[-1] for knots, _ in splits]
    everything = np.concatenate([*residuals.values()])
    bundle = butler.get("cpLinearizerRun_metrics")
    values = {m.metric_name.metric: m.quantity for m in bundle["linearizerSplineResidual"]}
    for name, expected in (
        ("min", everything.min()),
        ("median", np.median(everything)),
        ("max", everything.max()),
    ):
        assert values[name].value == pytest.approx(expected, rel=1e-12)
        assert values[f"quantity{name.title()}"].value == pytest.approx(expected, rel=1e-12)
    assert str(values["max"].unit) == "%"
    assert values["nFailed"].value == np.count_nonzero(everything > 1)
    assert values["nValid"].value == len(everything)
    end = {m.metric_name.metric: m.quantity for m in bundle["linearizerSplineEnd"]}
    assert end["max"].value == max(map(max, ends.values()))
    for detector, own in residuals.items():
        measured = butler.get("cpLinearizerRunDet_metrics", detector=detector)["linearizerSplineResidual"]
        found = {m.metric_name.metric: m.quantity.value for m in measured}
        assert found["max"] == pytest.approx(max(own), rel=1e-12)
        assert (found["nValid"], found["nAmps"]) == (len(own), 16)


def test_verdict_of_cp_verify_is_reported_and_does_not_count(linearizers):
    """It divides 0 by 0 at the first knot."""
    butler, _ = linearizers
    rows = butler.get("verifyLinearizerResults")
    n_amps = len(rows) - len({*rows["detector"]})
    measured = butler.get("cpLinearizerRun_metrics")["linearizerMaxResidualError"]
    assert {m.metric_name.metric: m.quantity.value for m in measured}["nFailed"] == n_amps


def test_amplifier_without_a_linearizer_is_named(linearizers):
    butler, instrument = linearizers
    table = butler.get("cpLinearizerRun_ampSummary")
    for key in ("SPLINE_RESIDUAL", "SPLINE_END", "FIT_RESIDUALS_RMS"):
        text = table[f"{key}_value"].description
        assert text.endswith("Left out of RXX_S00 C11: not measured.") == (instrument is Latiss)
        assert np.isnan(table[f"{key}_value"]).sum() == (instrument is Latiss)


@pytest.mark.parametrize("linearizers", [Latiss], ids=["LATISS"], indirect=True)
def test_low_turnoff_shows_in_the_end_of_the_spline(linearizers):
    butler, _ = linearizers
    table = butler.get("cpLinearizerRun_ampSummary")
    low = str(table["amplifier"][np.nanargmin(table["SPLINE_END_value"])])
    assert low == "C05"


def test_plots_of_linearizers_are_written(linearizers):
    butler, _ = linearizers
    found = findPlots(butler, "Linearizer")
    assert {
        "cpLinearizerRun_linearizerSplineResidual_FocalPlaneGeometryPlot",
        "cpLinearizerRun_linearizerSplineEnd_FocalPlaneGeometryPlot",
        "cpLinearizerRun_linearizerFailures_FailureMapPlot",
        "cpLinearizerRunExtended_linearizerMargins_MarginStripPlot",
        "cpLinearizerCurvesExtended_linearizerDeviations_LinearityDeviationPlot",
        "cpLinearizerCurvesExtended_linearizerResiduals_LinearityResidualPlot",
        "cpLinearizerCurvesExtended_linearizerFit_LinearityFitPlot",
        "cpLinearizerCurvesExtended_linearizerSplines_LinearitySplinePlot",
    } <= found.keys()


def test_no_tool_of_linearizers_failed(linearizers):
    butler, _ = linearizers
    assert "toolFailures" not in butler.get("verifyLinearizer_metadata")["verifyLinearizer"]

# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""The merges of the pipelines of darks and flats on results that the real cp_verify made of known faults."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from pyarrow import parquet

from lsst.analysis.cp.atools import AmpFailureTool
from lsst.analysis.cp.catalogue import Level, VerifyTest, getProduct
from lsst.daf.butler import Butler
from lsst.daf.butler.formatters.parquet import arrow_to_astropy
from lsst.obs.lsst import LsstComCam
from lsst.pipe.base import Pipeline

ROOT = Path(__file__).parents[2]
DARKS = (2024110501101, 2024110501102)
FLATS = (2024110501201, 2024110501202)
FILTER = "r_03"
KINDS = {"Stats": ("StructuredDataDict", ".yaml"), "Results": ("ArrowAstropy", ".parq")}
WITHOUT_PLOTS = """
from lsst.analysis.tools.interfaces import NoPlot
for tool in config.atools:
    tool.produce.plot = NoPlot
"""


@dataclass(frozen=True)
class Merged:
    """What the merges of a product made, and what the real tasks made of the same results."""

    product: str
    exposures: tuple[int, ...]
    butler: Butler
    read: Callable[[str], Any]
    ofRun: dict[str, str]
    """Data ID of the run: that of the filter, or none."""

    @property
    def endOfRun(self) -> str:
        """End of the names of files of exposures and runs."""
        return "".join(f"_{name}" for name in self.ofRun.values())

    @property
    def rows(self) -> Any:
        """Rows of the run."""
        return self.read(f"verify{self.product.title()}Results{self.endOfRun}.parq")

    def get(self, name: str, **data_id: Any) -> Any:
        """Get a dataset, by its name with a place for the product."""
        of_run = {} if "exposure" in data_id else self.ofRun
        return self.butler.get(name.format(self.product.title()), **data_id, **of_run)


@pytest.fixture(scope="module", params=[("dark", DARKS), ("flat", FLATS)], ids=["dark", "flat"])
def merged(request, sharedData, makeRepository) -> Merged:
    """Run the merges, as the pipeline of LSSTComCam configures them."""
    product, exposures = request.param
    folder = sharedData / "tables" / product
    if not folder.is_dir():
        pytest.skip(f"needs the results of cp_verify: no directory {folder}")

    def read(name):
        path = folder / name
        if path.suffix == ".parq":
            return arrow_to_astropy(parquet.read_table(path))
        # JSON is YAML.
        return yaml.safe_load(path.read_text())

    repository = makeRepository(LsstComCam, exposures, physicalFilter=FILTER)
    for kind, (storage_class, suffix) in KINDS.items():
        name = f"verify{product.title()}Det{kind}"
        repository.register(name, storage_class, ("instrument", "exposure", "detector"))
        for exposure in exposures:
            for detector in range(9):
                value = read(f"{name}_{exposure}_{detector}{suffix}")
                repository.put(name, value, exposure=exposure, detector=detector)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CP_VERIFY_DIR", os.environ.get("CP_VERIFY_DIR", str(ROOT / "standalone")))
        patch.setenv("ANALYSIS_CP_DIR", str(ROOT))
        name = f"verify{product.title()}"
        pipeline = Pipeline.from_uri(f"{ROOT}/pipelines/LSSTComCam/{name}.yaml#{product}Merges")
    for label in (f"{name}Exp", name):
        pipeline.addConfigPython(label, WITHOUT_PLOTS)
    of_run = {"physical_filter": FILTER} if product == "flat" else {}
    return Merged(product, exposures, repository.run(pipeline), read, of_run)


def test_merged_are_those_of_cp_verify(merged):
    end = merged.endOfRun
    names = [
        ("verify{}", {}, end),
        *(("verify{}Exp", {"exposure": e}, f"_{e}{end}") for e in merged.exposures),
    ]
    for name, data_id, file_end in names:
        file = name.format(merged.product.title())
        assert merged.get(f"{name}Stats", **data_id) == merged.read(f"{file}Stats{file_end}.yaml")
        table = merged.get(f"{name}Results", **data_id)
        expected = merged.read(f"{file}Results{file_end}.parq")
        assert table.colnames == expected.colnames
        for column in table.colnames:
            masks = [np.ma.getmaskarray(np.ma.asarray(t[column])) for t in (table, expected)]
            np.testing.assert_array_equal(*masks, column)
            values = [np.asarray(t[column])[~mask] for t, mask in zip((table, expected), masks, strict=True)]
            np.testing.assert_array_equal(*values, column)


def test_culprits_are_the_injected_ones(merged):
    # That of exposures is set aside.
    truth = [f for f in merged.read("truth.json")["expected_failures"] if f["detector"] is not None]
    expected = {
        (
            exposure,
            failure["detector"],
            failure["amplifier"] or "",
            failure["test"].split(" (")[0].replace(" ", "_"),
        )
        for failure in truth
        for exposure in (merged.exposures if failure["exposure"] is None else [failure["exposure"]])
    }
    culprits = merged.get("cp{}Run_culprits")
    listed = culprits[culprits["status"] != "suspicious"]
    found = [tuple(row) for row in listed[["exposure", "detector", "amplifier", "test"]]]
    assert set(listed["status"]) == {"failed"}
    assert len(found) == len(set(found))
    assert set(found) == expected


def summarize(values) -> dict[str, float]:
    """Get what bundles hold of a statistic."""
    finite = np.ma.filled(np.ma.asarray(values).astype(float), np.nan)
    finite = finite[np.isfinite(finite)]
    return {"min": finite.min(), "median": np.median(finite), "max": finite.max(), "nValid": finite.size}


def listBundles(merged) -> Iterator[tuple[str, Any, Any]]:
    """List the bundles of all levels, with the rows that each is of."""
    rows = merged.rows
    yield "run", merged.get("cp{}Run_metrics"), rows
    for detector in range(9):
        part = rows[rows["detector"] == detector]
        yield "runDetector", merged.get("cp{}RunDet_metrics", detector=detector), part
        for exposure in merged.exposures:
            bundle = merged.get("cp{}ExpDet_metrics", exposure=exposure, detector=detector)
            yield "detector", bundle, part[part["exposure"] == exposure]
    for exposure in merged.exposures:
        bundle = merged.get("cp{}Exp_metrics", exposure=exposure)
        yield "exposure", bundle, rows[rows["exposure"] == exposure]


def ownRows(rows, test: VerifyTest):
    """Choose the rows of the kind of a test."""
    if "FLAT_DET_MEAN" not in rows.colnames:
        return rows
    named = ~np.ma.getmaskarray(rows["amplifier"])
    detector = ~np.ma.getmaskarray(rows["FLAT_DET_MEAN"])
    return rows[{"amplifier": named, "detector": detector, "exposure": ~named & ~detector}[test.row]]


def test_metrics_of_all_levels(merged):
    product = getProduct(merged.product)
    for level, bundle, rows in listBundles(merged):
        measured_tests = [test for test in product if test.isMeasuredAt(Level(level))]
        others = {product.failureToolName} | {slope.toolName for slope in product.slopes}
        assert bundle.keys() - others == {test.toolName for test in measured_tests}
        for test in measured_tests:
            own = ownRows(rows, test)
            measured = {str(m.metric_name): m.quantity.value for m in bundle[test.toolName]}
            expected = {"nAmps": len(own)} if test.row == "amplifier" else {}
            if test.row == "detector":
                expected["nDetectors"] = len(set(own["detector"]))
            if test.derived:
                expected["nValid"] = 0  # It is over a time, which is 0 s for these exposures.
            elif test.statistic is not None:
                expected |= summarize(own[test.statisticColumn])
            if test.verify in rows.colnames:
                expected |= {"nTested": len(own), "nFailed": np.count_nonzero(~own[test.verify])}
            for name, value in expected.items():
                assert measured[name] == pytest.approx(value, rel=1e-12), (level, test.key, name)


def computeQuantities(product: str, rows) -> dict[str, Any]:
    """Compute the tested quantities of amplifiers, with the read noise and gain of the camera."""
    amps = [LsstComCam.getCamera()[int(row["detector"])][row["amplifier"]] for row in rows]
    gain, noise = (np.array([getattr(amp, name)() for amp in amps]) for name in ("getGain", "getReadNoise"))
    if product == "flat":
        # There is a dead amplifier, whose mean is below 0: it has no photon noise.
        clipped, means = (np.asarray(rows[name], dtype=float) for name in ("FLAT_NOISE", "FLAT_MEAN"))
        return {
            "flatNoise": clipped / np.sqrt(np.where(means < 0, np.nan, means)),
            "flatNoiseWithReadNoise": clipped / np.sqrt(means + noise**2),
        }
    return {
        "darkMean": np.abs(rows["DARK_MEAN"]) / rows["DARK_NOISE"],
        "darkNoise": (rows["DARK_NOISE"] - noise) / noise,
        "darkCrNoise": np.abs(rows["DARK_NOISE"] - rows["DARK_CR_NOISE"]) / rows["DARK_CR_NOISE"],
        "darkReadNoiseConsistent": (gain * rows["DARK_READ_NOISE_ADU"] - noise) / noise,
    }


def test_quantities_use_the_camera_of_the_run(merged):
    rows = ownRows(merged.rows, getProduct(merged.product)["NOISE"])
    bundle = merged.get("cp{}Run_metrics")
    for tool, values in computeQuantities(merged.product, rows).items():
        measured = {str(m.metric_name): m.quantity.value for m in bundle[tool]}
        values = np.asarray(values, dtype=float)
        expected = {"Min": np.nanmin(values), "Median": np.nanmedian(values), "Max": np.nanmax(values)}
        for name, value in expected.items():
            assert measured[f"quantity{name}"] == pytest.approx(value, rel=1e-12, abs=1e-14), (tool, name)


def test_runs_of_flats_are_those_of_a_filter(merged):
    for name in ("_metrics", "Det_metrics", "_detectorSummary", "_ampSummary", "_culprits"):
        dataset_type = merged.butler.get_dataset_type(f"cp{merged.product.title()}Run{name}")
        assert ("physical_filter" in dataset_type.dimensions) == (merged.product == "flat")
        exposure = merged.butler.get_dataset_type(f"cp{merged.product.title()}Exp{name}")
        # Every exposure has a filter.
        assert "physical_filter" in exposure.dimensions


def test_map_of_failures_shows_amplifiers_and_detectors(merged):
    product = getProduct(merged.product)
    tool = AmpFailureTool(product=merged.product, level="run")
    tool.finalize()
    own = product.ownVerdicts()
    assert list(tool.produce.plot.tests) == [test.key for test in own if test.row == "amplifier"]
    camera = LsstComCam.getCamera()
    view = tool.produce.plot.prepare(tool.process(tool.prep(merged.rows, camera=camera)), camera)
    failures = [f for f in merged.read("truth.json")["expected_failures"] if f["detector"] is not None]
    amplifiers = {(f["detector"], f["amplifier"]) for f in failures if f["amplifier"]}
    assert view.patches.failing.sum() == len(amplifiers)
    detectors = {f["detector"] for f in failures if f["amplifier"] is None}
    assert set(view.geometry.layout.detectorId[view.failingDetectors].tolist()) == detectors
    lines = " ".join(view.listing.lines)
    assert all(f["test"].split(" (")[0].replace(" ", "_") in lines for f in failures)


def test_no_tool_failed(merged):
    for label in ("verify{}Exp", "verify{}"):
        name = label.format(merged.product.title())
        for ref in merged.butler.query_datasets(f"{name}_metadata"):
            assert "toolFailures" not in merged.butler.get(ref)[name]

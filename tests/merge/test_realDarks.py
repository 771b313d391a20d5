# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""The merges of the dark pipeline on results that the real cp_verify made of known faults."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import yaml
from pyarrow import parquet

from lsst.analysis.cp.catalogue import getProduct
from lsst.daf.butler.formatters.parquet import arrow_to_astropy
from lsst.obs.lsst import LsstComCam
from lsst.pipe.base import Pipeline

ROOT = Path(__file__).parents[2]
EXPOSURES = (2024110501101, 2024110501102)
KINDS = {"Stats": ("StructuredDataDict", ".yaml"), "Results": ("ArrowAstropy", ".parq")}
WITHOUT_PLOTS = """
from lsst.analysis.tools.interfaces import NoPlot
for tool in config.atools:
    tool.produce.plot = NoPlot
"""


@pytest.fixture(scope="module")
def read(sharedData):
    """Read what tasks of cp_verify returned."""
    folder = sharedData / "tables" / "dark"
    if not folder.is_dir():
        pytest.skip(f"needs the results of cp_verify: no directory {folder}")

    def readFile(name):
        path = folder / name
        if path.suffix == ".parq":
            return arrow_to_astropy(parquet.read_table(path))
        # JSON is YAML.
        return yaml.safe_load(path.read_text())

    return readFile


@pytest.fixture(scope="module")
def merged(read, makeRepository):
    """Run the merges, as the pipeline of LSSTComCam configures them."""
    repository = makeRepository(LsstComCam, EXPOSURES)
    for kind, (storage_class, suffix) in KINDS.items():
        name = f"verifyDarkDet{kind}"
        repository.register(name, storage_class, ("instrument", "exposure", "detector"))
        for exposure in EXPOSURES:
            for detector in range(9):
                value = read(f"{name}_{exposure}_{detector}{suffix}")
                repository.put(name, value, exposure=exposure, detector=detector)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CP_VERIFY_DIR", os.environ.get("CP_VERIFY_DIR", str(ROOT / "standalone")))
        patch.setenv("ANALYSIS_CP_DIR", str(ROOT))
        pipeline = Pipeline.from_uri(f"{ROOT}/pipelines/LSSTComCam/verifyDark.yaml#darkMerges")
    for label in ("verifyDarkExp", "verifyDark"):
        pipeline.addConfigPython(label, WITHOUT_PLOTS)
    return repository.run(pipeline)


def test_merged_are_those_of_cp_verify(merged, read):
    names = [("verifyDark", {}), *(("verifyDarkExp", {"exposure": exposure}) for exposure in EXPOSURES)]
    for name, data_id in names:
        end = "".join(f"_{exposure}" for exposure in data_id.values())
        assert merged.get(f"{name}Stats", **data_id) == read(f"{name}Stats{end}.yaml")
        table, expected = merged.get(f"{name}Results", **data_id), read(f"{name}Results{end}.parq")
        assert table.colnames == expected.colnames
        for column in table.colnames:
            np.testing.assert_array_equal(table[column], expected[column], column)


def test_culprits_are_the_injected_ones(merged, read):
    truth = read("truth.json")["expected_failures"]
    expected = {
        (exposure, failure["detector"], failure["amplifier"], failure["test"].split()[0])
        for failure in truth
        for exposure in (EXPOSURES if failure["exposure"] is None else [failure["exposure"]])
    }
    culprits = merged.get("cpDarkRun_culprits")
    found = [tuple(row) for row in culprits[["exposure", "detector", "amplifier", "test"]]]
    assert set(culprits["status"]) == {"failed"}
    assert len(found) == len(set(found))
    assert set(found) == expected


def summarize(values):
    """Get what bundles hold of a statistic."""
    finite = np.asarray(values)[np.isfinite(values)]
    return {"min": finite.min(), "median": np.median(finite), "max": finite.max(), "nValid": finite.size}


def listBundles(merged, read):
    """List the bundles of all levels, with the rows that each is of."""
    rows = read("verifyDarkResults.parq")
    yield "run", merged.get("cpDarkRun_metrics"), rows
    for detector in range(9):
        part = rows[rows["detector"] == detector]
        yield "run", merged.get("cpDarkRunDet_metrics", detector=detector), part
        for exposure in EXPOSURES:
            bundle = merged.get("cpDarkExpDet_metrics", exposure=exposure, detector=detector)
            yield "exposure", bundle, part[part["exposure"] == exposure]
    for exposure in EXPOSURES:
        bundle = merged.get("cpDarkExp_metrics", exposure=exposure)
        yield "exposure", bundle, rows[rows["exposure"] == exposure]


def test_metrics_of_all_levels(merged, read):
    tests = list(getProduct("dark"))
    for level, bundle, rows in listBundles(merged, read):
        measured_tests = [test for test in tests if level == "run" or test.varies != "run"]
        assert bundle.keys() - {"darkFailures"} == {test.toolName for test in measured_tests}
        for test in measured_tests:
            measured = {str(m.metric_name): m.quantity.value for m in bundle[test.toolName]}
            expected = {"nAmps": len(rows)}
            if test.statistic is not None:
                expected |= summarize(rows[f"DARK_{test.statistic}"])
            if test.verify in rows.colnames:
                expected |= {"nTested": len(rows), "nFailed": np.count_nonzero(~rows[test.verify])}
            for name, value in expected.items():
                assert measured[name] == pytest.approx(value, rel=1e-12), (test.key, name)


def test_quantities_use_the_camera_of_the_run(merged, read):
    rows = read("verifyDarkResults.parq")
    amps = [LsstComCam.getCamera()[int(row["detector"])][row["amplifier"]] for row in rows]
    gain, noise = (np.array([getattr(amp, name)() for amp in amps]) for name in ("getGain", "getReadNoise"))
    quantities = {
        "darkMean": np.abs(rows["DARK_MEAN"]) / rows["DARK_NOISE"],
        "darkNoise": (rows["DARK_NOISE"] - noise) / noise,
        "darkCrNoise": np.abs(rows["DARK_NOISE"] - rows["DARK_CR_NOISE"]) / rows["DARK_CR_NOISE"],
        "darkReadNoiseConsistent": (gain * rows["DARK_READ_NOISE_ADU"] - noise) / noise,
    }
    bundle = merged.get("cpDarkRun_metrics")
    for tool, values in quantities.items():
        measured = {str(m.metric_name): m.quantity.value for m in bundle[tool]}
        expected = {"Min": np.nanmin(values), "Median": np.nanmedian(values), "Max": np.nanmax(values)}
        for name, value in expected.items():
            assert measured[f"quantity{name}"] == pytest.approx(value, rel=1e-12, abs=1e-14), (tool, name)


def test_no_tool_failed(merged):
    for label in ("verifyDarkExp", "verifyDark"):
        for ref in merged.query_datasets(f"{label}_metadata"):
            assert "toolFailures" not in merged.get(ref)[label]

# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
import json
import os
import subprocess
import sys
from pathlib import Path

import astropy.units as u
import pytest
import yaml

from lsst.analysis.cp.catalogue import LEVELS, Level, getProduct, measurementUnits, products

ROOT = Path(__file__).parents[2]
TESTS = [test for name in products() for test in getProduct(name)]

LOAD = """
import json, sys
from lsst.verify import MetricSet, SpecificationSet
metrics = MetricSet.load_metrics_package(sys.argv[1])
specs = SpecificationSet.load_metrics_package(sys.argv[1])
print(json.dumps({
    "metrics": {name.metric: str(metrics[name].unit) for name in metrics},
    "specs": {
        name.metric: [spec.operator_str, spec.threshold.value, str(spec.threshold.unit)]
        for name, spec in specs.items()
    },
}))
"""


@pytest.fixture(scope="module")
def metrics():
    return yaml.safe_load((ROOT / "metrics" / "analysis_cp.yaml").read_text())


@pytest.fixture(scope="module")
def specs():
    found = {}
    for path in (ROOT / "specs" / "analysis_cp").glob("*.yaml"):
        for document in yaml.safe_load_all(path.read_text()):
            found[document["metric"]] = document
    return found


def test_every_measurement_of_every_tool_is_defined_with_its_unit(metrics):
    expected = {
        f"{test.toolName}_{name}": unit
        for test in TESTS
        for level in LEVELS
        for name, unit in measurementUnits(test, Level(level, getProduct(test.product).epoch)).items()
    }
    for slope in (slope for product in map(getProduct, products()) for slope in product.slopes):
        expected |= {f"{slope.toolName}_{name}": slope.unit for name in ("min", "median", "max")}
        expected |= {f"{slope.toolName}_{name}": "" for name in ("nAmps", "nValid")}
    assert {name: metric["unit"] for name, metric in metrics.items()} == expected


@pytest.mark.parametrize("product", ["bias", "dark"])
def test_limits_are_those_of_cp_verify(specs, product):
    limits = {
        name.removeprefix(product): (spec["threshold"]["operator"], spec["threshold"]["value"])
        for name, spec in specs.items()
        if name.startswith(product)
    }
    assert limits == {
        "Mean_quantityMax": ("<", 1.0),
        "Noise_quantityMax": ("<=", 0.05),
        "CrNoise_quantityMax": ("<=", 0.05),
        "ReadNoiseConsistent_quantityMax": ("<=", 0.05),
        "Mean_nFailed": ("<=", 0),
        "Noise_nFailed": ("<=", 0),
        "CrNoise_nFailed": ("<=", 0),
        "Processing_nFailed": ("<=", 0),
        "ReadNoiseConsistent_nFailed": ("<=", 0),
        "Success_nFailed": ("<=", 0),
    }


def test_limits_of_flats_are_those_that_count(specs):
    limits = {
        name: (spec["threshold"]["operator"], spec["threshold"]["value"])
        for name, spec in specs.items()
        if name.startswith("flat")
    }
    assert limits == {
        "flatNoise_quantityMax": ("<=", 1.0),
        "flatDetScatter_quantityMax": ("<=", 0.05),
        "flatNoise_nFailed": ("<=", 0),
        "flatDetScatter_nFailed": ("<=", 0),
        "flatSuccess_nFailed": ("<=", 0),
    }


def test_limits_of_defects_are_those_of_tests_that_count(specs):
    limits = {
        name: (spec["threshold"]["operator"], spec["threshold"]["value"])
        for name, spec in specs.items()
        if name.startswith("defects")
    }
    tools = [f"defects{test}" for test in ("Outliers", "Stdev", "Min", "Max")]
    assert limits == {f"{tool}_quantityMin": (">=", 0) for tool in tools} | {
        f"{tool}_nFailed": ("<=", 0) for tool in tools
    }


@pytest.mark.parametrize(
    ("metric", "says"),
    [
        ("defectsStdev_nFailed", True),
        ("defectsStdev_max", False),
        ("flatNoise_nFailed", False),
        ("flatNoiseWithReadNoise_nFailed", True),
    ],
)
def test_definitions_say_what_is_computed(metrics, metric, says):
    words = "The verdict is computed, not one of cp_verify."
    assert metrics[metric]["description"].endswith(words) is says


def test_limits_of_ptc_are_those_of_all_sensors(specs):
    """That of a00 is another for each vendor, which lsst.verify has no word for."""
    limits = {
        name: (spec["threshold"]["operator"], spec["threshold"]["value"], spec["threshold"]["unit"])
        for name, spec in specs.items()
        if name.startswith("ptc") and not name.endswith("_nFailed")
    }
    assert limits == {
        "ptcGain_quantityMax": ("<", 5.0, "percent"),
        "ptcNoise_quantityMax": ("<", 5.0, "percent"),
        "ptcTurnoff_quantityMin": (">", 90000.0, "electron"),
    }
    failing = {name for name in specs if name.startswith("ptc") and name.endswith("_nFailed")}
    tools = ("Gain", "Noise", "Turnoff", "BfeA00", "NoiseSignalIndependence", "Success")
    assert failing == {f"ptc{tool}_nFailed" for tool in tools}


def test_limits_of_linearizers_are_those_of_what_is_computed(specs):
    """The verdict that cp_verify stores cannot be passed."""
    limits = {
        name: (spec["threshold"]["operator"], spec["threshold"]["value"], spec["threshold"]["unit"])
        for name, spec in specs.items()
        if name.startswith("linearizer") and not name.endswith("_nFailed")
    }
    assert limits == {
        "linearizerSplineResidual_quantityMax": ("<=", 1.0, "percent"),
        "linearizerQuadraticTerm_quantityMax": ("<=", 1e-6, "1 / adu"),
        "linearizerHigherTerms_quantityMax": ("<=", 1e-6, "1 / adu2"),
    }
    failing = {name for name in specs if name.startswith("linearizer") and name.endswith("_nFailed")}
    assert failing == {
        f"linearizer{tool}_nFailed" for tool in ("SplineResidual", "QuadraticTerm", "HigherTerms")
    }


def test_limits_of_crosstalk(specs):
    limits = {
        name: (spec["threshold"]["operator"], spec["threshold"]["value"])
        for name, spec in specs.items()
        if name.startswith("crosstalk")
    }
    assert limits == {
        "crosstalkNoSignificantDetection_quantityMax": ("<=", 0.0),
        "crosstalkNoSignificantDetection_nFailed": ("<=", 0),
    }


def test_other_products_have_no_limits_yet(specs):
    known = ("bias", "dark", "flat", "defects", "ptc", "crosstalk", "linearizer", "gain", "bfk", "response")
    assert [name for name in specs if not name.startswith(known)] == []


def test_lsst_verify_reads_them(metrics, specs):
    upstream = os.environ.get("UPSTREAM_DIR")
    if not upstream or not (Path(upstream) / "verify" / "python").is_dir():
        pytest.skip("needs a checkout of lsst.verify: set UPSTREAM_DIR to the directory that holds it")
    path = os.pathsep.join([str(Path(upstream) / "verify" / "python"), *sys.path])
    environment = os.environ | {"PYTHONPATH": path, "ANALYSIS_CP_ALLOW_MIXED": "1"}
    command = [sys.executable, "-c", LOAD, str(ROOT)]
    result = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=100)
    assert result.returncode == 0, result.stderr
    found = json.loads(result.stdout)
    # lsst.verify writes units as astropy does: "%" for "percent".
    assert found["metrics"] == {name: str(u.Unit(metric["unit"])) for name, metric in metrics.items()}
    thresholds = {name: spec["threshold"] for name, spec in specs.items()}
    assert found["specs"] == {
        name: [limit["operator"], limit["value"], str(u.Unit(limit["unit"]))]
        for name, limit in thresholds.items()
    }

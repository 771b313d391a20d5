# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Records of the bundles of a repository, with tags, times and calibrations."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import astropy.units as u
import pytest
from astropy.time import Time
from registries import Registries

from lsst.analysis.cp.atools import addTools
from lsst.analysis.cp.metrics import CalibrationLookup, readBundle
from lsst.analysis.cp.sasquatch import Mode, RecordMaker, readTags
from lsst.analysis.cp.tasks.merge import ExpMergeAnalysisConfig
from lsst.analysis.tools.interfaces import MetricMeasurementBundle
from lsst.daf.butler import Butler, CollectionType, DatasetRef, DatasetType, Timespan
from lsst.obs.lsst import Latiss
from lsst.verify import Measurement

RUN = "u/someone/verifyBias/20260302T000000Z"
BARE_RUN = "u/someone/verifyBias"
EXPOSURE = 2026030100001
BEGIN = Time("2026-03-01T10:00:00", scale="tai")
LEVELS = {"cpBiasExp": ("exposure",), "cpBiasExpDet": ("exposure", "detector"), "cpBiasRun": ()}
HALVES = {
    "first": Timespan(None, BEGIN + 1 * u.day),
    "second": Timespan(BEGIN + 1 * u.day, BEGIN + 2 * u.day),
}


def makeBundle() -> MetricMeasurementBundle:
    return MetricMeasurementBundle(
        biasNoise=[Measurement("median", 1 / 3 * u.electron), Measurement("nValid", 16.0 * u.one)],
        metricNamePrefix="cpTest_",
    )


def makeConfig(name: str) -> ExpMergeAnalysisConfig:
    config = ExpMergeAnalysisConfig()
    config.connections.outputName = name
    config.metric_tags = ["nightly"]
    addTools(config, "bias", "exposure")
    config.atools.biasNoise.metric_tags = [name]
    config.freeze()
    return config


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory, registries: Registries) -> Path:
    """Make a repository of one exposure of one detector, with biases that are certified."""
    root = tmp_path_factory.mktemp("repositories") / "repository"
    with registries.hosting():
        butler = Butler.from_config(Butler.makeRepo(str(root)), writeable=True)
    Latiss().register(butler.registry)
    registerExposure(butler)
    for run in (RUN, BARE_RUN, *(f"made/{name}" for name in HALVES)):
        butler.collections.register(run)
    for name, dimensions in LEVELS.items():
        put(butler, makeBundle(), f"{name}_metrics", "MetricMeasurementBundle", RUN, *dimensions)
    put(butler, makeBundle(), "cpBiasExp_metrics", "MetricMeasurementBundle", BARE_RUN, "exposure")
    for label, name in (("verifyOther", "cpOther"), ("verifyBiasExp", "cpBiasExp")):
        config_type = DatasetType(f"{label}_config", (), "Config", universe=butler.dimensions)
        butler.registry.registerDatasetType(config_type)
        butler.put(makeConfig(name), config_type, run=RUN)
    certify(butler)
    butler.close()
    return root


@pytest.fixture
def butler(root: Path) -> Iterator[Butler]:
    """Open the repository."""
    with Butler.from_config(str(root)) as opened:
        yield opened


def registerExposure(butler: Butler) -> None:
    record = {"instrument": "LATISS", "day_obs": 20260301, "group": "g", "physical_filter": "empty~empty"}
    butler.registry.insertDimensionData("day_obs", {"instrument": "LATISS", "id": 20260301})
    butler.registry.insertDimensionData("group", {"instrument": "LATISS", "name": "g"})
    timespan = Timespan(BEGIN, BEGIN + 2 * u.s)
    record |= {"id": EXPOSURE, "obs_id": "e", "seq_num": 1, "timespan": timespan}
    butler.registry.insertDimensionData("exposure", record)


def put(
    butler: Butler, value: object, name: str, storage_class: str, run: str, *dimensions: str
) -> DatasetRef:
    values = {"exposure": EXPOSURE, "detector": 0}
    group = ("instrument", *dimensions)
    dataset_type = DatasetType(name, group, storage_class, universe=butler.dimensions)
    butler.registry.registerDatasetType(dataset_type)
    data_id = {"instrument": "LATISS"} | {dimension: values[dimension] for dimension in dimensions}
    return butler.put(value, dataset_type, data_id, run=run)


def certify(butler: Butler) -> None:
    """Certify a bias for each half of two days, and one in a collection of its own."""
    bias = DatasetType(
        "bias",
        ("instrument", "detector"),
        "StructuredDataDict",
        isCalibration=True,
        universe=butler.dimensions,
    )
    butler.registry.registerDatasetType(bias)
    for name, timespan in HALVES.items():
        ref = butler.put({}, bias, {"instrument": "LATISS", "detector": 0}, run=f"made/{name}")
        for collection in ("calib/all", f"calib/{name}"):
            butler.collections.register(collection, CollectionType.CALIBRATION)
            butler.registry.certify(collection, [ref], timespan)
    butler.collections.register("calib/empty", CollectionType.CALIBRATION)
    butler.collections.register("calib/chain", CollectionType.CHAINED)
    butler.collections.redefine_chain("calib/chain", ["calib/second", "calib/first"])


def make(butler: Butler, ref: DatasetRef, **options: Any) -> dict[str, Any]:
    """Make the one record of a bundle."""
    (record,) = RecordMaker(butler, "lsst.cp", Mode.OWN, **options).make(ref)
    return json.loads(record.payload)


def find(butler: Butler, name: str = "cpBiasExp_metrics", run: str = RUN) -> DatasetRef:
    (ref,) = butler.query_datasets(name, run, with_dimension_records=True)
    return ref


@pytest.mark.parametrize("name", LEVELS)
def test_identifiers_of_stored_bundles(butler, name):
    value = make(butler, find(butler, f"{name}_metrics"))
    known = {"instrument": "LATISS"}
    if "exposure" in LEVELS[name]:
        known |= {"exposure": str(EXPOSURE), "day_obs": "20260301", "physical_filter": "empty~empty"}
    if "detector" in LEVELS[name]:
        known |= {"detector": "0"}
    names = ("instrument", "exposure", "day_obs", "physical_filter", "detector")
    assert {name: value[name] for name in names} == dict.fromkeys(names, "") | known


def test_bundle_is_read_as_the_butler_reads_it(butler):
    content = readBundle(butler, find(butler))
    assert content.values == {"biasNoise": {"median": 1 / 3, "nValid": 16.0}}
    assert content.units == {"biasNoise": {"median": "electron", "nValid": ""}}
    assert content.prefix == "cpTest_"


def test_tags_are_those_of_the_task(butler):
    tags = readTags(butler, find(butler))
    assert set(tags["biasNoise"]) == {"nightly", "cpBiasExp"}
    assert tags["biasMean"] == ("nightly",)


def test_tags_of_detectors_are_those_of_the_task(butler):
    assert readTags(butler, find(butler, "cpBiasExpDet_metrics"))["biasNoise"] == ("nightly",)


@pytest.mark.parametrize(("name", "run"), [("cpBiasRun_metrics", RUN), ("cpBiasExp_metrics", BARE_RUN)])
def test_without_configuration_there_are_no_tags(butler, name, run):
    assert readTags(butler, find(butler, name, run)) == {}


@pytest.mark.parametrize("change", [Path.unlink, lambda path: path.write_text(f"{path.read_text()}(")])
def test_configuration_that_is_spoilt_costs_the_tags_alone(root, registries, tmp_path, caplog, change):
    copy = Butler.from_config(registries.copy(root, tmp_path / "copy"))
    ref = find(copy)
    (stored,) = copy.query_datasets("verifyBiasExp_config", RUN)
    change(Path(copy.getURI(stored).ospath))
    maker = RecordMaker(copy, "lsst.cp", Mode.OWN)
    for _ in range(2):
        (record,) = maker.make(ref)
    value = json.loads(record.payload)
    assert value["tags"] == ""
    assert value["median"] == {"double": 1 / 3}
    assert maker.untagged == 1
    assert caplog.text.count("Records of cpBiasExp_metrics of") == 1
    assert "verifyBiasExp_config cannot be read" in caplog.text


def test_tags_may_be_given(butler):
    value = make(butler, find(butler), tags=["mine"])
    assert value["tags"] == "mine"


def test_record_has_the_tags_of_its_tool(butler):
    value = make(butler, find(butler))
    assert set(value["tags"].split(",")) == {"nightly", "cpBiasExp"}


def test_run_without_time_is_of_its_first_bundle(butler):
    value = make(butler, find(butler, run=BARE_RUN))
    assert abs(value["run_time"] - Time.now().unix) < 600
    assert make(butler, find(butler, run=BARE_RUN)) == value


def test_calibration_of_an_exposure_is_the_valid_one(butler):
    lookup = CalibrationLookup.fromButler(butler, "bias", "calib/all")
    value = make(butler, find(butler, "cpBiasExpDet_metrics"), calibrations=lookup)
    (bias,) = butler.query_datasets("bias", "made/first")
    assert (value["calib_collection"], value["calib_run"]) == ("calib/all", "made/first")
    assert value["calib_id"] == str(bias.id)
    assert value["validity_begin"] is None
    expected = pytest.approx(value["observation_time"] - 1 + 86400, abs=1e-5)
    assert value["validity_end"] == {"double": expected}


def test_run_that_is_older_than_its_calibration_has_it(butler):
    lookup = CalibrationLookup.fromButler(butler, "bias", "calib/second")
    value = make(butler, find(butler, "cpBiasRun_metrics"), calibrations=lookup)
    assert value["calib_run"] == "made/second"
    assert value["time_source"] == "validity"
    assert value["observation_time"] == pytest.approx((BEGIN + 1 * u.day).utc.unix, abs=1e-5)


def test_exposure_outside_of_the_validity_has_none(butler):
    lookup = CalibrationLookup.fromButler(butler, "bias", "calib/second")
    value = make(butler, find(butler), calibrations=lookup)
    assert value["calib_run"] == ""


def test_chains_are_flattened(butler):
    lookup = CalibrationLookup.fromButler(butler, "bias", "calib/chain")
    value = make(butler, find(butler), calibrations=lookup)
    assert value["calib_collection"] == "calib/first"


def test_collection_without_calibration_is_an_error(butler):
    with pytest.raises(ValueError, match="no bias is certified in calib/empty"):
        CalibrationLookup.fromButler(butler, "bias", "calib/empty")

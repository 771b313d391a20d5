# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
import os
import re
from pathlib import Path
from types import SimpleNamespace

import astropy.units as u
import numpy as np
import pytest
from astropy.table import Table
from astropy.time import Time

from lsst.analysis.cp.catalogue import Level, getProduct, measurementUnits, summaryColumn
from lsst.analysis.cp.metrics import (
    CalibrationLookup,
    FoundBundles,
    TrendTableError,
    readButler,
    readHandles,
    unreadDatasets,
)
from lsst.analysis.cp.metrics.summaries import findProduct
from lsst.daf.butler import Butler, CollectionType, DatasetType, Timespan

FIRST, SECOND = "u/cp/verify/20260110T120000Z", "u/cp/verify/20260111T120000Z"
EXPOSURES = (2026010100001, 2026010100002, 2026010500001)
NOISE = getProduct("bias")["NOISE"]


def readValues(table):
    columns = [table[name].to_pylist() for name in ("topic", "measurement", "detector", "exposure", "run")]
    return dict(zip(zip(*columns, strict=True), table["value"].to_pylist(), strict=True))


@pytest.fixture
def detectors(repository, makeValues):
    """Store the noise of three detectors in all exposures."""
    keys = [(exposure, detector) for exposure in EXPOSURES for detector in range(3)]
    values = {key: makeValues(seed) for seed, key in enumerate(keys)}
    for (exposure, detector), measured in values.items():
        repository.putNoise("cpBiasExpDet", measured, exposure=exposure, detector=detector)
    return values


def test_every_value_is_read_exactly(repository, detectors):
    table = readButler(repository.butler, FIRST)
    assert readValues(table) == {
        ("cpBiasExpDet_biasNoise", name, detector, exposure, FIRST): value
        for (exposure, detector), values in detectors.items()
        for name, value in values.items()
    }


def test_a_row_says_all_of_its_value(repository, detectors, readRows):
    table = readButler(repository.butler, FIRST, camera=repository.camera)
    (row,) = readRows(table, measurement="quantityMax", exposure=EXPOSURES[1], detector=2)
    middle = (repository.begin(EXPOSURES[1]) + 1 * u.second).tai.mjd
    assert row.pop("mjd") == pytest.approx(middle, abs=1e-10)
    assert row == {
        "topic": "cpBiasExpDet_biasNoise",
        "metric": "biasNoise",
        "measurement": "quantityMax",
        "value": detectors[EXPOSURES[1], 2]["quantityMax"],
        "unit": "",
        "nValid": 16,
        "level": "detector",
        "instrument": "LSSTComCam",
        "detector": 2,
        "detectorName": "R22_S02",
        "raft": "R22",
        "physicalType": "ITL",
        "exposure": EXPOSURES[1],
        "day_obs": 20260101,
        "physical_filter": "unknown",
        "time_source": "exposure",
        "run": FIRST,
        "threshold": 0.05,
        "passed": "good",
    }


def test_vendors_are_not_known_without_a_camera(repository, detectors):
    table = readButler(repository.butler, FIRST)
    assert table["detectorName"].null_count == 0
    assert table["physicalType"].null_count == len(table)


def test_what_is_not_valid_is_nan(repository, makeValues, readRows):
    absent = dict.fromkeys(("min", "median", "max"), np.nan) | {"nValid": 0.0}
    repository.putNoise("cpBiasExp", makeValues(1, "exposure", **absent), exposure=EXPOSURES[0])
    (row,) = readRows(readButler(repository.butler, FIRST), measurement="median")
    assert np.isnan(row["value"])
    assert row["nValid"] == 0


def test_metrics_of_a_run_have_the_time_in_its_name(repository, makeValues, readRows):
    repository.putNoise("cpBiasRun", makeValues(1, "run"))
    (row,) = readRows(readButler(repository.butler, FIRST), measurement="median")
    assert row["mjd"] == pytest.approx(Time("2026-01-10T12:00:00", scale="utc").tai.mjd, abs=1e-10)
    assert (row["level"], row["exposure"], row["detector"], row["day_obs"]) == ("run", None, None, None)


def test_metrics_of_a_run_without_a_time_have_that_of_their_storage(repository, makeValues, readRows):
    repository.butler.registry.registerRun("u/cp/anyName")
    before = Time.now().tai.mjd
    repository.putNoise("cpBiasRun", makeValues(1, "run"), run="u/cp/anyName")
    (row,) = readRows(readButler(repository.butler, "u/cp/anyName"), measurement="median")
    assert before - 1 / 86400 < row["mjd"] < Time.now().tai.mjd + 1 / 86400


def test_metrics_of_a_calibration_have_its_begin_of_validity(repository, makeValues, readRows):
    repository.putNoise("cpBiasRun", makeValues(1, "run"))
    butler = repository.butler
    bias = DatasetType(
        "bias",
        ("instrument", "detector"),
        "StructuredDataDict",
        isCalibration=True,
        universe=butler.dimensions,
    )
    butler.registry.registerDatasetType(bias)
    refs = [butler.put({}, bias, instrument="LSSTComCam", detector=0, run=FIRST)]
    butler.registry.registerCollection("calib", CollectionType.CALIBRATION)
    begin = Time("2026-01-08T00:00:00", scale="tai")
    butler.registry.certify("calib", refs, Timespan(begin, None))
    calibrations = CalibrationLookup.fromButler(butler, "bias", "calib")
    table = readButler(butler, FIRST, calibrations=calibrations)
    assert readRows(table, measurement="median")[0]["mjd"] == pytest.approx(begin.mjd, abs=1e-10)


def test_runs_are_told_apart(repository, makeValues):
    for seed, run in enumerate((FIRST, SECOND)):
        repository.putNoise("cpBiasRun", makeValues(seed, "run"), run=run)
    values = readValues(readButler(repository.butler, [SECOND, FIRST], measurements=["median"]))
    assert values == {
        ("cpBiasRun_biasNoise", "median", None, None, run): makeValues(seed, "run")["median"]
        for seed, run in enumerate((FIRST, SECOND))
    }


def test_the_first_collection_counts_alone_if_that_is_wanted(repository, makeValues):
    for run in (FIRST, SECOND):
        repository.putNoise("cpBiasRun", makeValues(1, "run"), run=run)
    table = readButler(repository.butler, [SECOND, FIRST], findFirst=True)
    assert set(table["run"].to_pylist()) == {SECOND}


def test_a_dataset_of_several_collections_is_read_once(repository, detectors):
    butler = repository.butler
    butler.registry.registerCollection("tagged", CollectionType.TAGGED)
    butler.registry.associate("tagged", butler.query_datasets("cpBiasExpDet_metrics", FIRST))
    butler.registry.registerCollection("chain", CollectionType.CHAINED)
    butler.collections.redefine_chain("chain", [FIRST, "tagged"])
    assert len(readButler(butler, "chain")) == len(readButler(butler, FIRST))


def test_others_can_write_while_datasets_are_read(repository, detectors):
    """An open query would keep them from it."""
    writer = Butler.from_config(str(repository.root), writeable=True)
    runs = []

    def write(dataId, time):
        runs.append(f"other{len(runs)}")
        writer.registry.registerRun(runs[-1])

    readButler(repository.butler, FIRST, calibrations=SimpleNamespace(find=write))
    assert len(runs) == len(detectors)


def test_a_query_chooses_exposures(repository, detectors):
    table = readButler(
        repository.butler,
        FIRST,
        where="instrument = 'LSSTComCam' AND exposure.day_obs > night",
        bind={"night": 20260101},
    )
    assert set(table["exposure"].to_pylist()) == {EXPOSURES[2]}


def test_metrics_and_measurements_are_chosen(repository, makeValues, makeBundle):
    values = {"biasNoise": makeValues(1), "biasFailures": {"nAmps": 16.0}}
    bundle = makeBundle("cpBiasExp", values, {})
    repository.put("cpBiasExp_metrics", bundle, exposure=EXPOSURES[0])
    for names in (["biasNoise"], ["cpBiasExp_biasNoise"]):
        table = readButler(repository.butler, FIRST, metrics=names, measurements=["median"])
        assert set(readValues(table)) == {("cpBiasExp_biasNoise", "median", None, EXPOSURES[0], FIRST)}
        assert table["nValid"].to_pylist() == [16]


def test_a_unit_that_changed_stays_with_its_values(repository, makeBundle, readRows):
    for run, unit in ((FIRST, "adu"), (SECOND, "electron")):
        bundle = makeBundle("cpBiasRun", {"biasNoise": {"median": 5.0}}, {"median": unit})
        repository.put("cpBiasRun_metrics", bundle, run=run)
    rows = readRows(readButler(repository.butler, (FIRST, SECOND)))
    assert [(row["run"], row["unit"]) for row in rows] == [(FIRST, "adu"), (SECOND, "electron")]


def makeSummary(values, level="detector"):
    """Make a detector summary table of the noise test."""
    table = Table({"detector": list(values)})
    table["detectorName"] = [f"R22_S{number:02d}" for number in values]
    table["physicalType"] = ["ITL"] * len(values)
    table["nAmpsMissing"] = [0] * len(values)
    for name, unit in measurementUnits(NOISE, Level(level)).items():
        column = [measured[name] for measured in values.values()]
        counted = name.startswith("n")
        table[summaryColumn(NOISE, name)] = np.array(column, int) if counted else column * u.Unit(unit)
    table["BIG"] = np.zeros((len(values), 1000))
    return table


@pytest.fixture
def summaries(repository, detectors):
    for exposure in EXPOSURES:
        values = {number: v for (e, number), v in detectors.items() if e == exposure}
        repository.put("cpBiasExp_detectorSummary", makeSummary(values), "ArrowAstropy", exposure=exposure)
    return ["cpBiasExp_detectorSummary"]


def test_tables_of_detectors_are_as_good_as_their_bundles(repository, summaries, assertSame):
    bundles = readButler(repository.butler, FIRST, camera=repository.camera)
    tables = readButler(repository.butler, FIRST, datasetTypes=summaries)
    assertSame(tables, bundles)


def test_no_other_column_of_a_table_is_read(repository, summaries):
    (ref, *_) = repository.butler.query_datasets(summaries[0], FIRST, with_dimension_records=True)
    handle = repository.butler.getDeferred(ref)
    asked = []

    def get(**kwargs):
        asked.append(kwargs)
        return handle.get(**kwargs)

    spy = SimpleNamespace(ref=ref, dataId=handle.dataId, get=get)
    assert len(readHandles([spy], measurements=["median"])) == 3
    (columns,) = [kwargs["parameters"]["columns"] for kwargs in asked if "parameters" in kwargs]
    assert "NOISE_median" in columns
    assert "BIG" not in columns
    assert "NOISE_min" not in columns


def test_a_bundle_of_any_source_is_read(repository, detectors, assertSame):
    refs = repository.butler.query_datasets("cpBiasExpDet_metrics", FIRST, with_dimension_records=True)
    handles = [repository.butler.getDeferred(ref) for ref in refs]
    others = [SimpleNamespace(ref=handle.ref, dataId=handle.dataId, get=handle.get) for handle in handles]
    assertSame(readHandles(others), readHandles(handles))


def test_a_table_of_a_run_gives_metrics_of_its_detectors(repository, makeValues, readRows):
    values = {number: makeValues(number, "runDetector") for number in range(2)}
    repository.put("cpBiasRun_detectorSummary", makeSummary(values, "runDetector"), "ArrowAstropy")
    table = readButler(repository.butler, FIRST, datasetTypes=["cpBiasRun_detectorSummary"])
    (row,) = readRows(table, measurement="nExposures", detector=1)
    assert (row["topic"], row["level"]) == ("cpBiasRunDet_biasNoise", "runDetector")


def test_a_table_that_lacks_a_column_gives_the_others(repository, makeValues):
    table = makeSummary({0: makeValues(1)})
    table.remove_column("NOISE_median")
    repository.put("cpBiasExp_detectorSummary", table, "ArrowAstropy", exposure=EXPOSURES[0])
    read = readButler(repository.butler, FIRST, datasetTypes="cpBiasExp_detectorSummary")
    expected = {name for name in makeValues(1) if name != "median"}
    assert set(read["measurement"].to_pylist()) == expected


def test_a_table_without_units_has_those_of_the_catalogue(repository, makeValues, readRows):
    values = makeValues(1)
    plain = makeSummary({0: values})
    for column in plain.itercols():
        column.unit = None
    repository.put("cpBiasExp_detectorSummary", plain, "ArrowAstropy", exposure=EXPOSURES[0])
    read = readButler(repository.butler, FIRST, datasetTypes="cpBiasExp_detectorSummary")
    (median,) = readRows(read, measurement="median")
    assert (median["value"], median["unit"]) == (values["median"], "electron")
    (tested,) = readRows(read, measurement="quantityMax")
    assert (tested["unit"], tested["threshold"]) == ("", 0.05)
    assert tested["passed"] == ("good" if values["quantityMax"] <= 0.05 else "failed")


def test_a_column_in_another_unit_is_converted(repository, makeValues, readRows):
    values = makeValues(1)
    table = makeSummary({0: values})
    table["NOISE_median"] = [values["median"] / 1000] * u.Unit("1000 electron")
    table["NOISE_quantityMax"] = [100 * values["quantityMax"]] * u.percent
    repository.put("cpBiasExp_detectorSummary", table, "ArrowAstropy", exposure=EXPOSURES[0])
    read = readButler(repository.butler, FIRST, datasetTypes="cpBiasExp_detectorSummary")
    for name, unit in (("median", "electron"), ("quantityMax", "")):
        (row,) = readRows(read, measurement=name)
        assert row["value"] == pytest.approx(values[name], rel=1e-12)
        assert row["unit"] == unit
    assert row["threshold"] == 0.05


def test_a_table_of_a_pipeline_without_gains_is_in_adu(repository, makeValues, readRows):
    table = makeSummary({0: makeValues(1)})
    for name in ("min", "median", "max"):
        table[f"NOISE_{name}"].unit = u.adu
    repository.put("cpBiasExp_detectorSummary", table, "ArrowAstropy", exposure=EXPOSURES[0])
    read = readButler(repository.butler, FIRST, datasetTypes="cpBiasExp_detectorSummary")
    units = {row["measurement"]: row["unit"] for row in readRows(read)}
    assert {units[name] for name in ("min", "median", "max")} == {"adu"}
    assert (units["quantityMax"], units["nFailed"]) == ("", "")
    (value,) = (row["value"] for row in readRows(read) if row["measurement"] == "median")
    assert value == table["NOISE_median"][0]


def test_a_table_in_a_unit_that_cannot_be_converted_costs_itself(repository, makeValues):
    table = makeSummary({0: makeValues(1)})
    table["NOISE_median"].unit = u.K
    repository.put("cpBiasExp_detectorSummary", table, "ArrowAstropy", exposure=EXPOSURES[0])
    read = readButler(repository.butler, FIRST, datasetTypes="cpBiasExp_detectorSummary")
    assert len(read) == 0
    (reason,) = unreadDatasets(read).values()
    assert "'NOISE_median' has the unit 'K', which cannot be converted to 'electron'" in reason


@pytest.mark.parametrize(
    "ids", [[0.0, np.nan], [0, -1], [False, True], np.array([0, 2**63 + 5], np.uint64)], ids=str
)
def test_a_table_with_a_detector_that_is_none_costs_itself(repository, makeValues, ids):
    table = makeSummary({0: makeValues(1), 1: makeValues(2)})
    table["detector"] = ids
    repository.put("cpBiasExp_detectorSummary", table, "ArrowAstropy", exposure=EXPOSURES[0])
    read = readButler(repository.butler, FIRST, datasetTypes="cpBiasExp_detectorSummary")
    assert len(read) == 0
    (reason,) = unreadDatasets(read).values()
    assert "column 'detector' holds" in reason


@pytest.mark.parametrize("value", [1e300, 2.0**63, -1.0, 0.5])
def test_what_is_no_count_is_none(repository, makeValues, value):
    repository.putNoise("cpBiasExp", makeValues(1, "exposure", nValid=value), exposure=EXPOSURES[0])
    assert set(readButler(repository.butler, FIRST)["nValid"].to_pylist()) == {None}


def test_a_table_of_another_name_is_read_if_its_product_is_said(repository, makeValues):
    repository.put(
        "anyExp_detectorSummary", makeSummary({0: makeValues(1)}), "ArrowAstropy", exposure=EXPOSURES[0]
    )
    table = readButler(repository.butler, FIRST, datasetTypes="anyExp_detectorSummary", product="bias")
    assert set(table["topic"].to_pylist()) == {"anyExpDet_biasNoise"}


def test_missing_amplifiers_are_known_from_the_table(repository, makeValues, readRows):
    table = makeSummary({0: makeValues(1)})
    table["nAmpsMissing"] = [1]
    repository.put("cpBiasExp_detectorSummary", table, "ArrowAstropy", exposure=EXPOSURES[0])
    read = readButler(repository.butler, FIRST, datasetTypes=["cpBiasExp_detectorSummary"])
    assert readRows(read, measurement="nFailed")[0]["passed"] == "unknown"


def test_a_repository_without_metrics_gives_no_rows(repository):
    assert len(readButler(repository.butler, FIRST)) == 0


def test_a_metric_that_there_is_not_is_an_error(repository, detectors):
    with pytest.raises(TrendTableError, match="9 dataset.s.: no metric biasNose; there are biasNoise"):
        readButler(repository.butler, FIRST, metrics=["biasNose"])


def test_a_metric_that_there_is_not_may_be_no_error(repository, detectors):
    handles = [
        repository.butler.getDeferred(ref)
        for ref in repository.butler.query_datasets(
            "cpBiasExpDet_metrics", FIRST, with_dimension_records=True
        )
    ]
    assert len(readHandles(handles, metrics=["biasNose"], needsAll=False)) == 0
    assert len(readHandles(handles, metrics=["biasNose", "biasNoise"], needsAll=False)) == 99


def test_a_text_for_a_list_of_metrics_is_an_error(repository):
    with pytest.raises(TrendTableError, match=r"metrics is 'biasNoise', expected a list.*\['biasNoise'\]"):
        readButler(repository.butler, FIRST, metrics="biasNoise")


def test_another_kind_of_dataset_is_an_error(repository):
    repository.put("cpBiasExp_other", Table({"a": [1]}), "ArrowAstropy", exposure=EXPOSURES[0])
    with pytest.raises(TrendTableError, match="'cpBiasExp_other' is no MetricMeasurementBundle"):
        readButler(repository.butler, FIRST, datasetTypes=["cpBiasExp_other"])


def test_a_table_that_names_no_product_is_an_error(repository, makeValues):
    table = makeSummary({0: makeValues(1)})
    repository.put("anyExp_detectorSummary", table, "ArrowAstropy", exposure=EXPOSURES[0])
    message = "'anyExp_detectorSummary' names no product: say which, or expected one of cpBfk, cpBias, "
    with pytest.raises(TrendTableError, match=message):
        readButler(repository.butler, FIRST, datasetTypes=["anyExp_detectorSummary"])


def test_a_table_of_another_form_costs_itself(repository, summaries, makeValues):
    table = makeSummary({0: makeValues(1)})
    table.remove_columns(["detectorName", "physicalType"])
    repository.put(summaries[0], table, "ArrowAstropy", exposure=EXPOSURES[0], run=SECOND)
    found = readButler(repository.butler, [FIRST, SECOND], datasetTypes=summaries)
    assert set(found["run"].to_pylist()) == {FIRST}
    ((name, reason),) = unreadDatasets(found).items()
    assert name.startswith("cpBiasExp_detectorSummary {")
    assert name.endswith(f"of {SECOND}")
    assert "lacks column(s) detectorName, physicalType" in reason


def spoil(repository, exposure, detector, change):
    """Do something to the file of a bundle."""
    (ref,) = repository.butler.query_datasets(
        "cpBiasExpDet_metrics", FIRST, instrument="LSSTComCam", exposure=exposure, detector=detector
    )
    change(Path(repository.butler.getURI(ref).ospath))


def makeLoop(path):
    path.unlink()
    path.symlink_to(path)


def makeDirectory(path):
    path.unlink()
    path.mkdir()


def makeFifo(path):
    path.unlink()
    os.mkfifo(path)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (Path.unlink, "FileNotFoundError: it is lost"),
        (lambda path: path.write_bytes(path.read_bytes()[:-10]), "BundleError: it is not JSON"),
        (lambda path: path.write_text("[" * 200_000), "BundleError: it is not JSON"),
        (lambda path: path.write_text('{"a": [{"metric": "b", "value": "x", "unit": ""}]}'), "BundleError"),
        (lambda path: path.write_text('{"a": {}}'), "BundleError: .*expected a list"),
        (makeLoop, "BundleError: it is no regular file"),
        (makeDirectory, "BundleError: it is no regular file"),
        (makeFifo, "BundleError: it is no regular file"),
    ],
)
def test_a_bad_bundle_costs_itself(repository, detectors, caplog, change, reason):
    spoil(repository, EXPOSURES[0], 1, change)
    table = readButler(repository.butler, FIRST, measurements=["median"])
    assert len(table) == len(detectors) - 1
    ((name, text),) = unreadDatasets(table).items()
    assert re.match(reason, text)
    assert name == (
        f"cpBiasExpDet_metrics {{instrument: LSSTComCam, detector: 1, exposure: {EXPOSURES[0]}}} of {FIRST}"
    )
    assert f"{name} cannot be read" in caplog.text


def test_an_unstored_bundle_costs_itself(repository, detectors):
    (ref, *_) = repository.butler.query_datasets("cpBiasExpDet_metrics", FIRST)
    repository.butler.pruneDatasets([ref], disassociate=False, unstore=True)
    table = readButler(repository.butler, FIRST, measurements=["median"])
    assert len(table) == len(detectors) - 1
    assert len(unreadDatasets(table)) == 1


def test_a_bundle_that_is_removed_meanwhile_is_named(repository, detectors, monkeypatch):
    (ref, *_) = repository.butler.query_datasets("cpBiasExpDet_metrics", FIRST)
    find = FoundBundles.read

    def read(self, butler, ids):
        butler.pruneDatasets([ref], purge=True, unstore=True, disassociate=True)
        return find(self, butler, ids)

    monkeypatch.setattr(FoundBundles, "read", read)
    table = readButler(repository.butler, FIRST, measurements=["median"])
    assert len(table) == len(detectors) - 1
    assert list(unreadDatasets(table)) == [f"cpBiasExpDet_metrics {ref.id}"]


def test_a_table_names_its_runs(repository, detectors):
    assert readButler(repository.butler, FIRST).schema.metadata[b"sources"].decode() == f'["{FIRST}"]'


def test_handles_without_records_are_an_error(repository, detectors):
    (ref, *_) = repository.butler.query_datasets("cpBiasExpDet_metrics", FIRST)
    with pytest.raises(ValueError, match="cpBiasExpDet_metrics .* has no dimension records"):
        readHandles([repository.butler.getDeferred(ref)])


@pytest.mark.parametrize(
    ("name", "product"),
    [
        ("cpCrosstalkRun_detectorSummary", "crosstalk"),
        ("cpCrosstalkCoefficientsRun_detectorSummary", "crosstalkCoefficients"),
        ("cpGainRun_detectorSummary", "gain"),
    ],
)
def test_product_of_a_table_is_that_of_the_longest_name(name, product):
    assert findProduct(name, None).name == product


@pytest.mark.parametrize("name", ["cpOther_detectorSummary", "cpBias_cpDark_detectorSummary"])
def test_table_that_names_no_product_or_two_is_refused(name):
    with pytest.raises(TrendTableError, match=f"dataset type '{name}' names no product"):
        findProduct(name, None)

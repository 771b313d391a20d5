# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
import numpy as np
import pytest
from astropy.time import Time

from lsst.analysis.cp.metrics import TrendTableError, labelColumn, readButler
from lsst.analysis.cp.sasquatch import InfluxError, Mode, loadTopics, readSasquatch

FIRST, SECOND = RUNS = ("u/cp/verify/20260110T120000Z", "u/cp/verify/20260111T120000Z")
EXPOSURES = (2026010100001, 2026010100002, 2026010500001)
DIFFICULT = (1 / 3, -1e-300, 5e-324, 1.7976931348623157e308, float(2**53 + 2), 0.1 + 0.2, -0.0, 1e21, 4.0)
REDUCTIONS = ("min", "median", "max", "quantityMin", "quantityMedian", "quantityMax")


def complete(topic, **values):
    """Make all measurements of a listed topic, 0 where they are not given."""
    return dict.fromkeys(loadTopics()[topic].units, 0.0) | values


@pytest.fixture
def metrics(repository, makeValues, makeBundle):
    """Store metrics of all levels, some of which are not valid."""
    absent = dict.fromkeys(REDUCTIONS, np.nan) | {"nValid": 0.0}
    untested = dict.fromkeys(REDUCTIONS[3:], np.nan)
    for seed, exposure in enumerate(EXPOSURES):
        for detector in range(3):
            more = absent if (seed, detector) == (1, 2) else {}
            values = makeValues(10 * seed + detector, **more)
            repository.putNoise("cpBiasExpDet", values, exposure=exposure, detector=detector)
        tools = {
            "cpBiasExp": {
                "biasNoise": makeValues(seed, "exposure", **untested),
                "biasFailures": complete("cpBiasExp_biasFailures", nAmps=144.0, nAmpsFailed=3.0),
            },
            "cpBiasExpResidual": {
                "biasStructures": complete("cpBiasExpResidual_biasStructures", nGlow=seed, maxGlowScore=7.5)
            },
        }
        units = dict.fromkeys(("min", "median", "max"), "electron")
        for name, values in tools.items():
            bundle = makeBundle(name, values, units)
            repository.put(f"{name}_metrics", bundle, exposure=exposure)
    for seed, run in enumerate(RUNS):
        repository.putNoise("cpBiasRun", makeValues(seed, "run"), run=run)


@pytest.mark.parametrize(
    "tags", [("dataset_tag",), ("dataset_tag", "instrument", "detector", "exposure", "run")]
)
def test_both_sources_give_the_same_table(repository, metrics, send, read, assertSame, tags):
    send(tags=tags)
    assertSame(read(camera=repository.camera), readButler(repository.butler, RUNS, camera=repository.camera))


def test_names_of_detectors_need_no_camera(repository, metrics, send, read, assertSame):
    send()
    assertSame(read(), readButler(repository.butler, RUNS))


def test_a_metric_that_is_not_listed_has_all_but_its_unit(repository, makeBundle, send, read, assertSame):
    bundle = makeBundle("anyExp", {"anyTool": {"nThings": 3.0, "mean": 1 / 3}}, {"mean": "adu"})
    repository.put("anyExp_metrics", bundle, exposure=EXPOSURES[0])
    send()
    expected = readButler(repository.butler, FIRST)
    assert expected["unit"].to_pylist() == ["adu", ""]
    unit = labelColumn(np.array([-1, 0]), [""])
    assertSame(read(), expected.set_column(4, expected.schema.field("unit"), unit))


@pytest.mark.parametrize("value", DIFFICULT, ids=repr)
def test_no_digit_is_lost(repository, makeValues, send, read, value):
    repository.putNoise("cpBiasExp", makeValues(1, "exposure", median=value), exposure=EXPOSURES[0])
    send()
    assert read(measurements=["median"])["value"].to_pylist() == [value]


@pytest.mark.parametrize("mode", list(Mode))
def test_what_is_not_valid_is_never_zero(repository, makeValues, send, read, mode):
    absent = dict.fromkeys(REDUCTIONS, np.nan) | {"nValid": 0.0}
    repository.putNoise("cpBiasExp", makeValues(1, "exposure", **absent), exposure=EXPOSURES[0])
    send(mode)
    table = read(measurements=REDUCTIONS, upstreamSchema=mode is Mode.UPSTREAM)
    assert len(table) == len(REDUCTIONS)
    assert np.isnan(table["value"]).all()
    assert set(table["nValid"].to_pylist()) == {0}


def test_upstreams_topics_keep_all_but_precision_and_time(repository, metrics, send, read):
    send(Mode.UPSTREAM, tags=("dataset_tag", "detector", "exposure"))
    expected = readButler(repository.butler, RUNS, camera=repository.camera)
    table = read(upstreamSchema=True, camera=repository.camera)
    exact = expected["value"].to_numpy()
    np.testing.assert_array_equal(table["value"], exact.astype(np.float32).astype(float))
    for name in ("topic", "measurement", "unit", "detectorName", "run", "physical_filter"):
        assert table[name].to_pylist() == expected[name].to_pylist()
    for name in ("detector", "exposure", "day_obs", "nValid"):
        assert table[name].equals(expected[name])
    assert table["mjd"].is_null().equals(table["exposure"].is_valid())
    assert set(table["time_source"].to_pylist()) == {"night", "run"}


def test_a_bundle_that_was_sent_twice_counts_once(repository, metrics, send, read, database, namespace):
    send()
    once = read(["cpBiasRun_biasNoise"], measurements=["median"])
    topic = f"{namespace}.ts.cpBiasRun_biasNoise"
    row = database.read(topic)[0]
    fields = f'id="{row["id"]}",run="{row["run"]}",instrument="LSSTComCam",nValid=1,median=1.5'
    database.write([f"{topic} {fields} {row['time'] + 1}"])
    twice = read(["cpBiasRun_biasNoise"], measurements=["median"])
    assert len(twice) == len(once) == 2
    assert 1.5 in twice["value"].to_pylist()


def test_metrics_are_chosen_by_tool_or_topic(metrics, send, read):
    send()
    tools = read(["biasNoise"], measurements=["median"])
    assert set(tools["topic"].to_pylist()) == {
        "cpBiasExpDet_biasNoise",
        "cpBiasExp_biasNoise",
        "cpBiasRun_biasNoise",
    }
    assert set(read(["cpBiasRun_biasNoise"])["topic"].to_pylist()) == {"cpBiasRun_biasNoise"}


def test_points_are_chosen_by_instrument_run_and_time(metrics, send, read):
    send()
    assert len(read(instrument="LATISS")) == 0
    assert set(read(runs=[SECOND])["run"].to_pylist()) == {SECOND}
    times = {"start": Time("2026-01-05T00:00:00"), "end": Time("2026-01-09T00:00:00")}
    assert set(read(**times)["exposure"].to_pylist()) == {EXPOSURES[2]}


def test_more_points_than_one_part_of_an_answer_holds(database, namespace, read):
    n = 25_001
    topic = f"{namespace}.ts.anyExp_anyTool"
    line = '{} id="{}",run="r",instrument="X",exposure="{}",observation_time={},mean={} {}'
    database.write(line.format(topic, i, i, 1.7e9 + i, i / 7, i) for i in range(n))
    table = read()
    assert table["exposure"].to_pylist() == list(range(n))
    assert table["value"].to_pylist() == [i / 7 for i in range(n)]


def test_topics_of_the_other_mode_are_not_read(metrics, send, read, namespace):
    send()
    with pytest.raises(TrendTableError, match=f"database efd at http://.* has no topics {namespace}\\.\\*"):
        read(upstreamSchema=True)


def test_names_are_quoted(metrics, send, read):
    send()
    assert len(read(instrument="a' OR '1'='1", runs='b"\\')) == 0


def test_records_without_an_instrument_are_read(database, namespace, read):
    database.write([f'{namespace}.tract_any id="1",run="r",instrument="",run_timestamp=1e9,mean=1.5 1'])
    table = read(upstreamSchema=True)
    assert table["value"].to_pylist() == [1.5]
    assert table["instrument"].to_pylist() == [None]


def test_a_metric_that_there_is_not_is_an_error(metrics, send, read, namespace):
    send()
    with pytest.raises(
        TrendTableError, match=f"namespace {namespace}.ts.: no metric biasNose; there are bias"
    ):
        read(["biasNose"])


def test_a_database_that_there_is_not_is_an_error(database):
    with pytest.raises(InfluxError, match="refuses 'SHOW FIELD KEYS.*: database not found: other"):
        readSasquatch(database.url, "other", "lsst.cp")


def test_a_field_of_another_kind_is_an_error(database, namespace, read):
    database.write([f'{namespace}.ts.a_b id="1",run="r",instrument="X",detector="R22",mean=1 1'])
    with pytest.raises(InfluxError, match="topic a_b, field detector: expected numbers: .*'R22'"):
        read()

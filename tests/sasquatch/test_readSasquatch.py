# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""The table that is read from the database, beside that of the repository."""

import json
import re
import shutil
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pyarrow as pa
import pytest
from astropy.time import Time
from registries import Registries
from services.connector import Connector
from services.influxDatabase import InfluxDatabase
from services.metricRepository import EXPOSURES, RUNS, MetricRepository, assertSame, makeBundle, makeValues
from services.rawServer import RawServer, makeAnswer
from services.restProxy import RestProxy

from lsst.analysis.cp.metrics import TrendTableError, declaredMeasurements, labelColumn, readButler
from lsst.analysis.cp.sasquatch import InfluxError, Mode, RecordMaker, readSasquatch
from lsst.analysis.cp.sasquatch.access import SasquatchError

FIRST, SECOND = RUNS
DIFFICULT = (1 / 3, -1e-300, 5e-324, 1.7976931348623157e308, float(2**53 + 2), 0.1 + 0.2, -0.0, 1e21, 4.0)
REDUCTIONS = ("min", "median", "max", "quantityMin", "quantityMedian", "quantityMax")


def complete(tool, **values):
    """Make all measurements of a tool, 0 where they are not given."""
    return dict.fromkeys(declaredMeasurements(tool, "exposure"), 0.0) | values


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory, registries: Registries) -> Path:
    """Make a repository without metrics, to be copied."""
    with registries.hosting():
        made = MetricRepository.make(tmp_path_factory.mktemp("template") / "repository")
    made.butler.close()
    return made.root


@pytest.fixture
def repository(tmp_path: Path, template: Path, registries: Registries) -> MetricRepository:
    """Return a repository without metrics."""
    return MetricRepository(registries.copy(template, tmp_path / "repository"))


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InfluxDatabase]:
    """Run InfluxDB for all tests, each of which has a namespace of its own."""
    if shutil.which("influxd") is None:
        pytest.skip("needs InfluxDB 1: no influxd on PATH (Debian: apt-get install influxdb)")
    server = InfluxDatabase(tmp_path_factory.mktemp("influxdb"))
    yield server
    server.stop()


@pytest.fixture
def namespace(request: pytest.FixtureRequest) -> str:
    """Name a namespace for one test."""
    return re.sub(r"[^a-zA-Z0-9]+", "", request.node.name) + ".cp"


@pytest.fixture
def send(repository: MetricRepository, database: InfluxDatabase, namespace: str) -> Callable[..., None]:
    """Send all metrics of the repository by way of the double of the REST proxy into the database."""

    def send(mode: Mode = Mode.OWN, **options: Any) -> None:
        maker = RecordMaker(repository.butler, namespace, mode)
        with RestProxy() as proxy:
            for record in (record for ref in repository.findBundles() for record in maker.make(ref)):
                if record.topic not in proxy.log.topics():
                    proxy.createTopic({"topic_name": record.topic})
                body = {"value_schema": record.schema, "records": [{"value": json.loads(record.payload)}]}
                proxy.produce(record.topic, body)
            Connector(proxy, database, **options).run()
        assert not proxy.failures

    return send


@pytest.fixture
def read(database: InfluxDatabase, namespace: str) -> Callable[..., pa.Table]:
    """Read the metrics of the namespace from the database."""

    def read(metrics: Collection[str] | None = None, **options: Any) -> pa.Table:
        return readSasquatch(database.url, database.name, namespace, metrics, **options)

    return read


@pytest.fixture
def metrics(repository):
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
                "biasFailures": complete("biasFailures", nAmps=144.0, nAmpsFailed=3.0),
            },
            "cpBiasExpResidual": {"biasStructures": complete("biasStructures", nGlow=seed, maxGlowScore=7.5)},
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
def test_both_sources_give_the_same_table(repository, metrics, send, read, tags):
    send(tags=tags)
    assertSame(read(camera=repository.camera), readButler(repository.butler, RUNS, camera=repository.camera))


def test_names_of_detectors_need_no_camera(repository, metrics, send, read):
    send()
    assertSame(read(), readButler(repository.butler, RUNS))


def test_a_metric_that_is_not_listed_has_all_but_its_unit(repository, send, read):
    bundle = makeBundle("anyExp", {"anyTool": {"nThings": 3.0, "mean": 1 / 3}}, {"mean": "adu"})
    repository.put("anyExp_metrics", bundle, exposure=EXPOSURES[0])
    send()
    expected = readButler(repository.butler, FIRST)
    assert expected["unit"].to_pylist() == ["adu", ""]
    unit = labelColumn(np.array([-1, 0]), [""])
    assertSame(read(), expected.set_column(4, expected.schema.field("unit"), unit))


@pytest.mark.parametrize("value", DIFFICULT, ids=repr)
def test_no_digit_is_lost(repository, send, read, value):
    repository.putNoise("cpBiasExp", makeValues(1, "exposure", median=value), exposure=EXPOSURES[0])
    send()
    assert read(measurements=["median"])["value"].to_pylist() == [value]


@pytest.mark.parametrize("mode", list(Mode))
def test_what_is_not_valid_is_never_zero(repository, send, read, mode):
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
    with pytest.raises(
        TrendTableError, match=f"there are no topics {namespace}\\.\\* of database efd at http://"
    ):
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
    with pytest.raises(TrendTableError, match=f"topics {namespace}.ts.*: no metric biasNose; there are bias"):
        read(["biasNose"])


def test_a_database_that_there_is_not_is_an_error(database):
    with pytest.raises(InfluxError, match="refuses 'SHOW FIELD KEYS.*: database not found: other"):
        readSasquatch(database.url, "other", "lsst.cp")


def test_a_measurement_that_never_had_a_value_is_there(repository, send, read):
    absent = dict.fromkeys(REDUCTIONS, np.nan) | {"nValid": 0.0}
    for exposure in EXPOSURES:
        repository.putNoise("cpBiasExpDet", makeValues(1, **absent), exposure=exposure, detector=0)
    send()
    assert "median" in read()["measurement"].to_pylist()
    assertSame(read(), readButler(repository.butler, FIRST))


def test_a_history_is_told_from_its_test(repository, send, read):
    units = dict(declaredMeasurements("biasNoise", "run", ["nSeries"]))
    assert "nChangePoints" in units
    repository.put(
        "cpBiasTrend_metrics", makeBundle("cpBiasTrend", {"biasNoise": dict.fromkeys(units, 2.0)}, units)
    )
    send()
    assertSame(read(), readButler(repository.butler, FIRST))


def test_whole_numbers_may_be_stored_as_any_type(database, namespace, read):
    common = f'{namespace}.ts.a_b id="{{0}}",run="r",instrument="X",observation_time=1.7e9,mean=1'
    for i, exposure in enumerate(('"9007199254740993"', "9007199254740993i", "9007199254740992")):
        topic = common.replace("a_b", f"a{i}_b").format(i)
        database.write([f"{topic},exposure={exposure} 1"])
    assert read()["exposure"].to_pylist() == [2**53 + 1, 2**53 + 1, 2**53]


@pytest.mark.parametrize(
    ("field", "message"),
    [
        ('detector="R22"', "detector: expected whole numbers: 'R22'"),
        ("detector=94.7", "detector: expected whole numbers: 94.7"),
        ("detector=true", "detector: expected whole numbers: True"),
        ("physical_filter=1", "physical_filter: expected texts: 1"),
        ('observation_time="noon"', "observation_time: expected numbers: 'noon'"),
        ('nValid="5"', "nValid: expected numbers: '5'"),
        ("median=true", "median: expected numbers: True"),
        ('run=""', "run: expected texts, not nothing"),
    ],
)
def test_a_field_of_another_type_is_an_error(database, namespace, read, field, message):
    name = field.partition("=")[0]
    fields = {"id": '"1"', "run": '"r"', "instrument": '"X"', "max": "1"} | {name: field.partition("=")[2]}
    text = ",".join(f"{name}={value}" for name, value in fields.items())
    database.write([f"{namespace}.ts.cpBiasExp_biasNoise {text} 1"])
    with pytest.raises(InfluxError, match=f"topic .*cpBiasExp_biasNoise, field {message}"):
        read()


# Of odd answers.

NAME = "lsst.cp.ts.cpBiasExp_biasNoise"
STORED = [["id", "string"], ["median", "float"], ["nValid", "float"]]
FIELDS = {"name": NAME, "columns": ["fieldKey", "fieldType"], "values": STORED}
RECORD = {"time": 1, "id": "1", "run": "r", "instrument": "X", "exposure": "7", "median": 0.5, "nValid": 1}


def answerWith(change):
    """Choose the answer of a database with one record, in which something is changed."""

    def choose(request):
        (query,) = parse_qs(urlsplit(request.split(b" ")[1].decode()).query)["q"]
        series = FIELDS
        if query.startswith("SELECT"):
            asked = query.partition("SELECT ")[2].partition(" FROM")[0].replace('"', "").split(", ")
            columns = ["time", *asked]
            series = {"name": NAME, "columns": columns, "values": [[RECORD.get(name) for name in columns]]}
        body = json.dumps({"results": [{"statement_id": 0, "series": [change(query, series)]}]})
        return [makeAnswer(200, body.encode())]

    return choose


def readChanged(change):
    with RawServer(answerWith(change)) as server:
        return readSasquatch(server.url, "efd", "lsst.cp", measurements=["median"])


def test_columns_may_be_in_another_order():
    def turn(_, series):
        return series | {
            "columns": series["columns"][::-1],
            "values": [row[::-1] for row in series["values"]],
        }

    table = readChanged(turn)
    assert table["value"].to_pylist() == [0.5]
    assert table["exposure"].to_pylist() == [7]
    assert table["mjd"].to_pylist() == [None]


@pytest.mark.parametrize(
    ("start", "changes", "message"),
    [
        (
            "SHOW",
            {"columns": ["fieldKey", "type"]},
            f"topic {NAME}, field fieldType: there is no such",
        ),
        ("SHOW", {"values": [["id", None]]}, f"topic {NAME}, field fieldType: expected texts, not nothing"),
        ("SHOW", {"values": [[1, "float"]]}, f"topic {NAME}, field fieldKey: expected texts: 1"),
        ("SELECT", {"columns": ["time", "id"], "values": []}, f"topic {NAME}, field run: there is no such"),
        ("SELECT", {"name": "other"}, "topic cpBiasExp_biasNoise: the database answers with other"),
        ("SELECT", {"values": {}}, "does not answer as InfluxDB does"),
        ("SELECT", {"values": [{}]}, "does not answer as InfluxDB does"),
        ("SELECT", {"columns": "id"}, "does not answer as InfluxDB does"),
        ("SELECT", {"columns": [None, "id"], "values": []}, "does not answer as InfluxDB does"),
    ],
)
def test_other_answers_are_errors(start, changes, message):
    with pytest.raises(InfluxError, match=message):
        readChanged(lambda query, series: series | (changes if query.startswith(start) else {}))


def test_days_that_end_in_a_leap_second_are_as_long_as_others():
    with RawServer(answerWith(lambda _, series: series)) as server:
        day = Time(["2016-12-31T12:00:00", "2017-01-01T00:00:00"])
        readSasquatch(server.url, "efd", "lsst.cp", start=day[0], end=day[1])
    assert b"WHERE+time+%3E%3D+1483185600000000000+AND+time+%3C+1483228800000000000+" in server.requests[-1]


def test_an_address_without_scheme_is_refused():
    with pytest.raises(SasquatchError, match="the database .* not 'db.example/x': that has no http"):
        readSasquatch("db.example/x", "efd", "lsst.cp")


def test_the_source_is_in_the_table():
    table = readChanged(lambda _, series: series)
    (source,) = json.loads(table.schema.metadata[b"sources"])
    assert source.startswith("topics lsst.cp.ts.* of database efd at http://127.0.0.1:")

# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
import json
from typing import Any

import pytest
import urllib3
from services.connector import Connector, makeLine
from services.influxDatabase import InfluxDatabase
from services.restProxy import RestProxy

TOPIC = "lsst.cp.noise"
SCHEMA = {
    "type": "record",
    "name": "noise",
    "fields": [
        {"name": "dataset_tag", "type": "string"},
        {"name": "detector", "type": "string"},
        {"name": "timestamp", "type": "double"},
        {"name": "median", "type": ["null", "double"], "default": None},
    ],
}
TIME = 1767225600.0


def makeBody(*records: dict[str, Any]) -> dict[str, Any]:
    return {"value_schema": json.dumps(SCHEMA), "records": [{"value": record} for record in records]}


def makeRecord(detector: int, offset: float, tag: str = "Generic") -> dict[str, Any]:
    return {
        "dataset_tag": tag,
        "detector": str(detector),
        "timestamp": TIME + offset,
        "median": {"double": 0.1 + detector},
    }


@pytest.fixture
def proxy(kafkaProxy: RestProxy) -> RestProxy:
    kafkaProxy.createTopic({"topic_name": TOPIC})
    return kafkaProxy


def test_points_keep_their_values(proxy: RestProxy, connector: Connector, database: InfluxDatabase) -> None:
    proxy.produce(TOPIC, makeBody(makeRecord(1, 0.25), makeRecord(2, 0.5) | {"median": None}))
    assert connector.run() == 2
    assert [(row["time"], row["median"], row["detector"]) for row in database.read(TOPIC)] == [
        (1767225600_250000000, 1.1, "1"),
        (1767225600_500000000, None, "2"),
    ]


def test_points_of_one_time_and_tag_replace_each_other(
    proxy: RestProxy, connector: Connector, database: InfluxDatabase
) -> None:
    proxy.produce(TOPIC, makeBody(*(makeRecord(i, 0.0) for i in range(3)), makeRecord(3, 0.0, "other")))
    connector.run()
    assert {row["detector"] for row in database.read(TOPIC)} == {"2", "3"}


def test_times_are_rounded(proxy: RestProxy, database: InfluxDatabase) -> None:
    proxy.produce(TOPIC, makeBody(makeRecord(1, 0.0006)))
    Connector(proxy, database, precision="ms").run()
    assert [row["time"] for row in database.read(TOPIC)] == [1767225600_001000000]


def test_records_are_taken_once(proxy: RestProxy, connector: Connector) -> None:
    numbers = []
    for i in range(2):
        proxy.produce(TOPIC, makeBody(makeRecord(i, float(i))))
        numbers += [connector.run(), connector.run()]
    assert numbers == [1, 0, 1, 0]


@pytest.mark.parametrize("text", ['a "b" c', "back\\slash", "comma,equals=space x", "ü", "'"])
def test_texts_are_kept(database: InfluxDatabase, text: str) -> None:
    database.write([makeLine("m", {"dataset_tag": text, "run": text, "timestamp": TIME})])
    ((row),) = database.read("m")
    assert (row["run"], row["dataset_tag"]) == (text, text)


@pytest.mark.parametrize("value", [0.1, 1 / 3, 5e-324, 1.7976931348623157e308, -0.0, 2**53 + 2, True])
def test_numbers_are_kept(database: InfluxDatabase, value: object) -> None:
    database.write([makeLine("m", {"value": value, "timestamp": TIME})])
    assert database.read("m")[0]["value"] == value


def test_lists_become_numbered_fields(database: InfluxDatabase) -> None:
    database.write([makeLine("m", {"tags": ["a", "b"], "timestamp": TIME})])
    assert database.read("m")[0].items() >= {"tags_0": "a", "tags_1": "b"}.items()


def test_conflicts_of_types_are_errors(database: InfluxDatabase) -> None:
    database.write([makeLine("m", {"value": 1.0, "timestamp": TIME})])
    with pytest.raises(ValueError, match="field type conflict"):
        database.write([makeLine("m", {"value": 1, "timestamp": TIME})])


def test_passwords_are_asked_for(tmp_path_factory: pytest.TempPathFactory, database: InfluxDatabase) -> None:
    guarded = InfluxDatabase(tmp_path_factory.mktemp("guarded"), user="reader", password="secret")
    try:
        assert guarded.measurements() == []
        answer = urllib3.request("GET", f"{guarded.url}/query?q=SHOW+MEASUREMENTS&db={guarded.name}")
        assert answer.json() == {"error": "unable to parse authentication credentials"}
    finally:
        guarded.stop()

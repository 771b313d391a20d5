# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Time the push of stored metrics against the dispatcher of analysis_tools, on the same proxy.

A repository is filled with bundles of 14 tools with 10 measurements each, as a bias run of LSSTCam leaves
them. The proxy is a process of its own that answers at once, and counts what it gets. Measured are

push
    What ``butler push-verify-metrics`` does: find the bundles, read them from disk, encode them, send them,
    and note in the ledger that they were acknowledged; in a process of its own, with the growth of its memory
    from the first page of bundles to the end.
again
    The same once more: there is nothing to send.
dry run
    All records are made, and nothing is sent.
upstream
    ``SasquatchDispatcher.dispatch`` of bundles that are in memory, taken from a checkout of analysis_tools in
    ``$UPSTREAM_DIR``; without one, the 3.6 ms a record that were measured once.

The exit status is 1 if a record is missing, if the push is not ten times faster than upstream, or if its
memory grows by more than 100 MB.

Usage: ``python benchmarks/pushMetrics.py [--records N] [--upstream-bundles N]``
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import logging
import multiprocessing
import os
import platform
import resource
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import astropy.units as u
from astropy.time import Time

from lsst.analysis.cp.metrics import BundleQuery
from lsst.analysis.cp.sasquatch import Ledger, Mode, ProxyClient, Pusher, RecordMaker, WebAddress
from lsst.analysis.tools.interfaces import MetricMeasurementBundle
from lsst.daf.butler import Butler, DatasetType, Timespan
from lsst.obs.lsst import LsstCam
from lsst.verify import Measurement

MIN_RATIO = 10.0
MAX_GROWTH = 100.0
UPSTREAM_SECONDS = 3.6e-3
TOOLS = [f"biasTest{i:02d}" for i in range(14)]
MEASUREMENTS = [
    *("min", "median", "max", "quantityMin", "quantityMedian", "quantityMax"),
    *("nAmps", "nValid", "nTested", "nFailed"),
]
PREFIX = "cpBiasExpDet_"
DATASET_TYPE = f"{PREFIX}metrics"
RUN = "u/benchmark/verifyBias/20260801T120000Z"
DAY = 20260801
N_DETECTORS = 205
NAMESPACE = "lsst.cp"


class InstantProxy(BaseHTTPRequestHandler):
    """Acknowledges whatever it gets, and counts the records."""

    wbufsize = 1 << 16
    count = 0

    def do_GET(self) -> None:
        """Answer with the cluster, and how many records there were."""
        self.answer({"data": [{"cluster_id": "c"}], "count": InstantProxy.count})

    def do_POST(self) -> None:
        """Take records, or a topic."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        count = body.count(b'{"value": {')
        InstantProxy.count += count
        offset = {"partition": 0, "offset": 1, "error_code": None, "error": None}
        self.answer({"offsets": [offset] * count, "key_schema_id": None, "value_schema_id": 1})

    def answer(self, document: Any) -> None:
        """Send a document."""
        body = json.dumps(document).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Print nothing."""


def serve(connection: Any) -> None:
    """Serve the proxy for as long as this process lives."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), InstantProxy)
    server.request_queue_size = 64
    connection.send(server.server_address[1])
    server.serve_forever()


def countRecords(url: str) -> int:
    """Ask the proxy how many records it got."""
    with urllib.request.urlopen(f"{url}/v3/clusters") as answer:
        return int(json.load(answer)["count"])


def makeBundle(number: int) -> MetricMeasurementBundle:
    """Make one bundle."""
    bundle = MetricMeasurementBundle(metricNamePrefix=PREFIX)
    for i, tool in enumerate(TOOLS):
        bundle[tool] = [
            Measurement(name, (number + i / 7 + j / 3) * u.electron) for j, name in enumerate(MEASUREMENTS)
        ]
    return bundle


def makeRepository(root: str, count: int) -> None:
    """Fill a repository."""
    butler = Butler.from_config(Butler.makeRepo(root), writeable=True)
    LsstCam().register(butler.registry)
    common = {"instrument": "LSSTCam", "day_obs": DAY, "group": "g", "physical_filter": "empty"}
    butler.registry.syncDimensionData("day_obs", {"instrument": "LSSTCam", "id": DAY})
    butler.registry.syncDimensionData("group", {"instrument": "LSSTCam", "name": "g"})
    dataset_type = DatasetType(
        DATASET_TYPE,
        ("instrument", "exposure", "detector"),
        "MetricMeasurementBundle",
        universe=butler.dimensions,
    )
    butler.registry.registerDatasetType(dataset_type)
    butler.registry.registerRun(RUN)
    start = Time("2026-08-01T22:00:00", scale="tai")
    for first in range(0, count, N_DETECTORS):
        sequence = first // N_DETECTORS + 1
        begin = start + 20 * sequence * u.second
        record = {"id": DAY * 100_000 + sequence, "obs_id": str(sequence), "seq_num": sequence}
        record |= {"timespan": Timespan(begin, begin + 3 * u.second)}
        butler.registry.insertDimensionData("exposure", {**common, **record})
        with butler.transaction():
            for number in range(first, min(first + N_DETECTORS, count)):
                data_id = {"instrument": "LSSTCam", "exposure": record["id"], "detector": number - first}
                butler.put(makeBundle(number), dataset_type, data_id, run=RUN)


def getMemory() -> float:
    """Return the largest memory of this process so far, MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def push(connection: Any, root: str, url: str) -> None:
    """Push all bundles; send the time (s), the records, and the peak and growth of memory (MB)."""
    memory: list[float] = []
    start = time.perf_counter()
    with Butler.from_config(root) as butler, Ledger(f"{root}/ledger.sqlite3", url) as ledger:
        report = Pusher(butler, RecordMaker(butler, NAMESPACE, Mode.OWN), ledger).push(
            BundleQuery([RUN]),
            ProxyClient(WebAddress.parse(url, "proxy")),
            deadline=7200.0,
            progress=lambda *_: memory.append(getMemory()),
        )
    seconds = time.perf_counter() - start
    connection.send((seconds, report.delivered, getMemory(), getMemory() - memory[0]))


def preview(connection: Any, root: str, url: str) -> None:
    """Make all records; send the time (s) and their number."""
    start = time.perf_counter()
    with Butler.from_config(root) as butler, Ledger(f"{root}/none", url, isReadOnly=True) as ledger:
        pusher = Pusher(butler, RecordMaker(butler, NAMESPACE, Mode.OWN), ledger)
        count = sum(1 for _ in pusher.preview(BundleQuery([RUN])))
    connection.send((time.perf_counter() - start, count))


def runAlone(function: Callable[..., None], *args: Any) -> Any:
    """Run a function in a process of its own, and return what it sends."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=function, args=(there, *args), daemon=True)
    process.start()
    there.close()
    result = here.recv()
    if function is not serve:
        process.join()
    return result


def loadDispatcher(checkout: Path) -> Any:
    """Load the dispatcher from a checkout, beside what is installed of its package."""
    package = checkout / "analysis_tools" / "python" / "lsst" / "analysis" / "tools"
    module = None
    for name, file in (
        ("lsst.analysis.tools.utils", "utils.py"),
        ("lsst.analysis.tools.interfaces.datastore._dispatcher", "interfaces/datastore/_dispatcher.py"),
    ):
        spec = importlib.util.spec_from_file_location(name, package / file)
        assert spec is not None
        assert spec.loader is not None
        module = sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return module


def timeUpstream(url: str, count: int) -> float:
    """Dispatch bundles with upstream's code; return the time for a record, s."""
    if "UPSTREAM_DIR" not in os.environ:
        return UPSTREAM_SECONDS
    module = loadDispatcher(Path(os.environ["UPSTREAM_DIR"]))
    dispatcher = module.SasquatchDispatcher(url=url, token="none", namespace=NAMESPACE)
    bundles = [makeBundle(number) for number in range(count)]
    identifiers = {"instrument": "LSSTCam", "exposure": 1, "detector": 1}
    start = time.perf_counter()
    for bundle in bundles:
        dispatcher.dispatch(bundle, run=RUN, datasetType=DATASET_TYPE, identifierFields=identifiers)
    return (time.perf_counter() - start) / (count * len(TOOLS))


def main() -> int:
    """Print the times; fail if records are missing, or the push is slow or large."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--records", type=int, default=100_000)
    parser.add_argument("--upstream-bundles", type=int, default=20)
    arguments = parser.parse_args()
    count = -(-arguments.records // len(TOOLS))
    url = f"http://127.0.0.1:{runAlone(serve)}"
    logging.disable(logging.WARNING)
    print(f"Python {platform.python_version()}; {count} bundles with {len(TOOLS)} records each")
    with tempfile.TemporaryDirectory() as directory:
        root = f"{directory}/repository"
        makeRepository(root, count)
        seconds, delivered, peak, growth = runAlone(push, root, url)
        received = countRecords(url)
        again = runAlone(push, root, url)[0]
        dry, _ = runAlone(preview, root, url)
    upstream = timeUpstream(url, arguments.upstream_bundles)
    each = seconds / delivered
    ratio = upstream / each
    source = "measured" if "UPSTREAM_DIR" in os.environ else "as measured once"
    print(f"push      {seconds:7.2f} s, {1e3 * each:6.3f} ms a record, {1 / each:7.0f} records/s")
    print(f"again     {again:7.2f} s, {1e6 * again / count:.0f} us a bundle")
    print(f"dry run   {dry:7.2f} s, {1e3 * dry / delivered:6.3f} ms a record")
    print(
        f"upstream  {1e3 * upstream:6.3f} ms a record ({source}), ratio {ratio:.1f} (at least {MIN_RATIO:g})"
    )
    print(f"memory    peak {peak:.0f} MB, growth {growth:.0f} MB (at most {MAX_GROWTH:g})")
    is_whole = delivered == received == count * len(TOOLS)
    print(f"records   {received} received, {delivered} acknowledged, of {count * len(TOOLS)}")
    return int(not is_whole or ratio < MIN_RATIO or growth > MAX_GROWTH)


if __name__ == "__main__":
    sys.exit(main())

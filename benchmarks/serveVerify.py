# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""What pages, plots and tiles of ``butler serve-verify`` cost in a repository with 100,000 plots.

A repository of LSSTCam is made: plots of each detector of 120 exposures, in two runs that a chain joins, and
calibrations of 20 ranges of validity. The command serves it, and is asked over HTTP on this machine. What it
answers is compared with what the Butler says. The baseline is what is done without it, in a notebook:

list
    All datasets of the type are listed (``query_datasets``), those that are wanted are looked for in Python,
    and the first 48 are taken in the order of their data IDs.
draw
    The picture is read (``ResourcePath.read``), decoded, and made as small as a thumbnail.
window
    ``readView`` of as many pixels as a tile has, whose file and headers are read each time.

It fails if the median of a page is 1 s or more, of a selection or a step 0.2 s, of a tile that was sent
before 50 ms; or if the memory of the server still grows in the second half of a long walk at random.

Usage: ``python benchmarks/serveVerify.py [--registry postgresql] [--exposures 120] [--walk 600]``
"""

from __future__ import annotations

import argparse
import io
import logging
import platform
import random
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from urllib.parse import urlencode

import urllib3
from PIL import Image

from lsst.analysis.cp.notebook import readView
from lsst.daf.butler import Butler, DatasetRef

sys.path.append(str(Path(__file__).parents[1] / "tests" / "support"))
sys.path.append(str(Path(__file__).parents[1] / "tests" / "navigator" / "support"))

from largeRepository import (
    CALIBRATIONS,
    CHAIN,
    INSTRUMENT,
    PYRAMID,
    PYRAMID_DETECTORS,
    RUNS,
    LargeRepository,
    makeLargeRepository,
)
from postgresServer import PostgresServer

FIRST_PAGE, SELECTION, WARM_TILE, COLD = 1000.0, 200.0, 50.0, 1000.0
"""Milliseconds below which medians have to be."""

MAX_GROWTH = 1.1
"""Greatest ratio of the memory after the whole walk to that after its half."""

N_PAGE = 48
TILE = 512
SEED = 20260301
BUTLER = "from lsst.daf.butler.cli.butler import main; main()"


@dataclass(frozen=True)
class Case:
    """Something that is measured.

    Parameters
    ----------
    name
        What it is called.
    paths
        Makes the address from a random number generator.
    limit
        Milliseconds that the median must stay below.
    baseline
        The same without the server; None if nobody does it.
    check
        Asserts that an answer to an address is right.
    """

    name: str
    paths: Callable[[random.Random], str]
    limit: float
    baseline: Callable[[], object] | None = None
    check: Callable[[str, bytes], None] = field(default=lambda path, answer: None)


class Server:
    """The command, which serves a repository."""

    def __init__(self, root: Path, log: Path) -> None:
        words = [sys.executable, "-c", BUTLER, "serve-verify", str(root), "--port", "0"]
        self._log = log.open("w+")
        self._process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=self._log, text=True)
        line = self._process.stdout.readline()
        found = re.search(r"http://\S+", line)
        if found is None:
            self._process.kill()
            raise RuntimeError(f"The server did not start: {line}{log.read_text()}")
        self._address = found[0].rstrip("/")
        self._pool = urllib3.PoolManager(retries=False, timeout=60.0)

    def read(self, path: str) -> bytes:
        """Ask for a path."""
        answer = self._pool.request("GET", self._address + path)
        assert answer.status == 200, f"{path}: {answer.status} {answer.data[:300]!r}"
        return bytes(answer.data)

    @property
    def peak(self) -> float:
        """The most memory that it had until now (MB)."""
        status = Path(f"/proc/{self._process.pid}/status").read_text()
        return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) / 1024

    def stop(self) -> None:
        """End it."""
        self._process.terminate()
        self._process.wait(30)
        self._process.stdout.close()
        self._log.close()


def makePath(page: str, **parameters: object) -> str:
    """Write an address in the server."""
    return f"{page}?{urlencode(parameters)}"


class Questions:
    """What the server is asked, and what the Butler says of it.

    Parameters
    ----------
    repository
        The repository.
    butler
        It, opened.
    """

    def __init__(self, repository: LargeRepository, butler: Butler) -> None:
        self.butler = butler
        self.exposures = repository.exposures
        self.detectors = range(repository.nDetectors)
        self.type = repository.detectorTypes[0]
        self.pyramids = butler.query_datasets(PYRAMID, CHAIN, order_by="exposure")
        self.plots = partial(makePath, "/plots", collection=CHAIN, type=self.type)

    def listEvery(self, **wanted: int) -> list[DatasetRef]:
        """List all datasets of the type, and take a page of those that are wanted."""
        refs = self.butler.query_datasets(self.type, CHAIN, limit=None)
        chosen = [ref for ref in refs if all(ref.dataId[key] == value for key, value in wanted.items())]
        return sorted(chosen, key=lambda ref: tuple(ref.dataId.required.values()))[:N_PAGE]

    def checkPage(self, path: str, answer: bytes, **wanted: int) -> None:
        """Compare the datasets of a page with those that are listed."""
        shown = list(dict.fromkeys(re.findall(rb"/dataset/([0-9a-f-]{36})", answer)))
        expected = [str(ref.id).encode() for ref in self.listEvery(**wanted)]
        assert shown == expected, f"{path}: {len(shown)} datasets, expected {len(expected)}"

    def dataId(self, rng: random.Random) -> dict[str, int]:
        """Choose a plot."""
        return {"exposure": rng.choice(self.exposures), "detector": rng.choice(self.detectors)}

    def find(self, rng: random.Random) -> DatasetRef:
        """Choose a plot, and find it."""
        found = self.butler.find_dataset(self.type, instrument=INSTRUMENT, **self.dataId(rng))
        assert found is not None
        return found

    def draw(self, ref: DatasetRef) -> Image.Image:
        """Read a picture, and make it small."""
        with Image.open(io.BytesIO(self.butler.getURI(ref).read())) as picture:
            picture.thumbnail((240, 240))
            return picture

    def tile(self, rng: random.Random) -> str:
        """Choose a tile of full resolution."""
        ref, detector = rng.choice(self.pyramids), rng.choice(PYRAMID_DETECTORS)
        row, column = rng.randrange(7), rng.randrange(7)
        return f"/pyramid/{ref.id}/tile/{detector}/image/1/{row}/{column}"

    def window(self) -> object:
        """Read as many pixels as a tile has."""
        data_id = {"exposure": self.exposures[0]}
        place = (PYRAMID_DETECTORS[0], 1024.0, 1024.0)
        return readView(self.butler, "bias", data_id, place, TILE * 0.01)


def listPages(asked: Questions) -> list[Case]:
    """List what is measured of pages."""
    middle = asked.exposures[len(asked.exposures) // 2]
    plots, list_every = asked.plots, asked.listEvery
    sides = {"left": RUNS[0], "right": RUNS[1], "type": asked.type}

    def after(rng: random.Random) -> str:
        chosen = asked.dataId(rng)
        return plots(after=f'["{INSTRUMENT}",{chosen["detector"]},{chosen["exposure"]}]')

    return [
        Case("collections", lambda rng: "/", FIRST_PAGE),
        Case("types of a collection", lambda rng: makePath("/plots", collection=CHAIN), FIRST_PAGE),
        Case("first page", lambda rng: plots(), FIRST_PAGE, list_every, asked.checkPage),
        Case("next page", after, SELECTION, list_every),
        *(
            Case(
                f"selection of {key}",
                lambda rng, chosen=chosen: plots(**chosen),
                SELECTION,
                partial(list_every, **wanted),
                partial(asked.checkPage, **wanted),
            )
            for key, chosen, wanted in (
                ("exposure", {"exposure": middle}, {"exposure": middle}),
                ("detector", {"detector": "R22_S11"}, {"detector": 94}),
                ("day", {"day_obs": middle // 100_000}, {"day_obs": middle // 100_000}),
                ("filter", {"physical_filter": "i_39"}, {"physical_filter": "i_39"}),
            )
        ),
        Case(
            "step to a neighbour",
            lambda rng: makePath(
                "/flip/line", collection=CHAIN, type=asked.type, along="exposure", **asked.dataId(rng)
            ),
            SELECTION,
            list_every,
        ),
        Case("two runs side by side", lambda rng: makePath("/compare", **sides), FIRST_PAGE, list_every),
        Case(
            "two runs, one exposure",
            lambda rng: makePath("/compare", **sides, exposure=rng.choice(asked.exposures)),
            SELECTION,
            list_every,
        ),
        Case(
            "time line",
            lambda rng: makePath("/calibrations", collection=CALIBRATIONS, type="bias"),
            FIRST_PAGE,
            lambda: list(asked.butler.registry.queryDatasetAssociations("bias", CALIBRATIONS)),
        ),
    ]


def measure(read: Callable[..., object], things: Iterable[object]) -> float:
    """Measure the median time that something takes with each of some things (ms)."""
    times = []
    for each in things:
        start = time.perf_counter()
        read(each)
        times.append(1e3 * (time.perf_counter() - start))
    return statistics.median(times)


def report(name: str, own: float, baseline: float | None, limit: float) -> bool:
    """Print a time; tell whether it is below the limit."""
    compared = "" if baseline is None else f"{baseline:>14.1f}{baseline / own:>8.1f}"
    print(f"{name:<26}{own:>10.1f}{limit:>10.0f}{compared}", flush=True)
    return own < limit


def measurePages(server: Server, asked: Questions, repeats: int) -> bool:
    """Measure pages after one that fills caches; tell whether all are quick enough."""
    good = True
    for case in listPages(asked):
        rng = random.Random(SEED)
        path = case.paths(rng)
        case.check(path, server.read(path))
        own = measure(server.read, [case.paths(rng) for _ in range(repeats)])
        baseline = None if case.baseline is None else measure(lambda each: each(), 3 * [case.baseline])
        good &= report(case.name, own, baseline, case.limit)
    return good


def measurePictures(server: Server, asked: Questions, repeats: int) -> bool:
    """Measure pictures and tiles when they are asked for first, and again."""
    rng = random.Random(SEED)
    refs = [asked.find(rng) for _ in range(repeats)]
    thumbnails = [f"/dataset/{ref.id}/thumbnail" for ref in refs]
    tiles = list(dict.fromkeys(asked.tile(rng) for _ in range(2 * repeats)))[:repeats]
    draw, window = measure(asked.draw, refs), measure(lambda each: each(), 3 * [asked.window])
    server.read(f"/pyramid/{asked.pyramids[0].id}")
    good = True
    for name, paths, baseline, first, again in (
        ("thumbnail", thumbnails, draw, COLD, SELECTION),
        ("tile", tiles, window, COLD, WARM_TILE),
    ):
        for word, limit in (("cold", first), ("warm", again)):
            good &= report(f"{name}, {word}", measure(server.read, paths), baseline, limit)
    answer = server.read(tiles[0])
    assert len(answer) == 4 * TILE**2, f"a tile has {len(answer)} bytes"
    return good


def walk(server: Server, asked: Questions, steps: int) -> bool:
    """Ask at random; print the peak of memory, and tell whether it stays."""
    rng = random.Random(SEED)
    choices = [case.paths for case in listPages(asked)]
    choices += 4 * [asked.tile, lambda rng: f"/dataset/{asked.find(rng).id}/thumbnail"]
    choices += [lambda rng: f"/dataset/{asked.find(rng).id}/picture"]
    peaks = []
    for _ in range(2):
        for _ in range(steps // 2):
            server.read(rng.choice(choices)(rng))
        peaks.append(server.peak)
    half, whole = peaks
    print(f"memory of the server (MB): {half:.0f} after half of {steps} requests, {whole:.0f} in the end")
    return whole < MAX_GROWTH * half


@contextmanager
def makeRepository(registry: str, root: Path, arguments: argparse.Namespace) -> Iterator[LargeRepository]:
    """Make the repository, and remove its registry in the end."""
    repository = LargeRepository(root, nExposures=arguments.exposures, nPyramids=2)
    with ExitStack() as stack:
        version = ""
        if registry == "postgresql":
            server = PostgresServer()
            stack.callback(server.stop)
            stack.enter_context(server.hosting())
            version = f" {server.version}"
        start = time.perf_counter()
        makeLargeRepository(repository)
        seconds = time.perf_counter() - start
        print(f"{registry}{version}: {repository.nPlots} plots, made in {seconds:.0f} s", flush=True)
        yield repository


def run(registry: str, arguments: argparse.Namespace) -> bool:
    """Measure with one registry; tell whether all is as it should be."""
    with (
        tempfile.TemporaryDirectory() as folder,
        makeRepository(registry, Path(folder) / "repository", arguments) as repository,
        repository.open() as butler,
    ):
        server = Server(repository.root, Path(folder) / "server.log")
        try:
            asked = Questions(repository, butler)
            print(f"{'':<26}{'ms':>10}{'limit':>10}{'baseline':>14}{'ratio':>8}")
            good = measurePages(server, asked, arguments.repeats)
            good &= measurePictures(server, asked, arguments.repeats)
            return walk(server, asked, arguments.walk) and good
        finally:
            server.stop()


def main() -> int:
    """Run the benchmark; return its exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--registry", choices=("sqlite", "postgresql"), action="append")
    parser.add_argument("--exposures", type=int, default=120, help="410 plots of detectors each, in two runs")
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument("--walk", type=int, default=600, help="requests of the walk")
    arguments = parser.parse_args()
    # Butler warns of each in-memory type of other packages that it could convert to, had they been installed.
    logging.getLogger("lsst.daf.butler").setLevel(logging.ERROR)
    print(f"Python {platform.python_version()}, medians of {arguments.repeats}")
    results = [run(each, arguments) for each in arguments.registry or ("sqlite", "postgresql")]
    return int(not all(results))


if __name__ == "__main__":
    sys.exit(main())

# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Kill ``butler verify-night`` ten times, each time on a night of its own, and let the next call complete it.

The night has biases, darks and a flat of LATISS with few pixels. Five calls are killed at the end of a stage,
five some time after their start, alone or with ``pipetask``. After the next call the repository has to have
all that a night has which was not killed, with equal values, and the database each record once. It needs
``influxd``.

Usage: ``python benchmarks/nightKills.py [--seed N]``
"""

from __future__ import annotations

import argparse
import random
import shutil
import sys
import tempfile
import time
from pathlib import Path

sys.path += [
    str(Path(__file__).parents[1] / "tests" / each) for each in ("support", "night/support", "sasquatch")
]

from nightChecks import compareNights, expectRecords, readRecords
from nightProcess import NightProcess
from nightRepository import NightRepository
from services.restProxy import RestProxy

BORDERS = ("biasNightDetectors of", "biasTrends of", "darkNightExposures of", "flatNightRun of", "push:")


def start(repository: NightRepository, proxy: RestProxy) -> NightProcess:
    """Start or resume a night."""
    return NightProcess(repository, ["--proxy", proxy.url, "--namespace", "lsst.cp"])


def main() -> None:
    """Kill, complete, and compare."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seed", type=int, default=20261126)
    generator = random.Random(parser.parse_args().seed)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "pristine").mkdir()
        pristine = NightRepository(folder / "pristine")
        with RestProxy() as proxy:
            whole = copy(pristine, folder / "whole")
            begin = time.perf_counter()
            assert start(whole, proxy).wait() == 0
            seconds = time.perf_counter() - begin
        print(f"not killed: {seconds:.1f} s")
        for i in range(10):
            with RestProxy() as proxy:
                repository = copy(pristine, folder / f"killed{i}")
                call = start(repository, proxy)
                if i < len(BORDERS):
                    where = f"at {BORDERS[i]!r}"
                    call.awaitProgress(BORDERS[i])
                else:
                    delay = generator.uniform(0.0, 0.95 * seconds)
                    where = f"after {delay:.1f} s"
                    time.sleep(delay)
                number = call.kill(withChildren=i % 2 == 0)
                begin = time.perf_counter()
                status = start(repository, proxy).wait()
                again = time.perf_counter() - begin
                differences, compared = compareNights(repository, whole)
                (folder / f"database{i}").mkdir()
                found, expected = readRecords(proxy, folder / f"database{i}"), expectRecords(repository)
                assert (status, differences, found) == (0, [], expected)
            print(
                f"killed {where} ({number} processes): completed in {again:.1f} s, "
                f"{compared} equal datasets, {sum(map(len, found.values()))} records read back once"
            )
            shutil.rmtree(repository.folder)


def copy(pristine: NightRepository, folder: Path) -> NightRepository:
    """Copy a repository."""
    shutil.copytree(pristine.folder, folder)
    return NightRepository(folder)


if __name__ == "__main__":
    main()

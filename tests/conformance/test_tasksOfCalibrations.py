# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.

"""From simulated calibrations to metrics and plots, with cp_verify's own tasks and ip_isr's own classes."""

import json
import re
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

TESTS = Path(__file__).parents[1]
TASKS = {
    "Crosstalk": {"CpVerifyCrosstalkTask"},
    "Linearizer": {"CpVerifyLinearityTask"},
    "Ptc": {"CpVerifyPtcTask"},
    # The plugin measures these itself: cp_verify has no task, or one that raises.
    "Bfk": set(),
    "Cti": set(),
    "Gain": set(),
}


@pytest.mark.parametrize("product", TASKS)
def test_injected_faults_are_found(upstream, overUpstream, product):
    """The tasks measure and judge what the simulator made, and the plugin reads what they write."""
    if not (upstream / "ip_isr").is_dir():
        pytest.skip("needs a checkout of ip_isr")
    options = ("-q", "-p", "no:cacheprovider", "-p", "calibrationTasks")
    result = overUpstream("-m", "pytest", *options, TESTS / f"test_endToEnd{product}.py")
    assert result.returncode == 0, result.stdout[-20_000:] + result.stderr
    assert re.search(r"\d+ passed", result.stdout)
    assert "skipped" not in result.stdout
    assert set(re.findall(r"verified by (\w+) of upstream", result.stdout)) == TASKS[product]


def test_gains_of_pairs_have_no_table(upstream, overUpstream):
    """The catalogue declares what the task intends: once it no longer raises, there is a table to read."""
    if not (upstream / "ip_isr").is_dir():
        pytest.skip("needs a checkout of ip_isr")
    code = """
import json
import lsst.cp.simulator as simulator
from lsst.cp.verify import CpVerifyGainTask
from lsst.obs.lsst import Latiss, LsstCam

raised = {}
for instrument, number in ((Latiss, 0), (LsstCam, 90)):
    camera = instrument().getCamera()
    ptc = simulator.simulatePtc(camera[number], camera, seed=1)
    assert "standalone" not in __import__(type(ptc).__module__, fromlist=["x"]).__file__
    try:
        CpVerifyGainTask(config=CpVerifyGainTask.ConfigClass()).run(
            ptc, camera=camera, dimensions={"instrument": camera.getName(), "detector": number}
        )
    except Exception as error:
        raised[f"{camera.getName()} {camera[number].getPhysicalType()}"] = f"{type(error).__name__}: {error}"
print(json.dumps(raised))
"""
    result = overUpstream("-W", "ignore", "-c", code)
    assert result.returncode == 0, result.stderr
    slope = "cannot access local variable 'slope' where it is not associated with a value"
    expected = {"LATISS ITL": "KeyError: 'AMP'", "LSSTCam E2V": f"UnboundLocalError: {slope}"}
    assert json.loads(result.stdout) == expected


def test_matches_of_stars_have_no_table(overUpstream):
    """As for the gains of pairs."""
    code = """
from lsst.cp.verify import CpVerifyBfkTask

task = CpVerifyBfkTask(config=CpVerifyBfkTask.ConfigClass())
stars = {"BRIGHT_SLOPE": -0.6, "NUM_MATCHES": 20, "FIT_SUCCESS": True}
stats = {"AMP": {}, "DET": {}, "CATALOG": stars, "VERIFY": {"CATALOG": {"BRIGHT_SLOPE": True}}}
try:
    task.repackStats(stats, {"instrument": "LATISS", "exposure": 1, "visit": 1, "detector": 0})
except KeyError as error:
    print(f"KeyError: {error}")
"""
    result = overUpstream("-W", "ignore", "-c", code)
    assert result.returncode == 0, result.stderr
    assert result.stdout == "KeyError: 'CAT'\n"

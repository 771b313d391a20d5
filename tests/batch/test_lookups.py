# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""What submit files look up in the shell and on the machine."""

import os
import re

import pytest

from lsst.analysis.cp.batch import checkVariables, countCores, groupDetectors


def test_variables_that_are_not_set_are_all_named():
    with pytest.raises(RuntimeError, match=re.escape("not set: TICKET, REPO, TAG. Export them")):
        checkVariables("u/${TICKET}/calib", "$REPO", "no variable", "${TAG}.${TICKET}")


def test_values_without_variables_add_nothing():
    assert checkVariables(" instrument='LATISS' ", "/repo/main", "") == {}


def test_cores_are_those_of_the_variable(monkeypatch):
    monkeypatch.setenv("SOME_CORES", "3")
    assert countCores("SOME_CORES") == {"cores": 3}


@pytest.mark.parametrize("text", ["", None])
def test_cores_are_those_that_this_process_may_use(monkeypatch, text):
    monkeypatch.delenv("SOME_CORES", raising=False)
    if text is not None:
        monkeypatch.setenv("SOME_CORES", text)
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0, 5, 7}, raising=False)
    assert countCores("SOME_CORES") == {"cores": 3}


def test_where_no_process_is_limited_all_processors_count(monkeypatch):
    monkeypatch.delenv("SOME_CORES", raising=False)
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 6)
    assert countCores("SOME_CORES") == {"cores": 6}


@pytest.mark.parametrize("text", ["", "1", None])
def test_a_detector_is_a_job(monkeypatch, text):
    monkeypatch.delenv("SOME_DETECTORS", raising=False)
    if text is not None:
        monkeypatch.setenv("SOME_DETECTORS", text)
    assert groupDetectors("SOME_DETECTORS", "exposure") == {"dimensions": "exposure, detector"}


def test_detectors_are_grouped(monkeypatch):
    monkeypatch.setenv("SOME_DETECTORS", "16")
    assert groupDetectors("SOME_DETECTORS", "instrument") == {
        "dimensions": "instrument",
        "partitionDimensions": "detector",
        "partitionMaxSize": 16,
    }


@pytest.mark.parametrize("text", ["0", "-1", "two", "1.5", "٣", " 2"])
def test_what_is_no_number_is_named(monkeypatch, text):
    monkeypatch.setenv("SOME_NUMBER", text)
    with pytest.raises(ValueError, match=f"SOME_NUMBER={re.escape(repr(text))} .* processors"):
        countCores("SOME_NUMBER")
    with pytest.raises(ValueError, match=f"SOME_NUMBER={re.escape(repr(text))} .* detectors"):
        groupDetectors("SOME_NUMBER", "exposure")

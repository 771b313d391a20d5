# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""The page of coverage: each test that DMTN-101 defines is measured, or it says why not."""

import re
from dataclasses import replace

import pytest
from coveragePage import CoverageError, DefinedTest, checkCoverage, coveragePage, readDefinedTests
from pipelineTopics import Topic

from lsst.analysis.cp.catalogue import getProduct, products

DEFINED = readDefinedTests()
CATALOGUE = [test for name in products() for test in getProduct(name)]
# How many items the lists of its sections have; those of section 10 are named by cp_verify.
ITEMS = {"3": 5, "4": 4, "5": 7, "6": 3, "7": 8, "8": 5, "9": 2, "10": 3, "16": 4}


def readRow(page: str, section: str) -> str:
    """Read the row of a table that begins with the number of a section."""
    [row] = re.findall(rf"   \* - {re.escape(section)}\n((?:     .*\n)+)", page)
    return " ".join(row.split())


@pytest.fixture(scope="module")
def page():
    """Make the page for two topics of one tool and one of another."""
    topics = {
        name: Topic(datasetType="x_metrics", dimensions=("instrument",), tool=name.split("_")[1], units={})
        for name in ("cpBiasExp_biasNoise", "cpBiasRun_biasNoise", "cpBiasRun_biasMean")
    }
    [page] = coveragePage(topics).values()
    return page


def test_list_and_catalogue_agree():
    assert checkCoverage(DEFINED) == []


def test_list_has_all_items():
    counts = {}
    for section in DEFINED:
        counts[section.split(".")[0]] = counts.get(section.split(".")[0], 0) + 1
    assert counts == ITEMS


def test_tests_are_found_by_their_section():
    found = {number: [(t.product, t.key) for t in test.measured] for number, test in DEFINED.items()}
    expected = {number: [] for number in DEFINED}
    for test in CATALOGUE:
        if test.section:
            expected[test.section].append((test.product, test.key))
    assert found == expected
    assert ("bias", "NOISE") in found["4.3"]


def test_unknown_section_is_an_error():
    wrong = replace(getProduct("bias")["NOISE"], section="4.9")
    [error] = checkCoverage(DEFINED, [wrong])
    assert error.startswith("bias NOISE: section 4.9 is not in")


@pytest.mark.parametrize("said", ["step", "cpVerify", "nobody"])
def test_test_that_became_covered_may_not_say_otherwise(said):
    stale = replace(DEFINED["4.3"], **{said: "some reason"})
    [error] = checkCoverage({"4.3": stale}, [])
    assert "4.3 is in the catalogue" in error
    assert said in error


@pytest.mark.parametrize("said", [{}, {"cpVerify": "CpVerifyPtcTask", "nobody": "why"}])
def test_test_that_is_not_covered_says_one_reason(said):
    [error] = checkCoverage({"16.1": DefinedTest(section="16.1", criterion="x", **said)}, [])
    assert error.startswith("16.1 is not in the catalogue")


def test_no_page_is_made_of_a_contradiction(monkeypatch):
    monkeypatch.setattr("coveragePage.checkCoverage", lambda defined: ["4.3 is wrong", "4.4 too"])
    with pytest.raises(CoverageError, match=r"4\.3 is wrong; 4\.4 too"):
        coveragePage({})


def test_page_names_who_measures_as_what_and_in_which_topics(page):
    row = readRow(page, "4.3")
    assert "- cp_verify" in row
    assert "- bias NOISE" in row
    assert "``cpBiasExp``, ``cpBiasRun`` of ``biasNoise``" in row
    assert "biasMean" not in row


def test_page_says_why_something_is_not_measured(page):
    uncovered = [test for test in DEFINED.values() if not test.measured]
    assert len(uncovered) > 10
    for test in uncovered:
        row = readRow(page, test.section)
        assert all(
            " ".join(words.split()) in row for words in (test.step, test.ownStep, test.cpVerify, test.nobody)
        )
        assert ("not in this plugin's catalogue yet" in row) == bool(test.cpVerify)
        assert ("- nobody" in row) == bool(test.nobody)


def test_verdicts_that_are_set_aside_are_told(page):
    assert "EXP_SCATTER is set aside" in readRow(page, "10.Z")


def test_counts_of_the_page_are_those_of_the_list(page):
    counts = [int(count) for count in re.findall(r"^- (\d+) ", page, re.MULTILINE)]
    assert sum(counts) == len(DEFINED)
    assert counts[0] == sum(bool(test.measured) for test in DEFINED.values())

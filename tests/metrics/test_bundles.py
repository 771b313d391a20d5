# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""What bundles of metrics hold, what they may not hold, and which there are."""

import json

import pytest

from lsst.analysis.cp.metrics import BundleContent, BundleError, BundleQuery, queryIds, readBundle

RUN, OTHER = "u/cp/verify/20260110T120000Z", "u/cp/verify/20260111T120000Z"
EXPOSURES = (2026010100001, 2026010100002, 2026010500001)


def writeItem(value="5.5", metric='"m"', unit='""'):
    """Write a bundle of one measurement."""
    return f'{{"t": [{{"metric": {metric}, "value": {value}, "unit": {unit}}}]}}'


def test_numbers_are_read_exactly():
    content = BundleContent.fromJson(writeItem(value="0.1"))
    assert (content.values, content.units) == ({"t": {"m": 0.1}}, {"t": {"m": ""}})


@pytest.mark.parametrize("value", ["null", "NaN", "Infinity", "-Infinity"])
def test_what_is_not_finite_is_none(value):
    assert BundleContent.fromJson(writeItem(value=value)).values == {"t": {"m": None}}


@pytest.mark.parametrize("value", ["true", '"5.5"', "[1]", "{}", "1" * 400, "1" * 5000, "-" + "9" * 330])
def test_other_values_are_refused(value):
    with pytest.raises(BundleError, match="^it(s entry 't' is no list| is not JSON)"):
        BundleContent.fromJson(writeItem(value=value))


@pytest.mark.parametrize("unit", ["{}", "[]", "5", "true", '"\\ud800"'])
def test_units_are_texts(unit):
    with pytest.raises(BundleError, match="expected a printable text"):
        BundleContent.fromJson(writeItem(unit=unit))


@pytest.mark.parametrize("metric", ["5", "null", '"\\ud800"', '"a\\nb"'])
def test_names_are_texts(metric):
    with pytest.raises(BundleError, match="expected a printable text"):
        BundleContent.fromJson(writeItem(metric=metric))


@pytest.mark.parametrize(
    "key", ["__metricNamePrefix", "__dataset_identifier", "__timestamp_version", "__reference_package"]
)
@pytest.mark.parametrize("value", [5, True, ["a"], {"a": 1}, "\ud800"])
def test_notes_are_texts(key, value):
    with pytest.raises(BundleError, match="its notes are no texts: expected a printable text"):
        BundleContent.fromJson(json.dumps({"t": [], key: value}))


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (writeItem()[:-2] + ', {"metric": "m", "value": 6.5, "unit": ""}]}', "m"),
        ('{"t": [], "t": []}', "t"),
        ('{"t": [{"metric": "m", "value": 1, "value": 2, "unit": ""}]}', "value"),
    ],
)
def test_nothing_is_there_twice(text, name):
    with pytest.raises(BundleError, match=f"'{name}' is there twice"):
        BundleContent.fromJson(text)


@pytest.mark.parametrize("text", ["[" * 200_000, '{"a":' * 200_000, b"\xff", ""])
def test_what_is_no_json_is_refused(text):
    with pytest.raises(BundleError, match="it is not JSON"):
        BundleContent.fromJson(text)


def test_bundles_in_an_archive_are_read(repository, makeValues, tmp_path):
    repository.putNoise("cpBiasRun", makeValues(1, "run"))
    (ref,) = repository.butler.query_datasets("cpBiasRun_metrics", RUN)
    expected = readBundle(repository.butler, ref)
    archive = repository.butler.retrieve_artifacts_zip([ref], tmp_path)
    repository.butler.pruneDatasets([ref], unstore=True, purge=True, disassociate=True)
    repository.butler.ingest_zip(archive, transfer="copy")
    assert readBundle(repository.butler, ref) == expected


@pytest.fixture
def bundles(repository, makeValues):
    for exposure in EXPOSURES:
        repository.putNoise("cpBiasExp", makeValues(1, "exposure"), exposure=exposure)
    return repository.butler


def test_pages_hold_all_bundles_in_the_order_of_storage(bundles):
    (found,) = BundleQuery([RUN]).find(bundles)
    pages = list(found.pages(2))
    assert [len(page) for page in pages] == [2, 1]
    refs = [ref for page in pages for ref in found.read(bundles, page)]
    assert [ref.dataId["exposure"] for ref in refs] == list(EXPOSURES)
    assert queryIds(bundles, "cpBiasExp_metrics", [RUN]) == tuple(ref.id.bytes for ref in refs)


@pytest.mark.parametrize("collection", [RUN, OTHER])
def test_who_finds_nothing_hears_what_there_is(bundles, collection):
    query = BundleQuery([collection], "instrument = 'LSSTCam'")
    assert not any(query.find(bundles))
    assert query.explainNothing(bundles) == (
        "There are bundles of the types cpBiasExp_metrics, of the instruments LSSTComCam, in the collections "
        f"{RUN}."
    )


def test_a_repository_without_bundles_is_said_to_have_none(repository):
    assert BundleQuery([RUN]).explainNothing(repository.butler) == "The repository has no bundles of metrics."

# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""No page looks at all datasets: what the Butler asks a database for is found by its indices."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlencode

import pytest
import urllib3
from largeRepository import (
    CALIBRATIONS,
    CHAIN,
    INSTRUMENT,
    PYRAMID,
    RUNS,
    LargeRepository,
    makeLargeRepository,
)
from queryPlans import recordPlans
from registries import Registries
from runningServer import runServer
from sqlalchemy import create_engine, text

from lsst.daf.butler import Butler, ButlerConfig, DatasetType
from lsst.daf.butler.repo_relocation import BUTLER_ROOT_TAG

EXPOSURE = 2026030100003
PLOTS = "cpBiasExpDet_test00_AmpGridPlot"
OF_EXPOSURES = "cpBiasExp_test00_FocalPlaneGeometryPlot"
OF_CHAIN = {"collection": CHAIN, "type": PLOTS}
SELECTIONS = (
    {},
    {"exposure": EXPOSURE},
    {"detector": "R01_S01"},
    {"day_obs": 20260301},
    {"raft": "R01"},
    {"physical_filter": "i_39"},
    {"day_obs": 20260301, "detector": "R01_S01"},
    {"exposure": EXPOSURE, "raft": "R01"},
)
PLACE = {"exposure": EXPOSURE, "detector": 3}
SIDES = {"left": RUNS[0], "right": RUNS[1], "type": PLOTS}
OF_CALIBRATIONS = {"collection": CALIBRATIONS, "type": "bias"}
KEY = f'["{INSTRUMENT}",3,{EXPOSURE}]'

PAGES = [
    ("/", {}),
    ("/", {"pattern": "verify", "shown": "1"}),
    ("/plots", {"collection": CHAIN}),
    ("/plots", {"collection": CHAIN, "type": OF_EXPOSURES}),
    ("/images", {"collection": CALIBRATIONS}),
    ("/calibrations", {"collection": CALIBRATIONS, "detector": "R01_S01", "at": "2026-03-01"}),
    *(("/plots", {**OF_CHAIN, **each}) for each in SELECTIONS),
    *(("/plots", {**OF_CHAIN, **each, "after": KEY}) for each in SELECTIONS),
    *(("/plots", {**OF_CHAIN, **each, "before": KEY}) for each in SELECTIONS),
    *(("/flip/line", {**OF_CHAIN, **PLACE, "along": each}) for each in ("exposure", "detector")),
    ("/flip/line", {**OF_CHAIN, **PLACE, "along": "exposure", "end": "last"}),
    ("/flip", {**OF_CHAIN, **PLACE, "along": "exposure"}),
    ("/flip/types", {**OF_CHAIN, **PLACE}),
    *(("/compare", {**SIDES, **each}) for each in SELECTIONS),
    ("/calibrations", OF_CALIBRATIONS),
    ("/calibrations", {**OF_CALIBRATIONS, "detector": 3}),
]


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory, registries: Registries) -> LargeRepository:
    """Make a repository with some thousand plots."""
    made = LargeRepository(tmp_path_factory.mktemp("plans") / "repository", 41, 12, nEpochs=3)
    with registries.hosting():
        makeLargeRepository(made)
    return made


@pytest.fixture(scope="module")
def address(repository: LargeRepository) -> Iterator[str]:
    with runServer(repository.root) as address:
        yield address


def read(address: str, path: str) -> bytes:
    """Ask for a page, which may look at no dataset but by an index."""
    with recordPlans() as plans:
        answer = urllib3.request("GET", address + path, retries=False)
    assert answer.status == 200, answer.data
    assert plans
    scans = [f"{path}: {found}\n{plan.statement}" for plan in plans for found in plan.findScans()]
    assert not scans, "\n".join(scans)
    return bytes(answer.data)


@pytest.mark.parametrize(("page", "parameters"), PAGES)
def test_a_page_is_found_by_indices(address, page, parameters):
    assert read(address, f"{page}?{urlencode(parameters)}")


@pytest.mark.parametrize("what", ["", "/picture", "/thumbnail"])
def test_a_dataset_is_found_by_indices(address, repository, what):
    with repository.open() as butler:
        ref = butler.find_dataset(PLOTS, instrument=INSTRUMENT, exposure=EXPOSURE, detector=3)
    assert read(address, f"/dataset/{ref.id}{what}")


@pytest.fixture(scope="module")
def pyramid(repository: LargeRepository) -> str:
    """Register pyramids of all exposures, without files; return the identifier of one."""
    with Butler.from_config(str(repository.root), writeable=True) as butler:
        kind = DatasetType(PYRAMID, ("instrument", "exposure"), "ImageF", universe=butler.dimensions)
        butler.registry.registerDatasetType(kind)
        ids = [{"instrument": INSTRUMENT, "exposure": number} for number in repository.exposures]
        refs = butler.registry.insertDatasets(kind, ids, run=RUNS[0])
    return str(next(ref.id for ref in refs if ref.dataId["exposure"] == EXPOSURE))


@pytest.mark.parametrize(
    "what", ["/others", "/list?day_obs=20260301", f"/list?after={EXPOSURE}", "/findings", "/amplifiers"]
)
@pytest.mark.parametrize("collection", ["", CHAIN])
def test_what_belongs_to_a_pyramid_is_found_by_indices(address, pyramid, what, collection):
    joint = "&" if "?" in what else "?"
    given = f"{joint}{urlencode({'collection': collection})}" if collection else ""
    assert read(address, f"/pyramid/{pyramid}{what}{given}")


@pytest.mark.parametrize(
    ("statement", "isScan"),
    [
        ("SELECT run_id FROM dataset WHERE ingest_date IS NOT NULL", True),
        ("SELECT run_id FROM dataset WHERE id = '0'", False),
        ("SELECT count(*) FROM {tags} AS bias_tags", True),
        ("SELECT detector FROM {tags} AS bias_tags WHERE dataset_type_id = 1 AND collection_id = 2", False),
    ],
)
def test_scans_are_told_from_searches(repository, statement, isScan):
    config = ButlerConfig(str(repository.root))
    engine = create_engine(config["registry", "db"].replace(BUTLER_ROOT_TAG, str(repository.root)))
    if engine.dialect.name == "postgresql":
        statement = statement.replace("'0'", "'00000000-0000-0000-0000-000000000000'")
    with engine.connect() as connection:
        name = text("SELECT tag_association_table FROM dataset_type WHERE name = 'bias'")
        tags = connection.execute(name).scalar()
        with recordPlans() as (plans):
            connection.execute(text(statement.format(tags=tags)))
    engine.dispose()
    (plan,) = plans
    assert bool(plan.findScans()) is isScan, plan

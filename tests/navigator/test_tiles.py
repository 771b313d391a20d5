# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""What the server tells of pyramids: pixels as other readers find them, and what belongs to an exposure."""

from __future__ import annotations

import base64
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import astropy.io.fits
import matplotlib
import numpy as np
import pytest
import urllib3
from astropy.table import MaskedColumn
from runningServer import runServer
from viewerRepository import (
    COMBINED,
    DETECTORS,
    EXPOSURES,
    FAILED,
    FAULTS,
    MASK_PLANES,
    PYRAMID,
    STRUCTURES,
    VERIFY,
    ViewerRepository,
    makeCulprits,
    makeStructures,
    makeTurnedRepository,
    makeViewerRepository,
)

from lsst.analysis.cp.core.pyramid import PyramidReader
from lsst.analysis.cp.navigator.tiles.findings import findFailed, findStructures
from lsst.analysis.cp.navigator.tiles.readers import OpenPyramids, PyramidPlace
from lsst.daf.butler import Butler
from lsst.resources import ResourcePath

HTTP = urllib3.PoolManager()


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> ViewerRepository:
    return makeViewerRepository(tmp_path_factory.mktemp("tiles") / "repository")


@pytest.fixture(scope="module")
def address(repository: ViewerRepository) -> Iterator[str]:
    with runServer(repository.root) as address:
        yield f"{address}/pyramid"


@pytest.fixture(scope="module")
def turned(tmp_path_factory: pytest.TempPathFactory, pyramidPath: Path) -> Iterator[tuple[str, str]]:
    """Serve a repository with a camera that is turned by any angle; return address and dataset."""
    repository = makeTurnedRepository(tmp_path_factory.mktemp("turned") / "repository", pyramidPath)
    with runServer(repository.root) as address:
        yield f"{address}/pyramid", repository.idOf("turned_pyramid")


def get(address: str, status: int = 200, **headers: str) -> urllib3.BaseHTTPResponse:
    answer = HTTP.request("GET", address, headers=headers, timeout=30)
    assert answer.status == status, answer.data[:500]
    return answer


def readTile(address: str, dtype: str = "<f4") -> np.ndarray:
    answer = get(address)
    assert answer.headers["content-type"] == "application/octet-stream"
    shape = [int(size) for size in answer.headers["x-tile-shape"].split(",")]
    return np.frombuffer(answer.data, dtype=dtype).reshape(shape)


@pytest.mark.parametrize("detector", [94, 81, 189, 204])
@pytest.mark.parametrize(("plane", "factor"), [("image", 1), ("image", 4), ("significance", 2), ("mask", 1)])
def test_tiles_are_the_images_in_the_file(address, repository, detector, plane, factor):
    dtype = "<i4" if plane == "mask" else "<f4"
    with astropy.io.fits.open(repository.pathOf(EXPOSURES[0])) as hdus:
        (expected,) = (
            hdu.data
            for hdu in hdus[4:]
            if (hdu.header.get("DETECTOR"), hdu.header["PLANE"], hdu.header["FACTOR"])
            == (detector, plane, factor)
        )
    n_rows, n_columns = (-(-size // 512) for size in expected.shape)
    base = f"{address}/{repository.idOf(EXPOSURES[0])}/tile/{detector}/{plane}/{factor}"
    tiles = [[readTile(f"{base}/{i}/{j}", dtype) for j in range(n_columns)] for i in range(n_rows)]
    np.testing.assert_array_equal(np.block(tiles), expected)


def test_pixels_are_those_that_were_put_there(address, repository):
    for (detector, x, y), value in FAULTS.items():
        tile = readTile(
            f"{address}/{repository.idOf(EXPOSURES[0])}/tile/{detector}/image/1/{y // 512}/{x // 512}"
        )
        assert tile[y % 512, x % 512] == value


def test_tiles_of_a_turned_detector(turned, pyramidPath):
    address, uuid = turned
    with PyramidReader(pyramidPath) as reader:
        expected = reader.readTile(14, "image", 2, 0, 1)
    np.testing.assert_array_equal(readTile(f"{address}/{uuid}/tile/14/image/2/0/1"), expected)


@pytest.mark.parametrize("factor", [8, 16, 32])
def test_tiles_of_mosaics(address, repository, factor):
    with PyramidReader(repository.pathOf(EXPOSURES[0])) as reader:
        expected = reader.readTile(-1, "image", factor, 0, 0)
    np.testing.assert_array_equal(
        readTile(f"{address}/{repository.idOf(EXPOSURES[0])}/tile/-1/image/{factor}/0/0"), expected
    )


def test_browsers_keep_tiles(address, repository):
    tile = f"{address}/{repository.idOf(EXPOSURES[0])}/tile/94/image/1/0/0"
    answer = get(tile)
    assert "immutable" in answer.headers["cache-control"]
    again = get(tile, 304, **{"If-None-Match": answer.headers["etag"]})
    assert again.data == b""
    other = get(tile.replace("/0/0", "/0/1"))
    assert other.headers["etag"] != answer.headers["etag"]


def test_only_masks_are_compressed(address, repository):
    base = f"{address}/{repository.idOf(EXPOSURES[0])}/tile/94"
    of_mask = get(f"{base}/mask/1/0/0", **{"Accept-Encoding": "gzip"})
    assert of_mask.headers["content-encoding"] == "gzip"
    assert int(of_mask.headers["content-length"]) < 20000
    assert len(of_mask.data) == 4 * 512 * 512
    assert "content-encoding" not in get(f"{base}/image/1/0/0", **{"Accept-Encoding": "gzip"}).headers


@pytest.mark.parametrize(
    ("tile", "status", "words"),
    [
        ("94/image/1/2/0", 404, "has 2 by 2 tiles; got row 2, column 0"),
        ("94/image/1/999999999/0", 404, "2 by 2 tiles"),
        ("94/image/3/0/0", 404, "no such image"),
        ("94/depth/1/0/0", 404, "no such image"),
        ("94/mask/2/0/0", 404, "no such image"),
        ("95/image/1/0/0", 404, "no such image"),
        ("-1/image/1/0/0", 404, "no such image"),
        ("-2/image/1/0/0", 400, "greater than or equal to -1"),
        ("94/image/1/-1/0", 400, "greater than or equal to 0"),
        ("94/image/1/NaN/0", 400, "valid integer"),
        ("94/image/1/1.5/0", 400, "valid integer"),
        ("94/image/1/99999999999999999999/0", 400, "less than"),
        ("94/..%2f..%2fimage/1/0/0", 404, "Not Found"),
    ],
)
def test_odd_requests_are_refused(address, repository, tile, status, words):
    answer = get(f"{address}/{repository.idOf(EXPOSURES[0])}/tile/{tile}", status)
    assert words in answer.json()["detail"]


@pytest.mark.parametrize("what", ["", "/findings", "/others", "/list", "/amplifiers", "/tile/0/image/1/0/0"])
def test_datasets_that_are_no_pyramids(address, repository, what):
    assert "There is no dataset" in get(f"{address}/{uuid4()}{what}", 404).json()["detail"]
    with Butler.from_config(str(repository.root)) as butler:
        (ref,) = butler.query_datasets("cpBiasExp_culprits", "*", find_first=False)
    assert "is no pyramid" in get(f"{address}/{ref.id}{what}", 404).json()["detail"]


def test_damaged_tile_is_said_and_others_are_sent(address, repository):
    base = f"{address}/{repository.idOf(EXPOSURES[2])}/tile/94/image/1"
    words = get(f"{base}/1/1", 502).json()["detail"]
    assert "'image' of detector 94 at factor 1 is damaged: the checksum of tile 3 is wrong" in words
    sound = f"{address}/{repository.idOf(EXPOSURES[0])}/tile/94/image/1/0/0"
    np.testing.assert_array_equal(readTile(f"{base}/0/0"), readTile(sound))


@pytest.mark.parametrize("what", ["", "/tile/94/image/1/0/0"])
def test_file_that_is_gone(address, repository, what):
    words = get(f"{address}/{repository.idOf(EXPOSURES[3])}{what}", 404).json()["detail"]
    assert PYRAMID in words
    assert str(repository.root) not in words


def test_facts(address, repository):
    facts = get(f"{address}/{repository.idOf(EXPOSURES[0])}").json()
    assert facts["dataId"] == {"instrument": "LSSTCam", "exposure": str(EXPOSURES[0])}
    assert len(facts["detectors"]) == 205
    assert {own["id"] for own in facts["detectors"] if own["planes"]} == set(DETECTORS)
    planes = {plane["name"]: plane for plane in facts["planes"]}
    assert planes["image"]["unit"] == "electron"
    assert planes["mask"]["maskPlanes"] == MASK_PLANES
    assert planes["image"]["factors"] == [1, 2, 4]
    assert planes["significance"]["factors"] == [2, 4]
    for low, high in planes["image"]["limits"].values():
        assert low < high


@pytest.mark.parametrize("detector", [94, 81, 189, 204])
def test_places_of_detectors_are_those_of_the_camera(address, repository, detector):
    facts = get(f"{address}/{repository.idOf(EXPOSURES[0])}").json()
    (own,) = (each for each in facts["detectors"] if each["id"] == detector)
    with PyramidReader(repository.pathOf(EXPOSURES[0])) as reader:
        for x, y in ((0, 0), (1000, 17), (31, 480)):
            place = np.array(own["origin"]) + np.array(own["matrix"]) @ [x, y]
            np.testing.assert_allclose(place, reader.toFocalPlane(detector, x, y), atol=1e-9)


def test_amplifiers_are_those_of_the_stored_camera(address, repository):
    listed = {
        own["detector"]: own for own in get(f"{address}/{repository.idOf(EXPOSURES[0])}/amplifiers").json()
    }
    for detector in (repository.camera[94], repository.camera[189]):
        own = listed[detector.getId()]
        assert own["names"] == [amp.getName() for amp in detector]
        boxes = [amp.getBBox() for amp in detector]
        edges = [(b.getMinX() - 0.5, b.getMinY() - 0.5, b.getMaxX() + 0.5, b.getMaxY() + 0.5) for b in boxes]
        assert [tuple(each) for each in own["edges"]] == edges


def test_no_camera_is_said(turned):
    address, uuid = turned
    assert "There is no camera of Camera" in get(f"{address}/{uuid}/amplifiers", 404).json()["detail"]


@pytest.mark.parametrize(
    "spoil", [Path.unlink, lambda path: path.write_bytes(b"SIMPLE  =")], ids=["gone", "cut"]
)
def test_camera_that_cannot_be_read_is_said(repository, tmp_path, spoil):
    root = shutil.copytree(repository.root, tmp_path / "copy")
    with Butler.from_config(str(root)) as butler:
        (camera,) = butler.query_datasets("camera", "*", find_first=False)
        spoil(Path(butler.getURI(camera).ospath))
    with runServer(root) as address:
        pyramid = f"{address}/pyramid/{repository.idOf(EXPOSURES[0])}"
        assert "camera" in get(f"{pyramid}/amplifiers", 404).json()["detail"]
        assert "cannot be read" in get(f"{pyramid}/amplifiers", 404).json()["detail"]
        assert get(pyramid).json()


def test_findings_of_an_exposure(address, repository):
    found = get(f"{address}/{repository.idOf(EXPOSURES[0])}/findings").json()
    (failed,) = found["failed"]
    assert (failed["detector"], failed["amplifier"]) == FAILED
    assert dict(zip(failed["tests"], failed["reasons"], strict=True)) == {
        "NOISE": "too high",
        "MEAN": "too far from 0",
    }
    assert [(s["rank"], s["kind"], s["detector"], s["x"], s["y"]) for s in found["structures"]] == [
        each[:5] for each in STRUCTURES
    ]
    assert found["structures"][1]["score"] is None
    assert found["problems"] == []


def test_tables_that_are_not_there_are_named(address, repository):
    found = get(f"{address}/{repository.idOf(EXPOSURES[1])}/findings").json()
    # Nothing is good because no table says anything.
    assert found["failed"] is found["structures"] is None
    assert [words.partition(" in ")[0] for words in found["problems"]] == [
        "There is no table of culprits",
        "There is no table of structures",
    ]


def test_unreadable_table_is_named_and_the_other_is_read(tmp_path, repository):
    root = shutil.copytree(repository.root, tmp_path / "copy")
    with Butler.from_config(str(root)) as butler:
        (ref,) = butler.query_datasets("cpBiasExp_culprits", "*", find_first=False)
        Path(butler.getURI(ref).ospath).write_bytes(b"no table")
    with runServer(root) as address:
        found = get(f"{address}/pyramid/{repository.idOf(EXPOSURES[0])}/findings").json()
    assert len(found["structures"]) == 2
    assert found["failed"] is None
    assert "cpBiasExp_culprits" in found["problems"][0]
    assert "cannot be read" in found["problems"][0]


def replaceTable(root: Path, name: str, **columns: object) -> None:
    """Put a table in place of one, with other columns."""
    with Butler.from_config(str(root), writeable=True) as butler:
        (ref,) = butler.query_datasets(name, "*", find_first=False, with_dimension_records=True)
        table = butler.get(ref)
        table.update(columns)
        butler.pruneDatasets([ref], purge=True, unstore=True, disassociate=True)
        butler.put(table, ref)


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"status": [3, 3, 3, 3]}, "Expected text in its column 'status', got int64."),
        ({"exposure": ["2026030100001"] * 4}, "Expected whole numbers in its column 'exposure'"),
        ({"exposure": [2026030100001.0] * 4}, "Expected whole numbers in its column 'exposure'"),
        ({"detector": ["R22"] * 4}, "A table cannot be used"),
    ],
)
def test_odd_table_of_culprits_does_not_say_that_nothing_failed(tmp_path, repository, columns, words):
    root = shutil.copytree(repository.root, tmp_path / "copy")
    replaceTable(root, "cpBiasExp_culprits", **columns)
    with runServer(root) as address:
        found = get(f"{address}/pyramid/{repository.idOf(EXPOSURES[0])}/findings").json()
    assert found["failed"] is None
    assert words in found["problems"][0]
    assert len(found["structures"]) == 2


@pytest.mark.parametrize("columns", [{"x": ["left", "right"]}, {"rank": [np.nan, 1.0]}])
def test_odd_table_of_structures_costs_itself(tmp_path, repository, columns):
    root = shutil.copytree(repository.root, tmp_path / "copy")
    replaceTable(root, "cpBiasExpResidual_structures", **columns)
    with runServer(root) as address:
        found = get(f"{address}/pyramid/{repository.idOf(EXPOSURES[0])}/findings").json()
    assert found["structures"] is None
    assert "A table cannot be used" in found["problems"][0]
    assert (found["failed"][0]["detector"], found["failed"][0]["amplifier"]) == FAILED


def test_absent_values_of_tables_are_left_out():
    culprits = makeCulprits(EXPOSURES[0])
    culprits["status"] = MaskedColumn(["failed"] * 4, mask=[True, False, False, False])
    (own, other) = findFailed([culprits], EXPOSURES[0])
    assert (own.detector, own.tests, other.detector) == (81, ("NOISE",), 94)
    structures = makeStructures(EXPOSURES[0])
    structures["rank"] = MaskedColumn([1, 2], mask=[True, False])
    structures["score"] = MaskedColumn([50.0, 7.0], mask=[False, True])
    (left,) = findStructures(structures)
    assert (left.rank, left.detector, left.score) == (2, 81, None)


def test_exposures_before_and_after(address, repository):
    ids = [repository.idOf(exposure) for exposure in EXPOSURES]
    for i, uuid in enumerate(ids):
        others = get(f"{address}/{uuid}/others").json()
        beside = [others[name] and others[name]["id"] for name in ("previous", "following")]
        assert beside == [ids[i - 1] if i else None, ids[i + 1] if i < 3 else None]
    assert others["previous"]["key"] == str(EXPOSURES[2])


def test_combined_calibration(address, repository):
    others = get(f"{address}/{repository.idOf(EXPOSURES[0])}/others").json()
    assert [other["id"] for other in others["combined"]] == [repository.idOf(COMBINED)]
    of_combined = get(f"{address}/{repository.idOf(COMBINED)}/others").json()
    assert of_combined == {"previous": None, "following": None, "combined": []}


def test_exposures_of_a_day(address, repository):
    base = f"{address}/{repository.idOf(EXPOSURES[1])}/list"
    keys = [other["key"] for other in get(base).json()]
    assert keys == [str(exposure) for exposure in EXPOSURES]
    assert [other["key"] for other in get(f"{base}?day_obs=20260302").json()] == keys[3:]
    assert [other["key"] for other in get(f"{base}?after={EXPOSURES[0]}&day_obs=20260301").json()] == keys[
        1:3
    ]
    assert get(f"{base}?day_obs=19990101").json() == []
    assert "day_obs" in get(f"{base}?day_obs=yesterday", 400).json()["detail"]


def test_collection_that_is_not_there(address, repository):
    answer = get(f"{address}/{repository.idOf(EXPOSURES[0])}/others?collection=nowhere", 404)
    assert "nowhere" in answer.json()["detail"]


def test_search_in_one_collection(address, repository):
    uuid = repository.idOf(EXPOSURES[0])
    assert get(f"{address}/{uuid}/list?collection={VERIFY}").json() == []
    found = get(f"{address}/{uuid}/findings?collection={VERIFY}").json()
    assert len(found["failed"]) == 1
    # Structures lie beside the pyramid.
    assert len(found["structures"]) == 2


def test_colours_are_those_of_matplotlib(address):
    tables = get(f"{address}/colours").json()
    assert {"gray", "viridis", "cividis"} <= set(tables)
    for name, text in tables.items():
        table = np.frombuffer(base64.b64decode(text), dtype=np.uint8).reshape(256, 3)
        expected = [[round(255 * part) for part in matplotlib.colormaps[name](i)[:3]] for i in range(256)]
        np.testing.assert_array_equal(table, expected)


class CountingPlaces:
    """Counts how often the place of a file is asked for."""

    def __init__(self, path: Path) -> None:
        self.place = PyramidPlace(ResourcePath(str(path)), "this one")
        self.count = 0

    def __call__(self) -> PyramidPlace:
        self.count += 1
        return self.place


def test_readers_are_used_again_and_forgotten(pyramidPath):
    pyramids, locate = OpenPyramids(most=2), CountingPlaces(pyramidPath)
    ids = [UUID(int=i) for i in range(3)]
    for uuid in (ids[0], ids[0], ids[1], ids[0]):
        with pyramids.open(uuid, locate) as reader:
            assert reader.name == "this one"
    assert locate.count == 2
    with pyramids.open(ids[2], locate):
        pass
    # The one that was not used for longest is closed.
    with pyramids.open(ids[0], locate):
        pass
    assert locate.count == 3
    with pyramids.open(ids[1], locate):
        pass
    assert locate.count == 4
    pyramids.close()


def test_threads_get_readers_of_their_own(pyramidPath):
    pyramids, locate = OpenPyramids(most=3), CountingPlaces(pyramidPath)
    with PyramidReader(pyramidPath) as reader:
        expected = [reader.readTile(10, "image", 1, row, column) for row in (0, 1) for column in (0, 1, 2)]
    inside: set[int] = set()
    problems: list[str] = []

    def work(start: int) -> None:
        for i in range(12):
            number = (start + i) % 6
            with pyramids.open(UUID(int=0), locate) as reader:
                if id(reader) in inside:
                    problems.append("two threads have a reader")
                inside.add(id(reader))
                if not np.array_equal(reader.readTile(10, "image", 1, *divmod(number, 3)), expected[number]):
                    problems.append(f"tile {number} differs")
                inside.discard(id(reader))

    threads = [threading.Thread(target=work, args=(i,)) for i in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert problems == []
    assert locate.count <= 3
    pyramids.close()


def test_reader_is_closed_after_an_error_of_its_file(pyramidPath):
    pyramids, locate = OpenPyramids(), CountingPlaces(pyramidPath)

    def fail() -> None:
        with pyramids.open(UUID(int=0), locate):
            raise ConnectionError("gone")

    with pytest.raises(ConnectionError):
        fail()
    with pyramids.open(UUID(int=0), locate) as reader:
        assert reader.pixelSize == pytest.approx(0.01)
    assert locate.count == 2
    pyramids.close()


def test_answers_are_the_same_for_all_readers(address, repository):
    """Requests at the same time give what one after another gives."""
    base = f"{address}/{repository.idOf(EXPOSURES[0])}/tile/94/image/1"
    expected = {tile: get(f"{base}/{tile}").data for tile in ("0/0", "0/1", "1/0", "1/1")}
    found: list[Any] = []
    threads = [
        threading.Thread(target=lambda tile=tile: found.append((tile, get(f"{base}/{tile}").data)))
        for tile in list(expected) * 4
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(found) == 16
    assert all(expected[tile] == data for tile, data in found)

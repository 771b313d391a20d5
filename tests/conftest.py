# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""What tests of several parts share: real data, cameras with turned detectors, a small camera, a pyramid."""

import math
import os
import statistics
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from lsst.afw.cameraGeom import Camera, DetectorType, Orientation
from lsst.analysis.cp.core import CameraLayout
from lsst.analysis.cp.core.geometry import FocalPlaneGeometry, boxCorners
from lsst.analysis.cp.core.pyramid import PyramidWriter
from lsst.geom import Box2I, Extent2D, Extent2I, Point2D, Point2I, Point3D, radians
from lsst.utils import packages

# The scripts that generate files are no package, nor is what tests share.
sys.path += [str(Path(__file__).parents[1] / "doc" / "generate"), str(Path(__file__).parent / "support")]

from browsers import startBrowser
from postgresServer import PostgresServer
from registries import Registries, SqliteFiles

PIXEL_SIZE = 0.01
WIDTH, HEIGHT = 100, 80
N_COLUMNS = 4

# Id, name, type, vendor and number of amplifiers of each detector; ids are in no order.
DETECTORS = (
    (21, "R01_S00", "SCIENCE", "E2V", 8),
    (5, "R01_S01", "SCIENCE", "ITL", 8),
    (7, "R01_S02", "SCIENCE", "ITL", 8),
    (30, "R00_SG0", "GUIDER", "ITL_G", 8),
    (31, "R00_SW0", "WAVEFRONT", "ITL_WF", 4),
)


@dataclass(frozen=True)
class FakeAmplifier:
    name: str
    box: Box2I

    def getName(self) -> str:
        return self.name

    def getBBox(self) -> Box2I:
        return self.box

    def getGain(self) -> float:
        return 1.5

    def getReadNoise(self) -> float:
        return 5.0


@dataclass(frozen=True, eq=False)
class FakeDetector:
    """A detector of 4 x 2 amplifiers, turned about its lower left pixel corner."""

    id: int
    name: str
    physicalType: str
    x: float
    y: float
    yaw: float
    type: DetectorType = DetectorType.SCIENCE
    amps: list[FakeAmplifier] = field(default_factory=list)

    def __post_init__(self) -> None:
        for i in range(2 * N_COLUMNS):
            column, row = i % N_COLUMNS, i // N_COLUMNS
            corner = Point2I(column * WIDTH // N_COLUMNS, row * HEIGHT // 2)
            self.amps.append(FakeAmplifier(f"C{row}{column}", Box2I(corner, Extent2I(25, 40))))

    def getId(self) -> int:
        return self.id

    def getName(self) -> str:
        return self.name

    def getType(self) -> DetectorType:
        return self.type

    def getPhysicalType(self) -> str:
        return self.physicalType

    def getBBox(self) -> Box2I:
        return Box2I(Point2I(0, 0), Extent2I(WIDTH, HEIGHT))

    def getAmplifiers(self) -> list[FakeAmplifier]:
        return self.amps

    def getTransform(self, fromSys: object, toSys: object) -> object:
        orientation = Orientation(Point3D(self.x, self.y, 0.0), Point2D(-0.5, -0.5), self.yaw * radians)
        return orientation.makePixelFpTransform(Extent2D(PIXEL_SIZE, PIXEL_SIZE))


FakeCamera = Sequence[FakeDetector]


@pytest.fixture(scope="module")
def browser() -> Iterator[object]:
    """Start a browser for the tests of a module."""
    yield from startBrowser()


@pytest.fixture(scope="session", autouse=True)
def packagesOnce() -> Iterator[None]:
    """Search the environment once for its packages, of which each run of a pipeline keeps a list."""
    with pytest.MonkeyPatch.context() as patch:
        search = cache(packages.packages_distributions)
        patch.setattr(packages, "packages_distributions", search)
        yield


@pytest.fixture(scope="session")
def sharedData() -> Path:
    """Directory with real cameras and measurements, where it is present."""
    default = Path(__file__).parents[1].parent / "shared"
    path = Path(os.environ.get("ANALYSIS_CP_SHARED", default)) / "data"
    if not path.is_dir():
        pytest.skip(f"needs the real camera files: no directory {path} (set ANALYSIS_CP_SHARED)")
    return path


@pytest.fixture(scope="session")
def postgresServer() -> Iterator[PostgresServer]:
    """Run a server of PostgreSQL."""
    pytest.importorskip("psycopg2", reason="needs psycopg2")
    try:
        server = PostgresServer()
    except FileNotFoundError as error:
        pytest.skip(f"needs PostgreSQL: {error} (Debian: apt-get install postgresql)")
    yield server
    server.stop()


@pytest.fixture(scope="session", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def registries(request: pytest.FixtureRequest) -> Registries:
    """Return where repositories have their registries: what holds of one has to hold of the other."""
    return SqliteFiles() if request.param == "sqlite" else request.getfixturevalue("postgresServer")


@pytest.fixture
def upstreamPipelines(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let pipelines find those that they import: of the packages that are set up, else the stand-ins."""
    root = Path(__file__).parents[1]
    tree = os.environ.get("CP_VERIFY_DIR", str(root / "standalone"))
    monkeypatch.setenv("CP_VERIFY_DIR", tree)
    monkeypatch.setenv("ANALYSIS_TOOLS_DIR", os.environ.get("ANALYSIS_TOOLS_DIR", tree))
    monkeypatch.setenv("ANALYSIS_CP_DIR", str(root))


@pytest.fixture(scope="session")
def makeCamera() -> Callable[..., FakeCamera]:
    """Return a maker of cameras from (x, y, yaw) of each detector, in mm and radians."""

    def make(*places: tuple[float, float, float], ids: Sequence[int] | None = None) -> FakeCamera:
        return tuple(
            FakeDetector(number, f"R0{i // 2}_S{i % 2}", ("E2V", "ITL")[i % 2], *place)
            for i, (number, place) in enumerate(zip(ids or range(len(places)), places, strict=True))
        )

    return make


@pytest.fixture(scope="session")
def camera(makeCamera: Callable[..., FakeCamera]) -> FakeCamera:
    """Return a camera of four detectors, away from the origin and turned, whose identifiers have gaps."""
    return makeCamera(
        (10.0, 5.0, 0.0), (12.0, 5.0, np.pi / 2), (10.0, 7.0, 0.3), (12.0, 7.0, np.pi), ids=[3, 94, 20, 7]
    )


@pytest.fixture(scope="session")
def layout() -> CameraLayout:
    """Lay out a camera of five detectors of three types and several vendors, 36 amplifiers."""
    ids, names, types, vendors, n_amps = (np.array(values) for values in zip(*DETECTORS, strict=True))
    n = int(n_amps.sum())
    return CameraLayout(
        detectorId=ids,
        detectorName=names,
        detectorType=types,
        physicalType=vendors,
        ampDetector=np.repeat(np.arange(len(ids)), n_amps),
        ampName=np.concatenate([[f"C{i // 4}{i % 4}" for i in range(n)] for n in n_amps]),
        ampGain=np.linspace(1.2, 1.8, n),
        ampReadNoise=np.linspace(4.0, 6.0, n),
        ampPixels=np.arange(1000, 1000 + n),
    )


@pytest.fixture(scope="session")
def lsstCamLayout(lsstCam: Camera) -> CameraLayout:
    """Return the real camera as arrays."""
    return CameraLayout.fromCamera(lsstCam)


@pytest.fixture(scope="session")
def slowReduction() -> Callable[[Iterable[float]], tuple[float, float, float, int]]:
    """Reduce values with the standard library: minimum, median, maximum, number of finite values."""

    def reduce(values: Iterable[float]) -> tuple[float, float, float, int]:
        finite = [float(value) for value in values if math.isfinite(value)]
        if not finite:
            return math.nan, math.nan, math.nan, 0
        return min(finite), statistics.median(finite), max(finite), len(finite)

    return reduce


def turn(
    points: npt.ArrayLike, place: tuple[float, float, float], pixelSize: float = PIXEL_SIZE
) -> npt.NDArray[np.float64]:
    """Move pixel positions (x, y) of a detector to the focal plane; its lower left edge lies at the place."""
    x, y, angle = place
    across, along = np.cos(angle), np.sin(angle)
    matrix = pixelSize * np.array([[across, -along], [along, across]])
    return (np.asarray(points) + 0.5) @ matrix.T + [x, y]


@pytest.fixture(scope="session")
def makeGeometry() -> Callable[..., FocalPlaneGeometry]:
    """Return a maker of cameras from the shape (ny, nx) of the detectors and the (x, y, angle) of each.

    Positions are in mm, angles in radians; pixels are 0.01 mm. Identifiers count from 10.
    """

    def make(
        shape: tuple[int, int], *places: tuple[float, float, float], pixelSize: float = PIXEL_SIZE
    ) -> FocalPlaneGeometry:
        count = len(places)
        edges = np.tile([-0.5, -0.5, shape[1] - 0.5, shape[0] - 0.5], (count, 1))
        corners = np.array([turn(boxCorners(edges[0])[0], place, pixelSize) for place in places])
        layout = CameraLayout(
            detectorId=np.arange(10, 10 + count),
            detectorName=np.array([f"R00_S{i:02d}" for i in range(count)]),
            detectorType=np.full(count, "SCIENCE"),
            physicalType=np.full(count, "E2V"),
            ampDetector=np.arange(count),
            ampName=np.full(count, "C00"),
            ampGain=np.ones(count),
            ampReadNoise=np.full(count, 5.0),
            ampPixels=np.full(count, shape[0] * shape[1]),
        )
        return FocalPlaneGeometry(
            layout=layout,
            detectorEdges=edges,
            detectorCorners=corners,
            ampEdges=edges,
            ampCorners=corners,
        )

    return make


@pytest.fixture(scope="session")
def lsstCam(sharedData: Path) -> Camera:
    """Return the real camera of 205 detectors."""
    return Camera.readFits(str(sharedData / "cameras" / "LSSTCam.fits"))


@pytest.fixture(scope="session")
def pyramidCamera(makeGeometry: Callable[..., FocalPlaneGeometry]) -> FocalPlaneGeometry:
    """Return five detectors of 700 by 1100 pixels: upright, turned by each number of quarters, and by 0.3."""
    angles = [0.0, 0.5 * np.pi, np.pi, -0.5 * np.pi, 0.3]
    # The origin of a detector is the corner that turns least away from the lower left of its place.
    starts = [(0.0, 0.0), (19.0, 0.0), (11.003, 20.0), (12.0, 24.0), (30.0, 3.0)]
    return makeGeometry((700, 1100), *((x, y, angle) for (x, y), angle in zip(starts, angles, strict=True)))


@pytest.fixture(scope="session")
def pyramidImages(pyramidCamera: FocalPlaneGeometry) -> dict[int, npt.NDArray[np.float32]]:
    """Return an image of noise 5 for each of those detectors but the last but one, at levels of their own."""
    rng = np.random.default_rng(7)
    ids = pyramidCamera.layout.detectorId.tolist()
    return {
        number: rng.normal(100.0 * i, 5.0, (700, 1100)).astype(np.float32)
        for i, number in enumerate(ids)
        if i != 3
    }


@pytest.fixture(scope="session")
def pyramidPath(
    pyramidCamera: FocalPlaneGeometry,
    pyramidImages: dict[int, npt.NDArray[np.float32]],
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    """Return a pyramid of those images, with masks and significances."""
    path = tmp_path_factory.mktemp("pyramid") / "pyramid.fits"
    with PyramidWriter(path, pyramidCamera, unit="electron") as writer:
        for i, (number, image) in enumerate(pyramidImages.items()):
            writer.addDetector(
                number,
                image,
                image > 115.0 + 100.0 * i,
                mask=np.arange(image.size, dtype=np.int32).reshape(image.shape) % 8,
                planes={"BAD": 0, "SAT": 1, "DETECTED_NEGATIVE": 2},
                significance=(image - np.median(image)) / 5,
                noise=5.0,
            )
    return path

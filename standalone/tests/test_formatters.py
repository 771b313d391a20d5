# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.

"""Images and cameras through a Butler repository, with the formatters that Butler's defaults name."""

from pathlib import Path
from typing import Any

import astropy.io.fits
import numpy as np
import pytest

from lsst.afw.cameraGeom import Camera
from lsst.afw.cameraGeom.testUtils import CameraWrapper
from lsst.afw.image import (
    LOCAL,
    ExposureF,
    ExposureI,
    FilterLabel,
    ImageF,
    ImageU,
    MaskedImageF,
    MaskX,
    VisitInfo,
)
from lsst.daf.base import PropertyList
from lsst.daf.butler import Butler, Config, DatasetProvenance, DatasetType
from lsst.geom import Box2I, Extent2I, Point2I
from lsst.obs.base.exposureAssembler import ExposureAssembler
from lsst.obs.base.formatters.fitsExposure import FitsExposureFormatter

BOX = Box2I(Point2I(10, 20), Extent2I(40, 30))
PART = Box2I(Point2I(13, 24), Extent2I(6, 5))
LOCAL_PART = Box2I(Point2I(3, 4), Extent2I(6, 5))

DETECTOR = ("instrument", "detector")
DATA_ID = {"instrument": "Cam", "detector": 3}

FORMATTER = "lsst.obs.base.formatters.fitsExposure.FitsExposureFormatter"
CONFIG = {
    "datastore": {"formatters": {"lossy": {"formatter": FORMATTER, "parameters": {"recipe": "lossy16"}}}}
}


def make_exposure() -> ExposureF:
    exposure = ExposureF(BOX)
    exposure.image.array[:] = np.random.default_rng(3).normal(100.0, 8.0, (30, 40))
    exposure.mask.array[2, :7] = exposure.mask.getPlaneBitMask("BAD")
    exposure.variance.array[:] = 64
    exposure.metadata["LSST ISR READNOISE C00"] = 5.43
    exposure.info.setVisitInfo(VisitInfo(exposureTime=0.0, darkTime=1.5))
    exposure.info.setId(99)
    exposure.setDetector(next(iter(CameraWrapper().camera)))
    return exposure


@pytest.fixture(scope="module")
def butler(tmp_path_factory: pytest.TempPathFactory) -> Butler:
    root = tmp_path_factory.mktemp("repo")
    result = Butler.from_config(Butler.makeRepo(root, Config(CONFIG)), run="run", writeable=True)
    insert = result.registry.insertDimensionData
    insert("instrument", {"name": "Cam", "class_name": "none", "detector_max": 9})
    insert("physical_filter", {"instrument": "Cam", "name": "r_57", "band": "r"})
    insert("detector", *({"instrument": "Cam", "id": i, "full_name": f"D{i}"} for i in range(6)))
    return result


def define(butler: Butler, name: str, storage_class: str, dimensions: tuple[str, ...] = DETECTOR) -> None:
    dataset_type = DatasetType(name, dimensions, storage_class, universe=butler.dimensions)
    butler.registry.registerDatasetType(dataset_type)


@pytest.fixture(scope="module")
def stored(butler: Butler) -> ExposureF:
    """Store an exposure as ``exposure`` (Exposure) and as ``exposureF`` (ExposureF)."""
    exposure = make_exposure()
    for name, storage_class in (("exposure", "Exposure"), ("exposureF", "ExposureF")):
        define(butler, name, storage_class)
        butler.put(exposure, name, DATA_ID)
    return exposure


def get_header(butler: Butler, ref: Any, hdu: int = 0) -> astropy.io.fits.Header:
    with astropy.io.fits.open(butler.getURI(ref).ospath, disable_image_compression=True) as hdus:
        return hdus[hdu].header


@pytest.mark.parametrize("name", ["exposure", "exposureF"])
def test_exposure(butler: Butler, stored: ExposureF, name: str) -> None:
    result = butler.get(name, DATA_ID)
    assert type(result) is ExposureF
    assert result.getBBox() == BOX
    for plane in ("image", "mask", "variance"):
        np.testing.assert_array_equal(getattr(result, plane).array, getattr(stored, plane).array)
    assert result.getDetector().getName() == stored.getDetector().getName()
    assert result.visitInfo == stored.visitInfo


@pytest.mark.parametrize(
    ("storage_class", "cls"),
    [("Image", ImageF), ("ImageF", ImageF), ("ImageU", ImageU), ("Mask", MaskX), ("MaskX", MaskX)],
)
def test_lone_plane(butler: Butler, storage_class: str, cls) -> None:
    define(butler, f"plane{storage_class}", storage_class)
    plane = cls(BOX, initialValue=7)
    butler.put(plane, f"plane{storage_class}", DATA_ID)
    result = butler.get(f"plane{storage_class}", DATA_ID)
    assert type(result) is cls
    np.testing.assert_array_equal(result.array, plane.array)
    part = butler.get(f"plane{storage_class}", DATA_ID, parameters={"bbox": PART})
    assert part.getBBox() == PART


def test_masked_image(butler: Butler) -> None:
    define(butler, "maskedImage", "MaskedImageF")
    exposure = make_exposure()
    butler.put(exposure.maskedImage, "maskedImage", DATA_ID)
    assert type(butler.get("maskedImage", DATA_ID)) is MaskedImageF
    np.testing.assert_array_equal(butler.get("maskedImage.mask", DATA_ID).array, exposure.mask.array)


def test_integer_exposure(butler: Butler) -> None:
    define(butler, "integers", "ExposureI")
    butler.put(ExposureI(BOX), "integers", DATA_ID)
    assert type(butler.get("integers", DATA_ID)) is ExposureI


def test_property_list(butler: Butler, stored: ExposureF) -> None:
    define(butler, "header", "PropertyList")
    butler.put(stored.metadata, "header", DATA_ID)
    assert butler.get("header", DATA_ID) == stored.metadata


@pytest.mark.parametrize("plane", ["image", "mask", "variance"])
@pytest.mark.parametrize("name", ["exposure", "exposureF"])
def test_planes_as_components(butler: Butler, stored: ExposureF, name: str, plane: str) -> None:
    result = butler.get(f"{name}.{plane}", DATA_ID)
    assert type(result) is {"mask": MaskX}.get(plane, ImageF)
    np.testing.assert_array_equal(result.array, getattr(stored, plane).array)


@pytest.mark.parametrize(
    ("component", "expected"),
    [
        ("bbox", BOX),
        ("dimensions", BOX.getDimensions()),
        ("xy0", BOX.getMin()),
        ("visitInfo", VisitInfo(exposureTime=0.0, darkTime=1.5)),
        ("id", 99),
        ("filter", None),
    ],
)
@pytest.mark.usefixtures("stored")
def test_other_components(butler: Butler, component: str, expected: Any) -> None:
    assert butler.get(f"exposure.{component}", DATA_ID) == expected


def test_metadata_as_component(butler: Butler, stored: ExposureF) -> None:
    metadata = butler.get("exposureF.metadata", DATA_ID)
    assert type(metadata) is PropertyList
    assert metadata["LSST ISR READNOISE C00"] == 5.43


def test_detector_as_component(butler: Butler, stored: ExposureF) -> None:
    assert butler.get("exposure.detector", DATA_ID).getName() == stored.getDetector().getName()


@pytest.mark.parametrize("component", ["wcs", "psf", "photoCalib", "summaryStats"])
@pytest.mark.usefixtures("stored")
def test_components_that_are_left_out(butler: Butler, component: str) -> None:
    with pytest.raises(
        Exception, match=f"exposure_Cam_D3_run.fits.* cannot read the component '{component}'"
    ):
        butler.get(f"exposure.{component}", DATA_ID)


@pytest.mark.usefixtures("stored")
def test_metadata_need_no_pixels(butler: Butler, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr("lsst.afw.image._readers.read_pixels")
    assert "LSST ISR READNOISE C00" in butler.get("exposure.metadata", DATA_ID)


@pytest.mark.parametrize(
    "parameters", [{"bbox": PART}, {"bbox": LOCAL_PART, "origin": LOCAL}], ids=["parent", "local"]
)
@pytest.mark.parametrize("name", ["exposure", "exposureF"])
def test_box(butler: Butler, stored: ExposureF, name: str, parameters: dict) -> None:
    result = butler.get(name, DATA_ID, parameters=parameters)
    assert result.getBBox() == PART
    np.testing.assert_array_equal(result.image.array, stored[PART].image.array)


@pytest.mark.parametrize("plane", ["image", "mask", "variance"])
def test_box_of_acomponent(butler: Butler, stored: ExposureF, plane: str) -> None:
    result = butler.get(f"exposureF.{plane}", DATA_ID, parameters={"bbox": PART})
    np.testing.assert_array_equal(result.array, getattr(stored[PART], plane).array)


@pytest.mark.usefixtures("stored")
def test_box_out_of_the_image(butler: Butler) -> None:
    with pytest.raises(Exception, match=r"exposure_Cam_D3_run.fits.* does not fit in image"):
        butler.get("exposure", DATA_ID, parameters={"bbox": Box2I(Point2I(0, 0), Extent2I(5, 5))})


@pytest.mark.usefixtures("stored")
def test_parameters_that_are_left_out(butler: Butler) -> None:
    with pytest.raises(Exception, match=r"has no parameters \['amp'\]"):
        butler.get("exposure", DATA_ID, parameters={"amp": "C00"})


def test_damaged_file_is_named(butler: Butler) -> None:
    define(butler, "damaged", "ExposureF")
    ref = butler.put(make_exposure(), "damaged", DATA_ID)
    path = Path(butler.getURI(ref).ospath)
    content = path.read_bytes()
    path.write_bytes(content[:4000] + b"x" * (len(content) - 4000))
    with pytest.raises(Exception, match=r"damaged_Cam_D3_run\.fits"):
        butler.get(ref)


@pytest.mark.usefixtures("stored")
def test_default_recipe_is_lossless(butler: Butler) -> None:
    header = get_header(butler, butler.find_dataset("exposure", DATA_ID), 1)
    assert header["ZCMPTYPE"] == "GZIP_2"
    assert "ZQUANTIZ" not in header


def test_recipe_of_the_repository(butler: Butler) -> None:
    define(butler, "lossy", "Exposure")
    exposure = make_exposure()
    seeds = []
    for detector in (1, 2):
        ref = butler.put(exposure, "lossy", {"instrument": "Cam", "detector": detector})
        header = get_header(butler, ref, 1)
        assert (header["ZCMPTYPE"], header["ZQUANTIZ"]) == ("RICE_1", "SUBTRACTIVE_DITHER_2")
        seeds.append(header["ZDITHER0"])
        difference = np.abs(butler.get(ref).image.array - exposure.image.array)
        assert 0 < difference.max() < 8.0 / 16
    assert seeds[0] != seeds[1]


@pytest.mark.parametrize(
    ("recipe", "method"), [("lossless", "writeFitsWithOptions"), ("noCompression", "writeFits")]
)
def test_subclasses_write_themselves(tmp_path: Path, recipe: str, method: str) -> None:
    class WrittenElsewhere(ImageF):
        def writeFits(self, fileName: str) -> None:
            ImageF(self, deep=True).writeFits(fileName)
            calls.append("writeFits")

        def writeFitsWithOptions(self, dest: str, options: dict, item: str = "image") -> None:
            ImageF(self, deep=True).writeFits(dest)
            calls.append("writeFitsWithOptions")

    calls: list[str] = []
    formatter = "lsst.obs.base.formatters.fitsExposure.FitsImageFormatter"
    config = {
        "datastore": {"formatters": {"ImageF": {"formatter": formatter, "parameters": {"recipe": recipe}}}}
    }
    butler = Butler.from_config(Butler.makeRepo(tmp_path, Config(config)), run="run", writeable=True)
    butler.registry.insertDimensionData("instrument", {"name": "Cam", "class_name": "none"})
    define(butler, "image", "ImageF", ("instrument",))
    ref = butler.put(WrittenElsewhere(BOX, initialValue=7), "image", instrument="Cam")
    assert calls == [method]
    assert type(butler.get(ref)) is ImageF


def test_first_image_of_several_is_read(tmp_path: Path) -> None:
    pixels = np.arange(12, dtype=np.float32).reshape(3, 4)
    hdus = [astropy.io.fits.PrimaryHDU(), *(astropy.io.fits.ImageHDU(pixels + i) for i in range(2))]
    astropy.io.fits.HDUList(hdus).writeto(tmp_path / "two.fits")
    np.testing.assert_array_equal(ImageF.readFits(str(tmp_path / "two.fits")).array, pixels)


def test_seed_depends_on_the_data_id_alone(butler: Butler) -> None:
    define(butler, "lossy", "Exposure")
    data_id = {"instrument": "Cam", "detector": 4}
    seeds = set()
    for run in ("first", "second"):
        butler.collections.register(run)
        ref = butler.put(make_exposure(), "lossy", data_id, run=run)
        seeds.add(get_header(butler, ref, 1)["ZDITHER0"])
    assert len(seeds) == 1


def test_unknown_recipe(tmp_path: Path) -> None:
    config = {"datastore": {"formatters": {"default": {FORMATTER: {"recipe": "nope"}}}}}
    butler = Butler.from_config(Butler.makeRepo(tmp_path, Config(config)), run="run", writeable=True)
    butler.registry.insertDimensionData("instrument", {"name": "Cam", "class_name": "none"})
    define(butler, "exposure", "ExposureF", ("instrument",))
    with pytest.raises(RuntimeError, match="Failed to serialize dataset exposure") as caught:
        butler.put(make_exposure(), "exposure", instrument="Cam")
    assert str(caught.value.__cause__) == "Unrecognized recipe option given for compression: nope"


@pytest.mark.parametrize("planes", [{"image": {"nope": 1}}, {"image": {"algorithm": "NOPE"}}, {"mask": {}}])
def test_invalid_recipe(planes: dict) -> None:
    with pytest.raises((KeyError, ValueError)) as caught:
        FitsExposureFormatter.validate_write_recipes({"mine": planes})
    assert caught.value.__notes__ == ["In write recipe 'mine'."]


@pytest.mark.parametrize("recipes", [None, {}, {"none": None}])
def test_recipes_of_nothing(recipes) -> None:
    assert FitsExposureFormatter.validate_write_recipes(recipes) == recipes


def test_provenance_is_in_the_header(butler: Butler) -> None:
    define(butler, "derived", "ExposureF")
    define(butler, "original", "ExposureF")
    original = butler.put(make_exposure(), "original", DATA_ID)
    provenance = DatasetProvenance()
    provenance.add_input(original)
    exposure = make_exposure()
    exposure.metadata["LSST BUTLER ID"] = "that of an older file"
    ref = butler.put(exposure, "derived", DATA_ID, provenance=provenance)
    header = get_header(butler, ref)
    assert header["LSST BUTLER ID"] == str(ref.id)
    assert header["LSST BUTLER INPUT 0 ID"] == str(original.id)
    assert header["LSST BUTLER DATAID DETECTOR"] == 3
    assert header.comments["LSST BUTLER RUN"] == "Run collection"


def test_filter_is_that_of_the_data_id(butler: Butler) -> None:
    define(butler, "filtered", "ExposureF", ("instrument", "physical_filter"))
    butler.put(make_exposure(), "filtered", instrument="Cam", physical_filter="r_57")
    data_id = butler.registry.expandDataId(instrument="Cam", physical_filter="r_57")
    assert butler.get("filtered", data_id).getFilter() == FilterLabel("r", "r_57")
    assert butler.get("filtered.filter", data_id) == FilterLabel("r", "r_57")


def test_camera(butler: Butler) -> None:
    define(butler, "camera", "Camera", ("instrument",))
    camera = CameraWrapper().camera
    ref = butler.put(camera, "camera", instrument="Cam")
    result = butler.get(ref)
    assert isinstance(result, Camera)
    assert [detector.getName() for detector in result] == [detector.getName() for detector in camera]


def test_assembler_takes_components_out_of_memory(butler: Butler) -> None:
    exposure = make_exposure()
    assembler = ExposureAssembler(butler.storageClasses.getStorageClass("ExposureF"))
    assert assembler.getComponent(exposure, "mask") is exposure.mask
    assert assembler.getComponent(exposure, "metadata") is exposure.metadata
    assert assembler.getComponent(exposure, "bbox") == BOX
    assert assembler.getComponent(exposure, "id") == 99


@pytest.mark.parametrize(("component", "error"), [("wcs", NotImplementedError), ("nonsense", AttributeError)])
def test_assembler_has_no_other_components(butler: Butler, component: str, error: type[Exception]) -> None:
    assembler = ExposureAssembler(butler.storageClasses.getStorageClass("ExposureF"))
    with pytest.raises(error, match=component):
        assembler.getComponent(make_exposure(), component)


def test_assembler_applies_the_box(butler: Butler) -> None:
    assembler = ExposureAssembler(butler.storageClasses.getStorageClass("ExposureF"))
    exposure = make_exposure()
    assert assembler.handleParameters(exposure, {"bbox": PART}).getBBox() == PART
    assert assembler.handleParameters(exposure) is exposure


@pytest.mark.parametrize("call", [lambda a: a.assemble({}), lambda a: a.disassemble(ExposureF())])
def test_assembler_stores_one_file_only(butler: Butler, call) -> None:
    assembler = ExposureAssembler(butler.storageClasses.getStorageClass("ExposureF"))
    with pytest.raises(NotImplementedError, match="one file only"):
        call(assembler)

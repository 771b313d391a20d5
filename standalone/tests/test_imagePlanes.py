# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.

import copy
import pickle

import numpy as np
import pytest

from lsst.afw.image import (
    LOCAL,
    Exposure,
    ExposureF,
    ExposureI,
    ExposureInfo,
    ExposureU,
    FilterLabel,
    Image,
    ImageF,
    ImageI,
    ImageU,
    Mask,
    MaskedImage,
    MaskedImageF,
    MaskX,
    VisitInfo,
    makeExposure,
    makeMaskedImage,
)
from lsst.daf.base import PropertyList
from lsst.geom import Box2I, Extent2I, Point2I

BOX = Box2I(Point2I(10, 20), Extent2I(4, 3))
PART = Box2I(Point2I(11, 21), Extent2I(2, 1))
LOCAL_PART = Box2I(Point2I(1, 1), Extent2I(2, 1))

BOXED = [ImageF, MaskX, MaskedImageF, ExposureF]


def make_image() -> ImageF:
    return ImageF(np.arange(12, dtype=np.float32).reshape(3, 4), xy0=Point2I(10, 20))


@pytest.mark.parametrize(("cls", "dtype"), [(ImageF, "f4"), (ImageI, "i4"), (ImageU, "u2"), (MaskX, "i4")])
def test_array_has_rows_first(cls, dtype: str) -> None:
    image = cls(BOX)
    assert image.array.shape == (3, 4)
    assert image.array.dtype == image.getArray().dtype == np.dtype(dtype)


@pytest.mark.parametrize("cls", BOXED)
def test_where_it_is(cls) -> None:
    image = cls(BOX)
    assert image.getBBox() == BOX
    assert image.getBBox(LOCAL) == Box2I(Point2I(0, 0), Extent2I(4, 3))
    assert (image.getXY0(), image.getX0(), image.getY0()) == (Point2I(10, 20), 10, 20)
    assert (image.getDimensions(), image.getWidth(), image.getHeight()) == (Extent2I(4, 3), 4, 3)
    assert (image.width, image.height) == (4, 3)


@pytest.mark.parametrize("cls", BOXED)
@pytest.mark.parametrize("arguments", [(4, 3), (Extent2I(4, 3),)])
def test_made_of_dimensions(cls, arguments) -> None:
    assert cls(*arguments).getBBox() == Box2I(Point2I(0, 0), Extent2I(4, 3))


@pytest.mark.parametrize("cls", BOXED)
def test_made_of_nothing(cls) -> None:
    assert cls().getBBox().isEmpty()


@pytest.mark.parametrize("cls", BOXED)
def test_made_of_something_else(cls) -> None:
    with pytest.raises(TypeError, match="cannot be made of"):
        cls("text", "text")


@pytest.mark.parametrize("cls", [Image, MaskedImage, Exposure])
def test_abstract_classes_have_no_pixels(cls) -> None:
    with pytest.raises(TypeError, match="has no pixel type"):
        cls(BOX)


def test_initial_value() -> None:
    assert (ImageF(BOX, initialValue=2.5).array == 2.5).all()


def test_array_is_not_copied() -> None:
    array = np.zeros((3, 4), dtype=np.float32)
    ImageF(array).array[0, 0] = 1
    assert array[0, 0] == 1


def test_deep_array_is_copied_and_converted() -> None:
    array = np.zeros((3, 4))
    image = ImageF(array, deep=True)
    image.array[0, 0] = 1
    assert (array[0, 0], image.array.dtype) == (0, np.float32)


@pytest.mark.parametrize("array", [np.zeros((3, 4)), np.zeros(3, dtype=np.float32)])
def test_array_of_another_kind(array) -> None:
    with pytest.raises(TypeError, match="made of a 2-d array of float32"):
        ImageF(array)


@pytest.mark.parametrize("index", [PART, (LOCAL_PART, LOCAL)])
def test_subimage_is_the_right_part(index) -> None:
    part = make_image()[index]
    assert part.getBBox() == PART
    np.testing.assert_array_equal(part.array, [[5, 6]])


@pytest.mark.parametrize("cls", BOXED)
def test_subimage_shares_memory(cls) -> None:
    whole = cls(BOX)
    array = whole[PART].array if hasattr(whole, "array") else whole[PART].image.array
    assert np.shares_memory(array, whole.array if hasattr(whole, "array") else whole.image.array)


@pytest.mark.parametrize("cls", BOXED)
def test_deep_part_is_acopy(cls) -> None:
    whole = cls(BOX)
    part = cls(whole, bbox=PART, deep=True)
    image, original = getattr(part, "image", part), getattr(whole, "image", whole)
    assert part.getBBox() == PART
    assert not np.shares_memory(image.array, original.array)


@pytest.mark.parametrize("cls", BOXED)
def test_subimage_must_fit(cls) -> None:
    with pytest.raises(ValueError, match="does not fit in image"):
        cls(BOX).subset(Box2I(Point2I(0, 0), Extent2I(2, 2)))


def test_empty_box_is_the_whole() -> None:
    assert make_image()[Box2I()].getBBox() == BOX


@pytest.mark.parametrize("index", [3, (1, 2), slice(None)])
def test_other_indices_are_an_error(index) -> None:
    with pytest.raises(TypeError, match="indexed by a Box2I"):
        make_image()[index]


def test_set_of_apart() -> None:
    image = make_image()
    image[PART] = -1
    assert (image.array == -1).sum() == 2
    image[PART] = ImageF(PART, initialValue=-2)
    np.testing.assert_array_equal(image.array[1], [4, -2, -2, 7])


def test_assign_of_another_size() -> None:
    with pytest.raises(ValueError, match="Dimension mismatch"):
        make_image().assign(ImageF(PART))


def test_array_is_set_in_place() -> None:
    image = make_image()
    array = image.array
    image.array = 7
    assert (array == 7).all()


@pytest.mark.parametrize("cls", BOXED)
def test_clone_is_independent(cls) -> None:
    original = cls(BOX)
    for result in (original.clone(), copy.deepcopy(original)):
        assert result.getBBox() == BOX
        image = getattr(result, "image", result)
        assert not np.shares_memory(image.array, getattr(original, "image", original).array)


@pytest.mark.parametrize("cls", BOXED)
def test_pickle_round_trip(cls) -> None:
    original = cls(BOX)
    getattr(original, "image", original).array[1, 2] = 3
    result = pickle.loads(pickle.dumps(original))
    assert result.getBBox() == BOX
    assert getattr(result, "image", result).array[1, 2] == 3


def test_planes_of_anew_mask() -> None:
    expected = "BAD SAT INTRP CR EDGE DETECTED DETECTED_NEGATIVE SUSPECT NO_DATA VIGNETTED STREAK".split()
    assert {name: Mask.getMaskPlane(name) for name in expected} == {
        name: bit for bit, name in enumerate(expected)
    }


@pytest.mark.usefixtures("planes")
def test_added_plane() -> None:
    bit = MaskX.addMaskPlane("NEW_PLANE")
    assert MaskX.getPlaneBitMask("NEW_PLANE") == 1 << bit
    assert MaskX.addMaskPlane("NEW_PLANE") == bit
    assert MaskX(BOX).getMaskPlaneDict()["NEW_PLANE"] == bit


@pytest.mark.usefixtures("planes")
def test_planes_are_counted() -> None:
    while len(Mask.getMaskPlaneDict()) < 32:
        MaskX.addMaskPlane(f"PLANE{len(Mask.getMaskPlaneDict())}")
    with pytest.raises(RuntimeError, match="No mask plane 'ONE_MORE' can be added: all 32 are taken"):
        MaskX.addMaskPlane("ONE_MORE")


@pytest.mark.usefixtures("planes")
def test_last_plane_is_the_sign() -> None:
    Mask._planes["LAST"] = 31
    mask = MaskX(BOX)
    mask.array |= mask.getPlaneBitMask("LAST")
    assert (mask.array == -(2**31)).all()


def test_unknown_plane() -> None:
    with pytest.raises(ValueError, match="Invalid mask plane name: NOPE; there are .*'BAD'"):
        MaskX.getPlaneBitMask(["BAD", "NOPE"])


def test_bits_of_several_planes() -> None:
    assert MaskX.getPlaneBitMask(["BAD", "CR"]) == 0b1001


@pytest.mark.usefixtures("planes")
def test_planes_of_afile_move_to_their_place_here() -> None:
    header = PropertyList()
    header.update({"MP_CR": 0, "MP_BAD": 3, "MP_THEIRS": 1})
    mask = MaskX(np.array([[0b0001, 0b1000], [0b1011, 0]], dtype=np.int32))
    mask.conform_planes(header)
    theirs = MaskX.getPlaneBitMask("THEIRS")
    np.testing.assert_array_equal(mask.array, [[0b1000, 0b0001], [0b1001 | theirs, 0]])


def test_planes_of_amasked_image_are_not_copied() -> None:
    image = make_image()
    masked_image = MaskedImageF(image, MaskX(BOX), ImageF(BOX))
    masked_image.image.array[0, 0] = 99
    assert image.array[0, 0] == 99


def test_missing_planes_are_zero() -> None:
    masked_image = makeMaskedImage(make_image())
    assert masked_image.mask.getBBox() == masked_image.variance.getBBox() == BOX
    assert not masked_image.mask.array.any()
    assert not masked_image.variance.array.any()


def test_planes_of_other_sizes() -> None:
    with pytest.raises(ValueError, match="Dimension mismatch: image .* v. mask"):
        MaskedImageF(make_image(), mask=MaskX(PART))


def test_planes_of_other_types() -> None:
    with pytest.raises(TypeError, match="variance plane of MaskedImageF is no ImageI"):
        MaskedImageF(make_image(), variance=ImageI(BOX))


def test_set_of_all_planes() -> None:
    masked_image = MaskedImageF(BOX)
    masked_image.set(1.5, 2, 3.5)
    planes = (masked_image.image, masked_image.mask, masked_image.variance)
    assert [plane.array[0, 0] for plane in planes] == [1.5, 2, 3.5]


def test_assign_of_all_planes() -> None:
    target, source = MaskedImageF(BOX), MaskedImageF(PART)
    source.set(1, 2, 3)
    target.assign(source, PART)
    assert [plane.array.sum() for plane in (target.image, target.mask, target.variance)] == [2, 4, 6]


@pytest.mark.parametrize(("cls", "image"), [(ExposureF, ImageF), (ExposureI, ImageI), (ExposureU, ImageU)])
def test_exposure_of_each_type(cls, image) -> None:
    exposure = makeExposure(makeMaskedImage(image(BOX)))
    assert type(exposure) is cls
    assert isinstance(exposure, Exposure)
    assert exposure.image.array.dtype == cls.dtype


def test_planes_of_an_exposure() -> None:
    exposure = ExposureF(BOX)
    exposure.image = make_image()
    exposure.mask.array[0, 0] = 1
    exposure.variance.array[:] = 4
    assert exposure.getMaskedImage().getImage().array[2, 3] == 11
    assert exposure.getMask().array.sum() == 1
    assert exposure.maskedImage.variance.array[0, 0] == exposure.getVariance().array[0, 0] == 4


def test_part_of_an_exposure_keeps_what_belongs_to_it() -> None:
    exposure = ExposureF(BOX)
    exposure.metadata["KEY"] = 1
    exposure.setFilter(FilterLabel(band="r"))
    part = exposure[PART]
    assert part.getMetadata() is exposure.getMetadata()
    assert part.getFilter() == FilterLabel(band="r")


def test_clone_of_an_exposure_has_its_own_metadata() -> None:
    exposure = ExposureF(BOX)
    exposure.clone().metadata["KEY"] = 1
    assert "KEY" not in exposure.metadata


def test_exposure_with_info() -> None:
    info = ExposureInfo()
    info.setVisitInfo(VisitInfo(exposureTime=30.0, darkTime=31.0, id=7))
    exposure = ExposureF(MaskedImageF(BOX), info)
    assert exposure.info is info
    assert (exposure.visitInfo.getExposureTime(), exposure.visitInfo.darkTime) == (30.0, 31.0)


def test_identifier_of_an_exposure() -> None:
    info = ExposureF(BOX).info
    assert (info.hasId(), info.id) == (False, None)
    info.id = 12
    assert (info.hasId(), info.getId()) == (True, 12)


@pytest.mark.parametrize("component", ["Wcs", "Psf", "PhotoCalib", "ApCorrMap"])
def test_components_that_are_left_out(component: str) -> None:
    exposure = ExposureF(BOX)
    assert getattr(exposure, f"get{component}")() is None
    assert not getattr(exposure.info, f"has{component}")()
    getattr(exposure, f"set{component}")(None)
    with pytest.raises(NotImplementedError, match=f"cannot have a {component}"):
        getattr(exposure, f"set{component}")(object())


@pytest.mark.parametrize("owner", [ExposureF(BOX), ExposureF(BOX).info])
def test_unknown_attribute(owner) -> None:
    with pytest.raises(AttributeError, match="has no attribute 'getNonsense'"):
        owner.getNonsense()


@pytest.mark.parametrize("name", ["boresightRaDec", "getBoresightRaDec", "observatory", "getWeather"])
def test_visit_information_that_is_left_out(name: str) -> None:
    with pytest.raises(NotImplementedError, match="stand-in of lsst.afw.image.VisitInfo has no"):
        getattr(VisitInfo(), name)


def test_unknown_visit_information_is_equal() -> None:
    assert VisitInfo(exposureTime=1.0) == VisitInfo(exposureTime=1.0)
    assert VisitInfo(exposureTime=1.0) != VisitInfo(exposureTime=2.0)


def test_filter_label() -> None:
    label = FilterLabel(band="r", physical="r_57")
    assert (label.bandLabel, label.physicalLabel) == ("r", "r_57")
    assert label.hasBandLabel()
    assert label.hasPhysicalLabel()


def test_filter_label_of_nothing() -> None:
    with pytest.raises(ValueError, match="needs a band or a physical filter"):
        FilterLabel()


def test_missing_label() -> None:
    with pytest.raises(LookupError, match="has no such label"):
        _ = FilterLabel(band="r").physicalLabel

# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy.interpolate import RegularGridInterpolator

from lsst.analysis.cp.core.structures import measureSignificance

NOISE = np.array([3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0])


WHOLE = [(slice(0, 400), slice(0, 400))]


def nothing(image):
    return np.zeros(image.shape, dtype=bool)


def test_noise_is_that_of_each_amplifier(amps, makeFrame):
    image = makeFrame(2, NOISE)
    # 9600 sampled pixels an amplifier give 0.7%, so eight of them together 0.3%.
    ratio = measureSignificance(image, nothing(image), amps).noise / NOISE
    assert_allclose(ratio, 1, atol=0.03)
    assert ratio.mean() == pytest.approx(1, abs=0.01)


def test_clean_pixels_have_unit_scatter(amps, makeFrame):
    image = makeFrame(3, NOISE)
    values = measureSignificance(image, nothing(image), amps).values
    assert values.dtype == np.float32
    assert values.std() == pytest.approx(1, abs=0.01)
    assert abs(values.mean()) < 0.01


def test_noise_ignores_outliers(amps, makeFrame):
    image = makeFrame(4)
    rng = np.random.default_rng(4)
    image[rng.random(image.shape) < 0.002] += 1e4
    assert measureSignificance(image, nothing(image), amps).noise.mean() == pytest.approx(5, rel=0.015)


@pytest.mark.parametrize("step", [0.5, 2.0, 4.0])
def test_noise_of_digitised_pixels(amps, makeFrame, step):
    image = step * np.round(makeFrame(5) / step)
    # Rounding adds the variance of a uniform distribution.
    expected = np.hypot(5, step / np.sqrt(12))
    assert measureSignificance(image, nothing(image), amps).noise.mean() == pytest.approx(expected, rel=0.015)


@pytest.mark.parametrize("offset", [0, 0.1, 0.25, 0.5])
@pytest.mark.parametrize("step", [5, 10, 10.5, 12, 15, 18, 20])
def test_noise_in_coarse_steps(step, offset):
    """Over two thirds of the pixels may have one value; none that is a step off stands out."""
    rng = np.random.default_rng(0)
    image = (step * np.round(rng.normal(0, 5, (400, 400)) / step + offset)).astype(np.float32)
    significance = measureSignificance(image, nothing(image), WHOLE)
    assert significance.noise[0] == pytest.approx(image.std(), rel=0.05)
    assert significance.scale[0] == pytest.approx(np.hypot(image.std(), step / np.sqrt(12)), rel=0.05)
    assert np.abs(significance.values).max() < 5.5


@pytest.mark.parametrize("step", [10, 12, 15])
def test_noise_in_coarse_steps_of_rows_with_offsets(step):
    """Subtracting an overscan row by row leaves no common steps."""
    rng = np.random.default_rng(1)
    image = step * np.round(rng.normal(0, 5, (400, 400)) / step) + rng.normal(0, 0.3, (400, 1))
    assert measureSignificance(image, nothing(image), WHOLE).noise[0] == pytest.approx(image.std(), rel=0.05)


@pytest.mark.parametrize("value", [100, 0])
@pytest.mark.parametrize("part", [0.2, 0.3, 0.7])
def test_filled_pixels_are_no_noise(part, value):
    rng = np.random.default_rng(2)
    image = rng.normal(100, 5, (400, 400))
    image[rng.random(image.shape) < part] = value
    assert measureSignificance(image, nothing(image), WHOLE).noise[0] == pytest.approx(5, rel=0.03)


@pytest.mark.parametrize("value", [0, 65535, 1e6, -3e4])
@pytest.mark.parametrize("columns", [90, 133, 200])
def test_part_that_is_dead_is_found_and_does_not_spoil_the_rest(columns, value):
    """The part ends within a box of the background mesh or between two, far from the level of the rest."""
    image = np.random.default_rng(7).normal(1000, 5, (400, 300)).astype(np.float32)
    image[:, :columns] = value
    image[200, 250] = 1060
    significance = measureSignificance(image, nothing(image), [(slice(0, 400), slice(0, 300))])
    live = np.delete(image[:, columns:].ravel(), np.argmax(image[:, columns:]))
    assert significance.noise[0] == pytest.approx(live.std(), rel=0.03)
    assert significance.level[0] == pytest.approx(1000, abs=0.5)
    expected = (image - 1000) / live.std()
    assert_allclose(significance.values[200, :columns], expected[200, :columns], rtol=0.05)
    assert significance.values[200, 250] == pytest.approx(expected[200, 250], abs=0.5)


def test_several_filling_values_are_no_noise():
    image = np.random.default_rng(6).normal(1000, 5, (400, 300)).astype(np.float32)
    live = image[:, 180:].copy()
    for i, value in enumerate((0, 65535, -1)):
        image[:, 60 * i : 60 * i + 60] = value
    significance = measureSignificance(image, nothing(image), [(slice(0, 400), slice(0, 300))])
    assert significance.noise[0] == pytest.approx(live.std(), rel=0.03)


def test_smallest_numbers_are_rounding():
    """Of what is below the normal numbers, single precision keeps few digits or none."""
    for scale in (1e-36, 1e-40):
        image = np.random.default_rng(8).normal(0, scale, (400, 400)).astype(np.float32)
        significance = measureSignificance(image, nothing(image), WHOLE)
        assert significance.noise[0] == pytest.approx(
            image.std(dtype=float) if scale > 1e-38 else 0, rel=0.02
        )
        assert np.isfinite(significance.values).all()


@pytest.mark.parametrize("offset", [0.24, 0.25, 0.26])
def test_background_of_pixels_in_coarse_steps_does_not_jump(offset):
    """About nine of ten pixels have the value that the median of a box has."""
    rng = np.random.default_rng(9)
    for _ in range(3):
        image = (25 * np.round(rng.normal(0, 5, (400, 300)) / 25 + offset)).astype(np.float32)
        (mesh,) = measureSignificance(image, nothing(image), [(slice(0, 400), slice(0, 300))]).meshes
        number = np.median(mesh.number)
        # The part that is one step up has a binomial scatter, which the median follows.
        part = np.mean(image > 0)
        assert np.ptp(mesh.values) < 25 * 8 * np.sqrt(part * (1 - part) / number)


@pytest.mark.parametrize("step", [0.5, 2.0, 6.0])
def test_background_of_digitised_pixels_does_not_jump(amps, makeFrame, step):
    errors = []
    for seed in range(70, 74):
        fine = makeFrame(seed)
        rounded = (step * np.round(fine / step)).astype(np.float32)
        meshes = measureSignificance(rounded, nothing(fine), amps).meshes
        for mesh, amp in zip(meshes, amps, strict=True):
            means = [
                [
                    fine[amp][int(y - 29.5) : int(y + 30.5), int(x - 31.5) : int(x + 32.5)].mean()
                    for x in mesh.columns
                ]
                for y in mesh.rows
            ]
            errors.append(mesh.values - means)
    # The variance of a median is pi / 2 of that of the mean of as many pixels, here half of those of the box;
    # rounding adds to both.
    expected = np.sqrt(np.pi - 1) * np.hypot(5, step / np.sqrt(12)) / np.sqrt(60 * 64)
    assert np.std(errors) < 1.2 * expected


@pytest.mark.parametrize("seed", range(80, 84))
def test_digitised_frame_has_no_glow(makeFrame, findIn, seed):
    assert len(findIn(np.round(makeFrame(seed)))) == 0


def test_dead_amplifier_is_not_taken_for_digitised(amps, makeFrame):
    image = makeFrame(75)
    image[amps[5]] = np.where(np.random.default_rng(75).random((300, 256)) < 0.02, 1000, 7)
    image[amps[5]][0] = 6
    significance = measureSignificance(image, nothing(image), amps)
    assert (significance.noise[5], significance.level[5]) == (0, 7)


def test_level_is_the_background(amps, makeFrame):
    image = makeFrame(6) + 1234.0
    assert_allclose(measureSignificance(image, nothing(image), amps).level, 1234, atol=1)


def test_step_between_amplifiers_does_not_leak(amps, makeFrame):
    image = makeFrame(7)
    expected = measureSignificance(image, nothing(image), amps).values
    image[amps[1]] += 4096
    assert_allclose(measureSignificance(image, nothing(image), amps).values, expected, atol=1e-3)


def test_gradient_is_background_up_to_the_edges(amps, makeFrame):
    image = makeFrame(8)
    expected = measureSignificance(image, nothing(image), amps).values
    y, x = np.mgrid[: image.shape[0], : image.shape[1]]
    sloped = (image + 0.05 * x - 0.02 * y).astype(np.float32)
    # A slope within a box moves which pixels are its median, by less than the error of the median.
    assert_allclose(measureSignificance(sloped, nothing(image), amps).values, expected, atol=0.15)


def test_mesh_is_interpolated_linearly_and_extrapolated(amps, makeFrame):
    image = makeFrame(9)
    mesh = measureSignificance(image, nothing(image), amps).meshes[0]
    expected = RegularGridInterpolator((mesh.rows, mesh.columns), mesh.values, "linear", False, None)
    points = np.stack(np.mgrid[:300, :256], axis=-1)
    assert_allclose(mesh.interpolate((300, 256)), expected(points), atol=1e-4)


def test_mesh_holds_medians_of_boxes():
    # One of two rows is used, so pairs are made equal.
    image = np.random.default_rng(1).normal(size=(64, 192)).astype(np.float32).repeat(2, axis=0)
    mesh = measureSignificance(image, nothing(image), [(slice(0, 128), slice(0, 192))]).meshes[0]
    assert mesh.values.shape == (2, 3)
    assert_allclose(mesh.columns, [31.5, 95.5, 159.5])
    assert mesh.values[1, 2] == pytest.approx(np.median(image[64::2, 128:]), abs=1e-6)
    assert_array_equal(mesh.number, 32 * 64)


def test_excluded_pixels_are_left_out(amps, makeFrame):
    image = makeFrame(10)
    excluded = np.random.default_rng(10).random(image.shape) < 0.3
    image[excluded] = 1e6
    significance = measureSignificance(image, excluded, amps)
    assert_array_equal(significance.values[excluded], 0)
    assert_array_equal(significance.excluded, excluded)
    assert significance.noise.mean() == pytest.approx(5, rel=0.015)
    assert significance.values[~excluded].std() == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 3e38])
def test_pixels_that_are_no_numbers_are_excluded(amps, makeFrame, value):
    image = makeFrame(11)
    image[50:60, 20:40] = value
    significance = measureSignificance(image, nothing(image), amps)
    assert significance.excluded.sum() == 200
    assert significance.excluded[50:60, 20:40].all()
    assert np.isfinite(significance.values).all()


def test_empty_box_takes_the_nearest_background(amps, makeFrame):
    image = makeFrame(12) + np.linspace(0, 100, 1024, dtype=np.float32)
    excluded = nothing(image)
    excluded[:64, :64] = True
    mesh = measureSignificance(image, excluded, amps).meshes[0]
    assert mesh.number[0, 0] == 0
    assert mesh.values[0, 0] in (mesh.values[0, 1], mesh.values[1, 0])


def test_fully_excluded_amplifier_is_unknown(amps, makeFrame):
    image = makeFrame(13)
    expected = measureSignificance(image, nothing(image), amps)
    image[amps[2]] = np.nan
    significance = measureSignificance(image, nothing(image), amps)
    assert np.isnan(significance.noise[2])
    assert np.isnan(significance.level[2])
    assert not significance.live[2]
    assert not significance.dead[2]
    assert_array_equal(significance.values[amps[2]], 0)
    assert_allclose(significance.values[amps[3]], expected.values[amps[3]], rtol=1e-6, atol=1e-6)


def test_constant_amplifier_is_dead(amps, makeFrame):
    image = makeFrame(14)
    image[amps[5]] = 7
    significance = measureSignificance(image, nothing(image), amps)
    assert significance.noise[5] == 0
    assert significance.level[5] == pytest.approx(7, rel=1e-6)
    assert_array_equal(np.flatnonzero(significance.dead), [5])
    assert_array_equal(significance.values[amps[5]], 0)


@pytest.mark.parametrize("level", [7, 0.1, 25000, 65535, 1e6, -3e4, 1e29])
@pytest.mark.parametrize("shape", [(100, 50), (2000, 509), (65, 65), (1, 100)])
def test_rounding_is_no_noise(shape, level):
    image = np.full(shape, level, dtype=np.float32)
    significance = measureSignificance(image, nothing(image), [tuple(slice(0, n) for n in shape)])
    assert significance.noise[0] == 0
    assert significance.dead[0]
    assert not significance.values.any()


@pytest.mark.parametrize("level", [1.7, 65535])
def test_last_digit_is_no_noise(level):
    image = np.full((400, 400), level, dtype=np.float32)
    image += np.spacing(image) * np.random.default_rng(3).integers(-1, 2, image.shape)
    assert measureSignificance(image, nothing(image), WHOLE).noise[0] == 0


@pytest.mark.parametrize("every", [2, 3, 4, 5, 7, 8])
@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("masked", [True, False])
def test_mask_is_in_step_with_no_sample(every, axis, masked):
    """One line in a few is masked, or is all that is not."""
    image = np.random.default_rng(4).normal(0, 5, (400, 400)).astype(np.float32)
    lines = np.arange(400) % every == 0
    excluded = np.broadcast_to((lines == masked).reshape((-1, 1) if axis == 0 else (1, -1)), image.shape)
    image[excluded] = 1e5
    image[210, 210] = 60
    significance = measureSignificance(image, excluded, WHOLE)
    expected = image[~excluded & (image < 50)].std()
    assert significance.noise[0] == pytest.approx(expected, rel=0.03)
    assert not significance.unsearched[0]
    if not excluded[210, 210]:
        assert significance.values[210, 210] == pytest.approx(60 / 5, rel=0.05)


@pytest.mark.parametrize("every", [4, 5, 7, 9])
def test_mask_that_leaves_little_everywhere(every):
    """Of each square one pixel is left: too few for a tenth of any box, and enough for its median."""
    image = np.random.default_rng(4).normal(0, 5, (400, 400)).astype(np.float32)
    image += np.linspace(0, 200, 400, dtype=np.float32)
    image[4 * every, 4 * every] += 60
    excluded = ~np.outer(np.arange(400) % every == 0, np.arange(400) % every == 0)
    image[excluded] = 1e5
    significance = measureSignificance(image, excluded, WHOLE)
    residual = (image - np.linspace(0, 200, 400))[~excluded]
    assert significance.noise[0] == pytest.approx(residual[residual < 40].std(), rel=0.1)
    assert significance.values[4 * every, 4 * every] == pytest.approx(60 / 5, rel=0.3)


@pytest.mark.parametrize("seed", range(4))
def test_twenty_pixels_are_enough(seed):
    rng = np.random.default_rng(seed)
    image = rng.normal(100, 5, (400, 400))
    excluded = np.ones(image.shape, dtype=bool)
    excluded.ravel()[rng.choice(image.size, 20, replace=False)] = False
    significance = measureSignificance(image, excluded, WHOLE)
    assert significance.level[0] == pytest.approx(np.median(image[~excluded]))
    assert significance.noise[0] == pytest.approx(image[~excluded].std(), rel=0.1)
    assert not significance.unsearched[0]


@pytest.mark.parametrize("left", [0, 1, 19])
def test_too_few_pixels_are_said(left):
    image = np.random.default_rng(5).normal(0, 5, (400, 400))
    excluded = np.ones(image.shape, dtype=bool)
    excluded.ravel()[:left] = False
    significance = measureSignificance(image, excluded, WHOLE)
    assert np.isnan(significance.noise[0])
    assert significance.unsearched[0]
    assert not significance.dead[0]


@pytest.mark.parametrize(
    "shape", [(64, 64), (65, 65), (65, 509), (66, 66), (95, 97), (127, 128), (129, 129), (193, 30)]
)
def test_amplifiers_of_other_sizes_than_boxes(shape):
    amps = [tuple(slice(0, n) for n in shape)]
    rng = np.random.default_rng(6)
    noise = []
    for _ in range(10):
        image = rng.normal(0, 5, shape)
        image[shape[0] // 2, shape[1] // 2] = 60
        significance = measureSignificance(image, nothing(image), amps)
        noise.append(significance.noise[0])
        assert significance.values.argmax() == shape[0] // 2 * shape[1] + shape[1] // 2
    assert np.mean(noise) == pytest.approx(5, rel=0.03)
    heights, widths = significance.meshes[0].boxShape
    assert 2 / 3 <= heights / 64 <= 1.5
    assert widths <= 96


def test_pixels_outside_amplifiers_have_no_significance(amps, makeFrame):
    image = makeFrame(15)
    values = measureSignificance(image, nothing(image), amps[:7]).values
    assert_array_equal(values[amps[7]], 0)


def test_double_precision_gives_the_same(amps, makeFrame):
    image = makeFrame(16)
    single, double = (
        measureSignificance(pixels, nothing(image), amps).values
        for pixels in (image, image.astype(np.float64))
    )
    assert_allclose(single, double, rtol=1e-6, atol=1e-6)


def test_input_is_not_changed(amps, makeFrame):
    image = makeFrame(17)
    image[3, 3] = np.nan
    excluded = nothing(image)
    before = image.copy()
    measureSignificance(image, excluded, amps)
    assert_array_equal(image, before)
    assert not excluded.any()


@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (40, 1), (3, 5), (63, 65)])
def test_small_amplifiers_have_one_significance_a_pixel(shape):
    image = np.random.default_rng(2).normal(size=shape).astype(np.float32)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        significance = measureSignificance(image, nothing(image), [tuple(slice(0, n) for n in shape)])
    assert significance.values.shape == shape
    assert np.isfinite(significance.values).all()


@settings(max_examples=25, deadline=None)
@given(scale=st.floats(0.01, 100), shift=st.floats(-100, 100), seed=st.integers(0, 1000))
def test_unit_and_zero_do_not_matter(scale, shift, seed):
    image = np.random.default_rng(seed).normal(size=(70, 90))
    amps = [(slice(0, 70), slice(0, 45)), (slice(0, 70), slice(45, 90))]
    expected = measureSignificance(image, nothing(image), amps).values
    values = measureSignificance(scale * (image + shift), nothing(image), amps).values
    assert_allclose(values, expected, atol=1e-3)


@pytest.mark.parametrize(
    ("shape", "maskShape", "amps", "options", "message"),
    [
        ((5,), (5,), [], {}, r"two dimensions, got one of shape \(5,\)"),
        ((9, 9), (9, 8), [], {}, r"mask of the image's shape \(9, 9\), got \(9, 8\)"),
        ((9, 9), (9, 9), [], {}, "at least one amplifier, got none"),
        ((9, 9), (9, 9), [(slice(0, 9), slice(0, 9))], {"boxSize": 2}, "at least 4 pixels, got 2"),
        ((9, 9), (9, 9), [(slice(0, 9), slice(5, 10))], {}, "Amplifier 0 .* not within the image"),
        ((9, 9), (9, 9), [(slice(0, 9), slice(5, 5))], {}, "Amplifier 0 .* not within the image"),
        ((9, 9), (9, 9), [(slice(0, 9, 2), slice(0, 9))], {}, "Amplifier 0 .* not within the image"),
    ],
)
def test_wrong_input_is_named(shape, maskShape, amps, options, message):
    with pytest.raises(ValueError, match=message):
        measureSignificance(np.zeros(shape, np.float32), np.zeros(maskShape, bool), amps, **options)

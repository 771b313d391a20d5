# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.

"""FITS headers of metadata."""

import math
from pathlib import Path

import astropy.io.fits
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lsst.afw.fits import FitsError
from lsst.afw.fits._header import header_to_metadata, metadata_to_header
from lsst.daf.base import DateTime, PropertyList

LONG = "a text of more than eighty characters, which a FITS card has, and so it goes on in another card"

keys = st.from_regex(r"[A-Z][A-Z0-9_-]{0,5}[A-Z]|LSST ISR [A-Z][A-Z0-9]{1,20}", fullmatch=True).filter(
    lambda key: (
        not key.startswith(("NAXIS", "TZERO", "TSCAL", "TTYPE", "TFORM", "Z", "SIMPLE", "BITPIX", "END"))
    )
)
texts = st.text(st.characters(min_codepoint=35, max_codepoint=126, exclude_characters="'&"), max_size=200)
values = st.one_of(st.booleans(), st.integers(-(2**63), 2**63 - 1), st.floats(), texts, st.none())


def round_trip(metadata: PropertyList) -> PropertyList:
    text = metadata_to_header(metadata).tostring()
    return header_to_metadata(astropy.io.fits.Header.fromstring(text))


def of(value, key: str = "KEY", comment: str = "") -> PropertyList:
    metadata = PropertyList()
    metadata.set(key, value, comment)
    return metadata


@pytest.mark.parametrize(
    "value",
    [
        True,
        False,
        0,
        -(2**31),
        2**40,
        2.5,
        -3.82226480888503e-06,
        1 / 3,
        5e-324,
        math.nan,
        math.inf,
        -math.inf,
    ],
    ids=repr,
)
@pytest.mark.parametrize("key", ["KEY", "LSST ISR READNOISE C00"])
def test_number_round_trip(key: str, value) -> None:
    metadata = of(value, key, "a comment")
    assert round_trip(metadata) == metadata


@pytest.mark.parametrize(
    "value", ["", "text", "  leading", "it's", "ends with &", "a / b", LONG, None], ids=repr
)
@pytest.mark.parametrize("key", ["KEY", "LSST BUTLER INPUT 0 RUN"])
def test_text_round_trip(key: str, value: str | None) -> None:
    metadata = of(value, key, "a comment")
    assert round_trip(metadata) == metadata


@given(st.dictionaries(keys, values, max_size=6))
def test_metadata_round_trip(content: dict) -> None:
    metadata = PropertyList()
    metadata.update(
        {key: value.rstrip() if isinstance(value, str) else value for key, value in content.items()}
    )
    assert round_trip(metadata) == metadata


@pytest.mark.parametrize("key", ["KEY", "COMMENT", "HISTORY"])
def test_array_round_trip(key: str) -> None:
    metadata = of(["first line", "second line"], key)
    assert round_trip(metadata) == metadata


@pytest.mark.parametrize(
    ("value", "text"), [(math.nan, "NAN"), (math.inf, "+INFINITY"), (-math.inf, "-INFINITY")]
)
def test_non_finite_numbers_are_text_as_in_afw(value: float, text: str) -> None:
    assert metadata_to_header(of(value))["KEY"] == text


def test_long_keys_are_hierarch() -> None:
    assert str(metadata_to_header(of(5.43, "LSST ISR READNOISE C00"))).startswith(
        "HIERARCH LSST ISR READNOISE C00 = 5.43"
    )


def test_keys_become_upper_case() -> None:
    assert round_trip(of(1, "Lower case key")).names() == ["LOWER CASE KEY"]


def test_comments_are_cut_at_the_end_of_the_card() -> None:
    result = round_trip(of(1, comment="x" * 200))
    assert result["KEY"] == 1
    assert set(result.getComment("KEY")) == {"x"}


def test_structural_keys_are_not_metadata() -> None:
    metadata = PropertyList()
    metadata.update({"NAXIS1": 3, "BITPIX": 8, "ZTILE1": 1, "TTYPE1": "a", "KEY": 1})
    assert round_trip(metadata).names() == ["KEY"]


def test_boilerplate_comments_are_not_metadata() -> None:
    header = astropy.io.fits.Header()
    header.add_comment("  FITS (Flexible Image Transport System) format is defined in 'Astronomy")
    header.add_comment("a true comment")
    header.add_blank("under a blank keyword")
    assert header_to_metadata(header).getArray("COMMENT") == ["a true comment", "under a blank keyword"]


def test_repeated_cards_are_an_array() -> None:
    header = astropy.io.fits.Header([("KEY", 1), ("KEY", 2)])
    assert header_to_metadata(header).getArray("KEY") == [1, 2]


@pytest.mark.parametrize("cards", [[("KEY", None), ("KEY", 2)], [("KEY", 2), ("KEY", None)]])
def test_defined_cards_win_over_undefined(cards) -> None:
    assert header_to_metadata(astropy.io.fits.Header(cards)).getArray("KEY") == [2]


def test_repeated_cards_of_other_types() -> None:
    header = astropy.io.fits.Header([("KEY", 1), ("KEY", "text")])
    with pytest.raises(FitsError, match="'KEY' is there twice, with values of different types"):
        header_to_metadata(header)


def test_dates_are_left_out_with_awarning(caplog: pytest.LogCaptureFixture) -> None:
    assert len(metadata_to_header(of(DateTime(0)))) == 0
    assert "since it is a DateTime: KEY" in caplog.text


@pytest.mark.parametrize("value", [1.2345678901234567e-100, 2**62])
def test_numbers_are_never_cut(value) -> None:
    with pytest.raises(
        FitsError, match=r"Cannot write 'A KEY .* to a FITS header: the card is longer than 80"
    ):
        metadata_to_header(of(value, "A KEY " + "X" * 55))


@pytest.mark.parametrize("value", ["ångström", "two\nlines"])
def test_text_that_fits_no_header(value: str) -> None:
    with pytest.raises(FitsError, match="Cannot write 'KEY' = "):
        metadata_to_header(of(value))


def test_key_that_fits_no_header() -> None:
    with pytest.raises(FitsError, match="Cannot write 'A=B' = 1"):
        metadata_to_header(of(1, "A=B"))


def test_header_on_disk(tmp_path: Path) -> None:
    path = tmp_path / "header.fits"
    metadata = of(LONG, "LSST BUTLER RUN", "Run collection")
    astropy.io.fits.PrimaryHDU(header=metadata_to_header(metadata)).writeto(path)
    assert astropy.io.fits.getheader(path)["LSST BUTLER RUN"] == LONG

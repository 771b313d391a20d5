# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.

import logging
import math
import warnings
from typing import Any

import astropy.io.fits
from astropy.io.fits.card import Undefined
from astropy.io.fits.verify import VerifyWarning

from lsst.daf.base import DateTime, PropertyList

from ._files import FitsError

__all__ = ["header_to_metadata", "inherited_metadata", "metadata_to_header"]

_LOG = logging.getLogger("lsst.afw.fits")

_CARD_LENGTH = 80

_FIXED_LENGTH = 20
"""Characters of a number in the fixed format of FITS."""

_TOO_LONG = f"the card is longer than {_CARD_LENGTH} characters"

_STRUCTURAL = frozenset(
    "SIMPLE BITPIX NAXIS EXTEND GCOUNT PCOUNT XTENSION TFIELDS BSCALE BZERO ZBITPIX ZIMAGE ZCMPTYPE ZSIMPLE"
    " ZEXTEND ZBLANK ZDATASUM ZHECKSUM ZQUANTIZ ZDITHER0 DATASUM CHECKSUM".split()
)
"""Keys that say how a file is laid out; they are no metadata."""

_STRUCTURAL_STARTS = ("NAXIS", "TZERO", "TSCAL", "ZNAXIS", "ZTILE", "ZNAME", "ZVAL")

_STRUCTURAL_STARTS_WRITE = (*_STRUCTURAL_STARTS, "TFORM", "TTYPE")

_COMMENTARY = ("COMMENT", "HISTORY")

_BOILERPLATE = ("FITS (Flexible Image Transport System)", "and Astrophysics', volume 376, page 359")
"""How the comments begin that cfitsio adds to every header."""

_NON_FINITE = {"NAN": math.nan, "+INFINITY": math.inf, "-INFINITY": -math.inf}
"""How afw writes the floats that FITS has no number for."""


def inherited_metadata(hdus: astropy.io.fits.HDUList, hdu: int, strip: bool = True) -> PropertyList:
    """Return the header of an HDU; where it has ``INHERIT = T``, with that of the primary HDU.

    Parameters
    ----------
    hdus : `astropy.io.fits.HDUList`
        The open file.
    hdu : `int`
        Which HDU, counted from 0.
    strip : `bool`, optional
        Leave out what says how the file is laid out.
    """
    own = header_to_metadata(hdus[hdu].header, strip=strip)
    if hdu == 0 or own.get("INHERIT") is not True:
        return own
    combined = header_to_metadata(hdus[0].header, strip=strip)
    for name in own:
        if name in _COMMENTARY:
            combined.add(name, own.getArray(name))
        else:
            combined.copy(name, own, name)
    return combined


def header_to_metadata(header: astropy.io.fits.Header, strip: bool = True) -> PropertyList:
    """Return a header as a `~lsst.daf.base.PropertyList`, as afw does.

    Parameters
    ----------
    header : `astropy.io.fits.Header`
        The header.
    strip : `bool`, optional
        Leave out what says how the file is laid out.

    Returns
    -------
    metadata : `lsst.daf.base.PropertyList`
        Names in upper case, without ``HIERARCH``; a card without a value is
        `None`; cards of one name make an array.
    """
    metadata = PropertyList()
    for card in header.cards:
        name = card.keyword.upper()
        if strip and _is_structural(name, _STRUCTURAL_STARTS):
            continue
        if name in _COMMENTARY or not name:
            _add_comment(metadata, name or "COMMENT", str(card.value), strip)
        else:
            _add_value(metadata, name, _value_from_card(card.value), card.comment)
    return metadata


def metadata_to_header(metadata: PropertyList) -> astropy.io.fits.Header:
    """Return metadata as a FITS header, as afw does.

    Parameters
    ----------
    metadata : `lsst.daf.base.PropertyList`
        The metadata. Names of more than 8 characters become ``HIERARCH``
        cards, long strings ``CONTINUE`` cards, and a comment is cut where the
        card ends. Dates have no form in FITS: they are left out, with a warning.

    Raises
    ------
    FitsError
        Raised if a name or a value cannot stand in a header.
    """
    header = astropy.io.fits.Header()
    for name, value, comment in metadata.toList():
        if _is_structural(name, _STRUCTURAL_STARTS_WRITE):
            continue
        if isinstance(value, DateTime):
            _LOG.warning("Left out of the FITS header, since it is a DateTime: %s", name)
            continue
        try:
            header.append(_make_card(name, value, comment), bottom=True)
        except ValueError as error:
            raise FitsError(f"Cannot write {name!r} = {value!r} to a FITS header: {error}") from error
    return header


def _is_structural(name: str, starts: tuple[str, ...]) -> bool:
    return name in _STRUCTURAL or name.startswith(starts)


def _add_comment(metadata: PropertyList, name: str, text: str, strip: bool) -> None:
    if text.strip() and not (strip and text.lstrip().startswith(_BOILERPLATE)):
        metadata.add(name, text)


def _add_value(metadata: PropertyList, name: str, value: Any, comment: str) -> None:
    """Add a value; of defined and undefined ones, the defined stay."""
    if metadata.isUndefined(name) and value is not None:
        metadata.set(name, value, comment)
    elif not metadata.exists(name) or type(metadata[name]) is type(value):
        metadata.add(name, value, comment)
    elif value is not None:
        raise FitsError(f"Header key {name!r} is there twice, with values of different types")


def _value_from_card(value: Any) -> Any:
    if isinstance(value, Undefined):
        return None
    return _NON_FINITE.get(value, value) if isinstance(value, str) else value


def _make_card(name: str, value: Any, comment: str) -> astropy.io.fits.Card:
    if name in _COMMENTARY:
        return astropy.io.fits.Card(name, value)
    name = name.upper().removeprefix("HIERARCH ")
    keyword = f"HIERARCH {name}" if len(name) > 8 else name
    if isinstance(value, float):
        if not math.isfinite(value):
            value = "NAN" if math.isnan(value) else f"{value:+}".upper() + "INITY"
        elif len(repr(value)) > _FIXED_LENGTH:
            return _make_long_float_card(keyword, value, comment)
    card = astropy.io.fits.Card(keyword, value, comment or None)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Card is too long", category=VerifyWarning)
        image = card.image
    # Astropy cuts numbers too where the card ends; a card that ends before is whole.
    if (
        isinstance(value, int | float)
        and not image.endswith(" ")
        and astropy.io.fits.Card.fromstring(image).value != value
    ):
        raise ValueError(_TOO_LONG)
    return card


def _make_long_float_card(keyword: str, value: float, comment: str) -> astropy.io.fits.Card:
    """Make a card of a float of which astropy would cut the last digits."""
    start = f"{keyword:8s}= " if len(keyword) <= 8 else f"{keyword} = "
    image = start + repr(value).upper()
    if len(image) > _CARD_LENGTH:
        raise ValueError(_TOO_LONG)
    return astropy.io.fits.Card.fromstring((f"{image} / {comment}" if comment else image)[:_CARD_LENGTH])

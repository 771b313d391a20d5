# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from os import PathLike

import astropy.io.fits

__all__ = ["FitsError", "naming_file", "open_fits"]

_DAMAGES = (r"(?s).*File may have been truncated", r"(?s).*Error validating header")
"""What astropy only warns of, though there is no reading on."""


class FitsError(RuntimeError):
    """A FITS file cannot be read or written; the message names it."""


@contextmanager
def naming_file(path: str | PathLike[str], action: str) -> Iterator[None]:
    """Turn what goes wrong with a file into a `FitsError` that names it.

    Parameters
    ----------
    path : `str` or `os.PathLike`
        Name of the file.
    action : `str`
        What is being done, to be read after "Cannot".

    Raises
    ------
    FitsError
        Raised for whatever astropy makes of a damaged file.
    """
    try:
        yield
    except (FileNotFoundError, FitsError):
        raise
    except Exception as error:  # Damaged bytes make astropy raise nearly anything.
        raise FitsError(f"Cannot {action} {path}: {error}") from error


@contextmanager
def open_fits(path: str | PathLike[str]) -> Iterator[astropy.io.fits.HDUList]:
    """Open a FITS file for reading; what is not asked for is not read.

    Parameters
    ----------
    path : `str` or `os.PathLike`
        Name of the file.

    Raises
    ------
    FitsError
        Raised if it is no FITS file, or is cut short.
    FileNotFoundError
        Raised if there is no such file.
    """
    with warnings.catch_warnings():
        for message in _DAMAGES:
            warnings.filterwarnings("error", message=message)
        with naming_file(path, "open"):
            hdus = astropy.io.fits.open(path, mode="readonly", memmap=False)
        with hdus:
            yield hdus

# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""The folder that people and scripts look into while data come: always whole, whenever it is read."""

from __future__ import annotations

import fcntl
import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path

import jinja2
import numpy as np

from lsst.analysis.cp.report.document import DOCUMENT
from lsst.analysis.cp.report.pages.status import VERDICT_LOOKS

from .state import Phase, State

__all__ = ["MARKER", "Folder", "Picture"]

MARKER = ".analysis_cp-arriving"
"""File that tells that a folder is one of these."""

REFRESH_SECONDS = 3
"""How often browsers read the page anew."""

_PAGE = "index.html"

_OLD = (DOCUMENT, _PAGE, "*.png", f".{DOCUMENT}-*", f".{_PAGE}-*", ".*.png-*")
"""Files of an earlier process, those included that it was writing when it was killed."""

_STYLES = {"lsst.analysis.cp.report": "report.css", "lsst.analysis.cp.arriving": "arriving.css"}
"""Style sheets by their packages."""


@dataclass(frozen=True, kw_only=True)
class Picture:
    """A map on the page.

    Parameters
    ----------
    title
        What it shows.
    caption
        What it is made of.
    content
        A PNG file.
    version
        Number that no other picture of the same name has.
    """

    title: str
    caption: str
    content: bytes
    version: int


@dataclass
class Folder:
    """Writes page, document and maps.

    Parameters
    ----------
    path
        The folder, which is made if there is none.

    Raises
    ------
    FileExistsError
        Raised if there is something else, or another process writes there.
    """

    path: Path
    _pictures: dict[str, str] = field(default_factory=dict, init=False)
    _before: dict[str, str] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        marker = self.path / MARKER
        if (
            self.path.exists()
            and not marker.is_file()
            and (not self.path.is_dir() or any(self.path.iterdir()))
        ):
            raise FileExistsError(f"{self.path} exists and is no folder of this command: it is left alone.")
        self.path.mkdir(exist_ok=True)
        self._lock = marker.open("a")
        try:
            # The system lets go of it however a process ends.
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            self.close()
            raise FileExistsError(
                f"Another process follows an exposure into {self.path}: name another folder."
            ) from error
        for package, name in _STYLES.items():
            self._replace(name, files(package).joinpath("static", name).read_bytes())
        # What was said of another exposure, or before a kill, must not be taken for the answer.
        for pattern in _OLD:
            for old in self.path.glob(pattern):
                old.unlink(missing_ok=True)
        environment = jinja2.Environment(
            loader=jinja2.PackageLoader("lsst.analysis.cp.arriving"),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._template = environment.get_template("arriving.jinja")

    def close(self) -> None:
        """Leave the folder to others."""
        self._lock.close()

    def write(self, state: State, pictures: Mapping[str, Picture]) -> None:
        """Write what is known.

        Parameters
        ----------
        state
            What is known.
        pictures
            Maps, by names that are fit for files.
        """
        # Scripts wait for this.
        document = json.dumps(state.makeDocument(), indent=1, allow_nan=False)
        self._replace(DOCUMENT, document.encode())
        shown = {name: f"{name}-{picture.version}.png" for name, picture in pictures.items()}
        for name, file in shown.items():
            if self._pictures.get(name) != file:
                self._replace(file, pictures[name].content)
        page = self._template.render(
            state=state,
            look=VERDICT_LOOKS[state.verdict],
            isOpen=state.phase in (Phase.WAITING, Phase.MERGING),
            refresh=REFRESH_SECONDS,
            pictures=[(shown[name], picture) for name, picture in pictures.items()],
            notYet=state.namesOf(state.notYet),
            nExpected=int(np.count_nonzero(state.expected)),
            nThere=int(np.count_nonzero(state.there)),
        )
        self._replace(_PAGE, page.encode())
        for name, file in shown.items():
            if self._pictures.get(name, file) != file:
                # A browser may still read the page before: a picture is left until another is replaced.
                if name in self._before:
                    (self.path / self._before[name]).unlink(missing_ok=True)
                self._before[name] = self._pictures[name]
        self._pictures = shown

    def _replace(self, name: str, content: bytes) -> None:
        """Write a file, of which there is always the old one or the new one."""
        number, made = tempfile.mkstemp(prefix=f".{name}-", dir=self.path)
        try:
            with os.fdopen(number, "wb") as file:
                file.write(content)
            Path(made).chmod(0o644)
            Path(made).replace(self.path / name)
        except BaseException:
            Path(made).unlink()
            raise

# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""The notebooks of the documentation as pages, with what their cells show.

The notebooks that are committed have no outputs. Where the documentation is built they run on the output of
the demonstration or, where there is none, on a small one that is made for them.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping
from importlib.util import find_spec
from pathlib import Path

import nbclient
import nbformat
from nbclient.exceptions import CellExecutionError, DeadKernelError
from nbformat import NotebookNode

__all__ = [
    "MARK",
    "NOTEBOOKS",
    "NotebookError",
    "addNotebooks",
    "executeNotebooks",
    "readNotebooks",
    "writePages",
]

_FOLDER = Path(__file__).resolve().parents[1] / "lsst.analysis.cp" / "notebooks"
NOTEBOOKS = {name: _FOLDER / f"{name}.ipynb" for name in ("bias", "ptc", "images")}
"""Files of the notebooks by their names, in the order of the pages."""
CAMERAS = ("LATISS", "LSSTCam")
"""Cameras whose repositories they read."""
SIMULATOR = "lsst.cp.simulator"
"""The module that makes a small demonstration; the Science Pipelines have none."""
TIMEOUT = 600
"""Longest time that a cell takes, and the start of a kernel, s."""
MARK = ".. Here are the notebooks."
"""Line of the page on notebooks that the list of their pages takes the place of."""
_NOTES = {
    "demonstration": "The cells ran on the output of the demonstration when this page was built.",
    "small": (
        "The cells ran on a small simulated repository when this page was built: cameras of fewer pixels, "
        "and one raft of LSSTCam. Where `make demo` has run before `make docs`, they run on its output."
    ),
    "none": (
        "The cells have no outputs here: this page was built without the output of the demonstration, and "
        "without the simulator that makes a small one. Run `make demo`, then `make docs`."
    ),
}


class NotebookError(RuntimeError):
    """A notebook does not run."""


def readNotebooks(names: Iterable[str] = tuple(NOTEBOOKS)) -> dict[str, NotebookNode]:
    """Read notebooks, which have no outputs, by their names."""
    return {name: nbformat.read(NOTEBOOKS[name], as_version=4) for name in names}


def executeNotebooks(demonstration: Path, names: Iterable[str] = tuple(NOTEBOOKS)) -> dict[str, NotebookNode]:
    """Run notebooks, side by side.

    Parameters
    ----------
    demonstration
        Where the repositories are.
    names
        Which are run.

    Returns
    -------
    notebooks
        The notebooks with outputs, by their names.

    Raises
    ------
    NotebookError
        Raised if one does not run; it names the notebook and the error.
    """
    notebooks = readNotebooks(names)
    environment = os.environ | {"ANALYSIS_CP_DEMO": str(demonstration.resolve())}

    async def execute(name: str) -> None:
        client = nbclient.NotebookClient(
            notebooks[name],
            timeout=TIMEOUT,
            startup_timeout=TIMEOUT,
            # A kernel warns of connections that are not encrypted; these are of this machine.
            extra_arguments=["--log-level=ERROR"],
        )
        try:
            await client.async_execute(env=environment)
        except CellExecutionError as error:
            reason = f"{error.ename}: {error.evalue}"
            raise NotebookError(f"{name}.ipynb does not run on {demonstration}: {reason}") from error
        except (DeadKernelError, TimeoutError) as error:
            raise NotebookError(f"{name}.ipynb does not end on {demonstration}: {error}") from error

    async def executeAll() -> list[BaseException | None]:
        # Each ends its kernel, whatever becomes of the others.
        return await asyncio.gather(*map(execute, notebooks), return_exceptions=True)

    for problem in asyncio.run(executeAll()):
        if problem is not None:
            raise problem
    return notebooks


def writePages(pages: Path, notebooks: Mapping[str, NotebookNode], data: str) -> None:
    """Write the notebooks as pages that say what they ran on, and list them in the page on notebooks.

    Parameters
    ----------
    pages
        Folder of the copied pages.
    notebooks
        The notebooks by their names. Each has a note added below its title.
    data
        What they ran on: ``demonstration``, ``small`` or ``none``.
    """
    folder = pages / "lsst.analysis.cp" / "notebooks"
    for name, notebook in notebooks.items():
        text = f"{_NOTES[data]} The notebook is `doc/lsst.analysis.cp/notebooks/{name}.ipynb`."
        notebook.cells.insert(1, nbformat.v4.new_markdown_cell(f"```{{note}}\n{text}\n```"))
        nbformat.write(notebook, folder / f"{name}.ipynb")
    page = folder.with_suffix(".rst")
    listed = [".. toctree::", "   :maxdepth: 1", "", *(f"   notebooks/{name}" for name in notebooks)]
    text = page.read_text(encoding="utf-8").replace(MARK, "\n".join(listed))
    page.write_text(text, encoding="utf-8")


def addNotebooks(pages: Path, demonstration: Path, work: Path) -> str:
    """Add the notebooks to the pages, with outputs if they can be had.

    Parameters
    ----------
    pages
        Folder of the copied pages.
    demonstration
        Output of the demonstration; there may be none.
    work
        Folder for a small one, which is kept.

    Returns
    -------
    message
        What they ran on, in a line.

    Raises
    ------
    NotebookError
        Raised if a small demonstration cannot be made, or a notebook does not run on it.
    """
    problem = ""
    if _hasRepositories(demonstration):
        try:
            writePages(pages, executeNotebooks(demonstration), "demonstration")
        except NotebookError as error:
            # The demonstration may have been one of some products only.
            problem = f"{error}\n"
        else:
            return f"The notebooks ran on {demonstration}."
    if find_spec(SIMULATOR) is None:
        writePages(pages, readNotebooks(), "none")
        return f"{problem}The notebooks have no outputs: there is no {SIMULATOR} to simulate with."
    if not _hasRepositories(work):
        _simulate(work)
    writePages(pages, executeNotebooks(work), "small")
    return f"{problem}The notebooks ran on a small demonstration, {work}."


def _hasRepositories(demonstration: Path) -> bool:
    """Tell whether there are the repositories of all cameras."""
    return all((demonstration / name / "repository" / "butler.yaml").is_file() for name in CAMERAS)


def _simulate(output: Path) -> None:
    """Make a small demonstration, each camera in a process of its own; it replaces an interrupted one."""
    begun = output.with_name(f"{output.name}.begun")
    for folder in (begun, output):
        shutil.rmtree(folder, ignore_errors=True)
    script = Path(__file__).with_name("smallDemonstration.py")
    processes = [
        subprocess.Popen(
            [sys.executable, str(script), str(begun), name],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        for name in CAMERAS
    ]
    errors = [process.communicate()[1] for process in processes]
    for name, process, error in zip(CAMERAS, processes, errors, strict=True):
        if process.returncode:
            raise NotebookError(f"No small demonstration of {name} can be made: {error[-5000:]}")
    begun.rename(output)

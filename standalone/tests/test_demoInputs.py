# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""The demonstration refuses what it cannot use, in one line, before it starts, and deletes its own only."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import click
import pytest

from lsst.obs.lsst import Latiss, LsstCam, LsstComCam

ROOT = Path(__file__).parents[2]
sys.path.append(str(ROOT / "demo"))

from cameraFile import checkCameraFile  # noqa: E402
from folders import MARK, checkFolder, renewFolder, takeFolder  # noqa: E402
from parts import CAMERAS, PRODUCTS, listParts  # noqa: E402
from runDemo import checkInputs, checkNames  # noqa: E402

PARTS = listParts(list(CAMERAS), [])


def listTree(root: Path) -> dict[str, bytes]:
    """Read all files below a folder."""
    return {str(p.relative_to(root)): p.read_bytes() for p in sorted(root.rglob("*")) if p.is_file()}


@pytest.mark.parametrize("name", ["", "LATISS", "LSSTCam", "figures/LSSTComCam"])
def test_foreign_files_are_not_touched(tmp_path, name):
    takeFolder(tmp_path / "output")
    folder = tmp_path / "output" / name if name else tmp_path / "other"
    folder.mkdir(parents=True)
    (folder / "thesis.tex").write_text("years of work")
    before = listTree(tmp_path)
    with pytest.raises(click.ClickException, match=r"such as thesis\.tex.*Nothing was changed"):
        checkInputs(PARTS, None, tmp_path / "output" if name else folder)
    for change in (takeFolder, renewFolder):
        with pytest.raises(click.ClickException):
            change(folder)
    assert listTree(tmp_path) == before


def test_links_and_files_are_refused(tmp_path):
    (tmp_path / "file").write_text("")
    takeFolder(tmp_path / "own")
    (tmp_path / "link").symlink_to(tmp_path / "own")
    (tmp_path / "nowhere").symlink_to(tmp_path / "absent")
    for name in ("file", "link", "nowhere"):
        with pytest.raises(click.ClickException, match="is no folder, or a link to one"):
            checkFolder(tmp_path / name)


def test_own_folders_are_made_anew(tmp_path):
    folder = tmp_path / "a" / "b"
    renewFolder(folder)
    (folder / "old").write_text("")
    renewFolder(folder)
    assert [path.name for path in folder.iterdir()] == [MARK]
    takeFolder(folder)
    assert [path.name for path in folder.iterdir()] == [MARK]


def test_folder_below_a_file_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(click.ClickException, match=r"^.*file/below cannot be (read|written): [^\n]*$"):
        takeFolder(tmp_path / "file" / "below")


@pytest.fixture(scope="module")
def cameraFiles(tmp_path_factory) -> dict[str, Path]:
    """Write camera files, and files that look like some."""
    root = tmp_path_factory.mktemp("cameras")
    files = {
        name: root / f"{name}.fits" for name in ("LATISS", "LSSTComCam", "LSSTCam", "cut", "text", "absent")
    }
    for instrument in (Latiss, LsstComCam, LsstCam):
        instrument().getCamera().writeFits(str(files[instrument.getName()]))
    data = files["LSSTCam"].read_bytes()
    files["cut"].write_bytes(data[: len(data) // 2])
    files["text"].write_text("no camera at all")
    return files


@pytest.mark.parametrize("name", ["cut", "text", "absent"])
def test_file_that_is_no_camera_is_refused(cameraFiles, name):
    with pytest.raises(click.ClickException, match=r"^--camera \S+ holds no camera: [^\n]+$"):
        checkInputs(PARTS, cameraFiles[name], cameraFiles[name].parent / "new")


@pytest.mark.parametrize("name", ["LATISS", "LSSTComCam"])
def test_camera_of_another_instrument_is_refused(cameraFiles, name):
    with pytest.raises(click.ClickException, match=f"is of {name}, not of LSSTCam"):
        checkInputs(PARTS, cameraFiles[name], cameraFiles[name].parent / "new")


def test_camera_without_a_detector_of_the_faults_is_refused(cameraFiles):
    part = SimpleNamespace(
        camera=CAMERAS["LATISS"],
        product=PRODUCTS["bias"],
        readFaults=listParts(["LSSTCam"], ["bias"])[0].readFaults,
    )
    with pytest.raises(click.ClickException, match=r"does not fit the injected faults: .*no such detector"):
        checkCameraFile(cameraFiles["LATISS"], [part])


def test_camera_of_the_instrument_is_taken(cameraFiles, tmp_path):
    checkInputs(PARTS, cameraFiles["LSSTCam"], tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_camera_is_never_ignored(cameraFiles, tmp_path):
    with pytest.raises(click.ClickException, match="--camera is for LSSTCam, which --camera-name leaves out"):
        checkInputs(listParts(["LATISS"], []), cameraFiles["LSSTCam"], tmp_path / "new")


def test_parts_are_chosen() -> None:
    shown = {(part.camera.name, part.product.name) for part in listParts([], [])}
    of_large = {("LSSTCam", product) for product in ("bias", "dark", "flat", "ptc")}
    assert shown == of_large | {("LATISS", product) for product in PRODUCTS}
    chosen = listParts(["LATISS", "LSSTComCam"], ["bias"])
    assert {part.name for part in chosen} == {"LATISS bias", "LSSTComCam bias"}


@pytest.mark.parametrize(
    ("cameras", "products", "words"),
    [
        (["LATISS", "LSSTComCam"], ["flat"], "nothing to show of LSSTComCam together with LATISS, flat."),
        (["LSSTCam"], ["bias", "cti"], "nothing to show of cti together with LSSTCam, bias."),
        (["LSSTComCam"], ["ptc"], "nothing to show of LSSTComCam, ptc."),
    ],
)
def test_names_of_which_nothing_is_shown_are_refused(cameras, products, words):
    with pytest.raises(click.ClickException, match=f"^There is {re.escape(words)}$"):
        checkNames(listParts(cameras, products), cameras, products)


def test_examples_of_the_readme_show_what_they_name():
    examples = re.findall(r'make demo DEMO_OPTIONS="(.*)"', (ROOT / "README.rst").read_text())
    assert len(examples) > 3
    for example in examples:
        pairs = list(pairwise(shlex.split(example)))
        cameras, products = (
            [value for name, value in pairs if name == option] for option in ("--camera-name", "--product")
        )
        checkNames(listParts(cameras, products), cameras, products)


@pytest.mark.parametrize(("cameras", "products"), [([], []), (["LSSTComCam"], []), ([], ["ptc", "cti"])])
def test_names_of_which_something_is_shown_are_taken(cameras, products):
    checkNames(listParts(cameras, products), cameras, products)


@pytest.mark.slow
@pytest.mark.parametrize("option", ["--camera", "--output"])
def test_command_ends_with_one_line(tmp_path, option):
    (tmp_path / "mine").write_text("no camera")
    options = {"--camera": tmp_path / "mine", "--output": tmp_path}
    command = [sys.executable, str(ROOT / "demo" / "runDemo.py"), option, str(options[option])]
    if option == "--camera":
        command += ["--output", str(tmp_path / "new")]
    result = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert (result.returncode, result.stdout) == (1, "")
    assert len(result.stderr.splitlines()) == 1
    assert result.stderr.startswith("Error: ")
    assert listTree(tmp_path) == {"mine": b"no camera"}

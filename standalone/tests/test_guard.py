# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.

"""The import guard, each case in a fresh interpreter with its own path."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

import lsst.standalone
from lsst.standalone import ALLOW_MIXED, MEMBERS, guard

STANDALONE = Path(lsst.standalone.__file__).parents[2]
NAMESPACE = "import pkgutil\n\n__path__ = pkgutil.extend_path(__path__, __name__)\n"


@pytest.fixture
def real(tmp_path: Path) -> Path:
    """Make a tree with a real lsst.verify in it."""
    return makePackage(tmp_path / "real", "lsst.verify")


def makePackage(root: Path, name: str, source: str = "real = True\n") -> Path:
    folder = root.joinpath(*name.split("."))
    folder.mkdir(parents=True)
    (root / "lsst" / "__init__.py").write_text(NAMESPACE)
    if len(name.split(".")) == 3:
        (folder.parent / "__init__.py").write_text(NAMESPACE)
    (folder / "__init__.py").write_text(source)
    return root


def run(code: str, *path: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run code with only these folders on PYTHONPATH."""
    env = {key: value for key, value in os.environ.items() if key != ALLOW_MIXED}
    env |= {"PYTHONPATH": os.pathsep.join(map(str, path))} | environment
    return subprocess.run(
        [sys.executable, "-c", code], env=env, capture_output=True, text=True, timeout=60, check=False
    )


IMPORT = "from lsst.standalone import guard; guard('lsst.afw')"


@pytest.mark.parametrize("earlier", [True, False], ids=["earlier", "later"])
def test_real_package_is_refused_anywhere_on_the_path(real, earlier):
    result = run(IMPORT, *((real, STANDALONE) if earlier else (STANDALONE, real)))
    assert result.returncode == 1
    assert "ImportError: The stand-in lsst.afw" in result.stderr
    assert str(STANDALONE / "lsst" / "afw") in result.stderr
    assert f"the real lsst.verify ({real / 'lsst' / 'verify' / '__init__.py'})" in result.stderr
    assert f"{ALLOW_MIXED}=1" in result.stderr


def test_real_package_of_the_same_name_later_on_the_path_is_refused(real):
    result = run("import lsst.verify", STANDALONE, real)
    assert "The stand-in lsst.verify" in result.stderr
    assert str(real) in result.stderr


def test_real_package_earlier_on_the_path_wins_for_its_name(real):
    result = run("import lsst.verify; print(lsst.verify.real)", real, STANDALONE)
    assert (result.returncode, result.stdout) == (0, "True\n")


@pytest.mark.parametrize("name", MEMBERS)
def test_every_member_is_found(tmp_path, name):
    result = run(IMPORT, STANDALONE, makePackage(tmp_path, name))
    assert f"the real {name} (" in result.stderr


def test_path_of_an_editable_install_is_searched(tmp_path, real):
    site = tmp_path / "site"
    site.mkdir()
    (site / "verify.pth").write_text(f"{real}\n")
    result = run(f"import site; site.addsitedir({str(site)!r}); {IMPORT}", STANDALONE)
    assert "the real lsst.verify" in result.stderr


def test_path_of_the_namespace_is_searched(real):
    code = f"import lsst; lsst.__path__.append({str(real / 'lsst')!r}); {IMPORT}"
    assert "the real lsst.verify" in run(code, STANDALONE).stderr


def test_package_that_is_imported_already_is_found(real):
    code = f"import sys, lsst.verify; sys.path.remove({str(real)!r}); lsst.__path__.pop(0); {IMPORT}"
    assert "the real lsst.verify" in run(code, real, STANDALONE).stderr


def test_path_that_changes_is_searched_again(real):
    code = f"import sys; {IMPORT}; print('first'); sys.path.append({str(real)!r}); guard('lsst.afw')"
    result = run(code, STANDALONE)
    assert result.stdout == "first\n"
    assert "the real lsst.verify" in result.stderr


def test_same_path_twice_is_no_mixture(tmp_path):
    link = tmp_path / "link"
    link.symlink_to(STANDALONE)
    assert run("import lsst.verify", STANDALONE, STANDALONE, link).returncode == 0


def test_another_copy_of_the_stand_ins_is_no_mixture(tmp_path):
    source = "from lsst.standalone import guard\n\nguard(__name__)\n"
    copy = makePackage(tmp_path, "lsst.geom", source)
    assert run(IMPORT, STANDALONE, copy).returncode == 0


@pytest.mark.parametrize("name", MEMBERS)
def test_folder_without_code_is_no_package(tmp_path, name):
    tmp_path.joinpath(*name.split("."), "__pycache__").mkdir(parents=True)
    assert run(IMPORT, STANDALONE, tmp_path).returncode == 0


def test_middleware_is_no_member(tmp_path):
    assert run(IMPORT, STANDALONE, makePackage(tmp_path, "lsst.daf.butler")).returncode == 0


def test_variable_lifts_the_guard(real):
    code = "import lsst.verify, lsst.analysis.tools; print(lsst.verify.real)"
    assert run(code, real, STANDALONE, **{ALLOW_MIXED: "1"}).stdout == "True\n"


def test_only_one_value_lifts_the_guard(real):
    assert run(IMPORT, STANDALONE, real, **{ALLOW_MIXED: "0"}).returncode == 1


def test_path_is_scanned_once(monkeypatch):
    monkeypatch.delenv(ALLOW_MIXED, raising=False)
    monkeypatch.setattr(lsst.standalone, "MEMBERS", ())
    lsst.standalone._find_real.cache_clear()
    for name in MEMBERS:
        guard(name)
    assert lsst.standalone._find_real.cache_info().misses == 1
    lsst.standalone._find_real.cache_clear()


@pytest.mark.parametrize("name", MEMBERS)
def test_stand_in_calls_the_guard_first(name):
    source = STANDALONE.joinpath(*name.split("."), "__init__.py").read_text()
    statements = ast.parse(source).body
    if isinstance(statements[0], ast.Expr) and isinstance(statements[0].value, ast.Constant):
        statements = statements[1:]
    assert [ast.unparse(statement) for statement in statements[:2]] == [
        "from lsst.standalone import guard",
        "guard(__name__)",
    ]

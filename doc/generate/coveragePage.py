# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""The page of the documentation that says who measures each test that DMTN-101 defines."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from pageText import makeTable, wrap
from pipelineTopics import Topic

from lsst.analysis.cp.catalogue import VerifyTest, getProduct, products

__all__ = ["CoverageError", "DefinedTest", "checkCoverage", "coveragePage", "readDefinedTests"]

_FILE = Path(__file__).with_name("dmtn101.yaml")
_REASONS = ("step", "ownStep", "cpVerify", "nobody")
_FIELDS = {"criterion", "remark", *_REASONS}


class CoverageError(ValueError):
    """The list of defined tests and the catalogue contradict each other."""


@dataclass(frozen=True, kw_only=True)
class DefinedTest:
    """One test that the document defines.

    Parameters
    ----------
    section
        Its number, as in the field ``section`` of the catalogue.
    criterion
        What it asks for.
    step, ownStep, cpVerify, nobody
        Which task does it, of cp_verify or of this package, which task of cp_verify measures it, or why
        nobody does; all empty where the catalogue measures it.
    remark
        Where what is measured differs from what is defined; empty if it does not.
    measured
        Tests of the catalogue that refer to it.
    """

    section: str
    criterion: str
    step: str = ""
    ownStep: str = ""
    cpVerify: str = ""
    nobody: str = ""
    remark: str = ""
    measured: tuple[VerifyTest, ...] = field(default=(), hash=False)

    @property
    def who(self) -> str:
        """Who measures it: those of the catalogue first."""
        if self.measured:
            makers = {"analysis_cp" if test.isOurs else "cp_verify" for test in self.measured}
            return ", ".join(sorted(makers, reverse=True))
        return "nobody" if self.nobody else "analysis_cp" if self.ownStep else "cp_verify"

    @property
    def why(self) -> str:
        """Why it is measured otherwise, elsewhere or not at all."""
        elsewhere = f"cp_verify measures it ({self.cpVerify}); not in this plugin's catalogue yet."
        step = self.step or self.ownStep
        parts = (f"A step: ``{step}``." * bool(step), elsewhere * bool(self.cpVerify), self.nobody)
        aside = [f"{test.key} is set aside." for test in self.measured if test.setAside]
        return " ".join(part for part in (*parts * (not self.measured), self.remark, *aside) if part)


def readDefinedTests() -> dict[str, DefinedTest]:
    """List the tests that the document defines, with what the catalogue has of each.

    Returns
    -------
    tests
        By their number, in the order of the document.

    Raises
    ------
    CoverageError
        Raised if an entry has an unknown field or lacks the criterion.
    """
    of_section: dict[str, list[VerifyTest]] = {}
    for test in _catalogueTests():
        of_section.setdefault(test.section, []).append(test)
    found = {}
    for section in _read()["sections"]:
        for number, texts in section["tests"].items():
            if not {"criterion"} <= texts.keys() <= _FIELDS:
                raise CoverageError(f"test {number} has the fields {', '.join(texts)}")
            measured = tuple(of_section.get(number, ()))
            found[number] = DefinedTest(section=number, measured=measured, **texts)
    return found


def checkCoverage(defined: Mapping[str, DefinedTest], tests: Iterable[VerifyTest] | None = None) -> list[str]:
    """Find where the list of defined tests and the catalogue contradict each other.

    Parameters
    ----------
    defined
        The defined tests by number.
    tests
        Tests of the catalogue; all by default.

    Returns
    -------
    errors
        One text for each test of the catalogue whose section is not in the list, for each listed test that
        is measured and says that it is not, and for each that is not measured and does not say why.
    """
    errors = [
        f"{test.product} {test.key}: section {test.section} is not in {_FILE.name}"
        for test in (_catalogueTests() if tests is None else tests)
        if test.section and test.section not in defined
    ]
    for number, test in defined.items():
        said = [name for name in _REASONS if getattr(test, name)]
        if test.measured and said:
            errors.append(f"{number} is in the catalogue, and {_FILE.name} says {said[0]}: drop that")
        if not test.measured and len(said) != 1:
            errors.append(f"{number} is not in the catalogue; say one of {', '.join(_REASONS)}")
    return errors


def coveragePage(topics: Mapping[str, Topic]) -> dict[str, str]:
    """Generate the page.

    Parameters
    ----------
    topics
        All topics by name.

    Returns
    -------
    files
        Its text by its path, relative to the root of the package.

    Raises
    ------
    CoverageError
        Raised if the list of defined tests and the catalogue contradict each other.
    """
    data, defined = _read(), readDefinedTests()
    if errors := checkCoverage(defined):
        raise CoverageError("; ".join(errors))
    title = f"Coverage of {data['document']}"
    parts = [
        ".. Generated by python doc/generate; do not edit.",
        "",
        "#" * len(title),
        title,
        "#" * len(title),
        "",
        wrap(
            f"Who measures each test that `{data['document']} <{data['url']}>`_ (version {data['version']}) "
            "defines, and as what. cp_verify makes the verdicts of its own tests; this package makes the "
            "metrics of all tests of its catalogue (:doc:`metrics`), and verdicts of its own where "
            "cp_verify has none. Sections that define no test are left out. Of topics, what their names "
            "begin with stands before the name of the tool: ``cpBiasExp``, ``cpBiasRun`` of ``biasNoise`` "
            "are ``cpBiasExp_biasNoise`` and ``cpBiasRun_biasNoise`` (:doc:`topics`)."
        ),
        "",
        *_summarize(defined.values()),
    ]
    for section in data["sections"]:
        heading = f"{section['number']} {section['title']}"
        parts += [heading, "=" * len(heading), ""]
        parts += [wrap(section["note"]), ""] if "note" in section else []
        parts.append(makeTable([_describe(defined[number], topics) for number in section["tests"]]))
    return {"doc/lsst.analysis.cp/coverage.rst": "\n".join(parts)}


def _summarize(defined: Iterable[DefinedTest]) -> Iterator[str]:
    """Count the tests by what becomes of them."""
    tests = list(defined)
    kinds = {
        "in the catalogue": [test for test in tests if test.measured],
        "steps without a result of their own": [test for test in tests if test.step or test.ownStep],
        "measured by cp_verify, and not in the catalogue yet": [test for test in tests if test.cpVerify],
        "measured by nobody": [test for test in tests if test.nobody],
    }
    for words, some in kinds.items():
        if some:
            yield wrap(f"{len(some)} {words}: {', '.join(test.section for test in some)}.", "- ", "  ")
    yield ""


def _describe(test: DefinedTest, topics: Mapping[str, Topic]) -> dict[str, str]:
    """Describe a defined test in a row of a table."""
    of_tools: dict[str, list[str]] = {}
    for name, topic in topics.items():
        if topic.tool in {measured.toolName for measured in test.measured}:
            of_tools.setdefault(topic.tool, []).append(f"``{name.removesuffix(f'_{topic.tool}')}``")
    names = [f"{', '.join(outputs)} of ``{tool}``" for tool, outputs in of_tools.items()]
    return {
        "section": test.section,
        "test": test.criterion,
        "measured by": test.who,
        "as": "; ".join(f"{measured.product} {measured.key}" for measured in test.measured),
        "topics": "; ".join(names),
        "remarks": test.why,
    }


def _catalogueTests() -> list[VerifyTest]:
    """List all tests of the catalogue."""
    return [test for name in products() for test in getProduct(name)]


def _read() -> Any:
    return yaml.safe_load(_FILE.read_text(encoding="utf-8"))

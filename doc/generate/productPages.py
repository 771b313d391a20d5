# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Pages of the documentation that list the tests, generated from the catalogue."""

from collections.abc import Iterable, Iterator, Mapping

from pageText import makeTable, wrap

from lsst.analysis.cp.catalogue import Bounds, Product, VerifyTest, getProduct, products

__all__ = ["describeProduct", "productPages"]

_DIRECTORY = "doc/lsst.analysis.cp"


def productPages() -> dict[str, str]:
    """Generate one page a product.

    Returns
    -------
    files
        Text of each file by its path, relative to the root of the package.
    """
    chosen = [product for product in map(getProduct, products()) if product.tests]
    return {f"{_DIRECTORY}/{product.name}Tests.rst": describeProduct(product) for product in chosen}


def describeProduct(product: Product) -> str:
    """Write the page of a product; a list that would be empty is left out."""
    title = f"{product.title} tests"
    counted = [test for test in product if test.counts]
    of_ours = [test for test in product if test.isOurs]
    set_aside = [test for test in product if test.setAside]
    statistics = [test for test in product if not test.isTested]
    return "\n".join(
        [
            ".. Generated from the catalogue of lsst.analysis.cp; do not edit.",
            "",
            "#" * len(title),
            title,
            "#" * len(title),
            "",
            wrap(
                f"Columns of the tables of results begin with ``{product.prefix}_``, those of verdicts with "
                f"``{product.prefix}_VERIFY_``. Sections are those of `{product.document} <{product.url}>`_. "
                "RN and GAIN are the nominal read noise and gain of the amplifier, N_PIXELS is the number of "
                "its pixels; DARK_TIME and EXPOSURE_TIME are times of the exposure (s), where above 0. A "
                f"value that is not plausible is suspicious, whatever the verdict. {product.note}"
            ),
            "",
            *_list("", map(_describeTest, counted)),
            *_list(
                "Tests of this package, beside those of cp_verify. Their verdicts are computed and reported, "
                "and count in no status:",
                map(_describeTest, of_ours),
            ),
            *_list(
                "Tests of cp_verify that are reported, and whose verdicts count in no status:",
                map(_describeTest, set_aside),
            ),
            *_list("Statistics that are stored without being tested:", map(_describeStatistic, statistics)),
        ]
    )


def _list(words: str, rows: Iterable[dict[str, str]]) -> list[str]:
    """Write a table with some words before it; nothing if there are no rows."""
    if not (listed := list(rows)):
        return []
    return [wrap(words), "", makeTable(listed)] if words else [makeTable(listed)]


def _describeTest(test: VerifyTest) -> dict[str, str]:
    passed = f"``{test.quantity} {test.operator} {_writeThreshold(test.threshold)}``" if test.operator else ""
    return {
        "tool": f"``{test.toolName}``",
        "test": test.key,
        "section": test.section or "none",
        "unit": test.unit,
        "passed where": passed,
        "meaning": " ".join(_describeMeaning(test)),
    }


def _describeMeaning(test: VerifyTest) -> Iterator[str]:
    """Yield sentences on a test; more columns would not fit a page."""
    yield test.description.strip()
    if test.thresholdSource:
        yield f"Threshold: {test.thresholdSource}."
    if test.plausibleAbove:
        yield f"Plausible above ``{test.plausibleAbove}``."
    if test.setAside:
        yield f"Set aside: {test.setAside}"


def _writeThreshold(threshold: Bounds | Mapping[str, Bounds] | None) -> str:
    """Write a number, an interval, or one of these for each physical type."""
    if isinstance(threshold, Mapping):
        return "; ".join(f"{_writeThreshold(bounds)} ({name})" for name, bounds in threshold.items())
    return " to ".join(f"{end:g}" for end in (threshold if isinstance(threshold, tuple) else (threshold,)))


def _describeStatistic(test: VerifyTest) -> dict[str, str]:
    return {
        "tool": f"``{test.toolName}``",
        "statistic": f"{test.statistic}",
        "unit": test.unit,
        "meaning": test.description + (f" It is ``{test.derived}``." if test.derived else ""),
    }

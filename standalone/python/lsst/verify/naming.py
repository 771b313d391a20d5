# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.

"""Stand-in for ``lsst.verify.naming``, without ordering and containment of names."""

from __future__ import annotations

__all__ = ["Name"]

_FIELDS = ("package", "metric", "spec")


class Name:
    """Immutable name of a package, a metric or a specification.

    Written ``package.metric.spec``, with parts left out at either end.

    Parameters
    ----------
    package : `str` or `Name`, optional
        A package (``"verify"``), or a fully qualified metric
        (``"verify.PA1"``) or specification (``"verify.PA1.design"``).
    metric : `str` or `Name`, optional
        A metric, with or without its package.
    spec : `str` or `Name`, optional
        A specification, with or without its metric and package.

    Raises
    ------
    TypeError
        Raised if a name has too many parts or lacks the part it is given for,
        if two arguments contradict each other, or if package and
        specification are given without a metric.
    """

    def __init__(
        self,
        package: str | Name | None = None,
        metric: str | Name | None = None,
        spec: str | Name | None = None,
    ) -> None:
        self._parts: dict[str, str] = {}
        for field, value in zip(_FIELDS, (package, metric, spec), strict=True):
            if value is not None:
                self._merge(_parse(field, value))
        if {"package", "spec"} <= self._parts.keys() and "metric" not in self._parts:
            raise TypeError(f"Missing 'metric' given package={self.package!r} spec={self.spec!r}")
        self._text = ".".join(self._parts[field] for field in _FIELDS if field in self._parts)

    def _merge(self, parts: dict[str, str]) -> None:
        for field, value in parts.items():
            if self._parts.setdefault(field, value) != value:
                raise TypeError(
                    f"You provided a conflicting {field}={value!r}: it was {self._parts[field]!r}."
                )

    @property
    def package(self) -> str | None:
        """Name of the package (`str` or `None`)."""
        return self._parts.get("package")

    @property
    def metric(self) -> str | None:
        """Name of the metric (`str` or `None`)."""
        return self._parts.get("metric")

    @property
    def spec(self) -> str | None:
        """Name of the specification (`str` or `None`)."""
        return self._parts.get("spec")

    @property
    def is_metric(self) -> bool:
        """Whether this names a metric, with or without its package."""
        return self.metric is not None and self.spec is None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Name) and self._parts == other._parts

    def __hash__(self) -> int:
        return hash((self.package, self.metric, self.spec))

    def __str__(self) -> str:
        return self._text

    def __repr__(self) -> str:
        keyword = "" if self.package is not None else next(iter(self._parts), "") + "="
        values = [repr(self._parts[field]) for field in _FIELDS if field in self._parts]
        if keyword and len(values) > 1:
            return f"Name(metric={self.metric!r}, spec={self.spec!r})"
        return f"Name({keyword}{', '.join(values)})"


def _parse(field: str, value: str | Name) -> dict[str, str]:
    """Split the value of one argument into named parts."""
    if isinstance(value, Name):
        if field != "package" and field not in value._parts:
            raise TypeError(f"{field}={value!r} argument does not include {field} information.")
        return dict(value._parts)
    parts = value.split(".")
    last = _FIELDS.index(field)
    # A package's name goes on to the right, the other two go on to the left.
    fields = _FIELDS[: len(parts)] if field == "package" else _FIELDS[last + 1 - len(parts) : last + 1]
    if len(parts) > (3 if field == "package" else last + 1):
        raise TypeError(f"Cannot parse {field} name: {value!r}")
    return dict(zip(fields, parts, strict=True))

# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.

from __future__ import annotations

__all__ = ["Context", "ContextApplier", "ContextType"]

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, overload

from lsst.pex.config.configurableActions import ConfigurableActionStruct

if TYPE_CHECKING:
    from lsst.analysis.tools.interfaces import AnalysisAction


class _ContextsGetter:
    """Give ``getContexts`` to both a context class and a join of several."""

    def __get__(self, instance: Context | None, owner: ContextMeta) -> Callable[[], tuple[ContextMeta, ...]]:
        return lambda: owner._contexts if instance is None else instance._contexts


class ContextMeta(type):
    """Type of the contexts: lets classes be joined by ``|``."""

    _contexts: tuple[ContextMeta, ...]

    def __init__(cls, name: str, bases: tuple[type, ...], namespace: dict[str, Any]) -> None:
        super().__init__(name, bases, namespace)
        # The base class stands for no context of its own.
        cls._contexts = (cls,) if bases else ()

    def apply(cls, action: AnalysisAction) -> None:
        """Set one action up for this context.

        Parameters
        ----------
        action : `~lsst.analysis.tools.interfaces.AnalysisAction`
            The action, whose method named after the context is called.
        """
        name = cls.__name__
        method = getattr(action, name[0].lower() + name[1:], None)
        if method is not None:
            method()

    # The union of types that ``|`` means for other classes is of no use here.
    def __or__(cls, other: ContextType) -> Context:  # type: ignore[override]
        return _join(cls, other)

    def __str__(cls) -> str:
        return "|".join(context.__name__ for context in cls._contexts) or cls.__name__

    __repr__ = __str__


class Context(metaclass=ContextMeta):
    """An execution context; an instance is a join of several."""

    _contexts: tuple[ContextMeta, ...]

    getContexts = _ContextsGetter()
    """Return the single contexts that this one is made of."""

    def __or__(self, other: ContextType) -> Context:
        return _join(self, other)

    def __str__(self) -> str:
        return "|".join(context.__name__ for context in self._contexts)

    __repr__ = __str__


type ContextType = Context | type[Context] | ContextMeta
"""A context: one class, or a join of several."""


def _join(first: ContextType, second: ContextType) -> Context:
    if not isinstance(second, (Context, ContextMeta)):
        raise NotImplementedError(f"Cannot join {first} with {second!r}: it is not a context.")
    joined = Context()
    joined._contexts = tuple(dict.fromkeys(first._contexts + second._contexts))
    return joined


class ContextApplier:
    """The ``applyContext`` of an action, which may be called or assigned to.

    Assignment is there for pipeline YAML, which knows nothing else.
    """

    @overload
    def __get__(self, instance: None, owner: type | None = None) -> ContextApplier: ...

    @overload
    def __get__(
        self, instance: AnalysisAction, owner: type | None = None
    ) -> Callable[[ContextType], None]: ...

    def __get__(
        self, instance: AnalysisAction | None, owner: type | None = None
    ) -> ContextApplier | Callable[[ContextType], None]:
        return self if instance is None else partial(_apply, instance)

    def __set__(self, instance: AnalysisAction, context: ContextType) -> None:
        _apply(instance, context)


def _apply(action: AnalysisAction, context: ContextType) -> None:
    """Apply a context to an action and to all actions inside it."""
    from lsst.analysis.tools.interfaces import AnalysisAction

    for single in context._contexts:
        single.apply(action)
    for name in action._fields:
        match getattr(action, name):
            case AnalysisAction() as inner:
                _apply(inner, context)
            case ConfigurableActionStruct() as struct:
                for inner in struct:
                    _apply(inner, context)

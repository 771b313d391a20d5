# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.

"""Contexts of the stand-in of analysis_tools."""

from typing import Any

import pytest

from lsst.analysis.tools.contexts import CoaddContext, Context
from lsst.analysis.tools.interfaces import AnalysisTool, BaseProcess, Vector, VectorAction
from lsst.pex.config import Field


class FirstContext(Context):
    pass


class SecondContext(Context):
    pass


class Aware(VectorAction):
    key = Field[str](doc="Key", default="a")

    def getInputSchema(self) -> Any:
        return ((self.key, Vector),)

    def firstContext(self) -> None:
        self.key = "first"

    def secondContext(self) -> None:
        self.key += " second"


class TestContexts:
    def test_context_reaches_inner_actions(self):
        process = BaseProcess()
        process.buildActions.a = Aware()
        tool = AnalysisTool(process=process)
        tool.applyContext(FirstContext)
        assert tool.process.buildActions.a.key == "first"

    def test_context_may_be_assigned(self):
        action = Aware()
        action.applyContext = FirstContext
        assert action.key == "first"

    @pytest.mark.parametrize(
        "joined", [FirstContext | SecondContext, (FirstContext | FirstContext) | SecondContext]
    )
    def test_join_applies_each_in_turn(self, joined):
        action = Aware()
        action.applyContext(joined)
        assert action.key == "first second"
        assert str(joined) == "FirstContext|SecondContext"

    def test_contexts_of_acontext(self):
        assert list(FirstContext.getContexts()) == [FirstContext]
        assert list((FirstContext | SecondContext).getContexts()) == [FirstContext, SecondContext]

    def test_context_that_nobody_knows_does_nothing(self):
        action = Aware()
        action.applyContext(CoaddContext)
        assert action.key == "a"

    def test_only_contexts_are_joined(self):
        with pytest.raises(NotImplementedError, match="it is not a context"):
            FirstContext | 1

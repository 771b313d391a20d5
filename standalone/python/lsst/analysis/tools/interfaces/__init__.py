# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.

"""What actions, tools and the tasks that run them are made of."""

from ._actions import *  # noqa: F403
from ._actions import __all__ as _action_names
from ._analysisTools import *  # noqa: F403
from ._analysisTools import __all__ as _tool_names
from ._interfaces import *  # noqa: F403
from ._interfaces import __all__ as _interface_names
from ._metricMeasurementBundle import *  # noqa: F403
from ._metricMeasurementBundle import __all__ as _bundle_names
from ._stages import *  # noqa: F403
from ._stages import __all__ as _stage_names
from ._task import *  # noqa: F403
from ._task import __all__ as _task_names

__all__ = [*_action_names, *_tool_names, *_interface_names, *_bundle_names, *_stage_names, *_task_names]

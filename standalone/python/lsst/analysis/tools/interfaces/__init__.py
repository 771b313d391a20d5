# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.

"""What actions, tools and the tasks that run them are made of."""

from ._actions import *  # noqa: F403
from ._actions import __all__ as _actionsNames
from ._analysisTools import *  # noqa: F403
from ._analysisTools import __all__ as _toolsNames
from ._interfaces import *  # noqa: F403
from ._interfaces import __all__ as _interfacesNames
from ._metricMeasurementBundle import *  # noqa: F403
from ._metricMeasurementBundle import __all__ as _bundleNames
from ._stages import *  # noqa: F403
from ._stages import __all__ as _stagesNames
from ._task import *  # noqa: F403
from ._task import __all__ as _taskNames

__all__ = [*_actionsNames, *_toolsNames, *_interfacesNames, *_bundleNames, *_stagesNames, *_taskNames]

"""Sphinx configuration: that of all packages of the Science Pipelines.

``package-docs build`` of documenteer[guide,pipelines] < 2, with setuptools < 81, makes the pages.
"""

# ruff: noqa: F403, F405
from documenteer.conf.pipelinespkg import *

project = "analysis_cp"
html_title = project
html_short_title = project
exclude_patterns.append("changes/*")

# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""What the entry point ``butler.cli`` names."""

from __future__ import annotations

import os

import click

from . import cmd

__all__ = ["getSubcommands"]

_MANIFEST = "lsst/analysis/cp/cli/resources.yaml"


def getSubcommands() -> list[click.Command]:
    """List the subcommands of ``butler`` that this package has.

    Returns
    -------
    commands
        The subcommands; none where ``$DAF_BUTLER_PLUGINS`` names their manifest, as in a stack, since
        ``butler`` refuses to start when it finds a subcommand twice.
    """
    manifests = os.environ.get("DAF_BUTLER_PLUGINS", "").split(":")
    if any(manifest.endswith(_MANIFEST) for manifest in manifests):
        return []
    return [getattr(cmd, name) for name in cmd.__all__]

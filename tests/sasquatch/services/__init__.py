# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Stand-ins and true parts of the way into Sasquatch, all on the loopback interface.

A broker (`kafkaBroker`) and a database (`influxDatabase`) are true programs;
the REST proxy (`restProxy`) and the connector between broker and database
(`connector`) are doubles.
"""

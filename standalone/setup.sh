# Source this file in bash or zsh to work without the Science Pipelines:
#
#     source standalone/setup.sh
#
# It puts the virtual environment of this clone on PATH and says where the pipelines and the stand-ins are.
# SPDX-License-Identifier: GPL-3.0-or-later
if [ -n "${BASH_VERSION:-}" ]; then
    ANALYSIS_CP_DIR=${BASH_SOURCE[0]}
elif [ -n "${ZSH_VERSION:-}" ]; then
    # Other shells would not understand it.
    eval 'ANALYSIS_CP_DIR=${(%):-%x}'
else
    echo "standalone/setup.sh works in bash and zsh only." >&2
    return 1
fi
ANALYSIS_CP_DIR=$(unset CDPATH && cd -- "$(dirname -- "$ANALYSIS_CP_DIR")/.." >/dev/null && pwd -P) || return 1
export ANALYSIS_CP_DIR
export CP_VERIFY_DIR=$ANALYSIS_CP_DIR/standalone
export ANALYSIS_TOOLS_DIR=$ANALYSIS_CP_DIR/standalone
# Here bps runs jobs on this machine, unless the user says otherwise.
export BPS_WMS_SERVICE_CLASS=${BPS_WMS_SERVICE_CLASS:-lsst.ctrl.bps.parsl.ParslService}
if [ ! -x "$ANALYSIS_CP_DIR/.venv/bin/python" ]; then
    echo "There is no virtual environment in $ANALYSIS_CP_DIR/.venv: run 'make venv' there." >&2
    return 1
fi
case ":$PATH:" in
    *":$ANALYSIS_CP_DIR/.venv/bin:"*) ;;
    *) export PATH="$ANALYSIS_CP_DIR/.venv/bin:$PATH" ;;
esac

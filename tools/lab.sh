#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Starts JupyterLab on this machine, with the kernel "IDML (Go)": lab.sh FOLDER [OPTION OF JUPYTERLAB…]
#
# Jupyter makes a random token and prints the address with it. `make lab` and `make test-browser` both start it by this.
set -euo pipefail

folder=$(cd "${1:?lab.sh FOLDER [OPTION…]}" && pwd)
shift
cd "$(dirname "${BASH_SOURCE[0]}")/.."
[[ -x .venv/bin/jupyter ]] || {
	echo "lab: there is no .venv: run make setup" >&2
	exit 1
}
[[ $(id -u) != 0 ]] || set -- --allow-root "$@"
export JUPYTER_PREFER_ENV_PATH=1 # this environment's kernel and settings, whatever the user's folders hold
exec .venv/bin/jupyter lab --no-browser --ip=127.0.0.1 --ServerApp.root_dir="$folder" "$@"

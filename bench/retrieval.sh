#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Times exact neighbors and k-means beside FAISS on two cores, or with --whole our evaluation alone: bench/README.md has the tables. Uses the Python that FAISS_PYTHON names, which must have faiss-cpu
# and numpy. Its files lie in runs/retrieval, made anew each time.
#
#   bench/retrieval.sh [--rows 20000] [--classes 3740] [--neighbors 101] [--iterations 20] [--repeats 5] [--whole]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
python=${FAISS_PYTHON:-python3}
folder=$PWD/runs/retrieval
export GOFLAGS=${GOFLAGS--buildvcs=false}
"$python" -c 'import faiss, numpy' || { echo "bench/retrieval.sh: $python lacks faiss or numpy: pip install faiss-cpu numpy into an environment, and name its Python in FAISS_PYTHON" >&2; exit 1; }

rm -rf "$folder"
mkdir -p "$folder"
go test -c -o "$folder/retrieval.test" ./idml/retrieval
"$python" bench/retrieval.py "$folder" "$@"

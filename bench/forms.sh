#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Trains Proxy-Anchor with each form of the metric on an embedded dataset, three seeds each, and prints the table of the README:
#
#   bench/forms.sh glyphs     or: bench/forms.sh fashion
#
# Runs lie in runs/forms/RECIPE/FORM-SEED; a finished one is not run again.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
recipe=${1:?name a recipe: glyphs or fashion}
idml=.tools/bin/idml
[[ -x $idml ]] || { echo "bench/forms.sh: $idml is missing: make setup" >&2; exit 1; }

train() { # NAME SETTINGS…
	local name=$1
	shift
	for seed in 0 1 2; do
		local out=runs/forms/$recipe/$name-$seed
		grep -qs '"finished"' "$out/results.json" && continue
		rm -rf "$out"
		"$idml" train --recipe "$recipe" --set "seed=$seed" "$@" --out "$out" >/dev/null
	done
}

train plain --set metric.form=plain --set mixing.method=none
train plain-mixup --set metric.form=plain
train released --set metric.form=released
train released-raw --set metric.form=released-raw
train paper --set metric.form=paper
"$idml" compare $(for name in plain plain-mixup released released-raw paper; do echo "runs/forms/$recipe/$name"-{0,1,2}; done)

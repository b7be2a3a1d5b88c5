#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Trains Proxy-Anchor with each form of the metric on the embedded datasets, three seeds each, and measures how they retrieve and what their uncertainty is worth: the tables of the
# README and of docs/uncertainty.md.
#
#   bench/uncertainty.sh glyphs|fashion     each form, and the best settings found
#   bench/uncertainty.sh search             the settings from which those were chosen, by classes that are held out of training; one seed
#
# Runs lie in runs/worth; what is finished is not run again. A run takes a minute on two quiet cores, an hour for all three.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
what=${1:?glyphs, fashion or search}
idml=$PWD/.tools/bin/idml
out=runs/worth
[[ -x $idml ]] || { echo "bench/uncertainty.sh: $idml is missing: make setup" >&2; exit 1; }
sweep() { # FOLDER SETTINGS…
	local folder=$out/$1
	shift
	"$idml" sweep --out "$folder" "$@" >&2
}
# runs FOLDER… lists the runs in folders of sweeps.
runs() { find "$@" -name results.json -printf '%h\n' | sort; }

case $what in
search)
	held=(--recipe glyphs --metric paper --set data.validation=0.25)
	sweep search "${held[@]}" --grid model.uncertainty_activation=none,relu,softplus,tanh --grid metric.tau=1,5,20
	sweep search-nomix "${held[@]}" --mixup false --grid model.uncertainty_activation=none,softplus --grid metric.tau=5,20
	sweep search-init "${held[@]}" --grid model.uncertainty_init=0.1,1 --grid metric.tau=20
	"$idml" uncertainty --held-out --csv "$out/search.csv" $(runs "$out"/search{,-nomix,-init}) >"$out/search.txt"
	python3 bench/uncertainty.py norm,features,proxy "$out/search.csv"
	;;
glyphs | fashion)
	sweep "$what-nomix" --recipe "$what" --metric plain --mixup false --seeds 0-2
	sweep "$what" --recipe "$what" --metric plain,paper,released,released-raw --seeds 0-2
	sweep "$what-best" --recipe "$what" --metric paper --set metric.tau=20 --grid model.uncertainty_activation=none,softplus --seeds 0-2
	"$idml" compare "$out/$what-nomix" "$out/$what" "$out/$what-best"
	"$idml" uncertainty --csv "$out/$what.csv" $(runs "$out/$what" "$out/$what-best") >"$out/$what.txt"
	python3 bench/uncertainty.py norm,mean-beta,features,proxy "$out/$what.csv"
	;;
*)
	echo "bench/uncertainty.sh: $what: want glyphs, fashion or search" >&2
	exit 2
	;;
esac

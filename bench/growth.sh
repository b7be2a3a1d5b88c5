#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Measures how time and memory of a training step of ResNet-50 grow with the batch, the classes and the image's side, and those of an evaluation with its images, and draws
# docs/growth.png: bench/README.md. Each case is a process of its own.
#
#   bench/growth.sh       ten minutes on two cores
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
export GOFLAGS=${GOFLAGS--buildvcs=false} GOMLX_NO_AUTO_INSTALL=1
mkdir -p runs/growth
go build -o runs/growth/cost ./bench/cost
{
	echo 'what,case,seconds,MiB'
	for batch in 2 4 8 16 24; do runs/growth/cost step "$batch" 100 224; done
	for classes in 1000 4000 11318; do runs/growth/cost step 8 "$classes" 224; done
	for side in 96 160 320; do runs/growth/cost step 8 100 "$side"; done
	for images in 2500 5000 10000 20000 40000; do runs/growth/cost evaluate "$images"; done
} | tee docs/growth.csv
runs/growth/cost draw docs/growth.csv docs/growth.png

#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Compares training steps that get their images from JPEG files with steps on a batch that lies ready: ResNet-50 at 224 pixels, batches of 8 and their mixes. Takes the files that
# bench/loader.sh has made, or a folder of class folders.
#
#   bench/epoch.sh [FOLDER] [BATCH]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
export GOFLAGS=${GOFLAGS--buildvcs=false} GOMLX_NO_AUTO_INSTALL=1
folder=${1:-runs/loader}
[[ -d $folder/train ]] || { echo "bench/epoch.sh: $folder has no folder train: run bench/loader.sh, or name another" >&2; exit 1; }
mkdir -p runs/epoch
go build -o runs/epoch/cost ./bench/cost
runs/epoch/cost epoch "$folder" "${2:-8}"

#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Loads one epoch of 60,000 JPEG files (links to a few) at 224 pixels in batches of 120, and prints the process's resident memory
# on the way beside what the batches in flight need: the table of docs/loader.md. Takes some minutes; the files lie in a temporary
# folder. Words after the name go to go test:
#
#   bench/loader_memory.sh
#   bench/loader_memory.sh -tags turbojpeg
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
export GOFLAGS=${GOFLAGS--buildvcs=false}
go test ./datasets -run none -bench LoaderMemory -benchtime 1x -timeout 60m "$@"

#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Makes everything that `make demo`, `make test` and `make lab` need, inside the repository, XLA's plugin excepted:
#
#   .venv         JupyterLab, nbclient, nbconvert and TensorBoard, as requirements.lock pins them, and the kernelspec "idml"
#   .tools/bin    gonb, gopls, goimports, gofumpt, staticcheck, as tools/go.mod and tools/lint/go.mod pin them, and idml
#   ~/.local/lib/go-xla   XLA's PJRT plugin, through `idml setup`
#
# Each step is skipped if it was done before with the same inputs (.tools/stamps), so that a second run takes seconds and
# needs no network. Nothing needs root.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"
venv=$root/.venv
bin=$root/.tools/bin
stamps=$root/.tools/stamps
python=${PYTHON:-python3}
mkdir -p "$bin" "$stamps"

say() { printf 'setup: %s\n' "$*" >&2; }
die() {
	say "$*"
	exit 1
}

# once NAME PROBE KEY COMMAND…: runs COMMAND, unless the file PROBE exists and COMMAND succeeded before with the same KEY.
once() {
	local name=$1 probe=$2 key=$3 start=$SECONDS
	shift 3
	if [[ -e $probe && -f $stamps/$name && $(<"$stamps/$name") == "$key" ]]; then
		return
	fi
	say "$name …"
	rm -f "$stamps/$name"
	"$@"
	printf '%s' "$key" >"$stamps/$name"
	say "$name: $((SECONDS - start)) s"
}

# hash TEXT FILE…: one hash of a text and of files.
hash() {
	local text=$1
	shift
	{ printf '%s\n' "$text"; cat "$@"; } | cksum_sha256
}
cksum_sha256() {
	if command -v sha256sum >/dev/null; then sha256sum; else shasum -a 256; fi | cut -d ' ' -f 1
}

check_programs() {
	command -v go >/dev/null || die "go is missing: install Go 1.26 from https://go.dev/dl/"
	command -v "$python" >/dev/null || die "$python is missing: install Python 3.11 or newer, with venv"
	"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
		die "$("$python" --version) is too old: Python 3.11 or newer is needed (make setup PYTHON=python3.12)"
	"$python" -c 'import venv, ensurepip' 2>/dev/null ||
		die "$python lacks venv: on Debian and Ubuntu, apt-get install python3-venv"
	local cc
	cc=$(go env CC)
	command -v "${cc%% *}" >/dev/null || die "the C compiler $cc is missing, which cgo needs: on Debian and Ubuntu, apt-get install gcc libc6-dev"
	[[ $(go env CGO_ENABLED) == 1 ]] || die "cgo is disabled (CGO_ENABLED=0), but XLA is reached through it"
}

python_packages() {
	"$python" -m venv --clear "$venv"
	"$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes --only-binary :all: -r requirements.lock
}

go_tools() {
	GOBIN=$bin go -C tools install tool
	GOBIN=$bin go -C tools/lint install tool
}

# What the checks of `make test` read besides what a build needs: the modules of the dependencies' tests, which tidy loads.
go_modules() {
	local module
	for module in . tools tools/lint; do
		go -C "$module" mod tidy -diff >/dev/null || true # the check itself is made by make test
	done
}

# JupyterLab asks nobody for news.
lab_settings() {
	local lab=$venv/share/jupyter/lab/settings
	mkdir -p "$lab"
	cp tools/overrides.json "$lab/overrides.json"
}

start=$SECONDS
check_programs
once "python packages" "$venv/bin/jupyter" "$(hash "$root $("$python" --version) $(declare -f python_packages)" requirements.lock)" python_packages
once "go tools" "$bin/gonb" "$(hash "$root $(go version)" tools/go.mod tools/go.sum tools/lint/go.mod tools/lint/go.sum)" go_tools
once "go modules" go.mod "$(hash "$(go env GOMODCACHE)" go.mod go.sum tools/go.mod tools/lint/go.mod)" go_modules
lab_settings
build=$SECONDS
# JPEG by libjpeg-turbo where its headers are: the other libjpeg's don't compile.
tags=()
if pkg-config --exists libjpeg 2>/dev/null && go build -tags turbojpeg ./datasets 2>/dev/null; then
	tags=(-tags turbojpeg)
else
	say "JPEG images are decoded by Go's image/jpeg: libjpeg-turbo, three times as fast, lacks its headers or pkg-config (Debian, Ubuntu: apt-get install pkg-config and libjpeg62-turbo-dev or libjpeg-turbo8-dev)"
fi
# With the revision, for environment.json, where git can tell it.
go build ${tags[@]+"${tags[@]}"} -buildvcs=true -o "$bin/idml" ./cmd/idml 2>/dev/null || go build ${tags[@]+"${tags[@]}"} -o "$bin/idml" ./cmd/idml
go build ${tags[@]+"${tags[@]}"} ./... # the first cell of a notebook compiles against this in a second instead of half a minute
((SECONDS - build < 3)) || say "go build: $((SECONDS - build)) s"
"$bin/idml" kernel install --prefix "$venv" --project "$root" >/dev/null
"$bin/idml" setup
say "done in $((SECONDS - start)) s"

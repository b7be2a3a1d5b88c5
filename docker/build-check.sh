#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Builds the CPU image and executes a notebook in it, without a container engine: build-check.sh [NOTEBOOK]
#
# Needs buildah, root, and the network for Debian's packages, PyPI and Go modules; the base images too, or else mmdebstrap, by which stand-ins
# are made: the same release of Debian, and this machine's Go on it, under the names of the real ones. On Debian:
#
#   apt-get install --no-install-recommends buildah mmdebstrap
#
#   WORK   folder for images and logs, 8 GB (default: a temporary one, removed at the end)
#
# The container trusts the certificates that this machine trusts, so that the build works behind a proxy that has its own.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
notebook=${1:-01_quickstart.ipynb}
image=localhost/idml:cpu
port=18899
started=$SECONDS

say() { printf 'docker-check: %s (%d s)\n' "$*" $((SECONDS - started)); }
die() {
	printf 'docker-check: %s\n' "$*" >&2
	exit 1
}

[[ $(id -u) == 0 ]] || die "this needs root, for buildah's chroots"
command -v buildah >/dev/null || die "buildah is missing: on Debian, apt-get install buildah mmdebstrap"
if [[ -n ${WORK:-} ]]; then
	mkdir -p "$WORK"
	work=$(cd "$WORK" && pwd)
else
	work=$(mktemp -d)
fi
export BUILDAH_ISOLATION=chroot
build() { buildah --root "$work/store" --runroot "$work/run" "$@"; }
container=
server=
clean() {
	[[ -z $server ]] || kill -- "-$server" 2>/dev/null || true
	[[ -z $container ]] || build rm "$container" >/dev/null || true
	if [[ -z ${WORK:-} ]]; then
		build rmi --all --force >/dev/null 2>&1 || true
		rm -rf "$work"
	fi
}
trap clean EXIT

# base NAME prints the value of an ARG of the Dockerfile.
base() { sed -n "s/^ARG $1=//p" "$root/docker/Dockerfile"; }
debian=$(base BASE_IMAGE) go=$(base GO_IMAGE)

# has IMAGE: it is there, or its registry hands it out.
has() { build inspect --type image "$1" >/dev/null 2>&1 || timeout 120 build pull --quiet "$1" >/dev/null 2>&1; }

if ! has "$debian"; then
	command -v mmdebstrap >/dev/null || die "no registry has $debian, and mmdebstrap is missing for a stand-in: apt-get install mmdebstrap"
	mkdir -p "$work/debian"
	mmdebstrap --quiet --variant=minbase --include=ca-certificates bookworm "$work/debian/base.tar"
	printf 'FROM scratch\nADD base.tar /\nCMD ["bash"]\n' >"$work/debian/Dockerfile"
	build bud --quiet --pull-never -t "$debian" "$work/debian" >/dev/null
	rm "$work/debian/base.tar"
	say "made a stand-in for $debian"
fi
trust=()
certificates=/etc/ssl/certs/ca-certificates.crt
if [[ -f $certificates ]]; then
	printf '[global]\ncert=%s\n' "$certificates" >"$work/pip.conf"
	trust=(--volume "$certificates:$certificates:ro" --volume "$work/pip.conf:/etc/pip.conf:ro")
fi
if ! has "$go"; then
	goroot=$(go env GOROOT)
	[[ $go == *:"$(sed -n 's/^go//p' "$goroot/VERSION")"-* ]] || die "no registry has $go, and the Go of this machine is another one: $(go version)"
	mkdir -p "$work/go"
	cat >"$work/go/Dockerfile" <<-END
		FROM $debian
		RUN apt-get update && apt-get install -y --no-install-recommends gcc g++ libc6-dev make git pkg-config && rm -rf /var/lib/apt/lists/*
		COPY . /usr/local/go
		ENV GOPATH=/go PATH=/go/bin:/usr/local/go/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
	END
	build bud --quiet --pull-never --network host -t "$go" -f "$work/go/Dockerfile" "$goroot" >"$work/go.log" 2>&1 || {
		tail -n 20 "$work/go.log" >&2
		die "the stand-in for $go could not be made"
	}
	say "made a stand-in for $go"
fi

build bud --format docker --layers --pull-never --network host "${trust[@]}" --target cpu -t "$image" -f "$root/docker/Dockerfile" "$root" \
	>"$work/build.log" 2>&1 || {
	tail -n 30 "$work/build.log" >&2
	die "the image could not be built"
}
size=$(build inspect --type image --format '{{.Docker.Size}}' "$image" 2>/dev/null || true)
[[ $size =~ ^[1-9][0-9]*$ ]] || size=$(build images --format '{{.Size}}' "$image")
say "built the image, size $size"
user=$(build inspect --type image --format '{{.OCIv1.Config.User}}' "$image")
[[ $user == 1000 ]] || die "the image's user is $user"

container=$(build from --pull-never "$image")
inside() { build run --isolation chroot "$container" -- "$@"; }
# shellcheck disable=SC2016 # the container's shell is to expand it
inside bash -c '[[ $(id -u) == 1000 && ! -w /opt/idml && -w /home/idml/notebooks ]]' || die "the user has other rights than meant"
begin=$SECONDS
inside python /opt/idml/notebooks/run_notebook.py --output "/tmp/$notebook" "/home/idml/notebooks/$notebook"
say "executed $notebook in $((SECONDS - begin)) s"

# JupyterLab as the image starts it, but on another port; the health check's question.
set -m
build run --isolation chroot --env JUPYTER_TOKEN=check "$container" -- tini -s -g -- jupyter lab --no-browser --ip=127.0.0.1 --port=$port \
	--ServerApp.port_retries=0 >"$work/lab.log" 2>&1 &
server=$!
set +m
for ((i = 0; i < 60; i++)); do
	python3 -c "import urllib.request as u; u.urlopen('http://127.0.0.1:$port/api', timeout=3)" 2>/dev/null && break
	sleep 1
done
((i < 60)) || {
	tail -n 20 "$work/lab.log" >&2
	die "JupyterLab doesn't answer"
}
python3 - "http://127.0.0.1:$port/api/kernelspecs" <<'PY'
import json, sys, urllib.error, urllib.request
try:
    urllib.request.urlopen(sys.argv[1], timeout=5)
    sys.exit("JupyterLab answers without a token")
except urllib.error.HTTPError as error:
    assert error.code == 403, error
request = urllib.request.Request(sys.argv[1], headers={"Authorization": "token check"})
assert "idml" in json.load(urllib.request.urlopen(request, timeout=5))["kernelspecs"]
PY
say "JupyterLab answers, and knows the kernel"

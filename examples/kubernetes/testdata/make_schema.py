# SPDX-License-Identifier: Apache-2.0
"""Makes job.schema.json from the description of batch/v1 in Kubernetes' source: see README.md.

    python make_schema.py apis__batch__v1_openapi.json job.schema.json
"""

import json
import pathlib
import sys

JOB = "io.k8s.api.batch.v1.Job"


def strict(node):
    """Returns a part of the OpenAPI description as JSON Schema: without prose, and without fields that aren't named."""
    if isinstance(node, list):
        return [strict(item) for item in node]
    if not isinstance(node, dict):
        return node
    out = {}
    for key, value in node.items():
        if key == "properties":
            out[key] = {name: strict(child) for name, child in value.items()}
        elif key == "$ref":
            out[key] = "#/$defs/" + value.rsplit("/", 1)[1]
        elif key not in ("description", "default") and not key.startswith("x-"):
            out[key] = strict(value)
    if "properties" in out:
        out["additionalProperties"] = False
    return out


def references(node):
    """Yields the names of the definitions that a part refers to."""
    if isinstance(node, dict):
        for key, value in node.items():
            if key == "$ref":
                yield value.rsplit("/", 1)[1]
            else:
                yield from references(value)
    elif isinstance(node, list):
        for item in node:
            yield from references(item)


def main(source, target):
    schemas = json.loads(pathlib.Path(source).read_text())["components"]["schemas"]
    definitions, waiting = {}, [JOB]
    while waiting:
        name = waiting.pop()
        if name not in definitions:
            definitions[name] = strict(schemas[name])
            waiting.extend(references(definitions[name]))
    definitions[JOB]["required"] = ["apiVersion", "kind", "metadata", "spec"]
    definitions[JOB]["properties"]["apiVersion"]["const"] = "batch/v1"
    definitions[JOB]["properties"]["kind"]["const"] = "Job"
    lines = ",\n".join(f"{json.dumps(name)}: {json.dumps(definitions[name], sort_keys=True)}" for name in sorted(definitions))
    pathlib.Path(target).write_text(
        '{"$schema": "https://json-schema.org/draft/2020-12/schema",\n'
        f'"$ref": "#/$defs/{JOB}",\n"$defs": {{\n{lines}\n}}}}\n'
    )


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])

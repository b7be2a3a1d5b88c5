# SPDX-License-Identifier: Apache-2.0
"""Executes a notebook and fails where a cell failed.

GoNB calls a cell a success also when its program panicked, ended with os.Exit(1) or was killed, when a test under %test
failed, when a shell command after ! failed, and when a % command doesn't exist: it says so on the cell's standard error only.
The project's kernel looks there and reports such a cell as failed. This program looks there too, so that it depends on no
kernel's word, stops at the first cell that failed, writes what was executed so far, and exits with status 1.

Usage: run_notebook.py [--output FILE] [--timeout SECONDS] [--directory DIR] NOTEBOOK
"""

import argparse
import os
import re
import sys
import tempfile
import time

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

KERNEL = "idml"

# What GoNB's cells leave on standard error, each on a line of its own, when their program failed.
FAILURE = re.compile(
    r"^(exit status [1-9]\d*|signal: .*|panic: .*|fatal error: .*|--- FAIL: .*|.*unknown or not implemented yet\..*)$",
    re.MULTILINE,
)


class CellFailed(Exception):
    """A cell whose standard error tells of a failure, whatever the kernel answered."""


def check(notebook):
    """Returns what is wrong with a notebook before it runs, or None."""
    name = notebook.metadata.get("kernelspec", {}).get("name")
    if name != KERNEL:
        return f"the kernel is {name!r}, not {KERNEL!r}"
    if not any(cell.cell_type == "code" and cell.source.strip() for cell in notebook.cells):
        return "it has no code cells"
    return None


def fail_on_hidden_failure(cell, cell_index, execute_reply):
    """Is called after each cell; raises CellFailed if its standard error tells of a failure."""
    text = "".join(o.text for o in cell.get("outputs", []) if o.output_type == "stream" and o.name == "stderr")
    if FAILURE.search(text):
        raise CellFailed(f"cell {cell_index} failed:\n{cell.source}\n--- standard error:\n{text[-3000:]}")


def execute(notebook, directory, timeout, log):
    """Runs all cells; raises an exception at the first one that fails. The kernel's own log goes to the file log."""
    client = NotebookClient(
        notebook,
        kernel_name=KERNEL,
        timeout=timeout,
        coalesce_streams=True,
        record_timing=False,  # the times of a run have no place in a file under version control
        on_cell_executed=fail_on_hidden_failure,
        resources={"metadata": {"path": directory}},
    )
    client.execute(stdout=log, stderr=log)
    for index, cell in enumerate(notebook.cells):
        if cell.cell_type == "code" and cell.source.strip() and cell.execution_count is None:
            raise CellFailed(f"cell {index} was not executed")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("notebook")
    parser.add_argument("--output", help="write the executed notebook to this file")
    parser.add_argument("--timeout", type=int, default=600, help="seconds that a cell may take (default %(default)s)")
    parser.add_argument("--directory", help="working directory of the cells (default: the notebook's)")
    args = parser.parse_args()

    os.environ["JUPYTER_PREFER_ENV_PATH"] = "1"  # this environment's kernel, whatever the user's folders hold
    notebook = nbformat.read(args.notebook, as_version=4)
    fault = check(notebook)
    start = time.monotonic()
    if fault is None:
        directory = args.directory or os.path.dirname(os.path.abspath(args.notebook))
        with tempfile.TemporaryFile("w+", errors="replace") as log:
            try:
                execute(notebook, directory, args.timeout, log)
            except (CellFailed, CellExecutionError, CellTimeoutError, DeadKernelError) as error:
                fault = str(error)
                if isinstance(error, DeadKernelError):
                    log.seek(0)
                    fault += f"\n--- the kernel's log ends:\n{log.read()[-2000:]}"
        # The kernel's own words hold its version, and an empty highlighter, for which nbconvert takes Python's.
        notebook.metadata["language_info"] = {"name": "go", "file_extension": ".go", "mimetype": "text/x-go"}
        if args.output:
            os.makedirs(os.path.dirname(os.path.abspath(args.output)), exist_ok=True)
            partial = args.output + ".part"
            nbformat.write(notebook, partial)
            os.replace(partial, args.output)
    if fault is not None:
        print(f"{args.notebook}: {fault}", file=sys.stderr)
        return 1
    print(f"{args.notebook}: all cells ran, {time.monotonic() - start:.1f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())

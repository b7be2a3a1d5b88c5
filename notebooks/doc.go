// SPDX-License-Identifier: Apache-2.0

// Package notebooks holds the project's Jupyter notebooks, and the test that executes each of them. What notebooks import to
// show things is in package nb.
//
// The kernel is "idml kernel" in front of GoNB: each cell is compiled and run as a program, so that nothing survives a cell but files. "make setup"
// installs it under the name idml, "make lab" opens JupyterLab with it, and
//
//	.venv/bin/python notebooks/run_notebook.py --output notebooks/NAME.ipynb notebooks/NAME.ipynb
//
// executes a notebook in place, as it is to be committed.
package notebooks

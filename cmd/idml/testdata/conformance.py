# SPDX-License-Identifier: Apache-2.0
"""What jupyter_kernel_test asks of the kernel. The current folder holds x.safetensors, embeddings to measure."""

import unittest

import jupyter_kernel_test


class KernelTests(jupyter_kernel_test.KernelTests):
    """Left out: execute results, which cells of GoNB don't have, and with them the history of their outputs; the pager; clearing of output."""

    kernel_name = "idml"
    language_name = "go"
    file_extension = ".go"
    code_hello_world = '%%\nfmt.Println("hello, world")'
    code_stderr = '%%\nfmt.Fprintln(os.Stderr, "oops")'
    completion_samples = [{"text": "%idml vers", "matches": {"version"}}]
    complete_code_samples = ["x := 1", "func f() {}", "%idml version", "!ls"]
    incomplete_code_samples = ["func f() {", "x := `a", "fmt.Println("]
    invalid_code_samples = ["x := 'abc'", "}"]
    code_display_data = [{"code": "%idml eval --embeddings x.safetensors", "mime": "text/html"}]
    code_generate_error = "%idml eval nowhere"
    code_inspect_sample = "%idml report"


unittest.main(verbosity=2)

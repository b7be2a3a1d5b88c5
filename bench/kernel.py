# SPDX-License-Identifier: Apache-2.0
"""Times cells for bench/kernel.sh, in the folder that it made: each kind of cell several times, the kernels in turn, and prints the least, the median and the
largest time of each from the request to the kernel being idle again.

    kernel.py REPEATS
"""

import glob
import os
import statistics
import sys
import time

from jupyter_client.manager import KernelManager

IMPORTS = """import (
	"fmt"

	"github.com/gomlx/gomlx/core/graph"
	"introspection/idml/backend"
)
"""

# A cell's number makes it another program each time, so that it is compiled.
PLAIN = '%%%%\nfmt.Println("cell", %d)'
GOMLX = """%%%%
b, err := backend.Open("")
if err != nil {
	panic(err)
}
defer b.Finalize()
exec := graph.MustNewExec(b, func(x *graph.Node) *graph.Node { return graph.ReduceAllSum(graph.Square(x)) })
fmt.Println(exec.MustCall1([]float32{3, 4, %d}))"""


class Kernel:
    """A kernel under Jupyter, and the times of its cells."""

    def __init__(self, name, commands):
        self.name, self.commands, self.times, self.cells = name, commands, {}, 0
        self.manager = KernelManager(kernel_name=name)
        self.log = open(f"{name}.log", "w")
        self.manager.start_kernel(stdout=self.log, stderr=self.log)
        self.client = self.manager.client()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=120)

    def run(self, code, kind=None):
        """Executes a cell, and notes its time under a kind."""
        start = time.perf_counter()
        request = self.client.execute(code)
        said = []
        while True:
            m = self.client.get_iopub_msg(timeout=600)
            if m["parent_header"].get("msg_id") != request:
                continue
            content = m["content"]
            if m["msg_type"] == "status" and content["execution_state"] == "idle":
                break
            said.append(str(content))
        taken = time.perf_counter() - start
        reply = self.client.get_shell_msg(timeout=60)["content"]
        if reply["status"] != "ok" or any("exit status" in text or "panic:" in text for text in said):
            sys.exit(f"kernel.py: {self.name}: {code}\n{reply}\n" + "\n".join(said))
        if kind:
            self.times.setdefault(kind, []).append(taken)

    def run_go(self, cell, kind=None):
        self.cells += 1
        self.run(cell % self.cells, kind)

    def run_commands(self, query):
        """The commands on a run, of which the first has nothing to go by."""
        evaluate = f"{self.commands}idml eval run"
        search = f"{self.commands}idml search --index index.safetensors --run run {query}"
        for kind, command in (("`eval`", evaluate), ("`search`", search)):
            if self.commands == "%":
                self.run("%idml kernel release")
            self.run(command, f"first {kind}")
            self.run(command, f"second {kind}")

    def stop(self):
        self.client.stop_channels()
        self.manager.shutdown_kernel()
        self.log.close()


def main():
    repeats = int(sys.argv[1])
    query = sorted(glob.glob("run/thumbnails/*.png"))[0]
    kernels = [Kernel("idml", "%"), Kernel("gonb", "!")]
    try:
        for k in kernels:
            k.run(IMPORTS + "const begun = 1")
            for cell in (PLAIN, GOMLX):
                k.run_go(cell)
        for _ in range(repeats):
            for k in kernels:
                k.run_go(PLAIN, "Go cell")
                k.run_go(GOMLX, "GoMLX cell")
                k.run_commands(query)
        load = " ".join(f"{v:.1f}" for v in os.getloadavg())
        print(f"{repeats} of each, {os.cpu_count()} processors, load {load} at the end; seconds, least / median / most\n")
        print("| cell | IDML (Go) | GoNB |\n|---|---|---|")
        for kind in kernels[0].times:
            row = [f"{min(t):.2f} / {statistics.median(t):.2f} / {max(t):.2f}" for t in (k.times[kind] for k in kernels)]
            print(f"| {kind} | {row[0]} | {row[1]} |")
    finally:
        for k in kernels:
            k.stop()


main()

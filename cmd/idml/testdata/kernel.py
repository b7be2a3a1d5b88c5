# SPDX-License-Identifier: Apache-2.0
"""Executes cells, each a line of JSON on the standard input, through Jupyter, and prints what came of each as a line of JSON.

A cell is {"code": …}; with "interrupt" it is interrupted, and with "kill" the process that runs commands is killed, when that text was printed. With
"ask", it then asks for completions and for help, and prints the answers.
"""

import json
import sys
import time

import psutil
from jupyter_client.manager import KernelManager


def workers(manager):
    """Returns the processes that run commands."""
    found = []
    for child in psutil.Process(manager.provisioner.pid).children(recursive=True):
        try:
            if child.cmdline()[1:3] == ["kernel", "worker"]:
                found.append(child)
        except psutil.NoSuchProcess:
            pass
    return found


def execute(manager, client, code, interrupt=None, kill=None):
    """Returns the reply's content, all output, of streams and displays, joined, the types of displays, and which process runs commands."""
    request = client.execute(code)
    text, kinds, types, ends = {}, [], [], time.monotonic() + 120
    while time.monotonic() < ends:
        m = client.get_iopub_msg(timeout=120)
        if m["parent_header"].get("msg_id") != request:
            continue
        kind, content = m["msg_type"], m["content"]
        kinds.append(kind)
        if kind == "status" and content["execution_state"] == "idle":
            break
        if kind == "stream":
            text[content["name"]] = text.get(content["name"], "") + content["text"]
        if kind in ("display_data", "update_display_data"):
            text["display"] = content["data"]["text/plain"]
            types += content["data"]
        if kill and kill in "".join(text.values()):
            for process in workers(manager):
                process.kill()
            kill = None
        if interrupt and interrupt in "".join(text.values()):
            manager.interrupt_kernel()
            interrupt = None
    reply = client.get_shell_msg(timeout=10)
    assert reply["parent_header"]["msg_id"] == request, reply
    return {"reply": reply["content"], "text": text, "kinds": kinds, "types": types, "workers": [p.pid for p in workers(manager)]}


def ask(client, request, args):
    """Returns the content of the answer to a request, which is empty as long as gopls is reading the packages."""
    ends = time.monotonic() + 300
    while True:
        request(*args)
        content = client.get_shell_msg(timeout=30)["content"]
        if content.get("matches") or "Println" in str(content.get("data")) or "report.html" in str(content.get("data")) or time.monotonic() > ends:
            return content


def main():
    manager = KernelManager(kernel_name="idml")
    with open("kernel.log", "w") as log:
        manager.start_kernel(stdout=log, stderr=log)
        client = manager.client()
        client.start_channels()
        try:
            client.wait_for_ready(timeout=60)
            for line in sys.stdin:
                print(json.dumps(execute(manager, client, **json.loads(line))), flush=True)
            for request, args in () if len(sys.argv) < 2 else (
                (client.complete, ("%idml vers",)),
                (client.complete, ("%%\nfmt.Printl", 13)),
                (client.inspect, ("%idml report RUN", 10)),
                (client.inspect, ("%%\nfmt.Println()", 9)),
            ):
                print(json.dumps({"reply": ask(client, request, args)}), flush=True)
        finally:
            client.stop_channels()
            manager.shutdown_kernel()


main()

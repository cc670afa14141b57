"""Being told to end, once and many times."""

import signal
import subprocess
import sys

from tools.stack import ROOT

PROGRAM = """
import os
from app import signals

wait = signals.ending()
print("ready", flush=True)
wait()
print("ended", flush=True)
os._exit(0)
"""


def test_signals_in_the_midst_of_each_other() -> None:
    with subprocess.Popen([sys.executable, "-c", PROGRAM], cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
        for _ in range(200):
            process.send_signal(signal.SIGTERM)
            process.send_signal(signal.SIGINT)
        assert process.communicate(timeout=60)[0] == "ended\n"
    assert process.returncode == 0

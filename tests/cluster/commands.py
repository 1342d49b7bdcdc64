"""Run kubectl, helm and k8s/kind.sh, and wait for things."""

import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

ROOT = Path(__file__).resolve().parents[2]
OUT = ROOT / "out/cluster-test"
PICTURE = ROOT / "tests/assets/astronaut.jpg"  # one face, 512x512
CONTEXT = f"kind-{os.environ.get('CLUSTER_NAME', 'landmarks')}"  # as k8s/versions.sh has it
INGRESS = f"127.0.0.1:{os.environ.get('CLUSTER_HTTP_PORT', '8080')}"
Found = TypeVar("Found")


class CommandError(RuntimeError):
    """A command failed; the message has what it wrote."""


def run(*command: str, stdin: str | None = None, timeout: float = 900) -> str:
    """Run a command in the project's root; gives what it wrote. Raises CommandError."""
    done = subprocess.run(
        command, cwd=ROOT, input=stdin, timeout=timeout, text=True, capture_output=True
    )
    if done.returncode:
        raise CommandError(f"{' '.join(command)}\n{done.stdout[-2000:]}{done.stderr[-3000:]}")
    return done.stdout


def kubectl(*arguments: str, stdin: str | None = None) -> str:
    return run("kubectl", "--context", CONTEXT, *arguments, stdin=stdin)


def helm(*arguments: str) -> str:
    return run("helm", "--kube-context", CONTEXT, *arguments)


def wait_until(what: str, probe: Callable[[], Found], seconds: float, pause: float = 0.5) -> Found:
    """Call the probe until it gives something true, and give that. Raises TimeoutError."""
    latest = time.monotonic() + seconds
    while not (found := probe()):
        if time.monotonic() > latest:
            raise TimeoutError(f"{what}: not within {seconds:g} s")
        time.sleep(pause)
    return found

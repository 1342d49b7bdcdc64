"""Run locust once for each line of stdin, a JSON list of arguments; all share one import.

Writes a line of JSON for each: the exit code and what was printed.
"""

import json
import os
import sys
import tempfile

from locust.main import main


def run_forked(arguments: list[str]) -> tuple[int, str]:
    """Run locust in a child process; return its exit code and what it printed."""
    with tempfile.TemporaryFile("w+") as output:
        child = os.fork()
        if not child:
            os.dup2(output.fileno(), 1)
            os.dup2(output.fileno(), 2)
            sys.argv = ["locust", *arguments]
            main()
            os._exit(0)
        _, status = os.waitpid(child, 0)
        output.seek(0)
        return os.waitstatus_to_exitcode(status), output.read()


if __name__ == "__main__":
    for line in sys.stdin:
        print(json.dumps(run_forked(json.loads(line))), flush=True)

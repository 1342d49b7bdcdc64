"""Start both services on free ports and run a profile against them: python -m loadtest ci.

Further arguments go to locust. The exit code is locust's.
"""

import signal
import subprocess
import sys

from tools.processes import ROOT, StartError, find_ports, run_services

PROFILES = sorted(path.stem for path in (ROOT / "loadtest").glob("*.conf"))


def main() -> int:
    """Run the profile that the command line names; gives the exit code."""
    profile, *more = sys.argv[1:] or [""]
    if profile not in PROFILES:
        sys.stderr.write(f"There is no profile '{profile}'; there are {', '.join(PROFILES)}.\n")
        return 2
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that services end with us
    ports = find_ports()
    try:
        with run_services(ports, ROOT / "out", report=print):
            command = [sys.executable, "-m", "locust", "--config", f"loadtest/{profile}.conf"]
            command += ["-H", f"http://127.0.0.1:{ports.rest}", "--grpc", f"127.0.0.1:{ports.grpc}"]
            return subprocess.run([*command, *more], cwd=ROOT).returncode
    except StartError as error:
        print(error, file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())

"""Say in one sentence what `make` lacks, before it sets anything up.

Any Python since 2.7 has to be able to read this file: it is there to tell old ones apart.
"""

import sys

LEAST = (3, 11)


def find_lack():
    """Return what is missing and what to do about it, "" where nothing is."""
    found = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info[:2] < LEAST:
        words = [
            "landmarks needs Python " + ".".join(map(str, LEAST)) + " or later,",
            "and " + sys.executable + " is " + found + ":",
            "install one and name it, as in `make demo PYTHON=python3.12`.",
        ]
        return " ".join(words)
    try:
        import ensurepip  # noqa: F401
        import venv  # noqa: F401
    except ImportError as error:
        words = [
            sys.executable + " lacks a module that makes environments (" + str(error) + "):",
            "install it, on Debian and Ubuntu with `apt-get install python3-venv`.",
        ]
        return " ".join(words)
    return ""


if __name__ == "__main__":
    sys.exit(find_lack() or 0)

"""How much the tests generate: a little, or with SOAK=100 (`make soak`) a hundred times as much."""

import os
from collections import Counter

SOAK = int(os.environ.get("SOAK", "1"))
COUNTS: Counter[str] = Counter()  # what was generated, told at the end of a soak

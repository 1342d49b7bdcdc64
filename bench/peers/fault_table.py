"""The faults as a table of PEERS.md: what each server did, in its own figures."""

from bench.peers.table import Server

TEXT = """## Faults

Each server was started anew and tried with: one bad item among good ones sent at once (7 pictures,
15 faces; five times), 16 of 32 callers who leave after 15 ms (three times), 640 callers at once for
3 s (they wait a second after a refusal), and a picture that unfolds to 100 million pixels. A server
that takes more than 4 GB meanwhile is ended, as its container would be. Liveness was asked ten
times a second meanwhile. In (a) the guard against such pictures is part of the shared pipeline, so
every server has it.
"""
HEADS = (
    "",
    "good pictures beside a bad one",
    "good faces beside a bad one",
    "faces beside callers who left",
    "640 callers: answered, refused, failed; slowest liveness",
    "the bomb: answer, seconds, more MB; slowest liveness",
    "right afterwards",
)
REFUSED = ("429", "503")


def write_faults(servers: list[Server], faults: dict[str, dict]) -> list[str]:
    """Write the table, a row a server that was tried."""
    rows = [server for server in servers if faults.get(server.name)]
    if not rows:
        return []
    lines = [TEXT, f"| {' | '.join(HEADS)} |", "|---" * len(HEADS) + "|"]
    for server in rows:
        found = faults[server.name]
        texts = [found.get("problem", "")] if set(found) == {"problem"} else describe(found)
        texts += [""] * (len(HEADS) - 1 - len(texts))
        lines.append(f"| {server.title} | {' | '.join(texts)} |")
    return [*lines, ""]


def describe(found: dict) -> list[str]:
    """Describe each fault of one server in a few words."""
    after = found.get("after", {})
    ended = f"{'yes' if after.get('right') else 'no'}, {after.get('seconds', 0):g} s"
    return [
        *(count_right(found.get(name)) for name in ("bad_picture", "bad_face", "cancelled")),
        describe_crowd(found.get("crowd", {})),
        describe_bomb(found.get("bomb", {})),
        ended,
    ]


def count_right(found: dict | None) -> str:
    """Count the right answers, and say what the bad item got."""
    if not found:
        return "-"
    counted = f"{found['right']} of {found['good']}"
    codes = ", ".join(found.get("bad_codes", {}))
    return f"{counted}; the bad one {codes}" if codes else counted


def describe_crowd(found: dict) -> str:
    if "codes" not in found:
        return found.get("problem", "-")
    codes = dict(found["codes"])
    answered = codes.pop("200", 0)
    refused = sum(codes.pop(code, 0) for code in REFUSED)
    return f"{answered}, {refused}, {sum(codes.values())}; {describe_live(found)}"


def describe_bomb(found: dict) -> str:
    if "codes" not in found:
        return "-"
    if found.get("ended"):
        return f"ended: it took {found['more_mb']} MB more"
    codes = ", ".join(found["codes"])
    return f"{codes}, {found['seconds']:g} s, {found['more_mb']} MB; {describe_live(found)}"


def describe_live(found: dict) -> str:
    failed = f", {found['live_failed']} failed" if found["live_failed"] else ""
    return f"{found['live_ms']} ms{failed}"

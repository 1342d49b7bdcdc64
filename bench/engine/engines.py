"""The engines of the ledger's rows: those that serve, and those that were tried and lost."""

from predictor.engines.registry import ENGINES, EngineKind

AHEAD = (
    EngineKind(
        name="ahead",
        engine="bench.engine.aotinductor:AheadEngine",
        source="artifact",
        package="torch",
        writer="bench.engine.aotinductor:write_ahead",
    ),
    EngineKind(
        name="ahead-bf16",
        engine="bench.engine.aotinductor:AheadEngine",
        source="artifact",
        package="torch",
        writer="bench.engine.aotinductor:write_ahead_bf16",
    ),
)
EXPORTED = {kind.name: kind for kind in (*ENGINES.values(), *AHEAD) if kind.writer}

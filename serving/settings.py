"""Settings that both services share, read from LANDMARKS_* variables once at start."""

import difflib
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TypeVar

from pydantic import AliasChoices, Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

PREFIX = "LANDMARKS_"
# What Kubernetes sets for each service whose name begins like our variables.
OF_KUBERNETES = re.compile(r"_SERVICE_(HOST|PORT)(_|$)|_PORT(_\d+_(TCP|UDP)|$)")
DAY = 86_400  # seconds


class ServerSettings(BaseSettings):
    """Limits and habits of a server; each field is a variable LANDMARKS_<NAME>."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_ignore_empty=True, frozen=True, use_attribute_docstrings=True
    )

    host: str = ""
    """Address or name on which REST and gRPC listen; empty: all, of IPv4 and IPv6."""
    max_body_bytes: int = Field(16 * 2**20, ge=1024, le=2**30)
    """Largest request body, in bytes, also after decompression."""
    max_inflight: int = Field(256, ge=1, le=100_000)
    """Requests in flight beyond which one more is answered 429."""
    max_inflight_bytes: int = Field(256 * 2**20, ge=2**20, le=2**40)
    """Bytes of all bodies and answers in flight beyond which one more request is answered 429."""
    head_seconds: float = Field(10, ge=0.01, le=DAY)
    """Longest time that a connection may take to send the head of a request."""
    body_seconds: float = Field(20, ge=0.01, le=DAY)
    """Longest time that a body may take to arrive."""
    answer_seconds: float = Field(20, ge=0.01, le=DAY)
    """Longest time that reading an answer may take, and that a gRPC connection may be idle."""
    request_seconds: float = Field(30, ge=0.01, le=DAY)
    """Longest time that an answer may take, where the caller sets no shorter one."""
    drain_seconds: float = Field(5, ge=0, le=DAY)
    """After SIGTERM: time in which the server says not ready but still serves."""
    stop_seconds: int = Field(20, ge=1, le=DAY)
    """After that: longest time to finish what is in flight."""
    grpc_certificate: Path | None = None
    """PEM file of the certificate with which gRPC is served encrypted; unset: in the clear."""
    grpc_key: Path | None = None
    """PEM file of its key."""
    repository_api: bool = Field(False)
    """Whether callers may list, load and unload models."""
    repository_token: str = ""
    """What such callers have to send as a bearer token; empty: only this machine may ask."""
    cors_origins: str = ""
    """Origins whose web pages may ask, between commas, or `*`; empty: no other origin's."""
    access_log: bool = Field(True)
    """One JSON line per request."""
    log_level: str = Field("INFO", pattern="^(DEBUG|INFO|WARNING|ERROR)$")
    """DEBUG, INFO, WARNING or ERROR."""


Settings = TypeVar("Settings", bound=ServerSettings)


def read_settings(kind: type[Settings]) -> Settings:
    """Read and check the settings; exits with one sentence for each mistake."""
    try:
        return kind()
    except ValidationError as error:
        lines = [
            f"{name_variable(kind, str(problem['loc'][0]))}: "
            f"{problem['msg']} (got {problem['input']!r})."
            for problem in error.errors()
        ]
        raise SystemExit("\n".join(lines)) from None


def name_variable(kind: type[ServerSettings], place: str) -> str:
    """Name the variable that a mistake is in: of a setting with two names the one that is there."""
    for field in kind.model_fields.values():
        if isinstance(field.validation_alias, AliasChoices):
            names = [str(name) for name in field.validation_alias.choices]
            if place in names:
                return next((name for name in names if name in os.environ), place)
    return f"LANDMARKS_{place.upper()}"


def list_variables(kind: type[ServerSettings]) -> Iterator[str]:
    """List the variables that a service reads."""
    for name, field in kind.model_fields.items():
        alias = field.validation_alias
        names = alias.choices if isinstance(alias, AliasChoices) else [f"{PREFIX}{name}".upper()]
        yield from map(str, names)


def find_unknown(
    kind: type[ServerSettings],
    variables: Mapping[str, str],
    flags: Iterable[str],
    known: Iterable[str],
) -> str:
    """Name the LANDMARKS_* variables and flags that nothing reads, "" where there are none.

    `flags` are the arguments that were not understood, `known` the flags that are.
    """
    settings = [*list_variables(kind)]
    names = [name for name in variables if name.upper().startswith(PREFIX)]
    found = [
        (name, settings)
        for name in sorted(names)
        if name.upper() not in settings and not OF_KUBERNETES.search(name)
    ]
    found += [(flag.partition("=")[0], [*known]) for flag in flags if flag.startswith("-")]
    told = []
    for name, choices in found:
        near = difflib.get_close_matches(name.upper() if choices is settings else name, choices, 1)
        told.append(f"{name} (is {near[0]} meant?)" if near else name)
    return ", ".join(told)


def split_origins(text: str) -> list[str]:
    """Split the setting of origins at its commas."""
    return [each.strip() for each in text.split(",") if each.strip()]

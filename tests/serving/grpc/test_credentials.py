"""gRPC encrypted between transformer and predictor, by certificates that may be renewed."""

import asyncio
import shutil
import subprocess
from pathlib import Path

import grpc.aio
import pytest

from serving.framework import pb, pb_grpc
from serving.grpc.credentials import read_credentials
from serving.settings import ServerSettings
from transformer.backends.predictor_client import GrpcBackend


class Ready(pb_grpc.GRPCInferenceServiceServicer):
    async def ModelReady(self, request, context):
        return pb.ModelReadyResponse(ready=True)


def make_certificate(folder: Path) -> ServerSettings:
    key, certificate = folder / "tls.key", folder / "tls.crt"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1"]
    names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    files = ["-keyout", str(key), "-out", str(certificate)]
    subprocess.run([*command, *names, *files], check=True, capture_output=True)
    return ServerSettings(grpc_certificate=certificate, grpc_key=key)


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not on PATH")
async def test_a_predictor_is_asked_in_secret_and_one_of_another_authority_is_not(tmp_path):
    (tmp_path / "other").mkdir()
    settings, other = make_certificate(tmp_path), make_certificate(tmp_path / "other")
    server = grpc.aio.server()
    pb_grpc.add_GRPCInferenceServiceServicer_to_server(Ready(), server)
    port = server.add_secure_port("localhost:0", read_credentials(settings))
    await server.start()
    found = []
    for authority in (settings.grpc_certificate, other.grpc_certificate, None):
        backend = GrpcBackend(f"localhost:{port}", authority)
        own = authority == settings.grpc_certificate
        async with asyncio.timeout(60):
            while (problem := await backend.check_ready("unet")) and own:
                pass  # within a second: a busy machine takes longer
        found.append(not problem)
        await backend.close()
    await server.stop(0)
    assert found == [True, False, False]


def test_half_of_it_is_refused(tmp_path):
    assert read_credentials(ServerSettings()) is None
    with pytest.raises(SystemExit, match="go together"):
        read_credentials(ServerSettings(grpc_key=tmp_path / "a"))
    with pytest.raises(SystemExit, match="cannot be read"):
        read_credentials(ServerSettings(grpc_key=tmp_path / "a", grpc_certificate=tmp_path / "b"))

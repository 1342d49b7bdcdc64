"""The certificate with which gRPC is served encrypted."""

import grpc

from serving.settings import ServerSettings


def read_credentials(settings: ServerSettings) -> grpc.ServerCredentials | None:
    """Read the certificate of the settings, and again for each connection, as it may be renewed.

    Raises SystemExit with one sentence where there is half of it or none of its files.
    """
    certificate, key = settings.grpc_certificate, settings.grpc_key
    if certificate is None and key is None:
        return None
    if certificate is None or key is None:
        raise SystemExit("LANDMARKS_GRPC_CERTIFICATE and LANDMARKS_GRPC_KEY go together.")

    def read() -> grpc.ServerCertificateConfiguration:
        pair = (key.read_bytes(), certificate.read_bytes())
        return grpc.ssl_server_certificate_configuration([pair])

    try:
        return grpc.dynamic_ssl_server_credentials(read(), read, False)
    except OSError as error:
        raise SystemExit(f"The certificate of gRPC cannot be read: {error}.") from None

"""Start the transformer: python -m transformer [--predictor_host 127.0.0.1:8083]."""

from transformer.backends.prewarm import prewarm_predictor


def main() -> None:
    """Load the detector and serve; exits with one sentence when that can't be."""
    prewarm_predictor()  # its cold start, if it has one, shall overlap with these imports
    from serving.repository import Repository
    from serving.server import parse_arguments, run_server
    from serving.settings import read_settings
    from serving.telemetry.logs import configure_logs
    from transformer.backends.predictor_client import GrpcBackend
    from transformer.model import Transformer
    from transformer.settings import TransformerSettings

    settings = read_settings(TransformerSettings)
    configure_logs(settings.log_level, settings.access_log)
    arguments = parse_arguments()
    if arguments.predictor_host:  # KServe's controller gives this flag
        settings = settings.model_copy(update={"predictor": arguments.predictor_host})
    try:
        backend = GrpcBackend(settings.predictor, settings.predictor_authority)
        model = Transformer(arguments.model_name, settings, backend)
        model.load()
    except (RuntimeError, ValueError) as error:
        raise SystemExit(str(error)) from None
    run_server(Repository([model], settings))


if __name__ == "__main__":
    main()

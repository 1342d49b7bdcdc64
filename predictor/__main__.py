"""Start the predictor: python -m predictor [--http_port 8082 --grpc_port 8083]."""

from predictor.loader import ModelStore
from predictor.settings import PredictorSettings
from serving.repository import Repository
from serving.server import parse_arguments, run_server
from serving.settings import read_settings
from serving.telemetry.logs import configure_logs


def main() -> None:
    """Load the networks and serve them; exits with one sentence when that can't be."""
    settings = read_settings(PredictorSettings)
    configure_logs(settings.log_level, settings.access_log)
    loader = ModelStore(parse_arguments().model_name, settings)
    try:
        models, reasons = loader.load_all()
    except (RuntimeError, ValueError, OSError) as error:
        raise SystemExit(str(error)) from None
    repository = Repository(list(models), settings, loader)
    repository.reasons.update(reasons)
    run_server(repository)


if __name__ == "__main__":
    main()

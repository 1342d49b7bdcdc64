"""Start both services in one process: python -m standalone [--http_port 8080]."""

from predictor.loader import ModelStore
from serving.repository import Repository
from serving.server import parse_arguments, run_server
from serving.settings import read_settings
from serving.telemetry.logs import configure_logs
from standalone.client import LocalClient
from standalone.front import Front
from standalone.settings import StandaloneSettings
from transformer.model import Transformer


def main() -> None:
    """Load the networks and the detector and serve; exits with one sentence when it can't."""
    settings = read_settings(StandaloneSettings)
    arguments = parse_arguments()
    if arguments.predictor_host or "predictor" in settings.model_fields_set:
        raise SystemExit(
            "The predictor is in this process; LANDMARKS_PREDICTOR and --predictor_host "
            "are for python -m transformer."
        )
    configure_logs(settings.log_level, settings.access_log)
    loader = ModelStore(arguments.model_name, settings)
    try:
        models, reasons = loader.load_all()
        behind = Repository([*models], settings, loader)
        behind.reasons.update(reasons)
        transformer = Transformer(arguments.model_name, settings, LocalClient(behind))
        transformer.load()
    except (RuntimeError, ValueError, OSError) as error:
        raise SystemExit(str(error)) from None
    run_server(Front(transformer, behind))


if __name__ == "__main__":
    main()

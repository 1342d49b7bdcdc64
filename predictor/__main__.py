"""Start the predictor: python -m predictor [--http_port 8082 --grpc_port 8083]."""

from predictor.model import Predictor
from predictor.settings import PredictorSettings
from serving.logs import configure_logs
from serving.server import parse_arguments, run_server
from serving.settings import read_settings


def main() -> None:
    """Load the network and serve it; exits with one sentence when that can't be."""
    settings = read_settings(PredictorSettings)
    configure_logs(settings.log_level, settings.access_log)
    model = Predictor(parse_arguments().model_name, settings)
    try:
        model.load()
    except (RuntimeError, ValueError, OSError) as error:
        raise SystemExit(str(error)) from None
    run_server([model], settings)


if __name__ == "__main__":
    main()

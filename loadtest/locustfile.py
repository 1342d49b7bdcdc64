"""Load the service as clients do, over REST and gRPC, every answer checked by value.

    locust -f loadtest/locustfile.py -H http://127.0.0.1:8080 --grpc 127.0.0.1:8081
    locust -f loadtest/locustfile.py -H http://127.0.0.1:8080 --headless -u 8 -t 60s \\
           --host-header landmarks-transformer.landmarks.example.com JpegUser
    locust --config loadtest/saturation.conf -H http://127.0.0.1:8080

The exit code is 1 when answers failed, came too late or were too few for the options, and 2,
with one sentence, when there is nothing to test.
"""

import sys
from pathlib import Path

from locust import events
from locust.env import Environment
from locust.runners import MasterRunner, WorkerRunner

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # wherever it was started
from loadtest import setup, shapes
from loadtest.grpc_users import CallingUser, FaceUser, GrpcUser
from loadtest.inputs import InputError
from loadtest.levels import Sampler, find_levels, print_levels
from loadtest.options import add_options, check_options, refuse
from loadtest.replicas import Replicas
from loadtest.report import extend_report
from loadtest.rest_users import (
    BinaryUser,
    GroupUser,
    JpegUser,
    JsonUser,
    MixUser,
    RowUser,
)
from loadtest.thresholds import find_reasons

USERS = (JpegUser, JsonUser, BinaryUser, GroupUser, RowUser, MixUser, GrpcUser, FaceUser)
ONLY_NAMED = (MixUser, FaceUser)

events.init_command_line_parser.add_listener(add_options)


@events.init.add_listener
def prepare(environment: Environment, **_) -> None:
    """Load the pictures, choose the users, and look whether there is anything to test."""
    options, runner = environment.parsed_options, environment.runner
    assert options is not None and runner is not None
    try:
        if not isinstance(runner, WorkerRunner):
            check_options(options)
        shared = setup.set_up(options)
    except InputError as error:
        refuse(error)
    classes = environment.user_classes
    if not options.user_classes:  # nobody was named
        for user in ONLY_NAMED:
            if user in classes:
                classes.remove(user)
    for caller in [user for user in classes if issubclass(user, CallingUser)]:
        if not options.grpc:
            if len(classes) == 1:
                refuse(InputError(f"{caller.__name__} needs --grpc HOST:PORT."))
            classes.remove(caller)
    if isinstance(runner, WorkerRunner):
        return
    if options.shape:
        environment.shape_class = shapes.Shape(options)
        environment.shape_class.runner = runner
    if isinstance(runner, MasterRunner):
        runner.register_message(
            setup.GIVE_UP,
            lambda environment, msg: shared.give_up(environment, msg.data["sentence"]),
        )
    sampler = Sampler(environment)
    replicas = Replicas(options.replicas) if options.replicas else None

    @environment.events.quitting.add_listener
    def finish(environment: Environment, **_) -> None:
        """Tell the levels, extend the report, and set the exit code."""
        levels = find_levels(sampler.samples, sampler.settle)
        if options.shape or options.find_target:
            print_levels(levels, options)
        if options.html_file and Path(options.html_file).is_file():
            extend_report(Path(options.html_file), levels, shared.stages, replicas)
        if shared.fatal:
            print(shared.fatal, file=sys.stderr, flush=True)
            environment.process_exit_code = 2
            return
        reasons = find_reasons(environment.stats.total, options)
        for reason in reasons:
            print(f"FAILED: {reason}")
        environment.process_exit_code = 1 if reasons else 0


@events.report_to_master.add_listener
def hand_over(client_id: str, data: dict) -> None:
    data["stages"] = setup.get().stages.hand_over()


@events.worker_report.add_listener
def take_over(client_id: str, data: dict) -> None:
    setup.get().stages.add(data.get("stages", {}))

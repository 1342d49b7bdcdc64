"""Load the service as clients do, over REST and gRPC, every answer checked by value.

README.md has the command lines. The exit code is 1 when answers failed, came too late or were too
few for the options, and 2, with one sentence, when there is nothing to test.
"""

import sys
from pathlib import Path

from locust import events
from locust.env import Environment
from locust.runners import WorkerRunner

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # wherever it was started
from loadtest import setup, steps  # a shape by its name would become locust's own
from loadtest.grpc_users import CallingUser, FaceUser, GrpcUser
from loadtest.rest_users import GroupUser, JpegUser, JsonUser, RowUser

USERS = (JpegUser, JsonUser, GroupUser, RowUser, GrpcUser, FaceUser)

events.init_command_line_parser.add_listener(setup.add_options)


@events.init.add_listener
def prepare(environment: Environment, **_) -> None:
    """Load the pictures, choose the users, and look whether there is anything to test."""
    options, runner = environment.parsed_options, environment.runner
    assert options is not None and runner is not None
    is_worker = isinstance(runner, WorkerRunner)
    classes = environment.user_classes
    callers = [user for user in classes if issubclass(user, CallingUser)]
    try:
        if callers and not options.grpc and len(callers) == len(classes):
            raise ValueError(f"{callers[0].__name__} needs --grpc HOST:PORT.")
        setup.set_up(options, ask=not is_worker)
    except (OSError, ValueError) as error:
        print(error, file=sys.stderr, flush=True)
        raise SystemExit(2) from None
    for user in (*classes,):
        unnamed = user is FaceUser and not options.user_classes
        if unnamed or (user in callers and not options.grpc):
            classes.remove(user)
    if is_worker:
        return
    plan = steps.Steps(options.steps) if options.steps else None
    if plan:
        environment.shape_class = plan
        plan.runner = runner

    @environment.events.quitting.add_listener
    def finish(environment: Environment, **_) -> None:
        """Tell the levels, and set the exit code."""
        if plan:
            steps.print_levels(plan.find_levels())
        reasons = setup.find_reasons(environment.stats.total, options)
        for reason in reasons:
            print(f"FAILED: {reason}")
        environment.process_exit_code = 1 if reasons else 0

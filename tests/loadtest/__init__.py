"""Tests of the load test. Imported here, locust shall not patch this process for gevent."""

import os

os.environ["LOCUST_SKIP_MONKEY_PATCH"] = "1"

"""Load the service as clients do: locust -f loadtest/locustfile.py."""

"""Measurements of the network: its profile, and a ledger of what each technique brought."""

import serving  # noqa: F401  keeps OpenVINO from calling home

"""Measurements of the network: its profile, and a ledger of what each technique brought."""

"""Criteria of ProSaaS, one file per area."""

"""The acceptance criteria: reads like the release checklist."""

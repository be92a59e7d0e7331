"""Result record, redaction and the writers, one file per format."""

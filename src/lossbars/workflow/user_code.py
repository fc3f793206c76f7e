"""Fingerprints of a user's files. Loads no torch."""

from lossbars.user_files import split_source
from lossbars.workflow.fingerprint import file_fingerprint


def user_file(source: str | None, what: str) -> str | None:
    """The fingerprint of the file of ``FILE:NAME``; what that file imports is not followed. None of no source."""
    return None if source is None else file_fingerprint(split_source(source, what)[0])

"""What a user names as a file or folder: why it is none, said before it is opened, since a pipe would be waited for."""

from __future__ import annotations

import os
import stat
from pathlib import Path


def no_file(path: Path) -> str:
    """Why nothing can be read from a file at `path`; "" where that can be tried. A device or a pipe is no file."""
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError) as error:  # ValueError: a name with a null character in it
        return reason(error)
    if stat.S_ISDIR(mode):
        return "it is a folder, not a file"
    return "" if stat.S_ISREG(mode) else "it is no ordinary file"


def no_folder(path: Path) -> str:
    """Why nobody can list a folder at `path`; "" where it is one."""
    try:
        with os.scandir(path):
            return ""
    except (OSError, ValueError) as error:
        return reason(error)


def no_new_file(path: Path) -> str:
    """Why no file can be put at `path`, in the place of one that may be there; "" where one can."""
    if os.path.lexists(path) and (why := no_file(path)):
        return "it is a link that leads nowhere" if path.is_symlink() and not path.exists() else why
    aside = beside(path)
    try:
        os.close(os.open(aside, os.O_WRONLY | os.O_CREAT, 0o600))
        aside.unlink()
    except FileNotFoundError:
        return "no such folder"
    except (OSError, ValueError) as error:
        return reason(error)
    return ""


def beside(path: Path) -> Path:
    """Where the file for `path` is written before it is put in its place."""
    return path.with_name(f".{path.name}.{os.getpid()}.partial")


def reason(error: OSError | ValueError) -> str:
    """What the system says, without the path, which whoever tells it names."""
    if isinstance(error, FileExistsError):
        return "it is no folder"  # which was to be made where there was none
    return getattr(error, "strerror", None) or str(error)

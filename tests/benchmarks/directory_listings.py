"""How often the directories below a folder are opened to be listed: the local file system's listing requests.

Linux tells it (inotify); each is what a listing request is to an object store. Elsewhere it is not counted.
"""

import ctypes
import os
import struct
import sys
import threading
from pathlib import Path
from typing import Self

_IN_OPEN, _IN_Q_OVERFLOW, _IN_ISDIR = 0x20, 0x4000, 0x40000000
_HEADER = struct.Struct("iIII")


class DirectoryListings:
    """Counts while its block runs; `count` is None where nothing can count, or when events were lost."""

    def __init__(self, folder: Path) -> None:
        self.count: int | None = 0 if sys.platform == "linux" else None
        self._folder = folder
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._read, name="directory-listings", daemon=True)
        self._file = -1

    def __enter__(self) -> Self:
        if self.count is None:
            return self
        library = ctypes.CDLL(None, use_errno=True)
        self._file = library.inotify_init1(os.O_NONBLOCK)
        # Not while they are watched.
        directories = [self._folder, *(path for path in self._folder.rglob("*") if path.is_dir())]
        if self._file < 0 or any(
            library.inotify_add_watch(self._file, os.fsencode(path), _IN_OPEN) < 0 for path in directories
        ):
            self.count = None
        else:
            self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        if self._thread.is_alive():
            self._thread.join()
        if self._file >= 0:
            os.close(self._file)

    def _read(self) -> None:
        while not self._done.wait(0.02):
            self._drain()
        self._drain()

    def _drain(self) -> None:
        while True:
            try:
                events = os.read(self._file, 1 << 20)
            except BlockingIOError:
                return
            place = 0
            while place < len(events):
                _, mask, _, length = _HEADER.unpack_from(events, place)
                place += _HEADER.size + length
                if mask & _IN_Q_OVERFLOW:
                    self.count = None
                # An event with a name is a parent's, of something in it.
                elif mask & _IN_ISDIR and not length and self.count is not None:
                    self.count += 1

# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""An HTTP server of the files of a directory, which serves parts of files, as object stores do."""

from __future__ import annotations

import functools
import io
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, BinaryIO

from lsst.daf.butler import Butler, ButlerConfig
from lsst.daf.butler.repo_relocation import BUTLER_ROOT_TAG

__all__ = ["openOverHttp", "serve"]


class RangeHandler(SimpleHTTPRequestHandler):
    """Serves files, and parts of them."""

    protocol_version = "HTTP/1.1"

    def send_head(self) -> BinaryIO | io.BytesIO | None:
        """Send the headers of a file or a part of it, and return what is to follow."""
        wanted = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        path = Path(self.translate_path(self.path))
        if wanted is None or not path.is_file():
            return super().send_head()
        content = path.read_bytes()
        first = int(wanted[1])
        last = min(int(wanted[2] or len(content)), len(content) - 1)
        if first > last:
            self.send_error(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE)
            return None
        self.send_response(HTTPStatus.PARTIAL_CONTENT)
        self.send_header("Content-Range", f"bytes {first}-{last}/{len(content)}")
        self.send_header("Content-Length", str(last + 1 - first))
        self.end_headers()
        return io.BytesIO(content[first : last + 1])

    def end_headers(self) -> None:
        """Say that parts are served."""
        self.send_header("Accept-Ranges", "bytes")
        super().end_headers()

    def log_message(self, format: str, *arguments: Any) -> None:
        """Log nothing."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Count the requests of the server."""
        self.server.requests.append((self.command, self.path))


@contextmanager
def serve(directory: Path) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """Serve a directory while the block runs; yield the address, and what is asked for."""
    handler = functools.partial(RangeHandler, directory=str(directory))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.requests = []
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/", server.requests
        finally:
            server.shutdown()
            thread.join()


def openOverHttp(root: Path, address: str, **kwargs: Any) -> Butler:
    """Open a repository whose registry is here and whose files are on a server."""
    config = ButlerConfig(str(root))
    config["datastore", "root"] = address
    config["registry", "db"] = config["registry", "db"].replace(BUTLER_ROOT_TAG, str(root))
    return Butler.from_config(config, **kwargs)

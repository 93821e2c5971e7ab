"""A page in a real browser: headless Chromium lays it out in a frame of a given width, and says how.

The page and a probe around it are served on this machine alone; the probe's script runs outside of the
page and looks in.
"""

from __future__ import annotations

import html
import http.server
import json
import re
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
SECONDS = 90
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--force-device-scale-factor=1",
]

_PROBE = """<!DOCTYPE html><html><body style="margin:0"><iframe src="/page.html" style="border:0;width:%dpx;
height:%dpx;display:block"></iframe><pre id="found"></pre><script>
document.querySelector("iframe").onload = event => {
  const page = event.target.contentDocument, root = page.documentElement;
  const wide = [...page.querySelectorAll("body *")].filter(
    e => !e.closest("svg") && e.getBoundingClientRect().right > root.clientWidth + 0.5);
  const letters = [...page.querySelectorAll("svg text")].map(e => e.getBoundingClientRect().height);
  const right = Math.max(0, ...[...page.querySelectorAll("svg text")].map(
    e => e.getBoundingClientRect().right));
  const styles = page.defaultView.getComputedStyle(page.body);
  document.getElementById("found").textContent = JSON.stringify({
    width: root.clientWidth, scroll_width: root.scrollWidth, height: root.scrollHeight,
    wide: wide.map(e => e.outerHTML.slice(0, 80)), letters, right,
    ink: styles.color, paper: styles.backgroundColor, title: page.title,
    shown: page.body.innerText, scripts: page.scripts.length});
};
</script></body></html>"""


def chromium() -> str | None:
    """Return the path of a Chromium, or None."""
    return next((path for path in map(shutil.which, NAMES) if path), None)


def look(browser: str, page: str, width: int, *, dark: bool = False) -> dict[str, Any]:
    """Return how the page is laid out at this width, and what else it asked a server for."""
    with _served(page, width, 2000) as (url, asked):
        done = _run(browser, dark, "--dump-dom", f"--window-size={max(width, 600)},2000", url)
        found = re.search(r'<pre id="found">(.+?)</pre>', done, re.DOTALL)
        assert found, done[-2000:]
        layout: dict[str, Any] = json.loads(html.unescape(found[1]))
        return layout | {"asked": sorted(set(asked) - {"/", "/page.html", "/favicon.ico"})}


def screenshot(
    browser: str, page: str, path: Path, width: int, height: int, *, dark: bool = False
) -> None:
    """Write a PNG of the page at this width."""
    with _served(page, width, height) as (url, _):
        size = f"--window-size={width},{height}"
        _run(browser, dark, f"--screenshot={path}", size, url)


def _run(browser: str, dark: bool, *arguments: str) -> str:
    scheme = ["--blink-settings=preferredColorScheme=0"] if dark else []
    with tempfile.TemporaryDirectory() as profile:
        command = [
            browser,
            *FLAGS,
            *scheme,
            f"--user-data-dir={profile}",
            "--virtual-time-budget=5000",
        ]
        done = subprocess.run(
            [*command, *arguments], capture_output=True, timeout=SECONDS, check=True, text=True
        )
    return done.stdout


@contextmanager
def _served(page: str, width: int, height: int) -> Iterator[tuple[str, list[str]]]:
    """Serve the page and its probe, and note every path that is asked for."""
    contents = {"/": _PROBE % (width, height), "/page.html": page}
    asked: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            body = contents.get(self.path)
            self.send_response(200 if body is not None else 404)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.end_headers()
            self.wfile.write((body or "").encode())

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/", asked
        finally:
            server.shutdown()
            thread.join()

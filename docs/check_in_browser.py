"""Open every page of the built site in a browser, and tell what is wrong with it.

Run it after the build, with playwright installed (`pip install playwright`) and a Chromium: one that
`playwright install chromium` fetched, or the system's (`apt install chromium`).

    python docs/check_in_browser.py [--screenshots FOLDER] [PAGE ...]

On every page, at two widths: each image is there, nothing sticks out to the right, no error in the console.
On the search page: a search for conv_nd finds its page.
"""

import argparse
import shutil
import sys
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

SITE = Path(__file__).parent / "_build" / "html"
WIDTHS = {"desktop": 1280, "phone": 390}
BROKEN_IMAGES = """() => [...document.images]
    .filter(image => !(image.complete && image.naturalWidth > 0))
    .map(image => image.currentSrc || image.src)"""
TOO_WIDE = """() => {
    const limit = document.documentElement.clientWidth
    if (document.documentElement.scrollWidth <= limit) return []
    const wide = [...document.querySelectorAll('main *')]
        .filter(e => e.getBoundingClientRect().right > limit + 1)
    const shown = wide.slice(0, 3).map(e => e.outerHTML.slice(0, 80))
    return [document.documentElement.scrollWidth + ' px: ' + shown]
}"""


class Quiet(SimpleHTTPRequestHandler):
    """Serves the site without a log."""

    def log_message(self, *args: Any) -> None:
        pass


class Server(ThreadingHTTPServer):
    """Lets a browser leave a page before all of it was sent."""

    def handle_error(self, *args: Any) -> None:
        pass


def serve() -> str:
    """Serve the site from this process; return its address."""
    server = Server(("127.0.0.1", 0), partial(Quiet, directory=str(SITE)))
    Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_port}/"


def start(playwright: Any) -> Browser:
    """Start playwright's own Chromium, or else the system's."""
    system = shutil.which("chromium") or shutil.which("google-chrome")
    own = Path(playwright.chromium.executable_path).exists()
    return playwright.chromium.launch(executable_path=None if own else system, args=["--no-sandbox"])


def faults_of(page: Page, address: str, picture: Path | None) -> Iterator[str]:
    """Open a page, look at it in every width, and yield what is wrong."""
    response = page.goto(address, wait_until="load")
    if response is None or not response.ok:
        yield "not found"
    page.evaluate("() => [...document.images].forEach(image => image.loading = 'eager')")
    page.wait_for_function("() => [...document.images].every(image => image.complete)")
    yield from (f"image: {source}" for source in page.evaluate(BROKEN_IMAGES))
    for device, width in WIDTHS.items():
        page.set_viewport_size({"width": width, "height": 900})
        yield from (f"too wide on a {device}: {text}" for text in page.evaluate(TOO_WIDE))
        if picture:
            page.screenshot(path=picture.with_name(f"{device}-{picture.name}"), full_page=True)


def new_page(browser: Browser, problems: list[str]) -> Page:
    """Return a page that reaches nothing but the site, and tells of errors in scripts."""
    page = browser.new_page()
    page.on("pageerror", lambda error: problems.append(f"script: {error}"))
    page.route(lambda url: not url.startswith("http://127.0.0.1"), lambda route: route.abort())
    return page


def search(page: Page, root: str) -> Iterator[str]:
    """Search for conv_nd as a reader does."""
    page.goto(f"{root}search.html?q=conv_nd")
    page.wait_for_selector("#search-results li", timeout=20_000)
    found = page.locator("#search-results li a").evaluate_all("links => links.map(link => link.href)")
    print(f"a search for conv_nd finds {len(found)} pages")
    if not any("mygrad.nnet.conv_nd.html" in link for link in found):
        yield "the page of conv_nd is not found"


def main() -> int:
    """Check the pages named, or all."""
    parser = argparse.ArgumentParser(description="Look at the built site in a browser.")
    parser.add_argument("pages", nargs="*", help="paths below the site's root (default: every page)")
    parser.add_argument("--screenshots", type=Path, help="folder for a picture of each page")
    options = parser.parse_args()
    pages = options.pages or sorted(str(path.relative_to(SITE)) for path in SITE.rglob("*.html"))
    root, faults = serve(), 0
    with sync_playwright() as playwright:
        browser = start(playwright)
        problems: list[str] = []
        page = new_page(browser, problems)
        for path in pages:
            name = path.replace("/", "-").replace(".html", ".png")
            picture = options.screenshots / name if options.screenshots else None
            found = [*faults_of(page, root + path, picture), *problems]
            problems.clear()
            faults += len(found)
            for fault in found:
                print(f"{path}: {fault}", flush=True)
        for fault in search(page, root):
            faults += 1
            print(fault)
        browser.close()
    print(f"{len(pages)} pages at {len(WIDTHS)} widths: {faults} faults")
    return int(faults > 0)


if __name__ == "__main__":
    sys.exit(main())

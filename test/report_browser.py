"""A report opened in a real headless browser at a phone's width: what it measures there, what it complains about."""

import html
import json
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

PHONE_WIDTH_PX = 390
_FLAGS = (
    *(
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--hide-scrollbars",
        "--disable-quic",
        "--no-first-run",
        "--disable-sync",
    ),
    *("--disable-background-networking", "--disable-component-update", "--allow-file-access-from-files"),
    *("--enable-logging=stderr", "--v=0", "--virtual-time-budget=5000", "--dump-dom"),
)
# A browser window is never as narrow as a phone; a frame in a page is.
_HARNESS = """<!DOCTYPE html><meta charset="utf-8"><body>
<iframe id="report" style="width: WIDTHpx; height: 800px; border: 0" src="REPORT"></iframe>
<pre id="found"></pre><script>
const frame = document.getElementById("report");
frame.addEventListener("load", () => {
  const page = frame.contentDocument, root = page.documentElement;
  const images = [...page.images];
  const shown = element => element.getClientRects().length > 0;
  const ids = [...page.querySelectorAll("[id]")].map(element => element.id);
  const texts = [...page.querySelectorAll("svg text")].filter(shown);
  document.getElementById("found").textContent = JSON.stringify({
    title: page.title,
    width: root.scrollWidth,
    images: images.length,
    missing: images.filter(image => !image.complete || image.naturalWidth === 0).length,
    without_alt: images.filter(image => !image.alt).length,
    figures: [...page.querySelectorAll("svg")].filter(shown).length,
    figures_without_label: [...page.querySelectorAll("svg")].filter(svg => !svg.getAttribute("aria-label")).length,
    duplicate_ids: ids.length - new Set(ids).size,
    outside: performance.getEntriesByType("resource").filter(entry => entry.name.startsWith("http")).length,
    headings: [...page.querySelectorAll("h2")].filter(shown).map(heading => heading.textContent.trim()),
    smallest_text_px: Math.min(...texts.map(text => text.getBoundingClientRect().height)),
  });
});
</script></body>"""


@dataclass(frozen=True)
class Opened:
    """`found` is what the harness measured, `console` the browser's complaints."""

    found: dict[str, object]
    console: list[str]


def browser() -> str | None:
    """Path of a Chromium, None where there is none."""
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


def open_report(report: Path, folder: Path, width_px: int = PHONE_WIDTH_PX) -> Opened:
    """Open `report` in a frame of `width_px`; `folder` takes the harness and the browser's profile."""
    harness = folder / "harness.html"
    harness.write_text(_HARNESS.replace("WIDTH", str(width_px)).replace("REPORT", report.as_uri()), "utf-8")
    command = [str(browser()), *_FLAGS, f"--user-data-dir={folder / 'profile'}", harness.as_uri()]
    run = subprocess.run(command, capture_output=True, text=True, timeout=90, check=True)
    match = re.search(r'<pre id="found">(.*?)</pre>', run.stdout, re.DOTALL)
    assert match, run.stdout[:2000]
    return Opened(json.loads(html.unescape(match[1])), [line for line in run.stderr.splitlines() if "CONSOLE" in line])

"""python -m training download: Redwood's scans of some classes."""

import argparse
import sys
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

from training.commands.number_arguments import positive, positive_float
from training.data.downloads import DownloadPlan, DownloadRequest, DownloadResult, download
from training.data.redwood_index import INDEX_URL, SCANS_URL
from training.data.transfer import TransferSettings
from training.errors import DownloadError

DESCRIPTION = """\
Fetch RGB-D scans of Redwood 3DScan (public domain, about 370 MB each) as ROOT/CLASS/SCAN_ID.zip, ready for `prepare`.

The total is shown before it starts, and nothing starts if the disk has no room for it. What stops, stalls or breaks off
is tried again and goes on where it was; after Ctrl-C or a crash, run the same command again. Each archive is checked:
one that is not a scan, or could do harm, is kept as SCAN_ID.zip.bad and counted.
Which scans of a class are taken depends on --seed; a larger N only adds to them.
Exit code 0 when all scans that were asked for are there.
"""
EPILOG = """\
examples:
  python -m training download --classes car "trash container" bicycle --scans-per-class 20 --output scans
  python -m training download --classes chair --scans-per-class 5 --output scans --index-url http://mirror/redwood
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description, parser.epilog = DESCRIPTION, EPILOG
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--classes", nargs="+", required=True, metavar="CLASS", help="names as in Redwood's index")
    parser.add_argument("--scans-per-class", type=positive, required=True, metavar="N", help="fewer where it has fewer")
    parser.add_argument("--output", type=Path, required=True, metavar="ROOT", help="the folder to fetch into")
    parser.add_argument("--seed", type=int, default=0, help="of the choice of scans, default %(default)s")
    parser.add_argument("--connections", type=positive, default=4, help="scans at a time, default %(default)s")
    parser.add_argument(
        "--index-url",
        default=INDEX_URL,
        metavar="URL",
        help="where categories.json and rgbds.json lie, default %(default)s",
    )
    parser.add_argument(
        "--scans-url", default=SCANS_URL, metavar="URL", help="where SCAN_ID.zip lie, default %(default)s"
    )
    parser.add_argument(
        "--timeout",
        type=positive_float,
        default=TransferSettings.timeout_s,
        metavar="SECONDS",
        help="a server silent for so long has stalled, default %(default)g",
    )
    parser.add_argument(
        "--attempts",
        type=positive,
        default=TransferSettings.attempts,
        help="in a row without a new byte until a scan is given up, default %(default)s",
    )
    parser.set_defaults(command=_command)


def _command(arguments: argparse.Namespace) -> int:
    request = DownloadRequest(
        classes=tuple(dict.fromkeys(arguments.classes)),
        scans_per_class=arguments.scans_per_class,
        output=arguments.output,
        seed=arguments.seed,
        index_url=arguments.index_url,
        scans_url=arguments.scans_url,
        connections=arguments.connections,
        transfer=TransferSettings(arguments.timeout, arguments.attempts),
    )
    columns = (BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
    with Progress(TextColumn("scans"), *columns, console=Console(stderr=True), disable=not sys.stderr.isatty()) as bar:
        task = bar.add_task("scans", total=None)
        present = 0

        def planned(plan: DownloadPlan) -> None:
            nonlocal present
            present = len(plan.present)
            bar.console.print(describe(plan), highlight=False, soft_wrap=True)
            bar.update(task, total=plan.bytes_to_come + plan.bytes_here or None, completed=plan.bytes_here)

        result = download(request, planned, lambda count: bar.advance(task, count))
    return _report(present, result)


def describe(plan: DownloadPlan) -> str:
    """Two lines: the scans of each class, and what is to come."""
    classes = ", ".join(f"{name}: {count} of {there} scans" for name, (count, there) in plan.by_class.items())
    details = [f"{len(plan.present)} are here"]
    if plan.bytes_here:
        details.append(f"{_size(plan.bytes_here)} are here in parts")
    if plan.unknown_sizes:
        details.append(f"{plan.unknown_sizes} of unknown size")
    details.append(f"{_size(plan.free_bytes)} free")
    return f"{classes}\n{len(plan.wanted)} scans, {_size(plan.bytes_to_come)} to come ({'; '.join(details)})"


def _report(present: int, result: DownloadResult) -> int:
    """Say what became of it; an error where something is missing."""
    for kind, reasons in (("set aside", result.bad), ("failed", result.failed)):
        for path, reason in sorted(reasons.items()):
            print(f"{kind}: {path.parent.name}/{path.name}: {reason}", file=sys.stderr)
    fetched, bad, failed = len(result.fetched), len(result.bad), len(result.failed)
    print(f"{fetched} fetched, {present} were here, {bad} set aside, {failed} failed")
    if bad or failed:
        remedy = "run the same command again to go on" if failed else "a larger N brings others in their place"
        raise DownloadError(f"{bad + failed} of {present + fetched + bad + failed} scans are missing; {remedy}")
    return 0


def _size(count: int) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.1f} MB"

"""Files by HTTP that arrive in the end: resumed where they stopped, tried again with growing pauses, sizes checked."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import httpx

from training.data.partial_file import PartialFile, StaleRange
from training.errors import DownloadError

MAX_FILE_BYTES = 64 << 30
MAX_INDEX_BYTES = 64 << 20
_LONGEST_PAUSE_S = 60.0
_TEMPORARY = {408, 425, 429, 500, 502, 503, 504, 507, 509, 520, 521, 522, 523, 524}

T = TypeVar("T")


@dataclass(frozen=True)
class TransferSettings:
    """A server silent for `timeout_s` has stalled; `attempts` in a row that bring nothing new are the end."""

    timeout_s: float = 30.0
    attempts: int = 6
    pause_s: float = 1.0  # before the second attempt, twice as long before each further one


class TemporaryError(Exception):
    """An answer that another attempt may better; `pause_s` is how long the server wants us to wait."""

    def __init__(self, message: str, pause_s: float = 0.0) -> None:
        super().__init__(message)
        self.pause_s = pause_s


def http_client(settings: TransferSettings, connections: int) -> httpx.AsyncClient:
    """A client whose bodies come as they are stored, and whose proxies are those of the environment."""
    return httpx.AsyncClient(
        timeout=httpx.Timeout(settings.timeout_s, pool=None),
        limits=httpx.Limits(max_connections=connections),
        headers={"Accept-Encoding": "identity", "User-Agent": "redwood_depth"},
        follow_redirects=True,
    )


async def fetch_bytes(client: httpx.AsyncClient, url: str, settings: TransferSettings) -> bytes:
    """A small file. Raises DownloadError where it cannot be had."""

    async def attempt() -> bytes:
        body = bytearray()
        async with client.stream("GET", url) as response:
            _check_status(response)
            async for chunk in response.aiter_raw():
                body += chunk
                if len(body) > MAX_INDEX_BYTES:
                    raise DownloadError(f"{url} is too long")
        return bytes(body)

    return await _persistently(url, attempt, lambda: 0, settings)


async def remote_bytes(client: httpx.AsyncClient, url: str, settings: TransferSettings) -> int | None:
    """How long a file is, as far as the server says so in advance."""

    async def attempt() -> int | None:
        response = await client.head(url)
        _check_status(response)
        length = response.headers.get("Content-Length", "")
        return int(length) if length.isdecimal() and int(length) <= MAX_FILE_BYTES else None

    try:
        return await _persistently(url, attempt, lambda: 0, settings)
    except DownloadError:
        return None  # the download itself will say what is wrong


async def fetch_file(
    client: httpx.AsyncClient, url: str, path: Path, settings: TransferSettings, received: Callable[[int], None]
) -> PartialFile:
    """Complete the partial file beside `path`; `received` hears of bytes, negative ones where it starts afresh.

    Raises:
        DownloadError: refused, or too many attempts without a new byte; what has arrived stays for the next run.
        OSError: it cannot be written.
    """
    partial = PartialFile(path, received)
    await _persistently(url, lambda: _continue(client, url, partial), lambda: partial.size, settings)
    return partial


async def _continue(client: httpx.AsyncClient, url: str, partial: PartialFile) -> None:
    async with client.stream("GET", url, headers=partial.request_headers()) as response:
        if response.status_code != httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE:
            _check_status(response)
        total = partial.begin(response.status_code, response.headers)
        if total is not None and total > MAX_FILE_BYTES:
            raise DownloadError(f"{url} claims to have {total} bytes")
        if response.is_success:
            with partial.open() as file:
                async for chunk in response.aiter_raw():
                    partial.write(file, chunk)
                    if partial.size > MAX_FILE_BYTES:
                        raise DownloadError(f"{url} does not end")
    if total is not None and partial.size != total:
        if partial.size > total:
            partial.clear()
        raise TemporaryError(f"{partial.size} of {total} bytes")


async def _persistently(
    url: str, attempt: Callable[[], Awaitable[T]], progress: Callable[[], int], settings: TransferSettings
) -> T:
    """Try until it works; attempts that got further than ever before do not count against it."""
    furthest, failures = progress(), 0
    while True:
        try:
            return await attempt()
        except (httpx.UnsupportedProtocol, httpx.InvalidURL, httpx.TooManyRedirects) as error:
            raise DownloadError(f"{url}: {error}") from error
        except (TemporaryError, StaleRange, httpx.TransportError) as error:
            failures = 1 if progress() > furthest else failures + 1
            furthest = max(furthest, progress())
            if failures >= settings.attempts:
                raise DownloadError(f"{url}: {_cause(error, settings)}; gave up after {failures} attempts") from error
            await asyncio.sleep(_pause_s(error, failures, settings))


def _pause_s(error: Exception, failures: int, settings: TransferSettings) -> float:
    asked_s = error.pause_s if isinstance(error, TemporaryError) else 0.0
    growing_s = settings.pause_s * 2.0 ** (failures - 1) * random.uniform(0.8, 1.2)
    return min(max(asked_s, growing_s), _LONGEST_PAUSE_S)


def _cause(error: Exception, settings: TransferSettings) -> str:
    if isinstance(error, httpx.TimeoutException):
        return f"nothing for {settings.timeout_s:g} s"
    return str(error) or type(error).__name__


def _check_status(response: httpx.Response) -> None:
    """Raise TemporaryError or DownloadError for anything but success."""
    if response.is_success:
        return
    message = f"HTTP {response.status_code} {response.reason_phrase}".strip()
    if response.status_code in _TEMPORARY:
        asked = response.headers.get("Retry-After", "")
        raise TemporaryError(message, float(asked) if asked.isdecimal() else 0.0)
    raise DownloadError(f"{response.url}: {message}")

"""Several sources of messages as one, in order of log time."""

import heapq
from collections.abc import Iterable, Iterator
from operator import itemgetter

from redwood_depth.bags.message_types import RawMessage


def merged(sources: Iterable[tuple[int, Iterator[RawMessage]]]) -> Iterator[RawMessage]:
    """The messages of all sources, each given with the time of its first one, in nanoseconds.

    A source is not touched before that time has come: of files or chunks one after another, one is open at a time.
    """
    for _, message in heapq.merge(*(_timed(*source) for source in sources), key=itemgetter(0)):
        if message is not None:
            yield message


def _timed(start_ns: int, messages: Iterator[RawMessage]) -> Iterator[tuple[int, RawMessage | None]]:
    yield start_ns, None
    for message in messages:
        yield message.timestamp_ns, message

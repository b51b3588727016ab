"""play_bag: publish a bag's camera topics through DDS, without a ROS installation."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from redwood_depth.bags.reader import Bag
from redwood_depth.commands.shared.command_line import command_parser, positive, run_command
from redwood_depth.commands.shared.progress_bar import Progress
from redwood_depth.errors import BagError
from redwood_depth.node.dds import use_shared_memory_profile

if TYPE_CHECKING:
    from rclpy.node import Node

_DESCRIPTION = """\
Publish the camera topics of a bag (images, compressed images, camera_info) as they were recorded: same topics,
same stamps, same pace. Works on MCAP, SQLite and ROS 1 bags and needs no ROS installation beyond rclpy.

Playing begins when somebody subscribes, or after --wait seconds. Publishers are reliable and keep the last 5
messages. `ros2 bag play` does more (--clock, other topics) where it is installed."""

_EPILOG = """\
examples:
  play_bag car_bag                   # at the recorded pace
  play_bag car_bag --rate 0.5        # at half of it
  play_bag car_bag --loop            # again and again, until Ctrl-C; stamps begin anew each time"""


@dataclass(frozen=True)
class Request:
    """What was asked for on the command line."""

    bag: str
    rate: float
    loop: bool
    wait_s: float


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point. Returns the exit code: 0 at the end and after Ctrl-C, 1 where the bag is damaged or empty."""
    parser = command_parser("play_bag", _DESCRIPTION, _EPILOG)
    parser.add_argument("bag", metavar="BAG", help="a bag folder, or a single .mcap, .db3 or .bag (ROS 1) file")
    parser.add_argument("--rate", type=positive, default=1.0, help="times the recorded pace (default: 1)")
    parser.add_argument("--loop", action="store_true", help="begin again at the end")
    parser.add_argument(
        "--wait", type=float, default=10.0, metavar="S", help="seconds to wait for a subscriber (default: 10)"
    )
    return run_command(parser, lambda given: _play_bag(Request(given.bag, given.rate, given.loop, given.wait)), argv)


def _play_bag(request: Request) -> int:
    try:
        return _play(request)
    except KeyboardInterrupt:  # how --loop ends: nothing went wrong
        print("play_bag: stopped", file=sys.stderr)
        return 0


def _play(request: Request) -> int:
    use_shared_memory_profile()
    with Bag.open(request.bag) as bag:
        for warning in bag.warnings:
            print(f"play_bag: {warning}", file=sys.stderr)
        try:
            import rclpy  # after the profile, and not before --help and errors of the bag
            from rclpy.signals import SignalHandlerOptions
        except ModuleNotFoundError as error:
            raise BagError(f"playing needs ROS 2 ({error}): source its setup.bash, or install its wheels") from error
        # Without rclpy's handlers Ctrl-C arrives as KeyboardInterrupt, wherever the player waits.
        rclpy.init(args=[], signal_handler_options=SignalHandlerOptions.NO)
        node = rclpy.create_node("play_bag")
        try:
            return _publish(node, bag, request)
        finally:
            node.destroy_node()
            rclpy.shutdown()


def _publish(node: "Node", bag: Bag, request: Request) -> int:
    from redwood_depth.bags.player import BagPlayer, Played

    player = BagPlayer(node, bag)
    print(f"publishing {', '.join(player.topics)}", flush=True)
    if not player.wait_for_subscription(request.wait_s):
        print(f"play_bag: nobody subscribed within {request.wait_s:g} s; playing all the same", file=sys.stderr)
    while True:
        with Progress("playing", player.message_count) as progress:

            def show(played: Played, _: object, progress: Progress = progress) -> None:
                progress.advance(f"{played.late} late")

            played = player.play(request.rate, show)
        print(f"{played.messages} messages published, {played.late} late", flush=True)
        if bag.damage:
            print(f"play_bag: error: {bag.damage}", file=sys.stderr)
            return 1
        if not played.messages:
            print(f"play_bag: error: {bag.path} has no message of {', '.join(player.topics)}", file=sys.stderr)
            return 1
        if not request.loop:
            return 0


if __name__ == "__main__":
    sys.exit(main())

"""The ROS 2 node `perception`: camera images in, metric depth and object class out."""

import time
import traceback
from collections.abc import Callable
from typing import Any, NamedTuple

from diagnostic_msgs.msg import DiagnosticArray
from rcl_interfaces.msg import SetParametersResult
from rclpy.clock import Clock, ClockType
from rclpy.lifecycle import LifecycleNode, LifecycleState, TransitionCallbackReturn
from rclpy.parameter import Parameter
from std_msgs.msg import Header

from redwood_depth.bundle import DEMO_BUNDLE, ModelBundle
from redwood_depth.errors import RedwoodDepthError
from redwood_depth.estimator import Estimator
from redwood_depth.images.decode import color_from_message
from redwood_depth.images.sixteen_bits import SixteenBits
from redwood_depth.node.anchor import Anchor, check_anchor
from redwood_depth.node.camera_info_input import CameraInfoInput
from redwood_depth.node.engine_start import open_estimator
from redwood_depth.node.health import health
from redwood_depth.node.image_input import ImageInput
from redwood_depth.node.image_topic import image_topic
from redwood_depth.node.image_words import ImageWords
from redwood_depth.node.lens import lens_of
from redwood_depth.node.life_cycle import LifeCycle
from redwood_depth.node.messages import diagnostic_status
from redwood_depth.node.output_size import published_size
from redwood_depth.node.outputs import FrameContext, Outputs
from redwood_depth.node.parameters import CHANGED_LIVE, MODEL_THRESHOLD, Parameters, declare_parameters, refusal
from redwood_depth.node.said_once import SaidOnce
from redwood_depth.node.statistics import FrameStatistics
from redwood_depth.node.worker import Worker

_MANAGED = "; autostart has configured and activated it: set autostart to false where a life-cycle manager does that"
_SMALL_DEPTH = (
    "output_size: model: depth in the image's aspect at about the model's size; depth_image_proc's PointCloudXyzrgb "
    "takes the image's size alone, depth/points has colors at every size"
)
_SUCCESS, _FAILURE = TransitionCallbackReturn.SUCCESS, TransitionCallbackReturn.FAILURE


class Frame(NamedTuple):
    """An image as it waits for the worker."""

    message: Any  # Image or CompressedImage
    received_s: float


class PerceptionNode(LifecycleNode):  # type: ignore[misc]
    """Life cycle, parameters, subscriptions; the work itself happens on the worker's thread."""

    def __init__(self, **node_arguments: Any) -> None:
        super().__init__("perception", automatically_declare_parameters_from_overrides=True, **node_arguments)
        self.statistics = FrameStatistics()
        self._bundle: ModelBundle | None = None
        self._worker: Worker[Frame] | None = None
        self._outputs: Outputs | None = None
        self._engine_description = "none"
        self._images: ImageInput | None = None
        self._words: ImageWords | None = None
        self._infos: CameraInfoInput | None = None
        self._anchor: Anchor | None = None
        self._problem = ""
        self._frame_id = ""
        self._sixteen_bits = SixteenBits()
        self.add_on_set_parameters_callback(self._check_parameters)
        declare_parameters(self)
        self.parameters = Parameters.read(self)
        self._life_cycle = LifeCycle(self, _MANAGED if self.parameters.autostart else "")
        self._diagnostics = self.create_publisher(DiagnosticArray, "/diagnostics", 10)
        # On the steady clock: with use_sim_time a paused bag must not silence the diagnostics.
        self.create_timer(1.0, self._publish_diagnostics, clock=Clock(clock_type=ClockType.STEADY_TIME))

    # ------------------------------------------------------------------------------------------------- life cycle

    def start(self) -> None:
        """Configure and activate, as a life-cycle manager would."""
        if self.trigger_configure() == _SUCCESS:
            self.trigger_activate()
        elif self.context.ok():
            self.get_logger().error("not started; mend the cause, then configure and activate this node again")

    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        return self._transition("configure", self._configure)

    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        return self._transition("activate", self._subscribe)

    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        return self._transition("deactivate", self._unsubscribe)

    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        return self._transition("cleanup", self.release)

    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        return self._transition("shutdown", self.release)

    def on_error(self, state: LifecycleState) -> TransitionCallbackReturn:
        return self._transition("recover", self.release)

    def _transition(self, name: str, act: Callable[[], None]) -> TransitionCallbackReturn:
        """Run one transition. rclpy swallows what a transition raises without a word, so nothing may leave here."""
        try:
            act()
        except Exception as error:  # whatever it is: see above
            self.release()
            if not self.context.ok():  # a signal came in between: nobody to tell
                return _FAILURE
            self._problem = f"cannot {name}: {error}"
            if not isinstance(error, RedwoodDepthError):  # a fault of ours: show where
                self.get_logger().error(traceback.format_exc())
            self.get_logger().error(self._problem)
            return _FAILURE if name == "configure" else TransitionCallbackReturn.ERROR
        return _SUCCESS

    def _configure(self) -> None:
        self.parameters = parameters = Parameters.read(self)
        check_anchor(parameters)
        self._bundle = bundle = ModelBundle.load(parameters.model or DEMO_BUNDLE)
        self.statistics = FrameStatistics()
        self._outputs = Outputs(self, bundle, parameters.depth_encoding)
        self._outputs.publish_labels(Header(stamp=self.get_clock().now().to_msg()), self._threshold())
        self._worker = Worker(lambda: self._open_estimator(bundle, parameters), self._process)
        self._worker.start()
        self._problem = ""
        calibrated = f", calibrated: {bundle.calibration}" if bundle.calibration else ""
        self.get_logger().info(f"{bundle.width}x{bundle.height} model on {self._engine_description}{calibrated}")
        if parameters.output_size == "model":
            self.get_logger().info(_SMALL_DEPTH)

    def _open_estimator(self, bundle: ModelBundle, parameters: Parameters) -> Estimator:
        estimator = open_estimator(bundle, parameters, self.get_logger(), lambda: not self.context.ok())
        self._engine_description = str(estimator.engine.description)
        return estimator

    def _subscribe(self) -> None:
        parameters = self.parameters
        self._images = ImageInput(
            self, parameters.image_transport, parameters.image_reliability, self.statistics, self._receive_image
        )
        said = SaidOnce(self.get_logger())
        self._words = ImageWords(said, self._images.topic.name)
        self._anchor = Anchor(self, parameters)
        self._infos = CameraInfoInput(self, self._images.topic.name, said)
        self.get_logger().info(f"active: waiting for images on {self._images.topic.name}")

    def _unsubscribe(self) -> None:
        if self._images is not None:
            self._images.destroy()
        if self._infos is not None:
            self._infos.destroy()
        if self._anchor is not None:
            self._anchor.destroy(self)
        self._images, self._infos, self._anchor = None, None, None
        if self._worker is not None:
            self._worker.clear()

    def release(self) -> None:
        """Give back subscriptions, engine and publishers, in that order; safe to call in every state."""
        self._unsubscribe()
        if self._worker is not None and not self._worker.stop():
            self.get_logger().error("the worker did not end in time")
        if self._outputs is not None:
            self._outputs.destroy(self)
        self._worker, self._outputs, self._bundle = None, None, None
        self._engine_description = "none"

    # ------------------------------------------------------------------------------------------------- parameters

    def _check_parameters(self, changes: list[Parameter]) -> SetParametersResult:
        for change in changes:
            reason = refusal(change.name, change.value)
            if not reason and self._worker is not None and change.name in self._fixed_names():
                reason = f"{change.name} is read when the node is configured: clean it up first"
            if reason:
                return SetParametersResult(successful=False, reason=reason)
        return SetParametersResult(successful=True)

    def _fixed_names(self) -> set[str]:
        return set(Parameters.__dataclass_fields__) - set(CHANGED_LIVE)

    def _threshold(self) -> float:
        asked = float(self.get_parameter("class_threshold").value)
        return self._bundle.class_threshold if asked == MODEL_THRESHOLD and self._bundle else asked

    # ----------------------------------------------------------------------------------------------------- frames

    def _receive_image(self, message: Any) -> None:
        received_s = self.statistics.frame_received()
        if self._worker is None or self._outputs is None:
            return
        if not self._outputs.are_watched():
            self.statistics.counts["unwatched"] += 1
        elif not self._worker.put(Frame(message, received_s)):
            self.statistics.counts["dropped"] += 1

    def _process(self, estimator: Estimator, frame: Frame) -> None:
        """One frame, on the worker's thread. Whatever is wrong with it is counted and said; the next one follows."""
        try:
            self._predict_and_publish(estimator, frame)
        except RedwoodDepthError as error:
            self._bad_frame(str(error))
        except Exception as error:  # a fault of ours must not end the thread that all frames need
            if self.context.ok():  # after shutdown publishers are gone, and nobody waits for this frame
                self._bad_frame(f"{type(error).__name__}: {error}\n{traceback.format_exc()}")

    def _predict_and_publish(self, estimator: Estimator, frame: Frame) -> None:
        outputs, words, infos, threshold = self._outputs, self._words, self._infos, self._threshold()
        self._frame_id = frame.message.header.frame_id
        image = color_from_message(frame.message, self._sixteen_bits)
        if news := self._sixteen_bits.news():
            self.get_logger().warning(news)
        if outputs is None or words is None or infos is None:
            return
        info, intrinsics = infos.of_image(frame.message.header, image.size)
        bundle = estimator.bundle
        size = published_size(self.parameters.output_size, image=image.size, model=(bundle.height, bundle.width))
        canvas = outputs.depth_canvas(*size)
        started_s = time.monotonic()
        prediction = estimator.predict(image, intrinsics, size, canvas)
        inference_s = time.monotonic() - started_s
        if (anchor := self._anchor) is not None:
            anchor.scale(prediction.depth_m, intrinsics, frame.message.header)
        words.look(frame.message, image.size, intrinsics, prediction.depth_scale, bundle.training_camera)
        if intrinsics is None and outputs.points_are_watched():
            words.points_are_asked_for(not self.count_publishers(self.resolve_topic_name("camera_info")))
        context = FrameContext(frame.message.header, image, info, intrinsics, lens_of(info, words.topic))
        outputs.publish(context, prediction, threshold)
        self.statistics.frame_published(frame.received_s, inference_s)
        rays = outputs.publish_pictures(context, prediction, threshold)
        if rays is not None:
            words.look_at_cloud(rays, context.lens, size)

    def _bad_frame(self, reason: str) -> None:
        self.statistics.frame_bad(reason.splitlines()[0])
        count = self.statistics.counts["bad"]
        self.get_logger().warning(f"bad frame ({count} so far): {reason}", throttle_duration_sec=1.0)

    # ------------------------------------------------------------------------------------------------ diagnostics

    def _publish_diagnostics(self) -> None:
        level, summary = health(
            state=self._life_cycle.state, problem=self._problem, image_age_s=self.statistics.image_age_s()
        )
        model = f"{self._bundle.name} {self._bundle.version}" if self._bundle else "none"
        values = {"model": model, "engine": self._engine_description, **self.statistics.values()}
        if self._images is not None:
            self._images.look()
            if self._infos is not None:
                self._infos.look()
                values |= {"focal length": self._infos.summary()} if self._infos.frames else {}
            values |= self._anchor.values() if self._anchor else {}
            values |= {"why no image": self._images.silence} if self._images.silence else {}
        name = self.get_fully_qualified_name().lstrip("/")
        status = diagnostic_status(name, level, summary, values, self._camera_name())
        header = Header(stamp=self.get_clock().now().to_msg())
        self._diagnostics.publish(DiagnosticArray(header=header, status=[status]))

    def _camera_name(self) -> str:
        """What tells cameras apart in a robot's diagnostics: the frame of the images, before the first their topic."""
        return self._frame_id or image_topic(self, self.parameters.image_transport).name

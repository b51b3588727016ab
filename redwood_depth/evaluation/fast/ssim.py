"""metrics.ssim of a depth image, raw and median-scaled, strip by strip.

Scaling by s multiplies the mean of a window by s and its variance by s^2, so both values come from the same five blurs.
"""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from redwood_depth.evaluation.fast.thread_buffers import Image, workspace
from redwood_depth.evaluation.metrics import SSIM_SIGMA, SSIM_WINDOW

_KERNEL = cv2.getGaussianKernel(SSIM_WINDOW, SSIM_SIGMA, cv2.CV_32F)
_HALF = SSIM_WINDOW // 2


class SsimSums:
    """Over the windows of an image that lie wholly on pixels that count."""

    def __init__(self, usable: NDArray[np.bool_], scale: float, data_range_m: float) -> None:
        window = np.ones((SSIM_WINDOW,) * 2, np.uint8)
        mask = usable.view(np.uint8)
        self._whole: Any = cv2.erode(mask, window, borderType=cv2.BORDER_CONSTANT, borderValue=0)
        self._scales = 1.0, scale
        self._c1, self._c2 = (0.01 * data_range_m) ** 2, (0.03 * data_range_m) ** 2
        self._sums, self._windows = [0.0, 0.0], 0

    def add(self, p: Image, t: Image, strip: slice) -> None:
        """Take in the windows around these rows of prediction and truth, whole images in m without NaN."""
        whole = self._whole[strip]
        windows = cv2.countNonZero(whole)
        if not windows:
            return
        self._windows += windows
        first = max(strip.start - _HALF, 0)
        around = slice(first, min(strip.stop + _HALF, len(p)))
        p, t, rows = p[around], t[around], slice(strip.start - first, strip.stop - first)
        blurred = workspace("ssim", 9, p.shape)
        product = blurred[0]
        _blur(p, blurred[1])
        _blur(t, blurred[2])
        for image, (a, b) in zip(blurred[3:6], ((p, p), (t, t), (p, t)), strict=True):
            cv2.multiply(a, b, product)
            _blur(product, image)
        self._add(blurred[:, rows], whole)

    def _add(self, images: NDArray[np.float32], whole: NDArray[np.uint8]) -> None:
        product, mean_p, mean_t, var_p, var_t, covariance, total, other, more = images
        cv2.multiply(mean_p, mean_t, product)
        cv2.subtract(covariance, product, covariance)
        for mean, var in ((mean_p, var_p), (mean_t, var_t)):
            cv2.multiply(mean, mean, mean)
            cv2.subtract(var, mean, var)
        np.add(mean_t, np.float32(self._c1), out=mean_t)
        np.add(var_t, np.float32(self._c2), out=var_t)
        for index, s in enumerate(self._scales):
            np.add(product, np.float32(self._c1 / (2 * s)), out=total)
            np.add(covariance, np.float32(self._c2 / (2 * s)), out=other)
            cv2.multiply(total, other, total, 4 * s * s)
            cv2.scaleAdd(mean_p, s * s, mean_t, other)
            cv2.scaleAdd(var_p, s * s, var_t, more)
            cv2.multiply(other, more, other)
            cv2.divide(total, other, total)
            total += np.float32(1.0)  # from 0 to 2, so that the norm is the sum
            self._sums[index] += cv2.norm(total, cv2.NORM_L1, whole)

    def means(self) -> tuple[float | None, float | None]:
        """SSIM of the raw and of the scaled prediction; None where there is no window."""
        if not self._windows:
            return None, None
        raw, scaled = (value / self._windows - 1.0 for value in self._sums)
        return raw, scaled


def _blur(image: Image, result: Image) -> None:
    cv2.sepFilter2D(image, -1, _KERNEL, _KERNEL, result)

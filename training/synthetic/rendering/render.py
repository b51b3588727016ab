"""From parts and a camera to pictures: color by path tracing, and what the first hit of every pixel is like."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import mitsuba as mi
import numpy as np
from numpy.typing import NDArray

from training.synthetic.objects.mesh import corner_normals
from training.synthetic.objects.part import Material, Part
from training.synthetic.rendering.light import Lamp, Light

mi.set_variant("scalar_rgb")

MATT = 0.69  # surfaces rougher than this are rendered without any gloss, which is several times faster
SURFACE_CHANNELS = "hit:depth,position:position,normal:sh_normal,albedo:albedo"


@dataclass(frozen=True)
class Camera:
    """A pinhole camera without distortion; sizes and focal lengths in pixels."""

    width: int = 640
    height: int = 480
    fx: float = 525.0
    fy: float = 525.0
    cx: float = 319.5
    cy: float = 239.5

    def scaled(self, scale: float) -> Camera:
        """The camera with a picture `scale` times the size; pixel centers are at whole numbers."""
        return Camera(
            width=round(self.width * scale),
            height=round(self.height * scale),
            fx=self.fx * scale,
            fy=self.fy * scale,
            cx=(self.cx + 0.5) * scale - 0.5,
            cy=(self.cy + 0.5) * scale - 0.5,
        )


@dataclass(frozen=True)
class Surface:
    """The first surface in every pixel of a view.

    z_m: (H, W) float32, along the optical axis, 0 where nothing was hit; incidence: (H, W) float32, cosine between
    view ray and normal; albedo: (H, W) float32, diffuse reflectance 0..1.
    """

    z_m: NDArray[np.float32]
    incidence: NDArray[np.float32]
    albedo: NDArray[np.float32]


def load_scene(parts: Sequence[Part], light: Light) -> Any:
    """A Mitsuba scene of the parts in a light, z up."""
    contents: dict[str, Any] = {"type": "scene"}
    for number, part in enumerate(parts):
        contents[f"part{number:04d}"] = _shape(part)
    if light.sky is not None:
        upright = mi.ScalarTransform4f(np.array([[0.0, 0, -1, 0], [-1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 0, 1]]))
        sky = mi.Bitmap(np.ascontiguousarray(light.sky))
        contents["sky"] = mi.load_dict({"type": "envmap", "bitmap": sky, "to_world": upright})
    for number, lamp in enumerate(light.lamps):
        contents[f"lamp{number}"] = mi.load_dict(_lamp(lamp))  # an object: what it makes itself comes in any order
    if any(light.sun):
        sun = {"type": "rgb", "value": list(light.sun)}
        direction = [-x for x in light.sun_direction]
        contents["sun"] = mi.load_dict({"type": "directional", "direction": direction, "irradiance": sun})
    return mi.load_dict(contents)


def render_color(
    scene: Any, camera: Camera, pose: NDArray[np.float64], *, samples: int, seed: int = 0, bounces: int = 3
) -> NDArray[np.float32]:
    """Linear radiance, (H, W, 3) float32, seen from `pose`: (4, 4) camera to world, x right, y down, z ahead."""
    integrator = mi.load_dict({"type": "path", "max_depth": bounces + 1, "rr_depth": 3})
    image = _rendered(scene, _sensor(camera, pose, "multijitter"), integrator, samples, seed)
    return np.asarray(image, dtype=np.float32)[..., :3]


def render_surface(scene: Any, camera: Camera, pose: NDArray[np.float64], *, seed: int = 0) -> Surface:
    """What each pixel's ray hits first, one ray a pixel: edges are not averaged; pose as in `render_color`."""
    integrator = mi.load_dict({"type": "aov", "aovs": SURFACE_CHANNELS})
    channels = np.asarray(_rendered(scene, _sensor(camera, pose, "independent"), integrator, 1, seed))
    hit = channels[..., 0] > 0
    ray = channels[..., 1:4] - pose[:3, 3]
    z_m = np.where(hit, ray @ pose[:3, 2], 0)
    length = np.maximum(np.linalg.norm(ray, axis=-1), 1e-9)
    incidence = np.abs(np.einsum("hwi,hwi->hw", ray, channels[..., 4:7])) / length
    albedo = channels[..., 7:10].mean(axis=-1)
    return Surface(z_m.astype(np.float32), np.where(hit, incidence, 0).astype(np.float32), albedo.astype(np.float32))


def develop(
    radiance: NDArray[np.floating[Any]],
    *,
    exposure: float | NDArray[np.float64],
    noise: float,
    rng: np.random.Generator,
    blur_px: float = 0.0,
    smoothing: float = 4.0,
) -> NDArray[np.uint8]:
    """Radiance (H, W, 3) to an sRGB picture (H, W, 3) uint8: exposure (one, or one a channel), soft shoulder, noise.

    smoothing is how strongly the path tracer's own noise is taken out, about its deviation in steps of 1/255; blur_px
    the deviation of the lens's blur; noise the deviation of the sensor's noise, as a share of white.
    """
    linear = _without_specks(np.clip(radiance * exposure, 0, None))
    linear = np.where(linear > 0.6, 0.6 + 0.4 * (1 - np.exp(-(linear - 0.6) / 0.4)), linear)
    clean = cv2.fastNlMeansDenoisingColored(srgb(linear), None, smoothing, 2 * smoothing, 3, 13)
    if blur_px > 0:
        clean = cv2.GaussianBlur(clean, (0, 0), blur_px)
    grain = 255 * noise * cv2.GaussianBlur(rng.standard_normal(linear.shape), (0, 0), 0.6)
    return np.clip(np.round(clean + grain), 0, 255).astype(np.uint8)


def _without_specks(linear: NDArray[np.float32]) -> NDArray[np.float32]:
    """The picture with single pixels far brighter than their neighbors, rare lucky light paths, taken out."""
    around = cv2.medianBlur(np.ascontiguousarray(linear, dtype=np.float32), 3)
    speck = linear.max(axis=-1) > 1.6 * around.max(axis=-1) + 0.06
    return np.where(speck[..., None], around, linear)


def srgb(linear: NDArray[np.floating[Any]]) -> NDArray[np.uint8]:
    """Linear light 0..1 to 8-bit sRGB."""
    encoded = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * np.maximum(linear, 1e-9) ** (1 / 2.4) - 0.055)
    return np.round(255 * np.clip(encoded, 0, 1)).astype(np.uint8)


def _rendered(scene: Any, sensor: Any, integrator: Any, samples: int, seed: int) -> Any:
    render: Any = mi.render  # whose stub has no plain int as a seed
    return render(scene, sensor=sensor, integrator=integrator, spp=samples, seed=seed)


def _transform(to_world: NDArray[np.float64]) -> Any:
    matrix: Any = to_world  # the stub wants float32; the transform is made of the doubles
    return mi.ScalarTransform4f(matrix)


def _sensor(camera: Camera, pose: NDArray[np.float64], sampler: str) -> Any:
    """A Mitsuba camera; its x looks left and its y up where ours look right and down."""
    to_world = pose @ np.diag([-1.0, -1.0, 1.0, 1.0])
    return mi.load_dict(
        {
            "type": "perspective",
            "fov_axis": "x",
            "fov": float(np.rad2deg(2 * np.arctan(camera.width / (2 * camera.fx)))),
            "principal_point_offset_x": (camera.cx + 0.5) / camera.width - 0.5,
            "principal_point_offset_y": (camera.cy + 0.5) / camera.height - 0.5,
            "near_clip": 0.05,
            "far_clip": 200.0,
            "to_world": _transform(to_world),
            "film": {
                "type": "hdrfilm",
                "width": camera.width,
                "height": camera.height,
                "pixel_format": "rgb",
                "component_format": "float32",
                "rfilter": {"type": "box"},
            },
            "sampler": {"type": sampler},
        }
    )


def _lamp(lamp: Lamp) -> dict[str, Any]:
    """The Mitsuba description of a luminous rectangle."""
    x, y = np.array(lamp.x_half_m), np.array(lamp.y_half_m)
    normal = np.cross(x, y) / np.linalg.norm(np.cross(x, y))
    to_world = np.eye(4)
    to_world[:3] = np.column_stack([x, y, normal, lamp.center_m])
    if isinstance(lamp.radiance, tuple):
        radiance: dict[str, Any] = {"type": "rgb", "value": list(lamp.radiance)}
    else:
        radiance = {"type": "bitmap", "bitmap": mi.Bitmap(np.ascontiguousarray(lamp.radiance)), "raw": True}
    return {
        "type": "rectangle",
        "to_world": _transform(to_world),
        "surface": {"type": "diffuse", "reflectance": {"type": "rgb", "value": 0.7}},
        "emitter": {"type": "area", "radiance": radiance},
    }


def _shape(part: Part) -> Any:
    """A Mitsuba mesh with its own corners for every face, which lets creases stay sharp."""
    corners, normals = part.mesh.corners(), corner_normals(part.mesh)
    properties = mi.Properties()
    properties["surface"] = mi.load_dict(_surface(part.material))
    faces = len(corners)
    mesh = mi.Mesh(part.name, 3 * faces, faces, props=properties, has_vertex_normals=True, has_vertex_texcoords=True)
    parameters = mi.traverse(mesh)
    parameters["vertex_positions"] = corners.astype(np.float32).ravel()
    parameters["vertex_normals"] = normals.astype(np.float32).ravel()
    parameters["vertex_texcoords"] = part.mesh.uv[part.mesh.faces].astype(np.float32).ravel()
    parameters["faces"] = np.arange(3 * faces, dtype=np.uint32)
    parameters.update()
    return mesh


def _surface(material: Material) -> dict[str, Any]:
    """The Mitsuba description of a material."""
    if isinstance(material.color, tuple):
        color: dict[str, Any] = {"type": "rgb", "value": list(material.color)}
    else:
        color = {"type": "bitmap", "bitmap": mi.Bitmap(np.ascontiguousarray(material.color))}
    if isinstance(material.roughness, float) and material.roughness >= MATT:
        return {"type": "twosided", "surface": {"type": "diffuse", "reflectance": color}}
    roughness: Any = material.roughness
    if isinstance(roughness, np.ndarray):
        roughness = {"type": "bitmap", "bitmap": mi.Bitmap(np.ascontiguousarray(roughness)), "raw": True}
    principled = {
        "type": "principled",
        "base_color": color,
        "roughness": roughness,
        "metallic": material.metallic,
        "clearcoat": material.varnish,
        "clearcoat_gloss": 0.95,
        "specular": 0.5,
    }
    return {"type": "twosided", "surface": principled}

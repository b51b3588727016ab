"""Package of redwood_depth: `pip install .` in a plain environment, `colcon build` (ament_python) in a workspace."""

from glob import glob

from setuptools import find_packages, setup

NAME = "redwood_depth"
COMMANDS = (
    *("perception_node", "evaluate_bag", "calibrate", "scans_to_bag", "play_bag"),
    *("build_engine", "benchmark", "doctor"),
)

setup(
    name=NAME,
    version="0.6.0",
    description="Metric depth and object class from one camera image, for ROS 2",
    license="Apache-2.0",
    maintainer="redwood_depth maintainers",
    maintainer_email="maintainers@users.noreply.github.com",
    packages=find_packages(include=[NAME, f"{NAME}.*"]),
    package_data={NAME: ["models/*/*", "samples/*/*", "evaluation/report/*.j2", "evaluation/report/*.css", "py.typed"]},
    data_files=[
        ("share/ament_index/resource_index/packages", [f"resource/{NAME}"]),
        (f"share/{NAME}", ["package.xml"]),
        (f"share/{NAME}/launch", glob("launch/*.launch.py")),
        (f"share/{NAME}/config/sros2", glob("config/sros2/*.xml")),
        (f"share/{NAME}/config", glob("config/*.yaml") + glob("config/*.rviz") + glob("config/*.xml")),
    ],
    python_requires=">=3.10",
    install_requires=[
        *("numpy", "opencv-python-headless", "pillow", "onnxruntime", "rosbags", "psutil"),
        *("lz4", "ruamel.yaml", "backports.zstd; python_version < '3.14'"),  # what rosbags brings along
        *("joblib", "jinja2", "matplotlib"),  # evaluate_bag: several bags at once, reports
    ],
    extras_require={"test": ["pytest", "pytest-timeout", "hypothesis"]},  # by which colcon test knows that it is pytest
    zip_safe=False,
    entry_points={"console_scripts": [f"{name} = {NAME}.commands.{name}:main" for name in COMMANDS]},
)

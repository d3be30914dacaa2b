# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Everything that is set up goes into .build, which git ignores and `make clean` removes.
PYTHON ?= python3
BUILD := .build
VENV := $(BUILD)/venv
GATES := $(BUILD)/gates
EVENTS := $(BUILD)/events
SPHINX := $(BUILD)/sphinx
AWX := $(BUILD)/awx
TYPES := $(BUILD)/types/ansible_collections/cakewalk/access
COLLECTIONS := $(BUILD)/collections
ARTIFACT := $(BUILD)/dist/cakewalk-access.tar.gz
REQUIREMENTS := tests/requirements
PIP := -m pip install --quiet --disable-pip-version-check
# The same at each start, so that the lines pasted into a shell stay true.
PORT ?= 18725
SOURCES := $(shell find galaxy.yml README.md LICENSE CHANGELOG.rst changelogs meta plugins playbooks roles extensions docs -type f \
	-not -path '*/__pycache__/*' 2>/dev/null)

# Nothing of Ansible's is written outside this folder either.
export ANSIBLE_CONFIG := $(CURDIR)/$(BUILD)/ansible.cfg
export ANSIBLE_HOME := $(CURDIR)/$(BUILD)/home/.ansible
export ANSIBLE_REMOTE_TEMP := $(ANSIBLE_HOME)/tmp
export ANSIBLE_COLLECTIONS_PATH := $(CURDIR)/$(COLLECTIONS)
export PYTHONPATH := $(CURDIR)/tests

# The virtual environments are set up at the same time.
MAKEFLAGS += --jobs=3

.PHONY: help demo demo-events test test-all test-cores sandbox bench docs release clean
.DEFAULT_GOAL := help

help:  ## Show this list
	@grep -hE '^[a-z-]+:.*##' Makefile | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 12

demo: $(VENV)/.run $(COLLECTIONS)/.installed  ## Run a playbook against a simulated tenant, and show what happens
	@$(VENV)/bin/python -m demo

demo-events: $(VENV)/.run $(EVENTS)/.installed $(COLLECTIONS)/.installed  ## Carry out a request when its signed webhook arrives; needs Java
	@$(VENV)/bin/python -m demo.events

sandbox: $(COLLECTIONS)/.installed  ## Start the simulated tenant, and print how to reach it
	@exec $(VENV)/bin/python -m sandbox --port $(PORT) --ledger --on-path $(VENV)/bin $(COLLECTIONS)

test: $(VENV)/.test $(GATES)/.installed $(EVENTS)/.installed $(COLLECTIONS)/.installed  ## Run the tests, and the checks of the ecosystem
	$(VENV)/bin/python -m pytest --numprocesses auto --dist loadgroup

test-all: export CAKEWALK_TEST_THOROUGH := 1
test-all: $(VENV)/.test $(GATES)/.installed $(EVENTS)/.installed $(SPHINX)/.installed $(AWX)/.installed $(COLLECTIONS)/.installed  ## Run the slow tests too, with every ansible-core since 2.16 that a Python is found for
	@# A test that fails does not keep the other releases from being tried.
	failed=0; $(VENV)/bin/python -m pytest --cov --numprocesses auto --dist loadgroup -m "" || failed=1; \
	$(VENV)/bin/python -m matrix || failed=1; exit $$failed

test-cores: $(VENV)/.test $(COLLECTIONS)/.installed  ## Run what can differ between releases of ansible-core, on each or on CORES="2.16 2.19"
	$(VENV)/bin/python -m matrix $(CORES)

bench: $(VENV)/.test $(COLLECTIONS)/.installed  ## Measure how fast the collection is, compared with alternatives
	@$(VENV)/bin/python -m benchmarks $(BUILD)

docs: $(GATES)/.installed $(SPHINX)/.installed $(COLLECTIONS)/.installed  ## Write the generated parts of docs/ and README, and build the site .build/site/index.html
	$(GATES)/bin/python -m pages
	$(VENV)/bin/python -m pages.guides
	$(SPHINX)/bin/python -m pages.site $(BUILD)/site

release: $(VENV)/.run $(GATES)/.installed  ## Build the artifact from the last commit, and try it as Galaxy, Automation Hub and a new user do
	@$(VENV)/bin/python -m release $(BUILD)/release

clean:  ## Remove everything that was set up
	rm -rf $(BUILD)

$(VENV)/bin/python $(GATES)/bin/python $(EVENTS)/bin/python $(SPHINX)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.11")'
	@echo "Setting up $(patsubst %/bin,%,$(@D))"
	@$(PYTHON) -m venv $(dir $(@D))
	@touch $(BUILD)/ansible.cfg

$(VENV)/.run: $(REQUIREMENTS)/run.txt $(REQUIREMENTS)/sandbox.txt | $(VENV)/bin/python
	@echo "Installing what the demonstration needs"
	@$(VENV)/bin/python $(PIP) -r $(REQUIREMENTS)/run.txt
	@touch $@

$(VENV)/.test: $(REQUIREMENTS)/test.txt $(VENV)/.run
	@echo "Installing what the tests need"
	@$(VENV)/bin/python $(PIP) -r $(REQUIREMENTS)/test.txt
	@touch $@

$(GATES)/.installed: $(REQUIREMENTS)/gates.txt | $(GATES)/bin/python $(TYPES)
	@echo "Installing the checks of the ecosystem"
	@$(GATES)/bin/python $(PIP) -r $(REQUIREMENTS)/gates.txt
	@touch $@

# Under the name of the collection, mypy knows what the plugins import from each other.
$(TYPES):
	@mkdir -p $(@D) && ln -s ../../../.. $@

$(EVENTS)/.installed: $(REQUIREMENTS)/events.txt | $(EVENTS)/bin/python
	@echo "Installing ansible-rulebook"
	@$(EVENTS)/bin/python $(PIP) -r $(REQUIREMENTS)/events.txt
	@touch $@

$(SPHINX)/.installed: $(REQUIREMENTS)/docs.txt | $(SPHINX)/bin/python
	@echo "Installing Sphinx"
	@$(SPHINX)/bin/python $(PIP) -r $(REQUIREMENTS)/docs.txt
	@touch $@

# The package ansible is large, and only this collection of it is of use.
$(AWX)/.installed: $(REQUIREMENTS)/awx.txt | $(VENV)/bin/python
	@echo "Fetching the collection awx.awx"
	@$(VENV)/bin/python -m pip download --quiet --disable-pip-version-check --no-deps --dest $(@D) -r $<
	@cd $(@D) && $(CURDIR)/$(VENV)/bin/python -c 'import glob, zipfile; wheel = zipfile.ZipFile(*glob.glob("*.whl")); \
	wheel.extractall(members=[name for name in wheel.namelist() if name.startswith("ansible_collections/awx/")])'
	@rm $(@D)/*.whl && touch $@

$(ARTIFACT): $(SOURCES) $(VENV)/.run
	@rm -rf $(@D) && mkdir -p $(@D)
	@$(VENV)/bin/ansible-galaxy collection build --output-path $(@D) . >/dev/null
	@mv $(@D)/cakewalk-access-*.tar.gz $@

$(COLLECTIONS)/.installed: $(ARTIFACT)
	@echo "Installing the collection into $(@D)"
	@$(VENV)/bin/ansible-galaxy collection install --offline --force --no-deps --collections-path $(@D) $< >/dev/null
	@touch $@

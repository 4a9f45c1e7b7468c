# The commands a newcomer types. Each stands alone: it installs what is missing, builds and runs.

BUILD ?= build
PREFIX ?= /usr/local
JOBS ?= $(shell nproc)
# Warnings are errors where CI says so.
WERROR := -DHEAPWISE_WERROR=$(if $(CI),ON,OFF)
RESULT ?= $(shell ls -dt results/20* 2>/dev/null | head -n 1)

.DEFAULT_GOAL := help
.PHONY: help bootstrap configure suite build build-clang bench apps test test-full test-aarch64 report reference install clean

help:
	@echo 'make bench      compare all allocators here (5 to 10 minutes on a fresh machine)'
	@echo 'make apps       the same with real servers, databases and compilers, which it installs'
	@echo 'make test       build and run every test'
	@echo 'make test-full  the same, all real programs, long fuzzing, aarch64, and the unit tests under sanitizers'
	@echo 'make build      only build, into $(BUILD)/'
	@echo 'make report     the summary and plots of the newest result again (RESULT=DIR for another)'
	@echo 'make reference  measure everything the README shows, anew (about three hours, after make apps)'
	@echo 'make install    PREFIX=$(PREFIX)'
	@echo 'make clean'

bootstrap:
	@scripts/bootstrap

configure: bootstrap
	@cmake --preset release -B $(BUILD) $(WERROR) -Wno-dev >$(BUILD)-configure.log 2>&1 \
	  || { cat $(BUILD)-configure.log; rm -f $(BUILD)-configure.log; exit 1; }
	@rm -f $(BUILD)-configure.log

# What measuring needs, without the tests.
suite: configure
	@cmake --build $(BUILD) -j $(JOBS) --target suite

build: configure
	@cmake --build $(BUILD) -j $(JOBS)

bench: suite
	@$(BUILD)/heapwise bench --profile quick

# Servers and databases come only when asked for.
apps: suite
	@scripts/bootstrap apps
	@$(BUILD)/heapwise bench --workloads apps

# What is measured once more by the other compiler: what one deletes, the other may keep. Its parent is the same.
build-clang: build
	@cmake --preset clang $(WERROR) -DBUILD_TESTING=OFF -Wno-dev >/dev/null
	@cmake --build build-clang -j $(JOBS) --target measured
	@cp $(BUILD)/heapwise build-clang/

test: build build-clang
	@ctest --test-dir $(BUILD) --output-on-failure -j $(JOBS)
	@python=$$(scripts/choose-python pytest xdist jsonschema) && echo "pytest runs on $$python" && \
	  HEAPWISE_BUILD_DIR=$(abspath $(BUILD)) HEAPWISE_CLANG_BUILD_DIR=$(abspath build-clang) \
	  PYTHONPATH=scripts $$python -m pytest -q -rs -p no:cacheprovider -n $(JOBS) --dist loadfile tests

# Some tests ask for more memory than there is, which a sanitizer's malloc must refuse like any other.
test-full: export ASAN_OPTIONS = allocator_may_return_null=1
test-full: export TSAN_OPTIONS = allocator_may_return_null=1
test-full: test test-aarch64
	@scripts/bootstrap apps
	@python=$$(scripts/choose-python pytest jsonschema) && HEAPWISE_BUILD_DIR=$(abspath $(BUILD)) \
	  HEAPWISE_TEST_ALL_APPS=1 PYTHONPATH=scripts $$python -m pytest -q -p no:cacheprovider tests/campaign/test_apps.py
	@echo 'fuzzing refmalloc, some ten minutes' && \
	  HEAPWISE_FUZZ_OPERATIONS=100000000 HEAPWISE_FUZZ_SEEDS=10 $(BUILD)/tests/refmalloc_fuzzer_test --gtest_brief=1
	@for preset in asan tsan; do \
	  cmake --preset $$preset -Wno-dev >/dev/null && cmake --build build-$$preset -j $(JOBS) --target unit_tests && \
	  ctest --test-dir build-$$preset --output-on-failure || exit 1; done

# refmalloc for the other architecture it is written for, under an emulator.
test-aarch64:
	@scripts/bootstrap aarch64
	@cmake -S tests/allocators/reference/cross -B build-aarch64 -G Ninja -DCMAKE_BUILD_TYPE=Release \
	  -DCMAKE_TOOLCHAIN_FILE=$(abspath cmake/aarch64.cmake) -Wno-dev >/dev/null
	@cmake --build build-aarch64 -j $(JOBS) && ctest --test-dir build-aarch64 --output-on-failure -j $(JOBS)

report:
	@test -n "$(RESULT)" || { echo 'there is no result yet: run make bench'; exit 1; }
	@python=$$(scripts/choose-python) && PYTHONPATH=scripts $$python -m heapwise summarize $(RESULT)

reference: suite
	@scripts/reference $(BUILD)

install: suite
	@cmake --install $(BUILD) --prefix $(PREFIX)

clean:
	rm -rf build build-clang build-debug build-asan build-tsan build-aarch64

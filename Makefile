# The front door. `make` builds build/cambist; meson and ninja do the work, tools/install fetches what they need.
#
#   make            build build/cambist                 make test       install, build, run every test
#   make run        install, build, start a sandbox     make test-long  the same with every fault there is
#   make clean      remove what was built               make unit       unit tests only
#   make bench      measure (docs/benchmarks.md)        make scenario   the outside client, both engines
#   make format     clang-format in place               make sanitize   everything under ASan + UBSan
#   make lint       format, cppcheck, clang-tidy ...    make sanitize-thread   the same under TSan
BUILD ?= build
# Handed to `meson setup` when $(BUILD) is made.
OPTIONS ?=
LISTEN ?= 127.0.0.1:8080
DATA ?= ./var
CC := $(shell command -v ccache >/dev/null && echo "ccache gcc" || echo gcc)
export CC
REDOC := web/node_modules/redoc/bundles/redoc.standalone.js
# What the tests run: every reply is checked against its schema, faults can be injected.
TEST_OPTIONS := -Dbuildtype=debugoptimized -Dreply_check=true -Dcoverage_hooks=true
# gcc sees null pointers that are none through the sanitizers' checks, so its warnings are no errors here.
SANITIZE_OPTIONS := $(TEST_OPTIONS) -Dwerror=false -Darena_malloc=true -Db_lundef=false

.PHONY: all build/cambist web run unit test test-build test-long scenario bench format lint sanitize \
    sanitize-thread clean FORCE

all: build/cambist

$(BUILD)/build.ninja: | $(REDOC)
	@meson setup $(OPTIONS) $(BUILD) >/dev/null

# Sources are found by glob: when a file comes or goes, meson has to look again.
$(BUILD)/sources: FORCE | $(BUILD)/build.ninja
	@find src tests/unit tests/sim tests/bench migrations api \
	    -name '*.[ch]' -o -name '*.sql' -o -name '*.yaml' 2>/dev/null | sort > $@.new; \
	if ! cmp -s $@.new $@; then mv $@.new $@; touch src/meson.build; else rm $@.new; fi

build/cambist: $(BUILD)/sources $(REDOC)
	@ninja -C $(BUILD) -j2 --quiet

web: $(REDOC)

$(REDOC): web/package-lock.json
	@command -v npm >/dev/null || { echo "npm is missing: run tools/install"; exit 1; }
	@cd web && npm ci --loglevel=error >/dev/null
	@touch $@

run:
	@tools/install run
	@$(MAKE) --no-print-directory build/cambist
	@exec build/cambist serve --sandbox --listen $(LISTEN) --data $(DATA)

unit: build/cambist
	@meson test -C $(BUILD) --suite unit --print-errorlogs --no-rebuild

test-build:
	@$(MAKE) --no-print-directory build/cambist BUILD=build-test OPTIONS="$(TEST_OPTIONS)"

test:
	@tools/install tests
	@$(MAKE) --no-print-directory test-build
	@tests/run --build build-test

test-long:
	@CAMBIST_TEST_LONG=1 $(MAKE) --no-print-directory test

scenario: test-build
	@tests/run --build build-test scenario

bench:
	@tools/install bench
	@$(MAKE) --no-print-directory build/cambist
	@tests/bench/run

format:
	@tools/install lint
	@find src tests -name '*.[ch]' -exec clang-format -i {} +

lint: build/cambist
	@tools/install lint
	@tools/lint $(BUILD)

sanitize:
	@tools/install tests
	@$(MAKE) --no-print-directory build/cambist BUILD=build-asan \
	    OPTIONS="$(SANITIZE_OPTIONS) -Db_sanitize=address,undefined"
	@tests/run --build build-asan --engines sqlite

sanitize-thread:
	@tools/install tests
	@$(MAKE) --no-print-directory build/cambist BUILD=build-tsan \
	    OPTIONS="$(SANITIZE_OPTIONS) -Db_sanitize=thread"
	@tests/run --build build-tsan --engines sqlite

clean:
	rm -rf build build-*

FORCE:

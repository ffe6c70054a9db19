# The front door. `make` builds build/cambist; meson and ninja do the work.
BUILD ?= build
CC := $(shell command -v ccache >/dev/null && echo "ccache gcc" || echo gcc)
export CC

.PHONY: all build/cambist unit clean

all: build/cambist

$(BUILD)/build.ninja:
	meson setup $(BUILD) >/dev/null

# Sources are found by glob: when a file comes or goes, meson has to look again.
$(BUILD)/sources: FORCE | $(BUILD)/build.ninja
	@find src tests/unit migrations -name '*.c' -o -name '*.sql' | sort > $@.new; \
	if ! cmp -s $@.new $@; then mv $@.new $@; touch src/meson.build; else rm $@.new; fi

build/cambist: $(BUILD)/sources
	@ninja -C $(BUILD) -j2 --quiet

unit: build/cambist
	@meson test -C $(BUILD) --suite unit --print-errorlogs --no-rebuild

clean:
	rm -rf $(BUILD) build-*

FORCE:

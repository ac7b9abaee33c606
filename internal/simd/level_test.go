package simd

import (
	"slices"
	"testing"
)

// eachLevel runs a test once for every implementation that can run here.
func eachLevel(t *testing.T, test func(t *testing.T)) {
	for _, level := range Levels() {
		t.Run(level, func(t *testing.T) {
			setLevel(t, level)
			test(t)
		})
	}
}

func setLevel(tb testing.TB, level string) {
	tb.Helper()
	restore, err := SetLevel(level)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(restore)
}

func TestSetLevel(t *testing.T) {
	levels := Levels()
	if got := Level(); got != levels[0] {
		t.Errorf("Level() = %q at start, want the best of %q", got, levels)
	}
	for _, level := range levels {
		restore, err := SetLevel(level)
		if err != nil {
			t.Fatal(err)
		}
		if got := Level(); got != level {
			t.Errorf("Level() = %q after SetLevel(%q)", got, level)
		}
		restore()
		if got := Level(); got != levels[0] {
			t.Errorf("Level() = %q after restore, want %q", got, levels[0])
		}
	}
	for _, level := range []string{"", "sse", "AVX2"} {
		if _, err := SetLevel(level); err == nil {
			t.Errorf("SetLevel(%q) succeeded", level)
		}
	}
	if !slices.Contains(levels, LevelGo) {
		t.Errorf("Levels() = %q lacks %q", levels, LevelGo)
	}
	t.Logf("levels %q, features %q", levels, Features())
}

package tokenizer

import (
	"testing"
)

// TestSweeps compares the normal forms of every Unicode character, before an accent, with the reference's.
func TestSweeps(t *testing.T) {
	var want map[string]string
	readJSON(t, "sweeps.json", &want)
	config := readConfig(t, "unigram")
	own := config["normalizer"].(map[string]any)["normalizers"].([]any)[0]
	for name, normalizer := range map[string]any{
		"NFC": map[string]any{"type": "NFC"}, "NFKC": map[string]any{"type": "NFKC"}, "Precompiled": own,
	} {
		t.Run(name, func(t *testing.T) {
			s := &sweeper{tok: parseConfig(t, changedConfig(config, map[string]any{"normalizer": normalizer}))}
			checkBlocks(t, want[name], func(b []byte, c string) []byte { return s.appendNormal(b, "a"+c+"\u0301b") })
		})
	}
}

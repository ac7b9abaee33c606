package tokenizer

import (
	"encoding/json"
	"maps"
	"os"
	"testing"
)

// loadPatched parses the bundled tokenizer.json with members of some sections replaced, and lists made longer.
func loadPatched(t *testing.T, patch map[string]any) *Tokenizer {
	t.Helper()
	tok, err := Parse(patched(t, patch))
	if err != nil {
		t.Fatal(err)
	}
	return tok
}

func patched(t *testing.T, patch map[string]any) []byte {
	t.Helper()
	return edited(t, func(config map[string]any) {
		for section, change := range patch {
			switch old := config[section].(type) {
			case map[string]any:
				maps.Copy(old, change.(map[string]any))
			case []any:
				config[section] = append(old, change.([]any)...)
			default:
				t.Fatalf("cannot patch %s", section)
			}
		}
	})
}

// edited is the bundled tokenizer.json after edit.
func edited(t *testing.T, edit func(config map[string]any)) []byte {
	t.Helper()
	file, err := os.ReadFile(bundled)
	if err != nil {
		t.Fatal(err)
	}
	var config map[string]any
	if err := json.Unmarshal(file, &config); err != nil {
		t.Fatal(err)
	}
	edit(config)
	file, err = json.Marshal(config)
	if err != nil {
		t.Fatal(err)
	}
	return file
}

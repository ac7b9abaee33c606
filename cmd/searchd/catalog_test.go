package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"searchd/hf/catalog"
)

func TestLoadCatalog(t *testing.T) {
	file := filepath.Join(t.TempDir(), "mine.json")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(`{"models": [{"id": "my/chat", "task": "text-generation", "runs": ["openai"], "takes": []}], "choices": [{"task": "conversation", "model": "my/chat", "reason": "ours"}]}`)
	known, err := loadCatalog(file)
	if err != nil {
		t.Fatal(err)
	}
	if choice, err := known.Choose(catalog.Request{Task: "conversation"}); err != nil || choice.Model != "my/chat" {
		t.Errorf("chosen %+v, %v", choice, err)
	}
	write(strings.Repeat(" ", maxCatalog) + "{}")
	if _, err := loadCatalog(file); err == nil || !strings.Contains(err.Error(), "mine.json has more than") {
		t.Errorf("too large: %v", err)
	}
	if known, err := loadCatalog(""); err != nil || len(known.All("")) != 17 {
		t.Errorf("none: %v", err)
	}
}

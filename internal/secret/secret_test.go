package secret_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"searchd/internal/secret"
)

func TestRoundTrip(t *testing.T) {
	dir := t.TempDir()
	first := open(t, dir, "")
	again := open(t, dir, "") // the key of the first is in the file now
	for _, text := range []string{"", "hf_abcdef", strings.Repeat("x", 10_000), "ü\x00"} {
		sealed := first.Seal(text, "provider/1")
		if text != "" && strings.Contains(sealed, text) {
			t.Errorf("%q can be read in %q", text, sealed)
		}
		if sealed == first.Seal(text, "provider/1") {
			t.Errorf("%q is sealed in the same way twice", text)
		}
		if got, err := again.Open(sealed, "provider/1"); err != nil || got != text {
			t.Errorf("%q came back as %q, %v", text, got, err)
		}
	}
}

func TestWhatDoesNotOpen(t *testing.T) {
	b := open(t, t.TempDir(), "")
	sealed := b.Seal("key", "provider/1")
	other := open(t, t.TempDir(), "")
	if _, err := other.Open(sealed, "provider/1"); err == nil || !strings.Contains(err.Error(), "enter it again") {
		t.Errorf("another master key: %v", err)
	}
	if _, err := b.Open(sealed, "provider/2"); err == nil {
		t.Error("a sealed text that was moved to another provider opened")
	}
	for _, bad := range []string{"", "v1:", "v1:AAAA", "v1:%%", sealed[:len(sealed)-4] + "AAAA", "v2:" + sealed[3:]} {
		if _, err := b.Open(bad, "provider/1"); err == nil {
			t.Errorf("%q opened", bad)
		}
	}
}

func TestFile(t *testing.T) {
	dir := t.TempDir()
	open(t, dir, "")
	path := filepath.Join(dir, "secret.key")
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("%v, %v", info, err)
	}
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := secret.Open(dir, ""); err == nil || !strings.Contains(err.Error(), "chmod 600") {
		t.Errorf("a key that others can read: %v", err)
	}
}

func TestKeyFromEnvironment(t *testing.T) {
	dir := t.TempDir()
	key := "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
	if got, err := open(t, dir, key).Open(open(t, dir, key).Seal("x", "y"), "y"); err != nil || got != "x" {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := os.Stat(filepath.Join(dir, "secret.key")); err == nil {
		t.Error("a file was made although the key was given")
	}
	if _, err := secret.Open(dir, "short"); err == nil || !strings.Contains(err.Error(), "openssl rand") {
		t.Errorf("a bad key: %v", err)
	}
}

func open(t *testing.T, dir, key string) *secret.Box {
	t.Helper()
	b, err := secret.Open(dir, key)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

package main

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/rogpeppe/go-internal/testscript"

	"searchd/hf/hub/hubtest"
)

// hubInScript starts a fake hub for the rest of a script. It has acme/tiny, made of the files in a folder of the script and
// the weights of the fixtures, the same as acme/gated, and openai/gpt2, which cannot be run. The cache is in the script's folder.
func hubInScript(ts *testscript.TestScript, _ bool, args []string) {
	tiny := hubtest.Repo{Files: map[string][]byte{}}
	ts.Check(filepath.WalkDir(ts.MkAbs(args[0]), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, err := filepath.Rel(ts.MkAbs(args[0]), path)
		tiny.Files[filepath.ToSlash(name)] = []byte(ts.ReadFile(path))
		return err
	}))
	weights, err := os.ReadFile("../../fixtures/encoder/tiny.safetensors")
	ts.Check(err)
	tiny.Files["model.safetensors"] = weights
	gated := tiny
	gated.Gated = true
	config := bytes.Replace(tiny.Files["config.json"], []byte("bert"), []byte("gpt2"), 1)
	other := hubtest.Repo{Files: map[string][]byte{"config.json": config, "model.safetensors": weights}}
	s := hubtest.New(deferrer{ts}, map[string]hubtest.Repo{"acme/tiny": tiny, "acme/gated": gated, "openai/gpt2": other})
	ts.Setenv("HF_ENDPOINT", s.URL)
	ts.Setenv("HF_HOME", ts.MkAbs("hf"))
}

// deferrer lets a script's end stand for a test's.
type deferrer struct{ ts *testscript.TestScript }

func (d deferrer) Cleanup(f func()) { d.ts.Defer(f) }

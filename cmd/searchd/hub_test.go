package main

import (
	"bytes"
	"io/fs"
	"os"

	"github.com/rogpeppe/go-internal/testscript"

	"searchd/hf/hub/hubtest"
)

// hubInScript starts a fake hub for the rest of a script. It has acme/tiny, made of the files in a folder of the script and
// the weights of the fixtures, the same as acme/gated, and openai/gpt2, which cannot be run. The cache is in the script's folder.
func hubInScript(ts *testscript.TestScript, _ bool, args []string) {
	files, err := readFolder(ts.MkAbs(args[0]))
	ts.Check(err)
	tiny := hubtest.Repo{Files: files}
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

// readFolder reads all files of a folder, by their paths in it.
func readFolder(dir string) (map[string][]byte, error) {
	files := map[string][]byte{}
	folder := os.DirFS(dir)
	err := fs.WalkDir(folder, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		files[name], err = fs.ReadFile(folder, name)
		return err
	})
	return files, err
}

// deferrer lets a script's end stand for a test's.
type deferrer struct{ ts *testscript.TestScript }

func (d deferrer) Cleanup(f func()) { d.ts.Defer(f) }

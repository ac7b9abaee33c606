package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os/exec"

	_ "embed"
)

//go:embed peers.py
var peersScript string

// measurePeer runs peers.py for one peer, in a process of its own.
func (r *reference) measurePeer(ctx context.Context, workload, peer string) (figures, error) {
	var f figures
	out, err := r.run(ctx, peer, r.Model, r.Work, workload)
	if err == nil {
		lines := bytes.Split(bytes.TrimSpace(out), []byte("\n")) // libraries print what they like before the last line
		err = json.Unmarshal(lines[len(lines)-1], &f)
	}
	return f, err
}

func (r *reference) run(ctx context.Context, arguments ...string) ([]byte, error) {
	return r.script(ctx, peersScript, arguments...)
}

func (r *reference) script(ctx context.Context, text string, arguments ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, r.Python, append([]string{"-c", text}, arguments...)...)
	var noise bytes.Buffer // warnings of the libraries, of use only where they explain a failure
	cmd.Stderr = &noise
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("%w\n%s", err, noise.Bytes())
	}
	return out, nil
}

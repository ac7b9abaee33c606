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
func measurePeer(ctx context.Context, python, model, work, workload, peer string) (figures, error) {
	cmd := exec.CommandContext(ctx, python, "-c", peersScript, peer, model, work, workload)
	var noise bytes.Buffer // warnings of the libraries, of use only where they explain a failure
	cmd.Stderr = &noise
	out, err := cmd.Output()
	if err != nil {
		return figures{}, fmt.Errorf("%w\n%s", err, noise.Bytes())
	}
	var f figures
	lines := bytes.Split(bytes.TrimSpace(out), []byte("\n")) // libraries print what they like before the last line
	err = json.Unmarshal(lines[len(lines)-1], &f)
	return f, err
}

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"searchd/hf"
	"searchd/hf/hub"
	"searchd/internal/metrics"
	"searchd/internal/simd"
	"searchd/models"
	"searchd/models/db"
)

type doctorCommand struct{}

// Run prints what searchd is working with, and fails if a part of it does not work.
func (*doctorCommand) Run(ctx context.Context, c *cli, t terminal) error {
	model, modelErr := checkModel(ctx, c, t)
	data, dataErr := checkData(ctx, c.Data)
	rows := append([][2]string{
		{"searchd", version},
		{"machine", fmt.Sprintf("%s/%s, %d cores, %s", runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), runtime.Version())},
		{"kernels", kernels()},
		{"processor", strings.Join(simd.Features(), " ")},
		{"built with cgo", fmt.Sprint(cgo())},
		{"setting data", c.Data}, {"setting server", c.Server}, {"setting log", c.Log},
		{"setting addr", c.Serve.Addr}, {"setting models", c.Models.Folder}, {"setting precision", c.Models.Precision}, {"pulled models", string(hub.New(hub.Environment(os.Getenv)).Cache)},
		{"setting catalog", c.Providers.Catalog},
	}, append(model, data...)...)
	if err := printRows(t, rows); err != nil {
		return err
	}
	return errors.Join(modelErr, dataErr)
}

// kernels is which are used, of those that can be, and why better ones are not.
func kernels() string {
	s := fmt.Sprintf("%s, of %s", simd.Level(), strings.Join(simd.Levels(), " "))
	if err := simd.Fault(); err != nil {
		s += fmt.Sprintf("; %s is left out, since on this processor %v", simd.LevelAMX, err)
	}
	return s
}

// Two sentences that say the same, and one that does not: the model must tell them apart.
var selfTest = []string{"The cat sleeps on the warm window sill.", "A kitten naps in the sun by the window.", "Interest rates were raised by a quarter point."}

func checkModel(ctx context.Context, c *cli, t terminal) ([][2]string, error) {
	start := time.Now()
	available, err := modelFlags{Precision: c.Models.Precision}.open("", metrics.New(version), logger(t.err, c.Log))
	if err != nil {
		return [][2]string{{"model", "cannot be opened"}}, err
	}
	opened := time.Since(start)
	m, err := available.Model("")
	if err != nil {
		return [][2]string{{"model", "cannot be opened"}}, err
	}
	start = time.Now()
	e, err := m.Embed(ctx, hf.Document, selfTest)
	if err != nil {
		return [][2]string{{"model", "fails"}}, err
	}
	alike, unlike := dot(e[0].Vector, e[1].Vector), dot(e[0].Vector, e[2].Vector)
	rows := [][2]string{
		{"model", fmt.Sprintf("%s, opened in %d ms, multiplies in %s", m.Card().ID, opened.Milliseconds(), m.Card().Arithmetic)},
		{"self-test", fmt.Sprintf("alike %.2f, unlike %.2f, in %.1f ms", alike, unlike, float64(time.Since(start).Microseconds())/1000)},
	}
	if alike < unlike+0.3 {
		return rows, fmt.Errorf("the model does not tell like from unlike (%.2f, %.2f): this binary is damaged, or its kernels are wrong for this processor", alike, unlike)
	}
	return rows, nil
}

func dot(a, b []float32) float64 {
	var sum float64
	for i := range a {
		sum += float64(a[i]) * float64(b[i])
	}
	return sum
}

// checkData looks at the data folder without making one.
func checkData(ctx context.Context, dir string) (rows [][2]string, err error) {
	info, err := os.Stat(filepath.Join(dir, "searchd.db"))
	if errors.Is(err, os.ErrNotExist) {
		return [][2]string{{"store", "none yet; it is made on first use"}}, nil
	}
	if err != nil {
		return nil, err
	}
	store, err := db.Open(ctx, dir)
	if models.CodeOf(err) == models.Conflict {
		return [][2]string{{"store", "in use by a running searchd; reach it with --server URL"}}, nil
	}
	if err != nil {
		return [][2]string{{"store", "cannot be opened"}}, err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	rows = [][2]string{{"store", fmt.Sprintf("%s, %.1f MB", store.Path(), float64(info.Size())/1e6)}}
	faults, err := store.Check(ctx)
	if err != nil {
		return rows, err
	}
	if len(faults) > 0 {
		return append(rows, [2]string{"integrity", faults[0]}), fmt.Errorf("the store is damaged: %s; restore it from a backup", faults[0])
	}
	rows = append(rows, [2]string{"integrity", "ok"})
	list, _, err := store.Collections(ctx, firstPage)
	for _, c := range list {
		rows = append(rows, [2]string{"collection " + c.Name, fmt.Sprintf("%d documents, %d chunks, %s", c.Documents, c.Chunks, c.Model)})
	}
	return rows, err
}

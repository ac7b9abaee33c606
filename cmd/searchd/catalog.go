package main

import (
	"fmt"
	"io"
	"os"

	"searchd/hf/catalog"
)

// maxCatalog is the largest catalogue of models that is read.
const maxCatalog = 8 << 20

// loadCatalog is the built-in catalogue with a file of the operator's over it; without a name it is as it is.
func loadCatalog(name string) (*catalog.Catalog, error) {
	if name == "" {
		return catalog.Load(nil)
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("--catalog: %w", err)
	}
	defer func() { _ = f.Close() }() // it was only read
	over, err := io.ReadAll(io.LimitReader(f, maxCatalog+1))
	if err != nil {
		return nil, fmt.Errorf("--catalog: %w", err)
	}
	if len(over) > maxCatalog {
		return nil, fmt.Errorf("--catalog: %s has more than %d bytes, the most that is read", name, maxCatalog)
	}
	known, err := catalog.Load(over)
	if err != nil {
		return nil, fmt.Errorf("--catalog: %s: %w", name, err)
	}
	return known, nil
}

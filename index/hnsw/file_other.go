//go:build !linux && !darwin

package hnsw

import "os"

// mapFile shows nothing: the file has to be read.
func mapFile(*os.File, int64, int) ([]float32, error) { return nil, nil }

func unmapFile([]float32) error { return nil }

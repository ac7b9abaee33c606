package hnsw_test

import (
	"testing"

	"searchd/index"
	"searchd/index/hnsw"
	"searchd/index/indextest"
)

func TestConformance(t *testing.T) {
	indextest.Run(t, func(dimensions int) (index.Index, error) { return hnsw.Open(t.TempDir(), dimensions, hnsw.Options{}) })
}

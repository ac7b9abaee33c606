package chromem_test

import (
	"testing"

	"searchd/index"
	"searchd/index/chromem"
	"searchd/index/indextest"
)

func TestConformance(t *testing.T) {
	indextest.Run(t, func(dimensions int) (index.Index, error) { return chromem.New(dimensions) })
}

package local_test

import (
	"testing"

	"searchd/hf"
	"searchd/hf/hftest"
	"searchd/hf/local"
)

func TestConformance(t *testing.T) {
	e := openBundled(t, local.Options{})
	hftest.RunEmbedder(t, func() hf.Model { return e })
}

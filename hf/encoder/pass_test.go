package encoder

import (
	"slices"
	"testing"
)

// A text has the same vector, bit for bit, whoever computes it.
func TestThreadsDoNotMatter(t *testing.T) {
	m, file := tinyModel(t)
	texts := tinyTexts(t, file)
	b := batchOf(texts...)
	want := make([]float32, len(texts)*m.Dimensions())
	if err := m.Encode(m.NewWorkspace(), b, Output{}, want); err != nil {
		t.Fatal(err)
	}
	rounds := 50
	if testing.Short() {
		rounds = 3 // enough for the race detector, and for an emulator
	}
	ws := m.NewWorkspace()
	for _, threads := range []int{2, 1, 3, 8} {
		ws.Threads = threads
		for range rounds {
			got := make([]float32, len(want))
			if err := m.Encode(ws, b, Output{}, got); err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(got, want) {
				t.Fatalf("%d threads give another vector", threads)
			}
		}
	}
}

package encoder

import (
	"slices"
	"testing"

	"searchd/internal/simd"
)

// A text has the same vector, bit for bit, whoever computes it.
func TestThreadsDoNotMatter(t *testing.T) { eachLevel(t, testThreadsDoNotMatter) }

func testThreadsDoNotMatter(t *testing.T) {
	m, file := tinyModel(t)
	texts := tinyTexts(t, file)
	b := batchOf(texts...)
	want := make([]float32, len(texts)*m.Dimensions())
	if err := m.Encode(m.NewWorkspace(), b, Output{}, want); err != nil {
		t.Fatal(err)
	}
	rounds := 50
	if testing.Short() || simd.Level() == simd.LevelGo || simd.Level() == simd.LevelGoBFloat16 {
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
			if ws.crowd.alone > 0 {
				ws.crowd.alone = 0 // this machine has other work; share all the same
			}
		}
	}
}

// A pass that is no longer alone goes on without helpers, to the same vector.
func TestHelpersLeaveForOthers(t *testing.T) {
	m, file := tinyModel(t)
	texts := tinyTexts(t, file)
	ws := m.NewWorkspace()
	encode := func() []float32 {
		vectors := make([]float32, len(texts)*m.Dimensions())
		if err := m.Encode(ws, batchOf(texts...), Output{}, vectors); err != nil {
			t.Fatal(err)
		}
		return vectors
	}
	want, asked := encode(), 0
	ws.Threads, ws.Alone = 2, func() bool { asked++; return asked == 1 }
	if got := encode(); !slices.Equal(got, want) {
		t.Error("another vector")
	}
	if n := min(2, len(m.layers)); asked > n || asked == 0 {
		t.Errorf("asked %d times, want %d: the first layer is shared, and from the second on none", asked, n)
	}
}

// A pass whose helpers have no time goes on without them, and the next ones try less and less often.
func TestCrowdedPassesGoAlone(t *testing.T) {
	var c crowd
	shared := 0
	for range 10_000 {
		if c.helpers(1) > 0 {
			shared++
			c.stalled()
		}
	}
	if shared > 20 {
		t.Errorf("%d of 10,000 passes were stalled", shared)
	}
	for range 1<<maxCaution + 100 {
		c.helpers(1)
	}
	if c.helpers(1) != 1 || c.alone != 0 || c.caution != 0 {
		t.Errorf("%+v: helpers are not asked again when they have time", c)
	}
	if c.helpers(0) != 0 || c.helpers(-1) != 0 {
		t.Error("helpers that nobody wants")
	}
}

package cores

import (
	"sync"
	"sync/atomic"
	"testing"
)

// TestElsewhere has everything done that it is given, once, however many ask.
func TestElsewhere(t *testing.T) {
	const callers, calls = 8, 200
	var done [callers * calls]atomic.Int32
	var work, callersDone sync.WaitGroup
	for c := range callers {
		callersDone.Go(func() {
			for i := range calls {
				n := i%3 + 1
				work.Add(n)
				Elsewhere(n, func(part int) {
					defer work.Done()
					done[c*calls+i].Add(1 << (8 * part))
				})
			}
		})
	}
	callersDone.Wait()
	work.Wait()
	for i := range done {
		if got, want := done[i].Load(), []int32{1, 1 + 1<<8, 1 + 1<<8 + 1<<16}[i%calls%3]; got != want {
			t.Fatalf("call %d: its parts were done %#x times, want %#x", i, got, want)
		}
	}
}

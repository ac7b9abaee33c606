package cores

import (
	"sync"
	"sync/atomic"
	"testing"
)

// TestElsewhere has everything done that it is given, once, however much that is.
func TestElsewhere(t *testing.T) {
	const callers, calls = 8, 200
	var done [callers * calls]atomic.Int32
	var work, callersDone sync.WaitGroup
	for c := range callers {
		callersDone.Go(func() {
			for i := range calls {
				work.Add(1)
				Elsewhere(func() {
					defer work.Done()
					done[c*calls+i].Add(1)
				})
			}
		})
	}
	callersDone.Wait()
	work.Wait()
	for i := range done {
		if n := done[i].Load(); n != 1 {
			t.Fatalf("call %d was done %d times", i, n)
		}
	}
}

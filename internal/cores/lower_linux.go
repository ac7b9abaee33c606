package cores

import (
	"runtime"
	"time"

	"golang.org/x/sys/unix"
)

// less is by how much a thread is nicer than the process: it gets about a fifth of the time of another, if that wants it.
const less = 7

// slice is how long a thread asks to compute at a time: longer than others do, since whoever asks for less than the thread that computes
// does not wait for the end of its slice (since Linux 6.12; before, it makes no difference).
const slice = 20 * time.Millisecond

func lower() {
	runtime.LockOSThread() // for good: priority cannot be had back, so the thread must not go to another goroutine
	// Where it is refused, as a sandbox may, or the process is scheduled otherwise, the work is done at the usual priority.
	attr, err := unix.SchedGetAttr(0, 0)
	if err == nil && (attr.Policy == unix.SCHED_NORMAL || attr.Policy == unix.SCHED_BATCH) {
		attr.Nice = min(attr.Nice+less, 19)
		attr.Runtime = uint64(slice)
		_ = unix.SchedSetAttr(0, attr, 0)
	}
}

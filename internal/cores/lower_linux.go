package cores

import (
	"runtime"

	"golang.org/x/sys/unix"
)

// less is by how much a thread is nicer than the process: it gets about a fifth of the time of another, if that wants it.
const less = 7

func lower() {
	runtime.LockOSThread() // for good: priority cannot be had back, so the thread must not go to another goroutine
	thread := unix.Gettid()
	raw, err := unix.Getpriority(unix.PRIO_PROCESS, thread) // 20 less the nice value, as the system call has it
	if err == nil {
		// Where it is refused, as a sandbox may, the work is done at the usual priority.
		_ = unix.Setpriority(unix.PRIO_PROCESS, thread, 20-raw+less)
	}
}

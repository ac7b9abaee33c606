package cores

import (
	"runtime"
	"sync/atomic"
)

// count is taken before Spare changes it.
var count = runtime.GOMAXPROCS(0)

// Count is how many goroutines can compute at the same time: cores, or as many as a container is given.
func Count() int { return count }

// Spare lets Go use more threads than there are cores: what a server does in the background takes up to two for each core,
// and a few that run alone.
func Spare() { runtime.GOMAXPROCS(2*count + 4) }

// Lower gives the calling goroutine a thread of its own until it ends, with a lower priority than the process has; where the
// system has no such thing, nothing is changed. The goroutine should end soon, as its thread does with it.
func Lower() { lower() }

var working atomic.Int64

// Enter counts the caller, until it calls Leave, among those that compute what somebody waits for.
func Enter() { working.Add(1) }

// Leave is what ends that.
func Leave() { working.Add(-1) }

// Idle says whether there are more cores than callers that compute what somebody waits for: whether it pays to share work with another
// core. What goes on in the background does not count, since it gives way.
func Idle() bool { return working.Load() < int64(count) }

// Elsewhere calls f(0) to f(n-1) at once, without waiting for them, on other cores than the caller's: for parts of what somebody waits for.
// Goroutines would do where the system gave their threads cores that are idle. Linux as the guest of a hypervisor often does not: to it a core
// of which the host knows nothing to do looks taken (available_idle_cpu and vcpu_is_preempted in its kernel/sched), and the thread waits
// behind the caller's, for milliseconds. Where the cores have much to do anyway, and where the system has no such threads, they get goroutines.
func Elsewhere(n int, f func(i int)) { elsewhere(n, f) }

package cores

import "runtime"

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

// Elsewhere calls f at once, without waiting for it, on another core than the caller's: for parts of what somebody waits for. A goroutine
// would do where the system gave its thread a core that is idle. Linux as the guest of a hypervisor often does not: to it a core of which the
// host knows nothing to do looks taken (available_idle_cpu and vcpu_is_preempted in its kernel/sched), and the thread waits behind the
// caller's, for milliseconds. Where all cores have such work, or the system has no such threads, f gets a goroutine.
func Elsewhere(f func()) { elsewhere(f) }

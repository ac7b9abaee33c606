// Package cores says how many cores the process may use, and sees to it that work which nobody waits for does not keep
// requests from them.
//
// Go has no priorities: a goroutine that becomes ready waits until one of GOMAXPROCS others has computed for 10 ms, and
// while all of them compute, the network is looked at no sooner. The operating system does better. So work in the
// background gets threads of lower priority (Lower), and Go gets so many threads that there is always one for a request
// (Spare): which of them run is then up to the system, which interrupts the lower ones at once.
//
// What somebody waits for is shared with cores that have nothing to do: Elsewhere.
package cores

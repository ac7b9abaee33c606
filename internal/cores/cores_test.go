//go:build linux

package cores

import (
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestLowered looks at a thread's priority from outside: it is lower than the process's, and the thread goes with its
// goroutine, so that nothing else runs on it.
func TestLowered(t *testing.T) {
	usual := nice(t, unix.Gettid()) // the first thread may be one of those that nothing runs on any more
	lowered, end, ended := make(chan int), make(chan bool), make(chan bool)
	go func() {
		defer close(ended)
		Lower()
		lowered <- unix.Gettid()
		<-end
	}()
	thread := <-lowered
	if got, want := nice(t, thread), min(usual+less, 19); got != want {
		t.Errorf("nice is %d, of the process %d; want %d", got, usual, want)
	}
	close(end)
	<-ended
	if thread == os.Getpid() {
		return // Go keeps the process's first thread, and runs nothing on it any more
	}
	for range 10_000 {
		if _, err := os.Stat(filepath.Join("/proc/self/task", strconv.Itoa(thread))); os.IsNotExist(err) {
			return
		}
		runtime.Gosched()
	}
	t.Error("the thread is still there")
}

// TestAnotherCore keeps to a core, and sees that what goes elsewhere does not run there.
func TestAnotherCore(t *testing.T) {
	runtime.LockOSThread() // for good: the thread stays where it is
	var allowed unix.CPUSet
	if err := unix.SchedGetaffinity(0, &allowed); err != nil || allowed.Count() < 2 {
		t.Skipf("%d cores (%v): there is no other", allowed.Count(), err)
	}
	const calls, first = 60, 10 // until there is a helper
	for core := range 1024 {
		if !allowed.IsSet(core) {
			continue
		}
		var only unix.CPUSet
		only.Set(core)
		if err := unix.SchedSetaffinity(0, &only); err != nil {
			t.Fatal(err)
		}
		for i := range calls {
			ran := make(chan int)
			Elsewhere(1, func(int) { ran <- thisCore() })
			if got := <-ran; got == core && i >= first {
				t.Fatalf("call %d ran on core %d, as its caller", i, core)
			}
			time.Sleep(100 * time.Microsecond)
		}
	}
}

// nice is the priority of a thread as the system tells it: field 19 of its stat.
func nice(t *testing.T, thread int) int {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("/proc/self/task", strconv.Itoa(thread), "stat"))
	if err != nil {
		t.Fatal(err)
	}
	_, fields, _ := strings.Cut(string(text), ") ")
	n, err := strconv.Atoi(strings.Fields(fields)[16])
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestSpare(t *testing.T) {
	before := runtime.GOMAXPROCS(0)
	defer runtime.GOMAXPROCS(before)
	Spare()
	if got := runtime.GOMAXPROCS(0); got <= 2*Count() || Count() != before {
		t.Errorf("%d threads, %d cores", got, Count())
	}
}

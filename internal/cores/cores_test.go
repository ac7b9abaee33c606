//go:build linux

package cores

import (
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// TestLowered looks at a thread's priority from outside: it is lower than the process's, and the thread goes with its
// goroutine, so that nothing else runs on it.
func TestLowered(t *testing.T) {
	usual := nice(t, os.Getpid())
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

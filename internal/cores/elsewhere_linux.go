package cores

import (
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"
)

// helper is a thread that waits in the system, not in Go, so that nothing lies between the call that wakes it and its core.
type helper struct {
	thread int
	bell   int // an eventfd
	work   atomic.Pointer[func()]
	allows unix.CPUSet // all that the process may use
	shuns  int         // the core that was taken from those
}

// idle are helpers that wait. Others are made as they are needed, one for each core at most.
var idle struct {
	sync.Mutex
	list []*helper
	made int
}

func elsewhere(n int, f func(i int)) {
	core, helpers := thisCore(), take(n)
	for i := range n {
		if i >= len(helpers) {
			go f(i)
			continue
		}
		h, work := helpers[i], func() { f(i) }
		h.shun(core)
		h.work.Store(&work)
		h.ring()
	}
}

// take is as many helpers as there are of those that are wanted. It is none where others are at work, and those, these, and their callers would
// be more than the cores: who is busy then is better left to the system.
func take(wanted int) []*helper {
	idle.Lock()
	defer idle.Unlock()
	busy := idle.made - len(idle.list)
	if busy > 0 && 2*(busy+wanted) > count {
		return nil
	}
	for idle.made < min(busy+wanted, count) {
		idle.made++
		go wait()
	}
	first := len(idle.list) - min(wanted, len(idle.list))
	taken := slices.Clone(idle.list[first:])
	idle.list = idle.list[:first]
	return taken
}

// wait is the life of a helper.
func wait() {
	runtime.LockOSThread() // for good: the thread may not run everywhere
	h := &helper{thread: unix.Gettid(), shuns: -1}
	err := unix.SchedGetaffinity(0, &h.allows)
	if err != nil {
		return
	}
	if h.bell, err = unix.Eventfd(0, unix.EFD_CLOEXEC); err != nil {
		return
	}
	for {
		idle.Lock()
		idle.list = append(idle.list, h)
		idle.Unlock()
		h.await()()
	}
}

// await is the work that comes next. A signal may end the wait for it before its time.
func (h *helper) await() func() {
	var rings [8]byte
	for {
		_, _ = unix.Read(h.bell, rings[:])
		if work := h.work.Swap(nil); work != nil {
			return *work
		}
	}
}

// shun keeps the helper from a core, if there is another one.
func (h *helper) shun(core int) {
	if core == h.shuns || core < 0 {
		return
	}
	others := h.allows
	others.Clear(core)
	if others.Count() == 0 {
		return
	}
	if unix.SchedSetaffinity(h.thread, &others) == nil {
		h.shuns = core
	}
}

// thisCore is where the caller runs at the moment, -1 if that cannot be known.
func thisCore() int {
	var core uint32
	if _, _, failed := unix.RawSyscall(unix.SYS_GETCPU, uintptr(unsafe.Pointer(&core)), 0, 0); failed != 0 {
		return -1
	}
	return int(core)
}

// ring wakes the helper. It cannot block, nor fail, as long as the helper waits after each ring.
func (h *helper) ring() {
	one := uint64(1)
	_, _, _ = unix.RawSyscall(unix.SYS_WRITE, uintptr(h.bell), uintptr(unsafe.Pointer(&one)), unsafe.Sizeof(one))
}

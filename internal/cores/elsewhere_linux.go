package cores

import (
	"encoding/binary"
	"runtime"
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

func elsewhere(f func()) {
	h := take()
	if h == nil {
		go f()
		return
	}
	h.shun(thisCore())
	h.work.Store(&f)
	h.ring()
}

// take is nil where all helpers are at work, or none can be had.
func take() *helper {
	idle.Lock()
	defer idle.Unlock()
	if last := len(idle.list) - 1; last >= 0 {
		h := idle.list[last]
		idle.list = idle.list[:last]
		return h
	}
	if idle.made < count {
		idle.made++
		go wait()
	}
	return nil
}

// wait is the life of a helper.
func wait() {
	runtime.LockOSThread() // for good: the thread may not run everywhere
	h := &helper{thread: unix.Gettid(), shuns: -1}
	var err error
	if h.bell, err = unix.Eventfd(0, unix.EFD_CLOEXEC); err != nil {
		return
	}
	if unix.SchedGetaffinity(0, &h.allows) != nil {
		return
	}
	for {
		idle.Lock()
		idle.list = append(idle.list, h)
		idle.Unlock()
		h.listen()
		(*h.work.Swap(nil))()
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

// ring wakes the helper. It cannot block, nor fail, as long as the helper listens after each ring.
func (h *helper) ring() {
	var one [8]byte
	binary.NativeEndian.PutUint64(one[:], 1)
	_, _, _ = unix.RawSyscall(unix.SYS_WRITE, uintptr(h.bell), uintptr(unsafe.Pointer(&one)), uintptr(len(one)))
}

func (h *helper) listen() {
	var rings [8]byte
	for {
		if n, err := unix.Read(h.bell, rings[:]); n == len(rings) || err != nil && err != unix.EINTR {
			return
		}
	}
}

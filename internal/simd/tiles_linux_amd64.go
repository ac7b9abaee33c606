//go:build !purego

package simd

import "syscall"

// allowTiles asks Linux to keep the tiles of all threads, whose state is so large that each process has to ask for it.
func allowTiles() bool {
	const requestPermission, tileData = 0x1023, 18
	_, _, failed := syscall.RawSyscall(syscall.SYS_ARCH_PRCTL, requestPermission, tileData, 0)
	return failed == 0
}

//go:build !linux

package cores

func lower() {}

func elsewhere(f func()) { go f() }

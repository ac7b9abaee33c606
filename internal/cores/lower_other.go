//go:build !linux

package cores

func lower() {}

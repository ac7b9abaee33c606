//go:build !linux

package cores

func lower() {}

func elsewhere(n int, f func(i int)) {
	for i := range n {
		go f(i)
	}
}

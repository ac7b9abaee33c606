package lru

import (
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// A plain list of keys in the order of their use is the oracle.
func TestCacheAgainstAList(t *testing.T) {
	seed := rand.Uint64()
	r := rand.New(rand.NewPCG(seed, 0))
	const most = 100
	c := New[int, int](most, 0)
	var used []int // the last used is the last
	value, size := map[int]int{}, map[int]int{}
	forget := func(key int) {
		used = slices.DeleteFunc(used, func(k int) bool { return k == key })
		delete(value, key)
		delete(size, key)
	}
	for range 20_000 {
		key := r.IntN(30)
		if r.IntN(2) == 0 {
			got, ok := c.Get(key)
			want, known := value[key]
			if ok != known || got != want {
				t.Fatalf("seed %d: Get(%d) is %d, %v; want %d, %v", seed, key, got, ok, want, known)
			}
			if i := slices.Index(used, key); i >= 0 {
				used = append(slices.Delete(used, i, i+1), key)
			}
			continue
		}
		v, n := r.Int(), r.IntN(most+10)
		forget(key)
		kept := c.Put(key, v, n)
		if kept != (n <= most) {
			t.Fatalf("seed %d: a value of %d bytes was kept: %v", seed, n, kept)
		}
		if !kept {
			continue
		}
		value[key], size[key], used = v, n, append(used, key)
		for sum := total(size); sum > most; sum = total(size) {
			forget(used[0])
		}
		if c.size != total(size) || len(c.entries) != len(used) || c.order.Len() != len(used) {
			t.Fatalf("seed %d: %d bytes in %d entries, want %d in %d", seed, c.size, len(c.entries), total(size), len(used))
		}
	}
}

func TestIdleValuesAreForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := New[string, int](100, time.Minute)
		c.Put("a", 1, 10)
		c.Put("b", 2, 10)
		time.Sleep(40 * time.Second)
		if _, ok := c.Get("a"); !ok {
			t.Error("a is gone early")
		}
		time.Sleep(40 * time.Second)
		_, a := c.Get("a")
		_, b := c.Get("b")
		if !a || b || c.size != 10 {
			t.Errorf("a is there: %v; b, unused for 80 s: %v; %d bytes", a, b, c.size)
		}
	})
}

func total(sizes map[int]int) (sum int) {
	for _, n := range sizes {
		sum += n
	}
	return sum
}

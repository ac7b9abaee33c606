package hnsw

import (
	"math/rand/v2"
	"slices"
	"testing"

	"searchd/index"
)

// What insert makes of links that choose has left is what choose makes of them with one more.
func TestInsertIsAsChoose(t *testing.T) {
	const rows, dimensions = 400, 6 // so few that many are nearer to each other than to the node
	seed := rand.Uint64()
	r := rand.New(rand.NewPCG(seed, 0))
	x, err := Open(t.TempDir(), dimensions, Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = x.Close() })
	items := make([]index.Item, rows)
	for i := range items {
		items[i] = index.Item{ID: uint64(i + 1), Vector: make([]float32, dimensions)}
		for j := range items[i].Vector {
			items[i].Vector[j] = float32(r.NormFloat64())
		}
	}
	if err := x.Upsert(t.Context(), items); err != nil {
		t.Fatal(err)
	}
	s, chosen, refused, displaced := x.current.Load(), &tool{walker: x.walker()}, 0, 0
	for range 2000 {
		n := 1 + r.IntN(degree)
		var node query
		node.setRow(s.rowOf(0), s.scale(0))
		for _, slot := range r.Perm(int(s.used) - 1)[:1+r.IntN(2*degree)] {
			chosen.push(s, uint32(slot+1))
		}
		all := chosen.score(s, &node, nil)
		key := all[0]
		all = all[1:]
		slices.Sort(all)
		chosen.list = all
		before := slices.Clone(chosen.choose(s, n))

		chosen.list = append(slices.Clone(before), key)
		slices.Sort(chosen.list)
		want := slices.Clone(chosen.choose(s, n))

		chosen.list = slices.Clone(before)
		if got := chosen.insert(s, key, n); !slices.Equal(got, want) {
			t.Fatalf("seed %d: %x in %x makes %x; want %x", seed, key, before, got, want)
		}
		if slices.Equal(want, before) {
			refused++
		} else if len(want) <= len(before) {
			displaced++
		}
	}
	if refused < 100 || displaced < 100 {
		t.Errorf("seed %d: %d were refused, %d took another's place: the test did not test", seed, refused, displaced)
	}
}

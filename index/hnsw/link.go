package hnsw

import (
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"

	"searchd/internal/cores"
)

const (
	linkWidth  = 96   // beam of the search for them
	chunkSlots = 512  // linked between two looks at what else is to do
	spread     = 1.05 // how much farther a neighbour may be from another one than from the node
	lockCount  = 1 << 10
)

// work links what was added and repairs what was deleted, until it is told to stop.
func (x *Index) work() {
	var l linker
	for {
		for !x.stopped() {
			if !x.linkSome(&l) && !x.repairSome(&l) {
				x.saveSome()
				break
			}
		}
		select {
		case <-x.wake:
		case <-x.stop:
			return
		}
	}
}

func (x *Index) stopped() bool {
	select {
	case <-x.stop:
		return true
	default:
		return false
	}
}

// linker has a lock for the links of each node, shared by nodes of the same remainder.
type linker struct {
	locks  [lockCount]sync.Mutex
	chosen []bool // by slot: its links are as choose left them, the nearest first; guarded as they are
}

func (l *linker) lock(slot uint32) *sync.Mutex { return &l.locks[slot%lockCount] }

// grow makes room for slots, before anybody works on them.
func (l *linker) grow(slots uint32) {
	if n := int(slots) - len(l.chosen); n > 0 {
		l.chosen = append(l.chosen, make([]bool, n)...)
	}
}

// linkSome links the oldest pending rows, and says whether there were any. A graph that is small takes a few at a time,
// since those do not find each other.
func (x *Index) linkSome(l *linker) bool {
	s := x.current.Load()
	if len(s.pending) == 0 {
		x.settled()
		return false
	}
	l.grow(s.used)
	n := min(len(s.pending), chunkSlots, 1+x.sampled/4)
	chunk := s.pending[:n]
	x.parallel(n, func(w *tool, i int) {
		if slot := chunk[i]; !x.dead.has(slot) {
			x.link(l, w, s, slot)
		}
	})
	x.write.Lock()
	defer x.write.Unlock()
	next := *x.current.Load()
	next.pending = next.pending[n:]
	next.sample = x.drawn(&next, chunk)
	x.current.Store(&next)
	return true
}

// parallel calls f for 0 to n-1 from several goroutines, none of which is in the way of a change for long.
func (x *Index) parallel(n int, f func(w *tool, i int)) {
	var next atomic.Int64
	var group sync.WaitGroup
	for range min(x.opts.Workers, n) {
		group.Go(func() {
			cores.Lower()
			w := x.walker()
			defer x.walkers.Put(w)
			t := &tool{walker: w}
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				x.gate.RLock()
				f(t, i)
				x.gate.RUnlock()
			}
		})
	}
	group.Wait()
}

// tool is what choosing links needs.
type tool struct {
	*walker
	other query
	list  []uint64 // keys
	held  []uint64 // keys of the same to another node
	links []uint32
}

// link finds the neighbours of a row, and makes them and it know each other.
func (x *Index) link(l *linker, t *tool, s *state, slot uint32) {
	t.query.setRow(&s.table, slot)
	bare := *s
	bare.pending = nil
	found := t.walk(&bare, linkWidth, linkWidth, nil)
	t.list = t.list[:0]
	for _, key := range found.keys {
		if other := slotOf(key); other != slot && !x.dead.has(other) {
			t.list = append(t.list, key&^followed)
		}
	}
	chosen := t.choose(s)
	mu := l.lock(slot)
	mu.Lock()
	store(s.links(slot), chosen)
	l.chosen[slot] = true
	mu.Unlock()
	for _, key := range slices.Clone(chosen) {
		x.linkBack(l, t, s, slotOf(key), slot, scoreOf(key))
	}
}

// linkBack adds a link to a node, and where it has too many lets it choose again.
func (x *Index) linkBack(l *linker, t *tool, s *state, from, to uint32, score float32) {
	mu := l.lock(from)
	mu.Lock()
	defer mu.Unlock()
	links := s.links(from)
	for i := range links {
		switch atomic.LoadUint32(&links[i]) {
		case to + 1:
			return
		case 0:
			atomic.StoreUint32(&links[i], to+1)
			l.chosen[from] = false
			return
		}
	}
	t.other.setRow(&s.table, from)
	for i := range links {
		t.slots = append(t.slots, atomic.LoadUint32(&links[i])-1)
	}
	t.list = t.score(s, &t.other, t.list[:0])
	if key := keyOf(score, to); l.chosen[from] {
		store(links, t.insert(s, key))
	} else {
		t.list = append(t.list, key)
		slices.Sort(t.list)
		store(links, t.choose(s))
	}
	l.chosen[from] = true
}

// insert is what choose would make of a list that it has made before, with one more in it: those that are nearer to the node
// stay, and the others are held against that one alone.
func (t *tool) insert(s *state, key uint64) []uint64 {
	for _, other := range t.list {
		t.slots = append(t.slots, slotOf(other))
	}
	t.other.setRow(&s.table, slotOf(key))
	t.held = t.score(s, &t.other, t.held[:0])
	at, _ := slices.BinarySearch(t.list, key)
	for _, between := range t.held[:at] {
		if !apart(scoreOf(between), scoreOf(key)) {
			return t.list
		}
	}
	kept := t.list[:at]
	for i, between := range t.held[at:] {
		if other := t.list[at+i]; apart(scoreOf(between), scoreOf(other)) {
			kept = append(kept, other)
		}
	}
	t.list = slices.Insert(kept, at, key)
	return t.list[:min(len(t.list), degree)]
}

// score adds the keys of the batch to a list, and empties the batch.
func (t *tool) score(s *state, q *query, keys []uint64) []uint64 {
	for i, score := range t.scores(s, q) {
		keys = append(keys, keyOf(score, t.slots[i]))
	}
	t.slots = t.slots[:0]
	return keys
}

// choose keeps at most degree of the sorted list, each apart from all that were chosen before it (the paper's algorithm 4). It
// reuses the list.
func (t *tool) choose(s *state) []uint64 {
	left, chosen := t.list, t.list[:0]
	for len(left) > 0 && len(chosen) < degree {
		best := left[0]
		left = left[1:]
		t.other.setRow(&s.table, slotOf(best))
		chosen = append(chosen, best) // never beyond what was read of the list
		left = t.farther(s, left)
	}
	return chosen
}

// apart says whether a candidate is worth a link beside a neighbour, from its similarity to that and to the node: not where the
// way by the neighbour is about as good. With spread a little above one there are links that nearly double others, and a walk that
// leads to the same recall looks at fewer rows (Subramanya et al., DiskANN, 2019).
func apart(between, score float32) bool { return spread*(1-between) > 1-score }

// farther keeps of a list those that are apart from t.other.
func (t *tool) farther(s *state, list []uint64) []uint64 {
	kept := list[:0]
	for from := 0; from < len(list); from += batchRows {
		some := list[from:min(from+batchRows, len(list))]
		for _, key := range some {
			t.slots = append(t.slots, slotOf(key))
		}
		for i, between := range t.scores(s, &t.other) {
			if apart(between, scoreOf(some[i])) {
				kept = append(kept, some[i])
			}
		}
		t.slots = t.slots[:0]
	}
	return kept
}

// store writes the links of a node whose lock is held.
func store(links []uint32, chosen []uint64) {
	for i := range links {
		var link uint32
		if i < len(chosen) {
			link = slotOf(chosen[i]) + 1
		}
		if atomic.LoadUint32(&links[i]) != link {
			atomic.StoreUint32(&links[i], link)
		}
	}
}

// drawn is the sample with newly linked slots in it, each slot with the same chance (reservoir sampling).
func (x *Index) drawn(s *state, added []uint32) sample {
	slots := slices.Clone(s.sample.slots)
	for _, slot := range added {
		if x.dead.has(slot) {
			continue
		}
		x.sampled++
		if len(slots) < sampleSize(x.sampled) {
			slots = append(slots, slot)
		} else if at := rand.IntN(x.sampled); at < len(slots) {
			slots[at] = slot
		}
	}
	return s.sampleOf(slots)
}

func sampleSize(n int) int { return min(n, 32+int(2*math.Sqrt(float64(n)))) }

// sampleOf puts rows side by side.
func (t *table) sampleOf(slots []uint32) sample {
	p := sample{slots: slots, high: make([]uint8, 0, len(slots)*t.stride/2), scale: make([]float32, len(slots))}
	for i, slot := range slots {
		high, _ := t.rows(slot)
		p.high = append(p.high, high...)
		p.scale[i] = t.scale(slot)
	}
	return p
}

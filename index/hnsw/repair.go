package hnsw

import (
	"slices"
	"sync/atomic"
)

// A repair begins when of all slots one in repairShare is dead, and at least fewDead are.
const (
	repairShare = 10
	fewDead     = 256
)

// repairSome leads all links past the slots that are dead, frees these, and says whether it did.
//
// Slots that die meanwhile wait for the next time. Their links are mended too: they are still steps of a way, and must not
// lead to a slot that is used again.
func (x *Index) repairSome(l *linker) bool {
	s := x.current.Load()
	if n := x.buried.Load(); n < fewDead || n*repairShare < int64(s.used) {
		return false
	}
	l.grow(s.used)
	doomed := x.doomed()
	x.parallel(int(s.used), func(t *tool, i int) {
		if slot := uint32(i); !doomed.has(slot) {
			x.mend(l, t, s, slot, doomed)
		}
	})
	x.write.Lock()
	defer x.write.Unlock()
	next := *x.current.Load()
	x.settle(&next)
	x.current.Store(&next)
	x.gate.Lock()   // from here on nobody holds a doomed slot
	x.gate.Unlock() //nolint:staticcheck // an empty section on purpose: it waits for the searches that are under way
	for slot := range s.used {
		if doomed.has(slot) {
			store(s.links(slot), nil)
			x.free = append(x.free, slot)
			x.buried.Add(-1)
		}
	}
	return true
}

// doomed are the slots that are dead and not free yet. None is pending: those were linked or left out before.
func (x *Index) doomed() *bitmap {
	x.write.Lock()
	defer x.write.Unlock()
	s, doomed := x.current.Load(), &bitmap{}
	for slot := range s.used {
		if x.dead.has(slot) {
			doomed.set(slot)
		}
	}
	for _, slot := range slices.Concat(x.free, s.pending) {
		doomed.clear(slot)
	}
	return doomed
}

// mend puts what a node's doomed neighbours lead to in their place.
func (x *Index) mend(l *linker, t *tool, s *state, slot uint32, doomed *bitmap) {
	mu := l.lock(slot)
	mu.Lock()
	defer mu.Unlock()
	links := s.links(slot)
	lost := t.links[:0]
	for i := range links {
		link := atomic.LoadUint32(&links[i])
		if link == 0 {
			break
		}
		if doomed.has(link - 1) {
			lost = append(lost, link-1)
		} else if link-1 < s.used {
			t.slots = append(t.slots, link-1)
		}
	}
	if t.links = lost; len(lost) == 0 {
		t.slots = t.slots[:0]
		return
	}
	x.heirs(t, s, slot, doomed)
	t.other.setRow(&s.table, slot)
	t.list = t.score(s, &t.other, t.list[:0])
	slices.Sort(t.list)
	store(links, t.choose(s))
	l.chosen[slot] = true
}

// heirs adds to the batch what the lost neighbours of a slot lead to, as far as there is room.
func (x *Index) heirs(t *tool, s *state, slot uint32, doomed *bitmap) {
	for _, gone := range t.links {
		links := s.links(gone)
		for i := range links {
			link := atomic.LoadUint32(&links[i])
			if link == 0 || len(t.slots) == batchRows {
				break
			}
			heir := link - 1
			if heir != slot && heir < s.used && !doomed.has(heir) && !x.dead.has(heir) && !slices.Contains(t.slots, heir) {
				t.slots = append(t.slots, heir)
			}
		}
	}
}

// settle draws a new sample, and lets nodes that have lost all links be linked again.
func (x *Index) settle(s *state) {
	var waiting bitmap
	for _, slot := range s.pending {
		waiting.set(slot)
	}
	var alive []uint32
	for slot := range s.used {
		if x.dead.has(slot) || waiting.has(slot) {
			continue
		}
		if atomic.LoadUint32(&s.links(slot)[0]) == 0 {
			s.pending = append(s.pending, slot)
		} else {
			alive = append(alive, slot)
		}
	}
	x.sampled, s.sample = 0, sample{}
	s.sample = x.drawn(s, alive)
}

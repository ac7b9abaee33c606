package hnsw

import (
	"math"
	"slices"
	"sync/atomic"

	"searchd/internal/simd"
)

// walker is what one search needs; it is used again by the next.
type walker struct {
	query   query
	visited []uint64
	near    beam // where to go on
	found   beam // what may be answered; used only where that is not the same
	heap    []float32
	kept    []candidate
	buffer  []float32

	batch
}

// batch is a list of rows that are compared with the query together.
type batch struct {
	slots []uint32
	rows  []*uint8  // of the slots
	lines []*uint32 // to be fetched: the scales of the slots, and what is read next
	dots  []int32   // with the upper halves
	lows  []int32   // with the lower halves
	whole []float32 // scores of whole rows
	keys  []uint64
}

const (
	batchRows  = 256
	startRows  = 64 // of the sample that are compared together, by what came before
	seeds      = 16 // of the sample, at most, from which a walk goes on
	lineBytes  = 64 // of a cache line
	foreseen   = 4  // nodes whose links are fetched before they are followed
	togetherOf = 24 // rows that are worth comparing at once: below, the links of the next best are followed too
)

func (x *Index) walker() *walker {
	w := x.walkers.Get().(*walker)
	if w.rows == nil {
		w.batch = batch{
			make([]uint32, 0, batchRows), make([]*uint8, 0, batchRows), make([]*uint32, 0, batchRows+2*foreseen),
			make([]int32, batchRows), make([]int32, batchRows), make([]float32, batchRows), make([]uint64, 0, batchRows),
		}
		w.buffer = make([]float32, x.dimensions)
	}
	return w
}

// admit says whether a slot may be answered; nil admits all.
type admit func(slot uint32) bool

// walk follows links from the best of the sample, and from all rows that are not linked, until width slots are known that
// may be answered and no better ones are in sight; it looks around with a beam of reach. What was found is in the beam that
// it returns.
func (w *walker) walk(s *state, width, reach int, may admit) *beam {
	w.near.reset(reach)
	found := &w.near
	if may != nil {
		w.found.reset(width)
		found = &w.found
	}
	w.visited = resized(w.visited, int(s.used+63)/64)
	clear(w.visited)
	w.start(s, found, may)
	for {
		key, ok := w.near.follow()
		if !ok || key > found.worst() {
			return found
		}
		w.gather(s, slotOf(key))
		for len(w.slots) < togetherOf {
			if key, ok = w.near.follow(); !ok {
				break
			}
			w.gather(s, slotOf(key))
		}
		w.compare(s, found, may)
	}
}

// start compares the query with the sample and with the rows that nothing leads to yet.
func (w *walker) start(s *state, found *beam, may admit) {
	reach := w.near.limit
	w.near.limit = min(reach, seeds)
	for from := 0; from < len(s.sample.slots); from += startRows {
		slots := s.sample.slots[from:min(from+startRows, len(s.sample.slots))]
		dots, worst := w.dots[:len(slots)], found.worst()
		simd.DotBlock(dots, w.query.words, s.sample.high[from*s.stride/2:][:len(slots)*s.stride/2])
		for i, slot := range slots {
			if w.query.promises(dots[i], s.sample.scale[from+i], worst) {
				dots[len(w.slots)] = dots[i]
				w.slots = append(w.slots, slot)
			}
		}
		w.enter(s, found, may)
	}
	for _, list := range []*beam{&w.near, found} {
		for _, key := range list.keys {
			w.visit(slotOf(key))
		}
	}
	w.near.limit = reach // what is no seed may be found again
	for _, slot := range s.pending {
		if w.visit(slot) {
			w.slots = append(w.slots, slot)
		}
		if len(w.slots) == batchRows {
			w.compare(s, found, may)
		}
	}
	w.compare(s, found, may)
}

// visit says whether a slot is seen for the first time.
func (w *walker) visit(slot uint32) bool {
	word, bit := &w.visited[slot>>6], uint64(1)<<(slot&63)
	if *word&bit != 0 {
		return false
	}
	*word |= bit
	return true
}

// gather takes the slots that a slot leads to and that are seen for the first time; as about half of them are, which nobody can
// foretell, it does not branch there. Those that came after the state are not for this search.
func (w *walker) gather(s *state, from uint32) {
	links, slots := s.links(from), w.slots
	for i := range links {
		link := atomic.LoadUint32(&links[i])
		if link == 0 {
			break
		}
		if slot := link - 1; slot < s.used {
			word, bit := &w.visited[slot>>6], slot&63
			slots = append(slots, slot)[:len(slots)+int(^*word>>bit&1)]
			*word |= 1 << bit
		}
	}
	w.slots = slots
}

// compare scores the batch, and empties it. Most rows are too far by the upper halves of their values already.
func (w *walker) compare(s *state, found *beam, may admit) {
	w.locate(s)
	w.foresee(s)
	simd.Fetch(w.lines)
	dots, kept, worst := w.dots[:len(w.slots)], w.slots[:0], found.worst()
	simd.DotRows(dots, w.query.words, w.rows)
	for i, slot := range w.slots {
		if w.query.promises(dots[i], math.Float32frombits(atomic.LoadUint32(w.lines[i])), worst) {
			dots[len(kept)] = dots[i]
			kept = append(kept, slot)
		}
	}
	w.slots, w.rows, w.lines = kept, w.rows[:0], w.lines[:0]
	w.enter(s, found, may)
}

// enter scores the batch, whose products with the upper halves are there, adds it to what was found and where to go on, and empties it.
func (w *walker) enter(s *state, found *beam, may admit) {
	keys, worst := w.keys[:0], found.worst()
	for i, score := range w.complete(s, &w.query) {
		if key := keyOf(score, w.slots[i]); key < worst {
			keys = addSorted(keys, key)
		}
	}
	w.take(keys, found, may)
	w.slots = w.slots[:0]
}

// locate finds where the upper halves of the batch's rows lie, and their scales.
func (b *batch) locate(s *state) {
	for _, slot := range b.slots {
		slab, at := s.slabs[slot>>slabBits], int(slot&(slabRows-1))
		b.rows = append(b.rows, &slab.high[at*s.stride/2])
		b.lines = append(b.lines, &slab.scale[at])
	}
}

// foresee has the links fetched of what is followed next, where the batch has nothing better.
func (w *walker) foresee(s *state) {
	most := len(w.lines) + 2*foreseen
	for _, key := range w.near.keys[w.near.next:] {
		if key&followed == 0 {
			links := s.links(slotOf(key))
			w.lines = append(w.lines, &links[0], &links[degree/2])
		}
		if len(w.lines) == most {
			return
		}
	}
}

// addSorted adds a key to a short list in rising order.
func addSorted(keys []uint64, key uint64) []uint64 {
	at := len(keys)
	keys = append(keys, key)
	for ; at > 0 && keys[at-1] > key; at-- {
		keys[at] = keys[at-1]
	}
	keys[at] = key
	return keys
}

// take adds keys in rising order, which it may reorder, to where to go on, and those that may be answered to what was found.
func (w *walker) take(keys []uint64, found *beam, may admit) {
	w.near.merge(keys)
	if found != &w.near {
		found.merge(slices.DeleteFunc(keys, func(key uint64) bool { return !may(slotOf(key)) }))
	}
}

// scores compares whole int8 vectors with q: those of the batch's slots, which stay.
func (b *batch) scores(s *state, q *query) []float32 {
	b.locate(s)
	simd.Fetch(b.lines)
	simd.DotRows(b.dots[:len(b.slots)], q.words, b.rows)
	b.rows, b.lines = b.rows[:0], b.lines[:0]
	return b.complete(s, q)
}

// complete is scores where the products with the upper halves are there already.
func (b *batch) complete(s *state, q *query) []float32 {
	lows, scores := b.lows[:len(b.slots)], b.whole[:len(b.slots)]
	for _, slot := range b.slots {
		b.rows = append(b.rows, &s.slabs[slot>>slabBits].low[int(slot&(slabRows-1))*s.stride/2])
	}
	simd.DotRows(lows, q.words, b.rows)
	for i, slot := range b.slots {
		scores[i] = q.score(b.dots[i], lows[i], s.scale(slot))
	}
	b.rows = b.rows[:0]
	return scores
}

func resized[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n, n+n/4)
	}
	return s[:n]
}

// slack is how far an int8 score may be off, as good as never more: the errors of 384 values add up like a walk of chance.
// The bound that is never passed is √dimensions/4 times that.
func (w *walker) slack(err float32, dimensions int) float32 {
	return 4*err*w.query.norm/float32(math.Sqrt(float64(dimensions))) + w.query.err
}

package hnsw

import (
	"context"
	"math"
	"slices"
	"unsafe"

	"searchd/index"
	"searchd/internal/simd"
)

// What steps cost on the machine it was measured on, in microseconds for 384 dimensions: what counts are the ratios.
const (
	scanCost    = 0.025 // a row of a scan
	pickCost    = 0.12  // a row that is looked up by its id
	slotCost    = 0.04  // a row whose slot is known
	walkCost    = 1.5   // an element of the beam: its links, and what they lead to
	wordCost    = 0.001 // 64 slots that are passed over
	exactBelow  = 4000  // rows that are scanned as fast as walked through
	leastWidth  = 58    // of the beam
	mostFactor  = 4     // width for each hit that is asked for, once they are many
	filterWidth = 56    // of the beam of admitted slots
	widerAbove  = 1e5   // vectors; with one width, each doubling from here on loses a third of a per cent of the ten nearest,
	widerBy     = 3     // and so much width finds a part of it again
)

// Search walks the graph, or scans where that is cheaper or asked for.
func (x *Index) Search(ctx context.Context, q index.Query) ([]index.Hit, error) {
	if err := index.CheckLength(len(q.Vector), x.dimensions); err != nil {
		return nil, err
	}
	x.gate.RLock()
	defer x.gate.RUnlock()
	if x.closed {
		return nil, errClosed
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s, n := x.current.Load(), x.Len()
	if n == 0 || q.K < 1 {
		return nil, nil
	}
	w := x.walker()
	defer x.walkers.Put(w)
	w.query.set(q.Vector, x.stride)
	allowed := n
	if q.Allow != nil {
		allowed = int(min(q.Allow.GetCardinality(), uint64(n)))
	}
	if allowed == 0 {
		return nil, nil
	}
	var slots []uint64
	if q.Allow != nil && !q.Exact { // what is looked up exactly is seldom asked for again, and would take the places of filters
		slots = x.slotsOf(s, q.Allow)
	}
	plan := x.plan(s, q, n, allowed, slots)
	switch {
	case plan.pick:
		return x.pick(ctx, s, w, q, slots)
	case plan.scan:
		return x.scan(ctx, s, w, q)
	}
	hits, err := x.answer(s, w, q, w.walk(s, plan.width, plan.reach, x.admits(s, q, slots)))
	if err == nil && len(hits) < min(q.K, allowed) && q.MinScore == 0 {
		return x.scan(ctx, s, w, q) // the way was too narrow
	}
	return hits, err
}

// plan is the way a query is answered.
type plan struct {
	pick, scan   bool
	width, reach int
}

// plan estimates what each way costs, and takes the cheapest.
func (x *Index) plan(s *state, q index.Query, n, allowed int, slots []uint64) plan {
	p := plan{width: leastWidth}
	if q.Allow != nil {
		p.width = filterWidth
	}
	p.width += int(widerBy * math.Log2(max(1, float64(n)/widerAbove)))
	if set := int(x.width.Load()); set > 0 {
		p.width = set
	}
	p.width = max(p.width, mostFactor*min(q.K, n))
	// To find width that may be answered, so many more have to be seen.
	p.reach = int(float64(p.width) * float64(s.used) / float64(allowed))
	scan := float64(s.used) * scanCost
	walk := float64(p.reach)*walkCost + float64(len(s.pending))*scanCost
	if s.used < exactBelow {
		walk = scan + 1
	}
	if q.Allow != nil {
		pick := float64(allowed) * pickCost
		if slots != nil {
			pick = float64(allowed)*slotCost + float64(len(slots))*wordCost
		}
		p.pick = pick <= scan && (q.Exact || pick <= walk)
	}
	p.scan = !p.pick && (q.Exact || scan < walk)
	return p
}

// admits is the test of what may be answered; nil where all may.
func (x *Index) admits(s *state, q index.Query, slots []uint64) admit {
	switch {
	case slots != nil:
		return func(slot uint32) bool { return slots[slot>>6]>>(slot&63)&1 == 1 && !x.dead.has(slot) }
	case q.Allow != nil:
		return func(slot uint32) bool { return !x.dead.has(slot) && q.Allow.Contains(s.meta(slot).id) }
	case x.buried.Load() > 0:
		return func(slot uint32) bool { return !x.dead.has(slot) }
	}
	return nil
}

// candidate is a slot whose score is known within bounds.
type candidate struct {
	slot  uint32
	score float32 // of the int8 vector, or the upper bound
}

// answer scores in full precision what a walk has found: the best q.K, and those that may be as good as the last of them.
func (x *Index) answer(s *state, w *walker, q index.Query, found *beam) ([]index.Hit, error) {
	keys := found.keys
	if len(keys) > q.K {
		last := scoreOf(keys[q.K-1]) - w.slack(s.meta(slotOf(keys[q.K-1])).err, x.dimensions)
		n := q.K
		for n < len(keys) && scoreOf(keys[n])+w.slack(s.meta(slotOf(keys[n])).err, x.dimensions) >= last {
			n++
		}
		keys = keys[:n]
	}
	w.kept = w.kept[:0]
	for _, key := range keys {
		w.kept = append(w.kept, candidate{slot: slotOf(key)})
	}
	return x.rescore(s, w, q)
}

// rescore answers the best of what was kept, by their float32 vectors.
func (x *Index) rescore(s *state, w *walker, q index.Query) ([]index.Hit, error) {
	hits := make([]index.Hit, 0, len(w.kept))
	w.expect(s)
	for _, c := range w.kept {
		v, err := s.exact(c.slot, w.buffer)
		if err != nil {
			return nil, err
		}
		if score := simd.Dot(q.Vector, v); q.Admits(score) {
			hits = append(hits, index.Hit{ID: s.meta(c.slot).id, Score: score})
		}
	}
	slices.SortFunc(hits, index.Compare)
	return hits[:min(q.K, len(hits))], nil
}

// expect has fetched what is read of the first that were kept: their ids, and where their vectors in the file begin.
func (w *walker) expect(s *state) {
	lines := w.lines[:0]
	for _, c := range w.kept[:min(len(w.kept), batchRows/4)] {
		lines = append(lines, (*uint32)(unsafe.Pointer(s.meta(c.slot))))
		if slab := s.slabs[c.slot>>slabBits]; slab.exact != nil {
			v := (*uint32)(unsafe.Pointer(&slab.exact[int(c.slot&(slabRows-1))*s.dimensions]))
			lines = append(lines, v, (*uint32)(unsafe.Add(unsafe.Pointer(v), lineBytes)))
		}
	}
	simd.Fetch(lines)
}

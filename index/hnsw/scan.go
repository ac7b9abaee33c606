package hnsw

import (
	"context"
	"math"
	"math/bits"
	"sync/atomic"

	"github.com/RoaringBitmap/roaring/v2/roaring64"

	"searchd/index"
	"searchd/internal/simd"
)

// scan looks at every row. Each score of int8 vectors has a bound of its error, so that what cannot be among the best q.K is
// left out for certain, and the rest, scored in float32, gives the exact answer.
func (x *Index) scan(ctx context.Context, s *state, w *walker, q index.Query) ([]index.Hit, error) {
	t := x.newTop(w, q, x.Len())
	for from := uint32(0); from < s.used; from += batchRows {
		if from%slabRows == 0 && ctx.Err() != nil {
			return nil, ctx.Err()
		}
		slab, at := s.slabs[from>>slabBits], int(from&(slabRows-1))
		n := int(min(batchRows, s.used-from))
		dots := w.dots[:n]
		simd.DotBlock(dots, w.query.words, slab.high[at*s.stride/2:][:n*s.stride/2])
		for i, dot := range dots {
			if !t.may(dot, slab.scaleOf(at+i)) {
				continue
			}
			slot := from + uint32(i)
			if !x.dead.has(slot) && (q.Allow == nil || q.Allow.Contains(slab.meta[at+i].id)) {
				dots[len(w.slots)] = dot
				w.slots = append(w.slots, slot)
			}
		}
		t.settle(s)
	}
	t.finish()
	return x.rescore(s, w, q)
}

// pick looks at the allowed rows only.
func (x *Index) pick(ctx context.Context, s *state, w *walker, q index.Query, slots []uint64) ([]index.Hit, error) {
	t := x.newTop(w, q, int(min(q.Allow.GetCardinality(), uint64(x.Len()))))
	stop := func() bool { return ctx.Err() != nil }
	if slots != nil {
		x.pickSlots(t, s, slots, stop)
	} else {
		x.pickIDs(t, s, q.Allow, stop)
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	t.finish()
	return x.rescore(s, w, q)
}

func (x *Index) pickIDs(t *top, s *state, allow *roaring64.Bitmap, stop func() bool) {
	ids := make([]uint64, batchRows)
	for it := allow.ManyIterator(); !stop(); {
		n := it.NextMany(ids)
		if n == 0 {
			return
		}
		x.names.RLock()
		for _, id := range ids[:n] {
			if slot, ok := x.slots[id]; ok && slot < s.used {
				t.w.slots = append(t.w.slots, slot)
			}
		}
		x.names.RUnlock()
		t.compare(s)
	}
}

// pickSlots goes through a bitmap, so that rows come in the order in which they lie.
func (x *Index) pickSlots(t *top, s *state, slots []uint64, stop func() bool) {
	most := 0 // few at first: what is seen before there is a bar is read whole
	for i, word := range slots {
		for ; word != 0; word &= word - 1 {
			if slot := uint32(i<<6 + bits.TrailingZeros64(word)); !x.dead.has(slot) {
				t.w.slots = append(t.w.slots, slot)
			}
		}
		if len(t.w.slots) > most {
			most = min(2*len(t.w.slots), batchRows-64)
			if t.compare(s); stop() {
				return
			}
		}
	}
	t.compare(s)
}

// top keeps what may be among the best k.
type top struct {
	w      *walker
	k      int
	all    bool    // k is as many as there are
	floor  float32 // the lowest score that the query admits
	least  float32 // what an upper bound has to reach
	margin float32 // the largest error of a score so far possible
	doubt  float32 // how far an estimate can be from the score, for each unit of a row's scale
	round  float32 // the largest error of float32 arithmetic
}

func (x *Index) newTop(w *walker, q index.Query, n int) *top {
	w.kept, w.heap = w.kept[:0], w.heap[:0]
	t := &top{w: w, k: q.K, all: q.K >= n, floor: float32(math.Inf(-1)), round: float32(x.dimensions) / (1 << 23)}
	if q.MinScore != 0 {
		t.floor = q.MinScore
	}
	t.least = t.floor
	t.margin = t.bound(math.Float32frombits(x.largestErr.Load()))
	t.doubt = w.query.doubt()
	return t
}

// bound is the most that a score can be off, for a row that is err off: |⟨q,v⟩ − ⟨q̂,v̂⟩| ≤ |q|·|v−v̂| + |q−q̂|·|v̂|, and
// |v̂| ≤ 1+err.
func (t *top) bound(err float32) float32 {
	q := &t.w.query
	return q.norm*err + q.err*(1+err) + t.round*(q.norm+1)
}

// offer takes a row whose score is at most bound away.
func (t *top) offer(slot uint32, score, err float32) {
	b := t.bound(err)
	if score+b < t.least {
		return
	}
	t.w.kept = append(t.w.kept, candidate{slot, score + b})
	if !t.all {
		t.lower(score - b)
	}
}

// may says whether a row can be among the best, by the upper half of it.
func (t *top) may(high int32, scale float32) bool {
	return t.w.query.estimate(high, scale)+t.doubt*scale+t.margin >= t.least
}

// compare offers those of the batch that can be among the best, and empties it.
func (t *top) compare(s *state) {
	w := t.w
	dots, kept := w.dots[:len(w.slots)], w.slots[:0]
	w.locate(s)
	simd.Fetch(w.lines)
	simd.DotRows(dots, w.query.words, w.rows)
	for i, slot := range w.slots {
		if t.may(dots[i], math.Float32frombits(atomic.LoadUint32(w.lines[i]))) {
			dots[len(kept)] = dots[i]
			kept = append(kept, slot)
		}
	}
	w.slots, w.rows, w.lines = kept, w.rows[:0], w.lines[:0]
	t.settle(s)
}

// settle scores the batch, whose products with the upper halves are there, offers it, and empties it.
func (t *top) settle(s *state) {
	w := t.w
	for i, score := range w.complete(s, &w.query) {
		if score+t.margin >= t.least { // no row is farther off
			t.offer(w.slots[i], score, s.meta(w.slots[i]).err)
		}
	}
	w.slots = w.slots[:0]
}

// lower puts a lower bound among the k greatest, the least of which every upper bound has to reach: k rows are as good.
func (t *top) lower(bound float32) {
	h := t.w.heap
	if len(h) < t.k {
		h = append(h, bound)
		for i := len(h) - 1; i > 0 && h[i] < h[(i-1)/2]; i = (i - 1) / 2 {
			h[i], h[(i-1)/2] = h[(i-1)/2], h[i]
		}
		t.w.heap = h
	} else if bound > h[0] {
		h[0] = bound
		sift(h)
	}
	if len(h) == t.k {
		t.least = max(t.floor, h[0])
	}
}

// sift restores a heap whose first element has grown.
func sift(h []float32) {
	for i := 0; ; {
		child := 2*i + 1
		if child >= len(h) {
			return
		}
		if child+1 < len(h) && h[child+1] < h[child] {
			child++
		}
		if h[i] <= h[child] {
			return
		}
		h[i], h[child] = h[child], h[i]
		i = child
	}
}

// finish drops what was taken before the bar rose.
func (t *top) finish() {
	kept := t.w.kept[:0]
	for _, c := range t.w.kept {
		if c.score >= t.least {
			kept = append(kept, c)
		}
	}
	t.w.kept = kept
}

package tokenizer

// mergeQueue orders the merges that a long word allows: the rank above, the symbol's index below. A binary heap.
type mergeQueue struct {
	heap       []uint64
	prev, next []int32 // neighbours of each symbol; a symbol that was joined to the one before has next joined
}

const (
	noSymbol = -1
	joined   = -2
)

func (q *mergeQueue) reset(n int) {
	q.heap, q.prev, q.next = q.heap[:0], q.prev[:0], q.next[:0]
	for i := range int32(n) {
		q.prev, q.next = append(q.prev, i-1), append(q.next, i+1)
	}
	q.next[n-1] = noSymbol
}

func (q *mergeQueue) push(rank, at int32) {
	if rank == noMerge {
		return
	}
	q.heap = append(q.heap, uint64(rank)<<32|uint64(at))
	h, i := q.heap, len(q.heap)-1
	for parent := (i - 1) / 2; i > 0 && h[i] < h[parent]; parent = (i - 1) / 2 {
		h[i], h[parent] = h[parent], h[i]
		i = parent
	}
}

// pop takes the first merge; there must be one.
func (q *mergeQueue) pop() (rank, at int32) {
	h := q.heap
	top, last := h[0], len(h)-1
	h[0] = h[last]
	h = h[:last]
	q.heap = h
	for i := 0; ; {
		least := i
		for child := 2*i + 1; child <= 2*i+2 && child < len(h); child++ {
			if h[child] < h[least] {
				least = child
			}
		}
		if least == i {
			return int32(top >> 32), int32(top & 0xFFFFFFFF)
		}
		h[i], h[least] = h[least], h[i]
		i = least
	}
}

// joinLong is joinShort for words of any length: n log n for n symbols.
func (m *bpe) joinLong(s []symbol, q *mergeQueue) []symbol {
	q.reset(len(s))
	for i := range s {
		q.push(s[i].next.rank, int32(i))
	}
	for len(q.heap) > 0 {
		rank, i := q.pop()
		if q.next[i] == joined || s[i].next.rank != rank {
			continue // what it was about has been joined otherwise
		}
		m.join(s, q, i)
	}
	kept := s[:0]
	for i := int32(0); i != noSymbol; i = q.next[i] {
		kept = append(kept, s[i])
	}
	return kept
}

// join joins the symbol i with the one after it.
func (m *bpe) join(s []symbol, q *mergeQueue, i int32) {
	after := q.next[i]
	s[i].id, s[i].end = s[i].next.id, s[after].end
	q.next[i], q.next[after] = q.next[after], joined
	s[i].next = merge{rank: noMerge}
	if next := q.next[i]; next != noSymbol {
		q.prev[next] = i
		s[i].next = m.merge(s[i].id, s[next].id)
		q.push(s[i].next.rank, i)
	}
	if prev := q.prev[i]; prev != noSymbol {
		s[prev].next = m.merge(s[prev].id, s[i].id)
		q.push(s[prev].next.rank, prev)
	}
}

package hnsw

import (
	"math"
	"slices"
)

// beam is a list of scored slots, best first, of bounded length. A score and its slot are one number, whose order is that of
// the list; bit 31 of the slot says that its links were followed.
type beam struct {
	keys  []uint64
	limit int
	next  int // keys before it were followed
}

const followed = 1 << 31

// keyOf orders by falling score, then by slot.
func keyOf(score float32, slot uint32) uint64 {
	bits := math.Float32bits(score)
	if bits>>31 == 0 {
		bits = ^bits &^ (1 << 31) // greater scores first
	}
	return uint64(bits)<<32 | uint64(slot)
}

func scoreOf(key uint64) float32 {
	bits := uint32(key >> 32)
	if bits>>31 == 0 {
		bits = ^bits &^ (1 << 31)
	}
	return math.Float32frombits(bits)
}

func slotOf(key uint64) uint32 { return uint32(key) &^ followed }

func (b *beam) reset(limit int) {
	b.keys, b.limit, b.next = b.keys[:0], limit, 0
}

// worst is the key that a new one has to be below.
func (b *beam) worst() uint64 {
	if len(b.keys) < b.limit {
		return math.MaxUint64
	}
	return b.keys[len(b.keys)-1]
}

// merge adds keys in rising order, as far as they are among the best.
func (b *beam) merge(keys []uint64) {
	n, m := len(b.keys), len(keys)
	for n+m > b.limit {
		if m > 0 && (n == 0 || keys[m-1] > b.keys[n-1]) {
			m--
		} else {
			n--
		}
	}
	if m == 0 {
		return
	}
	b.keys = slices.Grow(b.keys[:n], m)[:n+m]
	at := n + m
	for m > 0 {
		at--
		if n > 0 && b.keys[n-1] > keys[m-1] {
			n--
			b.keys[at] = b.keys[n]
		} else {
			m--
			b.keys[at] = keys[m]
		}
	}
	b.next = min(b.next, at)
}

// follow answers the best slot whose links were not followed yet, and marks it.
func (b *beam) follow() (key uint64, ok bool) {
	for ; b.next < len(b.keys); b.next++ {
		if key = b.keys[b.next]; key&followed == 0 {
			b.keys[b.next] |= followed
			b.next++
			return key, true
		}
	}
	return 0, false
}

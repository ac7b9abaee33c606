package hnsw

import (
	"slices"
	"sync"

	"github.com/RoaringBitmap/roaring/v2/roaring64"
)

// filters remembers which slots are admitted by the sets of ids that were asked for last. A look into a set of ids costs as
// much as comparing several vectors, one into a bitmap of slots next to nothing; but making that takes a look for each id, so
// that it is made when a set is asked for again.
type filters struct {
	mu   sync.Mutex
	list []filter // the one that was used last first
}

// filter is a set of ids, which nobody changes any more; being held, it is at an address of its own.
type filter struct {
	ids    *roaring64.Bitmap
	change uint64   // of the index, for which slots are right
	slots  []uint64 // a bitmap; nil until it is asked for again
}

const mostFilters = 8

// slotsOf is the bitmap of slots with these ids, some of which may be dead; nil where there is none yet. The caller holds the
// gate, so that no id comes to a slot meanwhile.
func (x *Index) slotsOf(s *state, ids *roaring64.Bitmap) []uint64 {
	f, again := x.filters.use(filter{ids: ids, change: x.changes})
	if !again || f.slots != nil {
		return f.slots
	}
	f.slots = make([]uint64, (s.used+63)/64)
	x.names.RLock()
	for it := ids.Iterator(); it.HasNext(); {
		if slot, ok := x.slots[it.Next()]; ok && slot < s.used {
			f.slots[slot>>6] |= 1 << (slot & 63)
		}
	}
	x.names.RUnlock()
	x.filters.use(f)
	return f.slots
}

// use puts a filter first, and answers what was known of it.
func (l *filters) use(f filter) (known filter, again bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	i := slices.IndexFunc(l.list, func(o filter) bool { return o.ids == f.ids })
	if i >= 0 {
		again = l.list[i].change == f.change
		if again && f.slots == nil {
			f = l.list[i]
		}
		l.list = slices.Delete(l.list, i, i+1)
	}
	l.list = slices.Insert(l.list, 0, f)
	l.list = l.list[:min(len(l.list), mostFilters)]
	return f, again
}

package lexical

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"slices"
	"sync/atomic"

	"github.com/RoaringBitmap/roaring/v2"
	"github.com/bits-and-blooms/bitset"
	"github.com/blevesearch/bleve/v2/index/scorch"
	segment "github.com/blevesearch/scorch_segment_api/v2"

	"github.com/RoaringBitmap/roaring/v2/roaring64"
)

// view is one state of the index.
type view struct {
	id        uint64 // no other state of any index has it
	snapshot  *scorch.IndexSnapshot
	parts     []*part
	languages []*language // of which there are chunks
	chunks    int         // that are not deleted
	length    float64     // mean of theirs, in words; 1 where there are none
}

var views atomic.Uint64

// part is a segment in one state.
type part struct {
	*table
	segment segment.Segment
	gone    *roaring.Bitmap // numbers of deleted chunks; nil for none
}

// table is what never changes about a segment: the id and the length of each of its chunks, by number.
type table struct {
	ids     []uint64
	lengths []uint32 // in words
	sorted  []uint64 // ids, in order
	order   []uint32 // their numbers
}

// reading is a view as one search reads it, with the dictionaries that it has opened: to open one takes longer than to look a word
// up in it.
type reading struct {
	*view
	open map[fieldOf]segment.TermDictionary
}

// fieldOf is a field of a segment.
type fieldOf struct {
	part *part
	name string
}

func (r reading) dictionary(p *part, field string) (segment.TermDictionary, error) {
	at := fieldOf{p, field}
	if d, ok := r.open[at]; ok {
		return d, nil
	}
	d, err := p.segment.Dictionary(field)
	if err == nil {
		r.open[at] = d
	}
	return d, err
}

// postings are the chunks of a segment that have a term.
func (r reading) postings(p *part, t term) (segment.PostingsList, error) {
	d, err := r.dictionary(p, t.field)
	if err != nil {
		return nil, err
	}
	return d.PostingsList([]byte(t.text), p.gone, nil)
}

// look is the newest state. It must be released.
func (x *Index) look() (*view, error) {
	reader, err := x.store.Reader()
	if err != nil {
		return nil, fmt.Errorf("lexical: %w", err)
	}
	snapshot, _ := reader.(*scorch.IndexSnapshot) // what scorch gives
	if snapshot == nil {
		return nil, ErrGone // closed
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.view != nil && x.view.snapshot == snapshot {
		return x.view, nil
	}
	v, err := x.read(snapshot)
	if err != nil {
		_ = snapshot.Close() // the error that counts is the other
		return nil, fmt.Errorf("lexical: %w", err)
	}
	x.view = v
	return v, nil
}

func (v *view) release() { _ = v.snapshot.Close() } // its files are only read

// read makes a view, with the tables of those segments that were there before.
func (x *Index) read(snapshot *scorch.IndexSnapshot) (*view, error) {
	v := &view{id: views.Add(1), snapshot: snapshot, length: 1}
	tables := make(map[uint64]*table, len(x.tables))
	codes := map[string]bool{}
	words := 0
	for _, s := range snapshot.Segments() {
		t := x.tables[s.Id()]
		if t == nil {
			var err error
			if t, err = readTable(s.Segment()); err != nil {
				return nil, err
			}
		}
		tables[s.Id()] = t
		p := &part{table: t, segment: s.Segment(), gone: s.Deleted()}
		v.parts = append(v.parts, p)
		for n, length := range t.lengths {
			if !p.deleted(uint32(n)) {
				v.chunks++
				words += int(length)
			}
		}
		for _, name := range s.Fields() {
			codes[name] = true
		}
	}
	for _, l := range languages() {
		if codes[l.code] {
			v.languages = append(v.languages, l)
		}
	}
	if words > 0 {
		v.length = float64(words) / float64(v.chunks)
	}
	x.tables = tables
	return v, nil
}

func (p *part) deleted(number uint32) bool { return p.gone != nil && p.gone.Contains(number) }

func readTable(s segment.Segment) (*table, error) {
	n := int(s.Count())
	t := &table{ids: make([]uint64, n), lengths: make([]uint32, n), sorted: make([]uint64, n), order: make([]uint32, n)}
	for i := range t.ids {
		id, err := s.DocID(uint64(i))
		if err != nil {
			return nil, err
		}
		if len(id) != 8 {
			return nil, fmt.Errorf("an id has %d bytes", len(id))
		}
		t.ids[i], t.order[i] = binary.BigEndian.Uint64(id), uint32(i)
	}
	slices.SortFunc(t.order, func(a, b uint32) int { return cmp.Compare(t.ids[a], t.ids[b]) })
	for i, number := range t.order {
		t.sorted[i] = t.ids[number]
	}
	for _, name := range s.Fields() {
		if name == idField {
			continue
		}
		list, err := postingsOf(s, name, everyChunk, nil)
		if err != nil {
			return nil, err
		}
		err = eachPosting(list, false, func(p segment.Posting) {
			// scorch itself reads the length as a norm, and loses its last digits.
			t.lengths[p.Number()] = uint32(p.(interface{ NormUint64() uint64 }).NormUint64())
		})
		if err != nil {
			return nil, err
		}
	}
	return t, nil
}

// postingsOf are the chunks of a segment that have a term in a field.
func postingsOf(s segment.Segment, field, term string, except *roaring.Bitmap) (segment.PostingsList, error) {
	dictionary, err := s.Dictionary(field)
	if err != nil {
		return nil, err
	}
	return dictionary.PostingsList([]byte(term), except, nil)
}

// eachPosting calls fn for the chunks of a list, by number. The posting is used again for the next.
func eachPosting(list segment.PostingsList, places bool, fn func(segment.Posting)) error {
	it := list.Iterator(true, true, places, nil)
	for {
		p, err := it.Next()
		if err != nil || p == nil {
			return err
		}
		fn(p)
	}
}

// blocks is how many blocks there are of the scores of its chunks.
func (t *table) blocks() int { return (len(t.ids) + blockOf - 1) / blockOf }

// find is the number of a chunk.
func (t *table) find(id uint64) (uint32, bool) {
	i, ok := slices.BinarySearch(t.sorted, id)
	if !ok {
		return 0, false
	}
	return t.order[i], true
}

// admit is the set of numbers whose ids are allowed; nil for all.
func (t *table) admit(allow *roaring64.Bitmap) *bitset.BitSet {
	if allow == nil {
		return nil
	}
	set := bitset.New(uint(len(t.ids)))
	if allow.GetCardinality() < uint64(len(t.ids)/16) {
		for it := allow.Iterator(); it.HasNext(); {
			if n, ok := t.find(it.Next()); ok {
				set.Set(uint(n))
			}
		}
		return set
	}
	it := allow.Iterator()
	for i, id := range t.sorted { // both are in order
		it.AdvanceIfNeeded(id)
		if !it.HasNext() {
			break
		}
		if it.PeekNext() == id {
			set.Set(uint(t.order[i]))
		}
	}
	return set
}

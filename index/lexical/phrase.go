package lexical

import (
	"cmp"
	"iter"
	"maps"
	"slices"
	"strings"

	"github.com/RoaringBitmap/roaring/v2/roaring64"
	segment "github.com/blevesearch/scorch_segment_api/v2"
)

// Phrases is the set of chunks that have every phrase of a query, which stand in double quotes; nil where there are none.
// A phrase's words follow upon each other, in any inflection.
func (x *Index) Phrases(query string) (*roaring64.Bitmap, error) {
	var set *roaring64.Bitmap
	for _, phrase := range phrasesOf(query) {
		found, err := x.phrase(phrase)
		if err != nil {
			return nil, err
		}
		if set != nil {
			found.And(set)
		}
		set = found
	}
	return set, nil
}

// HasPhrase says whether Phrases would look for something.
func HasPhrase(query string) bool { return len(phrasesOf(query)) > 0 }

// phrasesOf are the words between the first and the second quote, the third and the fourth, and so on.
func phrasesOf(query string) [][]word {
	var list [][]word
	parts := strings.Split(query, `"`)
	for i := 1; i < len(parts)-1; i += 2 {
		if phrase := words(parts[i]); len(phrase) > 0 {
			list = append(list, phrase)
		}
	}
	return list
}

func (x *Index) phrase(phrase []word) (*roaring64.Bitmap, error) {
	v, err := x.look()
	if err != nil {
		return nil, err
	}
	defer v.release()
	set := roaring64.New()
	for _, p := range v.parts {
		for _, l := range v.languages {
			starts, err := p.starts(l, phrase)
			if err != nil {
				return nil, err
			}
			for number := range starts {
				set.Add(p.ids[number])
			}
		}
	}
	return set, nil
}

// wanted is a word of a phrase, and where it stands in there.
type wanted struct {
	list   segment.PostingsList
	offset uint64
}

// starts ranges over where the phrase would begin in a chunk, by where the word stands in there.
func (w wanted) starts(hit segment.Posting) iter.Seq[uint64] {
	return func(yield func(uint64) bool) {
		for _, at := range hit.Locations() {
			if at.Pos() >= w.offset && !yield(at.Pos()-w.offset) {
				return
			}
		}
	}
}

// starts are the places at which a phrase begins, by the number of the chunk. Rare words go first: where they do not stand nobody looks for
// the others.
func (p *part) starts(l *language, phrase []word) (map[uint64][]uint64, error) {
	list := make([]wanted, len(phrase))
	for i, w := range phrase {
		var err error
		if list[i].list, err = postingsOf(p.segment, l.code, l.stem(w), p.gone); err != nil || list[i].list.Count() == 0 {
			return nil, err
		}
		list[i].offset = uint64(w.place - phrase[0].place)
	}
	slices.SortStableFunc(list, func(a, b wanted) int { return cmp.Compare(a.list.Count(), b.list.Count()) })
	starts := map[uint64][]uint64{}
	err := eachPosting(list[0].list, true, func(hit segment.Posting) {
		for start := range list[0].starts(hit) {
			starts[hit.Number()] = append(starts[hit.Number()], start)
		}
	})
	for _, w := range list[1:] {
		if err == nil && len(starts) > 0 {
			starts, err = w.among(starts)
		}
	}
	return starts, err
}

// among keeps the starts that have the word in its place.
func (w wanted) among(starts map[uint64][]uint64) (map[uint64][]uint64, error) {
	left := map[uint64][]uint64{}
	it := w.list.Iterator(true, true, true, nil)
	var hit segment.Posting
	for _, number := range slices.Sorted(maps.Keys(starts)) {
		if hit == nil || hit.Number() < number {
			var err error
			if hit, err = it.Advance(number); err != nil || hit == nil {
				return left, err
			}
		}
		if hit.Number() > number {
			continue
		}
		for start := range w.starts(hit) {
			if slices.Contains(starts[number], start) {
				left[number] = append(left[number], start)
			}
		}
	}
	return left, nil
}

package lexical

import (
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

// starts are the places at which a phrase begins, by the number of the chunk.
func (p *part) starts(l *language, phrase []word) (map[uint64][]uint64, error) {
	var starts map[uint64][]uint64
	for i, w := range phrase {
		next := map[uint64][]uint64{}
		offset := uint64(w.place - phrase[0].place)
		list, err := postingsOf(p.segment, l.code, l.stem(w), p.gone)
		if err != nil {
			return nil, err
		}
		err = eachPosting(list, true, func(hit segment.Posting) {
			before, ok := starts[hit.Number()]
			if i > 0 && !ok {
				return
			}
			for _, at := range hit.Locations() {
				if start := at.Pos() - offset; i == 0 || slices.Contains(before, start) {
					next[hit.Number()] = append(next[hit.Number()], start)
				}
			}
		})
		if starts = next; err != nil || len(starts) == 0 {
			return starts, err
		}
	}
	return starts, nil
}

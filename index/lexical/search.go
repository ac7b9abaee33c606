package lexical

import (
	"cmp"
	"container/heap"
	"context"
	"math"
	"slices"
	"sync"
	"unsafe"

	"github.com/RoaringBitmap/roaring/v2/roaring64"
	"github.com/bits-and-blooms/bitset"
	segment "github.com/blevesearch/scorch_segment_api/v2"

	"searchd/internal/lru"
	"searchd/models"
)

// The constants of BM25 (Robertson and Zaragoza, 2009): how soon more of the same word stops to count, and how much
// long texts are held back.
const (
	k1 = 1.2
	b  = 0.75
)

// Hit is a chunk that has at least one of the words.
type Hit struct {
	ID    uint64
	Score float32 // BM25, over 0
}

// Compare orders hits: best first, ties by id.
func Compare(a, b Hit) int {
	return cmp.Or(cmp.Compare(b.Score, a.Score), cmp.Compare(a.ID, b.ID))
}

// Found is the score of every chunk for a query. It must be closed.
type Found struct {
	// Mean and Deviation are those of the score of a chunk that has each of the words as likely as any other chunk has.
	Mean, Deviation float64
	// Most is about the score of a chunk that has all of the words.
	Most float64

	view   reading
	allow  []*bitset.BitSet // by segment; nil admits all
	scores [][]float32      // by segment and number; 0 for a chunk that has none of the words
	tops   [][]float32      // the greatest of each blockOf scores in turn, so that most of them need not be looked at again
	all    *[]float32       // what both are cut from
}

const blockOf = 64

// Search scores the chunks among allow, or all for nil, for a query.
func (x *Index) Search(ctx context.Context, query string, allow *roaring64.Bitmap) (*Found, error) {
	v, err := x.look()
	if err != nil {
		return nil, err
	}
	f := newFound(v, allow)
	for _, c := range v.concepts(query) {
		if err == nil {
			err = f.scoreAll(c)
		}
		if err == nil {
			err = ctx.Err()
		}
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	f.Deviation = math.Sqrt(f.Deviation)
	return f, nil
}

// scoreAll adds what a concept gives, and what stands in for it.
func (f *Found) scoreAll(c concept) error {
	have, err := f.score(c)
	if err != nil {
		return err
	}
	near, err := f.view.near(c, have > 0)
	if err != nil || len(near.terms) == 0 {
		return err
	}
	_, err = f.score(near)
	return err
}

// arrays are used again: a query needs a number for each chunk.
var arrays = sync.Pool{New: func() any { return new([]float32) }}

func newFound(v *view, allow *roaring64.Bitmap) *Found {
	f := &Found{view: reading{v, map[fieldOf]segment.TermDictionary{}}, all: arrays.Get().(*[]float32)}
	n := 0
	for _, p := range v.parts {
		n += len(p.ids) + p.blocks()
	}
	*f.all = slices.Grow((*f.all)[:0], n)[:n]
	clear(*f.all)
	rest := *f.all
	for _, p := range v.parts {
		f.scores, rest = append(f.scores, rest[:len(p.ids)]), rest[len(p.ids):]
		f.tops, rest = append(f.tops, rest[:p.blocks()]), rest[p.blocks():]
		f.allow = append(f.allow, p.admit(allow))
	}
	return f
}

// Close gives free what the query has taken.
func (f *Found) Close() {
	f.view.release()
	arrays.Put(f.all)
}

// occurrence is how often a chunk has a concept.
type occurrence struct {
	number uint32
	times  float32
}

// score adds what a concept gives to each chunk, and counts those that have it. How rare it is counts over all chunks, whatever is
// allowed.
func (f *Found) score(c concept) (have int, err error) {
	lists, err := f.view.lists(c.terms)
	if err != nil {
		return 0, err
	}
	for _, list := range lists {
		have += len(list)
	}
	n, df := float64(f.view.chunks), float64(have)
	idf := c.weight * math.Log(1+(n-df+0.5)/(df+0.5))
	p := (df + 0.5) / (n + 1)
	f.Mean += idf * p
	if !c.near {
		f.Most += idf
	}
	f.Deviation += idf * idf * p * (1 - p)
	const short = float32(k1 * (1 - b))
	long := float32(k1 * b / f.view.length)
	most := float32(idf * (k1 + 1))
	for i, list := range lists {
		scores, tops, lengths, allow := f.scores[i], f.tops[i], f.view.parts[i].lengths, f.allow[i]
		for _, o := range list {
			if allow == nil || allow.Test(uint(o.number)) {
				scores[o.number] += most * o.times / (o.times + short + long*float32(lengths[o.number]))
				tops[o.number/blockOf] = max(tops[o.number/blockOf], scores[o.number])
			}
		}
	}
	return have, nil
}

// lately are the lists of words that were looked up not long ago: most words of a question are such as others have, too, and what an index answers of
// them is in many places. They are forgotten with the state that they are of.
var lately = lru.New[wordOf, [][]occurrence](16<<20, 0)

// wordOf is a word in one state of an index.
type wordOf struct {
	view uint64
	name string
}

// lists are the chunks that have any of the terms, by segment. Nobody changes them.
func (r reading) lists(terms []term) ([][]occurrence, error) {
	at := wordOf{r.id, nameOf(terms)}
	if lists, ok := lately.Get(at); ok {
		return lists, nil
	}
	lists, size := make([][]occurrence, len(r.parts)), 100+len(at.name)
	for i, p := range r.parts {
		var err error
		if lists[i], err = r.occurrences(p, terms); err != nil {
			return nil, err
		}
		size += int(unsafe.Sizeof(lists[i])) + int(unsafe.Sizeof(occurrence{}))*cap(lists[i])
	}
	lately.Put(at, lists, size)
	return lists, nil
}

// occurrences are the chunks of a segment that have any of the terms, by number.
func (r reading) occurrences(p *part, terms []term) ([]occurrence, error) {
	var list []occurrence
	runs := 0 // in order, one after the other
	for _, t := range terms {
		postings, err := r.postings(p, t)
		if err != nil {
			return nil, err
		}
		n := postings.Count()
		if n == 0 {
			continue
		}
		list = slices.Grow(list, int(n))
		runs++
		err = eachPosting(postings, false, func(hit segment.Posting) {
			list = append(list, occurrence{uint32(hit.Number()), float32(hit.Frequency())})
		})
		if err != nil {
			return nil, err
		}
	}
	if runs < 2 {
		return list, nil
	}
	slices.SortFunc(list, func(a, b occurrence) int { return cmp.Compare(a.number, b.number) })
	sums := list[:0]
	for _, o := range list {
		if n := len(sums); n > 0 && sums[n-1].number == o.number {
			sums[n-1].times += o.times
		} else {
			sums = append(sums, o)
		}
	}
	return sums, nil
}

// Score is what a chunk got; 0 where it has none of the words.
func (f *Found) Score(id uint64) float32 {
	for i, p := range f.view.parts {
		if n, ok := p.find(id); ok && !p.deleted(n) {
			return f.scores[i][n]
		}
	}
	return 0
}

// Above lists the hits whose score is at least low, best first.
func (f *Found) Above(low float32) []Hit {
	var hits []Hit
	for i, scores := range f.scores {
		for block, top := range f.tops[i] {
			if top == 0 || top < low {
				continue
			}
			first := block * blockOf
			for n, score := range scores[first:min(first+blockOf, len(scores))] {
				if score > 0 && score >= low {
					hits = append(hits, Hit{f.view.parts[i].ids[first+n], score})
				}
			}
		}
	}
	slices.SortFunc(hits, Compare)
	return hits
}

// Top lists the best k hits, best first.
func (f *Found) Top(k int) []Hit {
	hits := f.Above(f.kth(k))
	return hits[:min(k, len(hits))]
}

// kth is the score of the k-th best hit; 0 where there are fewer.
func (f *Found) kth(k int) float32 {
	best := make(lowest, 0, min(k, len(*f.all)))
	for i, scores := range f.scores {
		for block, top := range f.tops[i] {
			if top == 0 || len(best) == k && top <= best[0] {
				continue
			}
			first := block * blockOf
			for _, score := range scores[first:min(first+blockOf, len(scores))] {
				best.offer(score, k)
			}
		}
	}
	if len(best) < k {
		return 0
	}
	return best[0]
}

// offer takes a score that is among the k best so far.
func (l *lowest) offer(score float32, k int) {
	switch {
	case score == 0:
	case len(*l) < k:
		heap.Push(l, score)
	case score > (*l)[0]:
		(*l)[0] = score
		heap.Fix(l, 0)
	}
}

// lowest is a heap of scores, the lowest first.
type lowest []float32

func (l lowest) Len() int           { return len(l) }
func (l lowest) Less(i, j int) bool { return l[i] < l[j] }
func (l lowest) Swap(i, j int)      { l[i], l[j] = l[j], l[i] }
func (l *lowest) Push(x any)        { *l = append(*l, x.(float32)) }
func (l *lowest) Pop() any          { panic("never taken off") }

// Count is how many chunks are hits, and of how many documents.
func (f *Found) Count() (chunks, documents int) {
	set := roaring64.New()
	for i, p := range f.view.parts {
		last := uint64(math.MaxUint64)
		for _, n := range p.order {
			if f.scores[i][n] == 0 {
				continue
			}
			chunks++
			if document := models.DocumentSeq(p.ids[n]); document != last {
				set.Add(document)
				last = document
			}
		}
	}
	return chunks, int(set.GetCardinality())
}

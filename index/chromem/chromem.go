package chromem

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"strconv"
	"sync"

	"github.com/RoaringBitmap/roaring/v2/roaring64"
	chromem "github.com/philippgille/chromem-go"

	"searchd/index"
)

// Index is a chromem-go collection as an index.Index.
type Index struct {
	dimensions int

	// mu makes a length and the query that relies on it one step: chromem-go refuses to answer more than it has.
	mu         sync.RWMutex
	collection *chromem.Collection
	ids        *roaring64.Bitmap // chromem-go does not list them
}

var (
	_ index.Index    = (*Index)(nil)
	_ index.Readable = (*Index)(nil)
)

// New makes an empty index for vectors of a length.
func New(dimensions int) (*Index, error) {
	c, err := chromem.NewDB().CreateCollection("vectors", nil, noEmbedder)
	if err != nil {
		return nil, fmt.Errorf("chromem: %w", err)
	}
	return &Index{dimensions: dimensions, collection: c, ids: roaring64.New()}, nil
}

// noEmbedder stands where chromem-go would call a model: here every document brings its vector.
func noEmbedder(context.Context, string) ([]float32, error) {
	return nil, fmt.Errorf("chromem: a document without a vector")
}

// Upsert adds or replaces items.
func (x *Index) Upsert(ctx context.Context, items []index.Item) error {
	if len(items) == 0 {
		return nil
	}
	docs := make([]chromem.Document, len(items))
	for i, item := range items {
		if err := index.CheckLength(len(item.Vector), x.dimensions); err != nil {
			return err
		}
		docs[i] = chromem.Document{ID: name(item.ID), Embedding: item.Vector}
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	for i, doc := range docs { // one after another: AddDocuments would start a goroutine each, to fill one map
		if err := x.collection.AddDocument(ctx, doc); err != nil {
			return fmt.Errorf("chromem: %w", err)
		}
		x.ids.Add(items[i].ID)
	}
	return nil
}

// Delete removes ids.
func (x *Index) Delete(ctx context.Context, ids []uint64) error {
	if len(ids) == 0 {
		return nil
	}
	names := make([]string, len(ids))
	for i, id := range ids {
		names[i] = name(id)
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	// Both filters are nil, never empty: an empty one would match, and delete, everything.
	if err := x.collection.Delete(ctx, nil, nil, names...); err != nil {
		return fmt.Errorf("chromem: %w", err)
	}
	for _, id := range ids {
		x.ids.Remove(id)
	}
	return nil
}

// IDs lists what the index holds.
func (x *Index) IDs() *roaring64.Bitmap {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return x.ids.Clone()
}

// Vector is what stands under an id; nil where nothing does.
func (x *Index) Vector(id uint64) ([]float32, error) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	doc, err := x.collection.GetByID(context.Background(), name(id))
	if err != nil { // which it is for that reason only
		return nil, nil
	}
	return doc.Embedding, nil
}

// Search scans everything, or only the allowed ids where they are few.
func (x *Index) Search(ctx context.Context, q index.Query) ([]index.Hit, error) {
	if err := index.CheckLength(len(q.Vector), x.dimensions); err != nil {
		return nil, err
	}
	x.mu.RLock()
	defer x.mu.RUnlock()
	n := x.collection.Count()
	if n == 0 || q.K < 1 {
		return nil, ctx.Err()
	}
	if q.Allow == nil {
		return x.scan(ctx, q, n)
	}
	if q.Allow.GetCardinality()*4 < uint64(n) {
		return x.scanAllowed(ctx, q)
	}
	hits, err := x.query(ctx, q.Vector, n)
	if err != nil {
		return nil, err
	}
	return best(hits, q), nil
}

// scan asks for a little more than K until no tie is cut in two: which of equal hits chromem-go drops is chance.
func (x *Index) scan(ctx context.Context, q index.Query, n int) ([]index.Hit, error) {
	for k := min(q.K, n-1) + 1; ; k = min(2*k, n) {
		hits, err := x.query(ctx, q.Vector, k)
		if err != nil {
			return nil, err
		}
		last := len(hits) - 1
		if k == n || hits[last].Score < hits[q.K-1].Score {
			return best(hits, q), nil
		}
	}
}

func (x *Index) query(ctx context.Context, vector []float32, k int) ([]index.Hit, error) {
	results, err := x.collection.QueryEmbedding(ctx, vector, k, nil, nil)
	if err != nil {
		return nil, fmt.Errorf("chromem: %w", err)
	}
	if err := ctx.Err(); err != nil { // chromem-go stops early without an error
		return nil, err
	}
	hits := make([]index.Hit, len(results))
	for i, r := range results {
		id, err := strconv.ParseUint(r.ID, 36, 64)
		if err != nil {
			return nil, fmt.Errorf("chromem: foreign id %q: %w", r.ID, err)
		}
		hits[i] = index.Hit{ID: id, Score: r.Similarity}
	}
	slices.SortFunc(hits, index.Compare)
	return hits, nil
}

func (x *Index) scanAllowed(ctx context.Context, q index.Query) ([]index.Hit, error) {
	var hits []index.Hit
	for it := q.Allow.Iterator(); it.HasNext(); {
		id := it.Next()
		doc, err := x.collection.GetByID(ctx, name(id))
		if err != nil {
			continue // an id that is not in the index is no hit
		}
		hits = append(hits, index.Hit{ID: id, Score: dot(q.Vector, doc.Embedding)})
		if len(hits)%1024 == 0 {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			runtime.Gosched()
		}
	}
	slices.SortFunc(hits, index.Compare)
	return best(hits, q), ctx.Err()
}

// dot adds in the order in which chromem-go does, so that a hit has the same score with and without a filter.
func dot(a, b []float32) float32 {
	var sum float32
	for i := range a {
		sum += a[i] * b[i]
	}
	return sum
}

// best keeps what q admits of sorted hits.
func best(hits []index.Hit, q index.Query) []index.Hit {
	kept := hits[:0]
	for _, h := range hits {
		if len(kept) == q.K || !q.Admits(h.Score) {
			break
		}
		if q.Allow == nil || q.Allow.Contains(h.ID) {
			kept = append(kept, h)
		}
	}
	return kept
}

// Len is the number of vectors.
func (x *Index) Len() int {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return x.collection.Count()
}

// Close frees nothing that the garbage collector would not.
func (x *Index) Close() error { return nil }

func name(id uint64) string { return strconv.FormatUint(id, 36) }

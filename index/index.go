package index

import (
	"context"
	"fmt"

	"github.com/RoaringBitmap/roaring/v2/roaring64"
)

// Index holds vectors of one length and finds the nearest. It is safe for concurrent use.
type Index interface {
	// Upsert adds items, or replaces those whose id is there. A vector of the wrong length fails the whole call, and
	// nothing of it is added.
	Upsert(ctx context.Context, items []Item) error
	// Delete removes ids; one that is not there is no error.
	Delete(ctx context.Context, ids []uint64) error
	// Search returns at most q.K hits, best first, ties by id.
	Search(ctx context.Context, q Query) ([]Hit, error)
	Len() int
	Close() error
}

// Readable is an index that can be held against what it was filled from.
type Readable interface {
	// IDs lists what the index holds.
	IDs() *roaring64.Bitmap
	// Vector is what stands under an id, not to be changed; nil where nothing does.
	Vector(id uint64) ([]float32, error)
}

// Kept is an index that keeps files.
type Kept interface {
	// Damage is what was found damaged, and made anew, when the index was opened. It is answered once.
	Damage() error
	// Verify reads the files back.
	Verify(ctx context.Context) error
	// Renew has the files written again.
	Renew() error
}

// Item is a vector of unit length and its name.
type Item struct {
	ID     uint64
	Vector []float32
}

// Query asks for the K vectors nearest to Vector.
type Query struct {
	Vector   []float32         // of unit length
	K        int               // at least 1; more than there are is no error
	Allow    *roaring64.Bitmap // the ids that may be answered, which nobody changes any more; nil admits all
	MinScore float32           // hits below are left out; the zero value admits all, negative scores too
	Exact    bool              // whether every vector is looked at; else an engine may miss some of the nearest
}

// Hit is a found vector. Score is the cosine with the query.
type Hit struct {
	ID    uint64
	Score float32
}

// Compare orders hits: best first, ties by id.
func Compare(a, b Hit) int {
	switch {
	case a.Score > b.Score:
		return -1
	case a.Score < b.Score:
		return 1
	case a.ID < b.ID:
		return -1
	case a.ID > b.ID:
		return 1
	}
	return 0
}

// Admits says whether a score is high enough for q.
func (q Query) Admits(score float32) bool { return q.MinScore == 0 || score >= q.MinScore }

// CheckLength is the error for a vector whose length is not that of the index.
func CheckLength(got, want int) error {
	if got != want {
		return fmt.Errorf("index: a vector has %d values, the index has %d", got, want)
	}
	return nil
}

package ingest

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/RoaringBitmap/roaring/v2/roaring64"
	"github.com/samber/lo"

	"searchd/index"
	"searchd/index/lexical"
	"searchd/models"
)

// indexes holds the indexes of each collection against the store. Where SQLite's file is damaged, nothing can be said of them.
func (r *checking) indexes(ctx context.Context) error {
	if r.broken {
		return nil
	}
	list, err := r.db.AllGenerations(ctx, r.o.Collection) // as the repairs have left them
	if err != nil {
		return err
	}
	for _, c := range list {
		if c.Generation == models.Previous { // which has no index
			continue
		}
		if err := r.indexesOf(ctx, c); err != nil {
			return err
		}
	}
	return nil
}

func (r *checking) indexesOf(ctx context.Context, c models.Collection) error {
	for _, check := range []func(context.Context, models.Collection) error{r.vectorIndex, r.wordIndex} {
		if err := check(ctx, c); err != nil {
			return lo.Ternary(r.gone(ctx, c), nil, err)
		}
	}
	return nil
}

// gone says whether the indexes of a collection are there no more, since it was deleted or another generation took its place
// meanwhile.
func (r *checking) gone(ctx context.Context, c models.Collection) bool {
	list, err := r.db.AllGenerations(ctx, c.Name)
	return err == nil && !slices.ContainsFunc(list, func(other models.Collection) bool {
		return other.ID == c.ID && other.Generation != models.Previous
	})
}

func (r *checking) vectorIndex(ctx context.Context, c models.Collection) error {
	x, err := r.index.Get(ctx, c)
	if err != nil {
		if errors.Is(err, index.ErrGone) || ctx.Err() != nil {
			return err
		}
		outcome, failed := r.mended(ctx, func() error { return r.renewVectors(ctx, c) })
		r.foundIn(c, models.FaultVectors, outcome, "the index of vectors cannot be opened: %v", err)
		return failed
	}
	if k, ok := x.(index.Kept); ok {
		if err := r.keptFiles(ctx, c, k); err != nil {
			return err
		}
	}
	if readable, ok := x.(index.Readable); ok {
		return r.compareVectors(ctx, c, x, readable)
	}
	return nil
}

// renewVectors drops an index and builds it again from the store.
func (r *checking) renewVectors(ctx context.Context, c models.Collection) error {
	if err := r.index.Drop(c.ID); err != nil {
		return err
	}
	_, err := r.index.Get(ctx, c)
	return err
}

func (r *checking) keptFiles(ctx context.Context, c models.Collection, k index.Kept) error {
	if err := k.Damage(); err != nil {
		r.foundIn(c, models.FaultVectors, models.Repaired, "the index of vectors was damaged when it was opened, and was made anew: %v", err)
	}
	err := k.Verify(ctx)
	if err == nil || ctx.Err() != nil {
		return err
	}
	outcome, failed := r.mended(ctx, k.Renew)
	r.foundIn(c, models.FaultVectors, outcome, "the files of the index of vectors are damaged: %v", err)
	return failed
}

// compareBatch is how many vectors are compared in one go; for suspects, how many nobody can change meanwhile.
const compareBatch = 512

// differences are where an index is not as the store.
type differences struct {
	missing, surplus, wrong []uint64
	stored                  map[uint64][]float32 // vectors of the missing and the wrong
}

func (d *differences) count() int { return len(d.missing) + len(d.surplus) + len(d.wrong) }

func (d *differences) ids() []uint64 { return slices.Concat(d.missing, d.surplus, d.wrong) }

// sentence says it to a person.
func (d *differences) sentence() string {
	var parts []string
	for _, p := range []struct {
		ids  []uint64
		what string
	}{{d.missing, "%d missing"}, {d.surplus, "%d not in the store"}, {d.wrong, "%d with another vector"}} {
		if len(p.ids) > 0 {
			parts = append(parts, fmt.Sprintf(p.what, len(p.ids)))
		}
	}
	return strings.Join(parts, ", ")
}

// compareVectors compares every vector. What differs is looked at again while nobody can change it: documents come and go.
func (r *checking) compareVectors(ctx context.Context, c models.Collection, x index.Index, readable index.Readable) error {
	all, err := r.db.VectorIDs(ctx, c.ID)
	if err != nil {
		return err
	}
	all.Or(readable.IDs())
	suspects := roaring64.New()
	err = eachBatch(all, func(ids []uint64) error {
		d, err := r.differ(ctx, c, readable, ids)
		suspects.AddMany(d.ids())
		r.advance(len(ids))
		return err
	})
	if err != nil || suspects.IsEmpty() {
		return err
	}
	var total differences
	outcome := models.Remains
	err = eachBatch(suspects, func(ids []uint64) error {
		r.apply.Lock()
		defer r.apply.Unlock()
		d, err := r.differ(ctx, c, readable, ids)
		if err != nil || d.count() == 0 {
			return err
		}
		total.missing, total.surplus, total.wrong = append(total.missing, d.missing...), append(total.surplus, d.surplus...), append(total.wrong, d.wrong...)
		outcome, err = r.mended(ctx, func() error { return settle(ctx, x, d) })
		return err
	})
	if total.count() > 0 {
		r.foundIn(c, models.FaultVectors, outcome, "the index of vectors is not as the store: of its chunks %s", total.sentence())
	}
	return err
}

// settle brings an index to where the store is, while it answers.
func settle(ctx context.Context, x index.Index, d differences) error {
	if err := x.Delete(ctx, d.surplus); err != nil {
		return err
	}
	var items []index.Item
	for _, id := range slices.Concat(d.missing, d.wrong) {
		items = append(items, index.Item{ID: id, Vector: d.stored[id]})
	}
	if err := x.Delete(ctx, d.wrong); err != nil { // or an engine may take the new one for the one that it has
		return err
	}
	return x.Upsert(ctx, items)
}

// eachBatch calls fn for the ids of a set.
func eachBatch(set *roaring64.Bitmap, fn func([]uint64) error) error {
	ids := make([]uint64, compareBatch)
	for it := set.ManyIterator(); ; {
		n := it.NextMany(ids)
		if n == 0 {
			return nil
		}
		if err := fn(ids[:n]); err != nil {
			return err
		}
	}
}

// differ compares an index with the store, for some ids. What is damaged in the store is left out: that is said elsewhere.
func (r *checking) differ(ctx context.Context, c models.Collection, x index.Readable, ids []uint64) (differences, error) {
	d := differences{stored: map[uint64][]float32{}}
	there := map[uint64]bool{}
	err := r.db.WholeVectors(ctx, c, ids, func(id uint64, v []float32) { there[id], d.stored[id] = true, v })
	if err != nil {
		return d, err
	}
	for _, id := range ids {
		held, err := x.Vector(id)
		if err != nil {
			return d, err
		}
		stored := d.stored[id]
		switch {
		case r.damaged[models.DocumentSeq(id)] || there[id] && stored == nil:
		case !there[id] && held != nil:
			d.surplus = append(d.surplus, id)
		case there[id] && held == nil:
			d.missing = append(d.missing, id)
		case there[id] && !same(stored, held):
			d.wrong = append(d.wrong, id)
		}
	}
	return d, nil
}

// Engines may bring vectors that are off by more than roundedTo to unit length, and change them by as much; nothing stored is off
// by more than nearTo.
const (
	roundedTo = 5e-7
	nearTo    = 2e-3
)

// same says whether an index holds the vector that is stored.
func same(stored, held []float32) bool {
	if slices.Equal(stored, held) {
		return true
	}
	if len(stored) != len(held) {
		return false
	}
	var square, apart float64
	for i, v := range stored {
		square += float64(v) * float64(v)
		apart += float64(v-held[i]) * float64(v-held[i])
	}
	return math.Abs(math.Sqrt(square)-1) > roundedTo && math.Sqrt(apart) <= nearTo
}

func (r *checking) wordIndex(ctx context.Context, c models.Collection) error {
	x, err := r.words.Get(ctx, c)
	if err == nil {
		err = x.Verify(ctx)
	}
	if damage := r.words.Damage(c.ID); damage != nil {
		r.foundIn(c, models.FaultWords, models.Repaired, "the index of words was damaged when it was opened, and was made anew: %v", damage)
	}
	if err != nil {
		if errors.Is(err, lexical.ErrGone) || ctx.Err() != nil {
			return err
		}
		outcome, failed := r.mended(ctx, func() error { return r.renewWords(ctx, c) })
		r.foundIn(c, models.FaultWords, outcome, "the index of words is damaged: %v", err)
		return failed
	}
	return r.compareWords(ctx, c)
}

// renewWords drops an index and waits until it has been built again from the store. Searches go by vectors alone meanwhile.
func (r *checking) renewWords(ctx context.Context, c models.Collection) error {
	if err := r.words.Drop(c.ID); err != nil {
		return err
	}
	_, err := r.words.Get(ctx, c)
	return err
}

// compareWords compares the ids: a chunk's text never changes under its id, and the files have checksums. What differs is looked
// at again while nobody can change it.
func (r *checking) compareWords(ctx context.Context, c models.Collection) error {
	want, err := r.db.VectorIDs(ctx, c.ID)
	if err != nil {
		return err
	}
	d, err := r.differInWords(ctx, c, want, nil)
	if err != nil || d.count() == 0 {
		return err
	}
	r.apply.Lock()
	defer r.apply.Unlock()
	suspects, want := roaring64.BitmapOf(d.ids()...), roaring64.New()
	if err := r.db.WholeVectors(ctx, c, d.ids(), func(id uint64, _ []float32) { want.Add(id) }); err != nil {
		return err
	}
	if d, err = r.differInWords(ctx, c, want, suspects); err != nil || d.count() == 0 {
		return err
	}
	outcome, err := r.mended(ctx, func() error { return r.words.Update(ctx, c, d.missing, d.surplus) })
	r.foundIn(c, models.FaultWords, outcome, "the index of words is not as the store: of its chunks %s", d.sentence())
	return err
}

// differInWords compares the index with the ids that it should have, among those of only where that is not nil.
func (r *checking) differInWords(ctx context.Context, c models.Collection, want, only *roaring64.Bitmap) (d differences, err error) {
	x, err := r.words.Get(ctx, c)
	if err != nil {
		return d, err
	}
	have, err := x.IDs()
	if err != nil {
		return d, err
	}
	if only != nil {
		have.And(only)
	}
	undamaged := func(id uint64) bool { return !r.damaged[models.DocumentSeq(id)] }
	d.surplus = filter(roaring64.AndNot(have, want), undamaged)
	d.missing = filter(roaring64.AndNot(want, have), undamaged)
	return d, nil
}

func filter(set *roaring64.Bitmap, keep func(uint64) bool) []uint64 {
	var kept []uint64
	for it := set.Iterator(); it.HasNext(); {
		if id := it.Next(); keep(id) {
			kept = append(kept, id)
		}
	}
	return kept
}

package hnsw

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/RoaringBitmap/roaring/v2/roaring64"

	"searchd/index"
	"searchd/internal/cores"
	"searchd/internal/simd"
)

// Options tune an Index. The zero value works.
type Options struct {
	Workers int          // goroutines that link; 0 means one a processor
	Log     *slog.Logger // nil means silence
}

// Index is a graph over vectors of one length.
type Index struct {
	dimensions, stride int
	dir                string
	file               *os.File // the float32 vectors, row after row
	opts               Options
	walkers            sync.Pool

	// gate is held for reading by everybody who uses slots. Whoever takes it for writing knows that nobody holds on to a
	// slot that was found before, and can show two changes as one.
	gate    sync.RWMutex
	closed  bool
	changes uint64       // how often ids came to slots; guarded by gate
	dead    bitmap       // slots that were deleted
	buried  atomic.Int64 // dead slots that are still steps of a way
	filters filters

	largestErr atomic.Uint32 // of all rows, as float32 bits

	names sync.RWMutex // guards slots
	slots map[uint64]uint32

	write   sync.Mutex // one change of what follows at a time
	current atomic.Pointer[state]
	free    []uint32 // dead slots that nothing leads to
	sampled int      // linked slots that the sample was drawn from; the working goroutine's

	wake     chan struct{} // holds an element when there may be something to link or to repair
	stop     chan struct{}
	working  sync.WaitGroup
	width    atomic.Int64
	row      []int8       // of the vector that is being added; guarded by write
	unsaved  int          // changes since the last snapshot; guarded by write
	complete bool         // what was damaged has been added again; guarded by write
	phase    atomic.Value // an index.State; changed under write
	damage   error        // found when it was opened, and not asked for yet; guarded by write
}

// state is what a search looks at. It is never changed, but replaced.
type state struct {
	table
	used    uint32   // slots that were ever used
	pending []uint32 // slots that are not linked yet, oldest first
	sample  sample   // of the linked slots
}

// sample is a scanned list of places to start from, with the upper halves of their rows side by side.
type sample struct {
	slots []uint32
	high  []uint8
	scale []float32
}

var (
	_ index.Index    = (*Index)(nil)
	_ index.Readable = (*Index)(nil)
	_ index.Kept     = (*Index)(nil)
)

// errClosed is what a closed index answers.
var errClosed = errors.New("hnsw: the index is closed")

// Open opens the index that was kept in dir, or begins an empty one there. A snapshot that cannot be read is left out, and
// said to the log. Nobody else may use dir at the same time.
func Open(dir string, dimensions int, o Options) (*Index, error) {
	if dimensions < 1 {
		return nil, fmt.Errorf("hnsw: vectors of %d values", dimensions)
	}
	if o.Workers == 0 {
		o.Workers = cores.Count()
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("hnsw: %w", err)
	}
	file, err := os.OpenFile(filepath.Join(dir, vectorsName), os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, fmt.Errorf("hnsw: %w", err)
	}
	x := &Index{
		dimensions: dimensions, stride: (dimensions + simd.RowStep - 1) / simd.RowStep * simd.RowStep,
		dir: dir, file: file, opts: o, slots: map[uint64]uint32{},
		wake: make(chan struct{}, 1), stop: make(chan struct{}),
	}
	x.row = make([]int8, x.stride)
	x.phase.Store(index.Ready)
	x.walkers.New = func() any { return &walker{} }
	x.current.Store(&state{table: table{stride: x.stride, dimensions: dimensions, file: file}})
	if err := x.restore(); err != nil {
		return nil, errors.Join(err, x.release())
	}
	x.working.Go(x.work)
	return x, nil
}

const vectorsName = "vectors.f32"

// Upsert adds or replaces items. What is there already, bit for bit, is left alone.
func (x *Index) Upsert(ctx context.Context, items []index.Item) error {
	for _, item := range items {
		if err := index.CheckLength(len(item.Vector), x.dimensions); err != nil {
			return err
		}
	}
	if err := ctx.Err(); err != nil || len(items) == 0 {
		return err
	}
	x.write.Lock()
	defer x.write.Unlock()
	if x.closed {
		return errClosed
	}
	c := change{next: *x.current.Load(), placed: map[uint64]uint32{}}
	for _, item := range items {
		if err := x.place(&c, item); err != nil {
			x.free = append(x.free, slices.Collect(maps.Values(c.placed))...)
			return err
		}
	}
	x.publish(&c)
	return nil
}

// change is a batch of items that have rows, but are not shown yet.
type change struct {
	next   state
	placed map[uint64]uint32
}

// place writes an item to a slot that nobody looks at.
func (x *Index) place(c *change, item index.Item) error {
	old, known := c.placed[item.ID]
	if !known {
		x.names.RLock()
		old, known = x.slots[item.ID]
		x.names.RUnlock()
	}
	if known && x.holds(&c.next, old, item.Vector) {
		return nil
	}
	if slot, twice := c.placed[item.ID]; twice {
		x.free = append(x.free, slot)
		delete(c.placed, item.ID)
	}
	slot, err := x.allocate(&c.next)
	if err != nil {
		return err
	}
	if err := x.fill(&c.next, slot, item); err != nil {
		x.free = append(x.free, slot)
		return err
	}
	c.placed[item.ID] = slot
	return nil
}

// holds says whether a slot has just this vector.
func (x *Index) holds(s *state, slot uint32, v []float32) bool {
	kept, err := s.exact(slot, make([]float32, x.dimensions))
	return err == nil && bytes.Equal(bytesOf(kept), bytesOf(v))
}

// allocate takes a free slot or, after them, one that was never used.
func (x *Index) allocate(s *state) (uint32, error) {
	if n := len(x.free); n > 0 {
		slot := x.free[n-1]
		x.free = x.free[:n-1]
		return slot, nil
	}
	if int(s.used) == len(s.slabs)*slabRows {
		if s.used == followed {
			return 0, fmt.Errorf("hnsw: an index holds at most %d vectors", followed)
		}
		added, err := newSlab(len(s.slabs), x.stride, x.dimensions, x.file)
		if err != nil {
			return 0, err
		}
		s.slabs = append(s.slabs, added) // beyond what others see of it
		shown := *x.current.Load()
		shown.slabs = s.slabs // also where the rest of the change fails, so that it is freed in the end
		x.current.Store(&shown)
	}
	s.used++
	return s.used - 1, nil
}

func (x *Index) fill(s *state, slot uint32, item index.Item) error {
	scale, m, err := quantize(x.row, item.Vector)
	if err != nil {
		return err
	}
	high, low := s.rows(slot)
	simd.Split(high, low, x.row)
	m.id = item.ID
	x.largestErr.Store(max(x.largestErr.Load(), math.Float32bits(m.err))) // positive floats are ordered like their bits
	*s.meta(slot) = m
	atomic.StoreUint32(&s.slabs[slot>>slabBits].scale[slot&(slabRows-1)], math.Float32bits(scale))
	if _, err := x.file.WriteAt(bytesOf(item.Vector), s.offset(slot)); err != nil {
		return fmt.Errorf("hnsw: %w", err)
	}
	return nil
}

// publish shows a change. What replaces something is shown in the moment in which the other goes.
func (x *Index) publish(c *change) {
	if len(c.placed) == 0 {
		return
	}
	x.gate.Lock()
	defer x.gate.Unlock()
	x.names.Lock()
	defer x.names.Unlock()
	for _, slot := range slices.Sorted(maps.Values(c.placed)) {
		id := c.next.meta(slot).id
		if old, ok := x.slots[id]; ok {
			x.bury(old)
		}
		x.slots[id] = slot
		x.dead.clear(slot)
		c.next.pending = append(c.next.pending, slot)
	}
	x.unsaved += len(c.placed)
	x.changes++
	x.current.Store(&c.next)
	x.slowed()
	x.rouse()
}

// slowed notes where so much waits to be linked that searches take longer.
func (x *Index) slowed() {
	if x.Pending() > slowPending && x.State() == index.Ready {
		x.phase.Store(index.Building)
	}
}

// settled notes that all is linked, unless something has come meanwhile.
func (x *Index) settled() {
	x.write.Lock()
	defer x.write.Unlock()
	if x.Pending() == 0 && (x.complete || x.State() != index.Rebuilding) {
		x.phase.Store(index.Ready)
	}
}

// slowPending is how many rows that are not linked make searches notably slower.
const slowPending = 10_000

func (x *Index) bury(slot uint32) {
	x.dead.set(slot)
	x.buried.Add(1)
}

func (x *Index) rouse() {
	select {
	case x.wake <- struct{}{}:
	default:
	}
}

// Delete removes ids. Their slots are freed when there are many.
func (x *Index) Delete(ctx context.Context, ids []uint64) error {
	if err := ctx.Err(); err != nil || len(ids) == 0 {
		return err
	}
	x.write.Lock()
	defer x.write.Unlock()
	if x.closed {
		return errClosed
	}
	x.names.Lock()
	defer x.names.Unlock()
	for _, id := range ids {
		if slot, ok := x.slots[id]; ok {
			delete(x.slots, id)
			x.bury(slot)
			x.unsaved++
		}
	}
	x.rouse()
	return nil
}

// IDs lists what the index holds.
func (x *Index) IDs() *roaring64.Bitmap {
	x.names.RLock()
	defer x.names.RUnlock()
	ids := roaring64.New()
	for id := range x.slots {
		ids.Add(id)
	}
	return ids
}

// Vector is the float32 vector under an id; nil where there is none.
func (x *Index) Vector(id uint64) ([]float32, error) {
	x.gate.RLock()
	defer x.gate.RUnlock()
	if x.closed {
		return nil, errClosed
	}
	x.names.RLock()
	slot, ok := x.slots[id]
	x.names.RUnlock()
	if !ok {
		return nil, nil
	}
	v, err := x.current.Load().exact(slot, make([]float32, x.dimensions))
	return slices.Clone(v), err // the slot may be used again, and the memory given back
}

// Len is the number of vectors.
func (x *Index) Len() int {
	x.names.RLock()
	defer x.names.RUnlock()
	return len(x.slots)
}

// Pending is the number of rows that are not linked yet.
func (x *Index) Pending() int { return len(x.current.Load().pending) }

// SetWidth sets the least width of a walk: the wider, the better and the slower. 0 is the width to begin with.
func (x *Index) SetWidth(width int) { x.width.Store(int64(width)) }

// State says whether so many rows are still to be linked that searches take longer, and whether that is for damage.
func (x *Index) State() index.State { return x.phase.Load().(index.State) }

// Complete says that what was damaged has been added again: the index is ready once that is linked.
func (x *Index) Complete() {
	x.write.Lock()
	defer x.write.Unlock()
	x.complete = true
	x.rouse()
}

// Close keeps what there is for the next Open.
func (x *Index) Close() error {
	x.write.Lock()
	if x.closed {
		x.write.Unlock()
		return nil
	}
	x.gate.Lock()
	x.closed = true
	x.gate.Unlock()
	x.write.Unlock()
	close(x.stop)
	x.working.Wait()
	return errors.Join(x.save(), x.release())
}

// release gives memory and file back.
func (x *Index) release() error {
	errs := []error{x.file.Close()}
	for _, s := range x.current.Load().slabs {
		errs = append(errs, s.close())
	}
	x.current.Store(&state{})
	return errors.Join(errs...)
}

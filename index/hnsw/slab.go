package hnsw

import (
	"errors"
	"fmt"
	"math"
	"os"
	"sync/atomic"
	"unsafe"
)

const (
	slabBits = 12
	slabRows = 1 << slabBits // rows of a slab
	degree   = 32            // links of a node, at most: two cache lines
)

// slab holds slabRows rows. A row is written before a link or a list of pending rows names it, and not again until no search
// can know it any more; only links change, and they are read and written atomically. So are scales, since a scan passes over
// dead rows too, and may do so while one is written again: it computes a score, and drops it.
type slab struct {
	region
	high  []uint8  // slabRows × stride/2: the upper halves of the int8 values, which is what a walk compares
	low   []uint8  // the same of the lower halves
	links []uint32 // slabRows × degree; slot+1 each, 0 ends a list
	scale []uint32 // what an int8 of a row is worth, as float32 bits
	meta  []meta
	exact []float32 // the file's part; nil where it cannot be mapped
}

// meta is what else belongs to a row.
type meta struct {
	id  uint64
	err float32 // length of the difference to the float32 vector, never too small
	sum uint32  // CRC-32C of the float32 vector
}

const rowOverhead = 4*degree + 4 + int(unsafe.Sizeof(meta{})) // bytes beside the int8 vector

// newSlab makes slab number i, and makes the file long enough for it.
func newSlab(i, stride, dimensions int, file *os.File) (*slab, error) {
	size := int64(slabRows * dimensions * 4)
	if err := file.Truncate(max(fileSize(file), int64(i+1)*size)); err != nil {
		return nil, fmt.Errorf("hnsw: %w", err)
	}
	r, err := newRegion(slabRows * (stride + rowOverhead))
	if err != nil {
		return nil, err
	}
	s, at := &slab{region: r}, r.bytes
	s.scale = carve[uint32](&at, slabRows) // with all that a walk reads in front of the rest, where the page is huge
	s.high = carve[uint8](&at, slabRows*stride/2)
	s.links = carve[uint32](&at, slabRows*degree)
	s.low = carve[uint8](&at, slabRows*stride/2)
	s.meta = carve[meta](&at, slabRows)
	s.exact, err = mapFile(file, int64(i)*size, slabRows*dimensions)
	return s, err
}

func fileSize(f *os.File) int64 {
	info, err := f.Stat()
	if err != nil {
		return 0
	}
	return info.Size()
}

func (s *slab) close() error {
	var err error
	if s.exact != nil {
		err = unmapFile(s.exact)
	}
	return errors.Join(err, s.free())
}

// carve takes n values from the front of memory. They hold no pointers.
func carve[T uint8 | uint32 | meta](from *[]byte, n int) []T {
	var zero T
	list := unsafe.Slice((*T)(unsafe.Pointer(unsafe.SliceData(*from))), n)
	*from = (*from)[n*int(unsafe.Sizeof(zero)):]
	return list
}

// table is the list of slabs, as one search sees it.
type table struct {
	slabs              []*slab
	stride, dimensions int
	file               *os.File
}

// exact is the float32 vector of a row, in the file's memory or, where that is not mapped, read into buffer.
func (t *table) exact(slot uint32, buffer []float32) ([]float32, error) {
	if s := t.slabs[slot>>slabBits]; s.exact != nil {
		return s.exact[int(slot&(slabRows-1))*t.dimensions:][:t.dimensions], nil
	}
	_, err := t.file.ReadAt(bytesOf(buffer[:t.dimensions]), t.offset(slot))
	return buffer[:t.dimensions], err
}

func (t *table) offset(slot uint32) int64 { return int64(slot) * int64(t.dimensions) * 4 }

// rows are the halves of a slot's int8 vector.
func (t *table) rows(slot uint32) (high, low []uint8) {
	slab, at, n := t.slabs[slot>>slabBits], int(slot&(slabRows-1)), t.stride/2
	return slab.high[at*n:][:n], slab.low[at*n:][:n]
}

func (t *table) scale(slot uint32) float32 {
	return t.slabs[slot>>slabBits].scaleOf(int(slot & (slabRows - 1)))
}

func (s *slab) scaleOf(row int) float32 {
	return math.Float32frombits(atomic.LoadUint32(&s.scale[row]))
}

func (t *table) meta(slot uint32) *meta { return &t.slabs[slot>>slabBits].meta[slot&(slabRows-1)] }

func (t *table) links(slot uint32) []uint32 {
	return t.slabs[slot>>slabBits].links[(slot&(slabRows-1))*degree:][:degree:degree]
}

// bitmap is a set of slots that may be read while it changes.
type bitmap struct {
	words atomic.Pointer[[]atomic.Uint64]
}

func (b *bitmap) has(slot uint32) bool {
	w := b.words.Load()
	return w != nil && int(slot>>6) < len(*w) && (*w)[slot>>6].Load()>>(slot&63)&1 == 1
}

// set and clear are called by one goroutine at a time.
func (b *bitmap) set(slot uint32) {
	b.grow(int(slot>>6) + 1)
	w := *b.words.Load()
	w[slot>>6].Store(w[slot>>6].Load() | 1<<(slot&63))
}

func (b *bitmap) clear(slot uint32) {
	if w := b.words.Load(); w != nil && int(slot>>6) < len(*w) {
		(*w)[slot>>6].Store((*w)[slot>>6].Load() &^ (1 << (slot & 63)))
	}
}

func (b *bitmap) grow(n int) {
	old := b.words.Load()
	if old != nil && n <= len(*old) {
		return
	}
	grown := make([]atomic.Uint64, max(2*n, slabRows/64))
	if old != nil {
		for i := range *old {
			grown[i].Store((*old)[i].Load())
		}
	}
	b.words.Store(&grown)
}

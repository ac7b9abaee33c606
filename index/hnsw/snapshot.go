package hnsw

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"sync/atomic"
	"unsafe"

	"searchd/index"
)

// A snapshot is a list of blocks, each of them its CRC-32C and its bytes, whose number follows from the first: header, one for
// each slab (upper and lower halves of rows, links, scales, rest), the dead slots, the pending and the free ones. Numbers are as this machine has them.
const (
	snapshotName = "graph"
	magic        = "searchd-hnsw-02\n"
)

// header says what follows. The bytes of Order show theirs.
type header struct {
	Magic                       [16]byte
	Order                       uint32
	Dimensions, Degree, Used    uint32
	Words, Pending, Free, Spare uint32
}

const byteOrder = 0x01020304

var errSnapshot = errors.New("damaged")

// unsavedShare is how many changes are worth a snapshot: as many as a quarter of the vectors, at least leastUnsaved.
const (
	unsavedShare = 4
	leastUnsaved = 5000
)

// saveSome writes a snapshot where enough has changed. Links do not change meanwhile: whoever links calls this.
func (x *Index) saveSome() {
	x.write.Lock()
	due := x.unsaved >= max(leastUnsaved, x.Len()/unsavedShare)
	x.write.Unlock()
	if !due {
		return
	}
	if err := x.save(); err != nil {
		x.opts.Log.Error("no snapshot of the index", "dir", x.dir, "error", err)
	}
}

// save writes a snapshot beside the old one and, when it is safe on disk with the vectors that belong to it, in its place.
func (x *Index) save() error {
	path := filepath.Join(x.dir, snapshotName)
	f, err := os.Create(path + ".new")
	if err != nil {
		return fmt.Errorf("hnsw: %w", err)
	}
	x.write.Lock()
	unsaved := x.unsaved
	if unsaved > 0 {
		err = x.dump(f)
		x.unsaved = 0
	}
	x.write.Unlock()
	if unsaved == 0 {
		return errors.Join(f.Close(), os.Remove(f.Name()))
	}
	if err = errors.Join(err, x.file.Sync(), f.Sync(), f.Close()); err == nil {
		if err = os.Rename(f.Name(), path); err == nil {
			return syncDir(x.dir)
		}
	}
	x.write.Lock()
	x.unsaved += unsaved
	x.write.Unlock()
	return fmt.Errorf("hnsw: %w", errors.Join(err, os.Remove(f.Name())))
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	_ = d.Sync() // not every system can
	return d.Close()
}

func (x *Index) dump(f io.Writer) error {
	s := x.current.Load()
	dead := x.deadWords(s.used)
	h := header{
		Order: byteOrder, Dimensions: uint32(x.dimensions), Degree: degree, Used: s.used,
		Words: uint32(len(dead)), Pending: uint32(len(s.pending)), Free: uint32(len(x.free)),
	}
	copy(h.Magic[:], magic)
	w := &blockWriter{w: bufio.NewWriterSize(f, 1<<20)}
	w.block(rawOf([]header{h}))
	for i, slab := range s.slabs {
		n := s.rowsOf(i)
		if n == 0 {
			break
		}
		w.block(slab.high[:n*s.stride/2], slab.low[:n*s.stride/2], linksOf(slab.links[:n*degree]), rawOf(slab.scale[:n]), rawOf(slab.meta[:n]))
	}
	w.block(rawOf(dead))
	w.block(rawOf(s.pending))
	w.block(rawOf(x.free))
	return errors.Join(w.err, w.w.Flush())
}

// rowsOf is how many rows of a slab were ever used.
func (s *state) rowsOf(slab int) int { return min(slabRows, max(0, int(s.used)-slab*slabRows)) }

func (x *Index) deadWords(used uint32) []uint64 {
	words := make([]uint64, (used+63)/64)
	for slot := range used {
		if x.dead.has(slot) {
			words[slot>>6] |= 1 << (slot & 63)
		}
	}
	return words
}

// linksOf reads links that others may read too.
func linksOf(links []uint32) []byte {
	read := make([]uint32, len(links))
	for i := range links {
		read[i] = atomic.LoadUint32(&links[i])
	}
	return rawOf(read)
}

// rawOf shows values as the bytes they are. They hold no pointers.
func rawOf[T uint32 | uint64 | float32 | meta | header](v []T) []byte {
	var zero T
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(v))), len(v)*int(unsafe.Sizeof(zero)))
}

type blockWriter struct {
	w   *bufio.Writer
	err error
}

func (w *blockWriter) block(parts ...[]byte) {
	var sum uint32
	for _, p := range parts {
		sum = crc32.Update(sum, castagnoli, p)
	}
	_, err := w.w.Write(binary.LittleEndian.AppendUint32(nil, sum))
	w.err = errors.Join(w.err, err)
	for _, p := range parts {
		_, err := w.w.Write(p)
		w.err = errors.Join(w.err, err)
	}
}

// restore reads the snapshot, if there is one that is whole. What fails later than that is an error of the system.
func (x *Index) restore() error {
	f, err := os.Open(filepath.Join(x.dir, snapshotName))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("hnsw: %w", err)
	}
	defer func() { _ = f.Close() }() // only read
	loaded, err := x.load(f, fileSize(f))
	if err != nil {
		for _, slab := range loaded.slabs {
			err = errors.Join(err, slab.close())
		}
		x.free = nil
		x.dead = bitmap{}
		x.phase.Store(index.Rebuilding)
		x.damage = fmt.Errorf("the snapshot cannot be read: %w", err)
		x.opts.Log.Warn("the snapshot of the index is left out; it is built again", "dir", x.dir, "error", err)
		_ = os.Remove(f.Name()) // or the next start would read it again; where a system does not allow that, it does
		return nil
	}
	x.adopt(loaded)
	return nil
}

// load reads a snapshot of size bytes. Where it fails, the slabs it made are in what it answers.
func (x *Index) load(f io.Reader, size int64) (*state, error) {
	s := &state{table: x.current.Load().table}
	r := &blockReader{r: bufio.NewReaderSize(f, 1<<20)}
	head := make([]header, 1)
	r.block(rawOf(head))
	h := head[0]
	rows := int64(x.stride + rowOverhead)
	switch {
	case r.err != nil:
		return s, r.err
	case string(h.Magic[:]) != magic || h.Order != byteOrder || int(h.Dimensions) != x.dimensions || h.Degree != degree:
		return s, fmt.Errorf("of another kind: %d dimensions, %d links", h.Dimensions, h.Degree)
	case int64(h.Used)*rows > size || h.Words != (h.Used+63)/64 || h.Pending > h.Used || h.Free > h.Used:
		return s, errSnapshot
	}
	s.used = h.Used
	for i := 0; s.rowsOf(i) > 0; i++ {
		slab, err := newSlab(i, x.stride, x.dimensions, x.file)
		if err != nil {
			return s, err
		}
		s.slabs = append(s.slabs, slab)
		n := s.rowsOf(i)
		r.block(slab.high[:n*x.stride/2], slab.low[:n*x.stride/2], rawOf(slab.links[:n*degree]), rawOf(slab.scale[:n]), rawOf(slab.meta[:n]))
		if r.err != nil {
			return s, r.err
		}
	}
	dead := make([]uint64, h.Words)
	s.pending, x.free = make([]uint32, h.Pending), make([]uint32, h.Free)
	r.block(rawOf(dead))
	r.block(rawOf(s.pending))
	r.block(rawOf(x.free))
	for slot := range s.used {
		if dead[slot>>6]>>(slot&63)&1 == 1 {
			x.dead.set(slot)
		}
	}
	return s, errors.Join(r.err, s.check(x.free))
}

// check makes sure that every slot that is named is one of the used.
func (s *state) check(free []uint32) error {
	for i, slab := range s.slabs {
		for _, link := range slab.links[:s.rowsOf(i)*degree] {
			if link > s.used {
				return errSnapshot
			}
		}
	}
	for _, list := range [][]uint32{s.pending, free} {
		for _, slot := range list {
			if slot >= s.used {
				return errSnapshot
			}
		}
	}
	return nil
}

type blockReader struct {
	r   io.Reader
	err error
}

// block reads parts whose lengths are known.
func (r *blockReader) block(parts ...[]byte) {
	if r.err != nil {
		return
	}
	var stored [4]byte
	_, r.err = io.ReadFull(r.r, stored[:])
	var sum uint32
	for _, p := range parts {
		if r.err == nil {
			_, r.err = io.ReadFull(r.r, p)
			sum = crc32.Update(sum, castagnoli, p)
		}
	}
	if r.err == nil && sum != binary.LittleEndian.Uint32(stored[:]) {
		r.err = errSnapshot
	}
}

// adopt makes a snapshot the state. A row whose float32 vector is not what it was is buried: whoever fills the index finds
// it missing, and adds it again.
func (x *Index) adopt(s *state) {
	damaged := x.damaged(s)
	var top float32
	for slot := range s.used {
		m := s.meta(slot)
		top = max(top, m.err)
		if x.dead.has(slot) {
			continue
		}
		if _, twice := x.slots[m.id]; twice || damaged.has(slot) {
			x.dead.set(slot)
			continue
		}
		x.slots[m.id] = slot
	}
	var deadNow int64
	for slot := range s.used {
		if x.dead.has(slot) {
			deadNow++
		}
	}
	x.buried.Store(deadNow - int64(len(x.free)))
	x.largestErr.Store(math.Float32bits(top))
	x.settle(s)
	x.current.Store(s)
	x.slowed()
}

// damaged are the rows whose float32 vectors do not have their checksums.
func (x *Index) damaged(s *state) *bitmap {
	damaged := &bitmap{}
	var found atomic.Uint32
	wrong := make([]uint32, s.used)
	x.parallel(int(s.used), func(t *tool, i int) {
		slot := uint32(i)
		if x.dead.has(slot) {
			return
		}
		v, err := s.exact(slot, t.buffer)
		if err != nil || crc32.Checksum(bytesOf(v), castagnoli) != s.meta(slot).sum {
			wrong[found.Add(1)-1] = slot
		}
	})
	for _, slot := range wrong[:found.Load()] {
		damaged.set(slot)
	}
	if n := found.Load(); n > 0 {
		x.phase.Store(index.Rebuilding)
		x.damage = fmt.Errorf("%d vectors do not have their checksums", n)
		x.opts.Log.Warn("vectors are damaged and left out", "dir", x.dir, "vectors", n)
	}
	return damaged
}

// Damage is what was found when the index was opened. It is answered once.
func (x *Index) Damage() error {
	x.write.Lock()
	defer x.write.Unlock()
	found := x.damage
	x.damage = nil
	return found
}

// Verify reads the snapshot, if there is one, and compares its checksums.
func (x *Index) Verify(ctx context.Context) error {
	f, err := os.Open(filepath.Join(x.dir, snapshotName))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("hnsw: %w", err)
	}
	defer func() { _ = f.Close() }() // only read
	if err := x.verifySnapshot(ctx, f, fileSize(f)); err != nil {
		return fmt.Errorf("hnsw: %s: %w", f.Name(), err)
	}
	return nil
}

func (x *Index) verifySnapshot(ctx context.Context, f io.Reader, size int64) error {
	r := &blockReader{r: bufio.NewReaderSize(f, 1<<20)}
	head := make([]header, 1)
	r.block(rawOf(head))
	h, row := head[0], int64(x.stride+rowOverhead)
	if r.err == nil && (int64(h.Used)*row > size || h.Words != (h.Used+63)/64 || h.Pending > h.Used || h.Free > h.Used) {
		return errSnapshot
	}
	buffer := make([]byte, slabRows*row)
	for s := (&state{used: h.Used}); r.err == nil && s.used > 0; s.used -= min(s.used, slabRows) {
		if err := ctx.Err(); err != nil {
			return err
		}
		r.block(buffer[:int64(s.rowsOf(0))*row])
	}
	for _, n := range []uint32{8 * h.Words, 4 * h.Pending, 4 * h.Free} {
		if r.err == nil {
			r.block(make([]byte, n))
		}
	}
	return r.err
}

// Renew has the snapshot written again as soon as there is nothing to link.
func (x *Index) Renew() error {
	x.write.Lock()
	x.unsaved += max(leastUnsaved, x.Len()) // which is due
	x.write.Unlock()
	x.rouse()
	err := os.Remove(filepath.Join(x.dir, snapshotName))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

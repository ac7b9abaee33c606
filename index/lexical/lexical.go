package lexical

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"runtime/debug"
	"sync"
	"time"

	"github.com/RoaringBitmap/roaring/v2/roaring64"
	"github.com/blevesearch/bleve/v2/index/scorch"
	api "github.com/blevesearch/bleve_index_api"
	segment "github.com/blevesearch/scorch_segment_api/v2"
)

// Item is a chunk to be found by its words.
type Item struct {
	ID          uint64
	Title, Text string
}

// Index is the words of one collection's chunks. It is safe for concurrent use.
type Index struct {
	store api.Index
	queue *api.AnalysisQueue

	mu     sync.Mutex
	view   *view             // of the newest state that was asked for
	tables map[uint64]*table // of its segments
}

// Open opens the index in a folder, or makes it. One that is damaged is an error: delete the folder, and fill it anew.
func Open(dir string) (x *Index, err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() { // bolt panics over some kinds of damage, and reads beyond its file over others
		if p := recover(); p != nil {
			err = fmt.Errorf("lexical: open %s: %v", dir, p)
		}
	}()
	if err := verify(dir); err != nil {
		return nil, err
	}
	queue := api.NewAnalysisQueue(1)
	// A batch counts as soon as it can be searched: what a crash loses is added again at the next start.
	store, err := scorch.NewScorch(scorch.Name, map[string]any{"path": dir, "unsafe_batch": true, "bolt_timeout": "1s"}, queue)
	if err == nil {
		err = store.Open()
	}
	if err != nil {
		queue.Close()
		return nil, fmt.Errorf("lexical: open %s: %w", dir, err)
	}
	return &Index{store: store, queue: queue}, nil
}

// verify compares the checksums of segments, which scorch writes and does not read. They are at the end of each file.
func verify(dir string) error {
	files, err := filepath.Glob(filepath.Join(dir, "*.zap"))
	if err != nil {
		return err
	}
	for _, name := range files {
		if err := verifyFile(name); err != nil {
			return fmt.Errorf("lexical: %s: %w", name, err)
		}
	}
	return nil
}

func verifyFile(name string) (err error) {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if info.Size() < crc32.Size {
		return errors.New("is cut off")
	}
	sum := crc32.NewIEEE()
	if _, err := io.CopyN(sum, f, info.Size()-crc32.Size); err != nil {
		return err
	}
	var want uint32
	if err := binary.Read(f, binary.BigEndian, &want); err != nil {
		return err
	}
	if sum.Sum32() != want {
		return errors.New("its checksum is wrong")
	}
	return nil
}

// Verify reads the files of the newest state and compares their checksums.
func (x *Index) Verify(ctx context.Context) error {
	v, err := x.look()
	if err != nil {
		return err
	}
	defer v.release()
	for _, p := range v.parts {
		file, onDisk := p.segment.(segment.PersistedSegment)
		if !onDisk {
			continue
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := verifyFile(file.Path()); err != nil {
			return fmt.Errorf("lexical: %s: %w", file.Path(), err)
		}
	}
	return nil
}

// Upsert adds items, or replaces those whose id is there.
func (x *Index) Upsert(_ context.Context, items []Item) error {
	if len(items) == 0 {
		return nil
	}
	batch := api.NewBatch()
	for _, item := range items {
		batch.Update(newDocument(item))
	}
	return x.store.Batch(batch)
}

// Delete removes ids; one that is not there is no error.
func (x *Index) Delete(_ context.Context, ids []uint64) error {
	if len(ids) == 0 {
		return nil
	}
	batch := api.NewBatch()
	for _, id := range ids {
		batch.Delete(key(id))
	}
	return x.store.Batch(batch)
}

// IDs lists what the index holds.
func (x *Index) IDs() (*roaring64.Bitmap, error) {
	v, err := x.look()
	if err != nil {
		return nil, err
	}
	defer v.release()
	ids := roaring64.New()
	for _, p := range v.parts {
		for n, id := range p.ids {
			if !p.deleted(uint32(n)) {
				ids.Add(id)
			}
		}
	}
	return ids, nil
}

// patience is how long Close waits for the disk.
const patience = 10 * time.Second

// Close writes what is not on disk yet, and closes the files. Searches that have begun go on.
func (x *Index) Close() error {
	defer x.queue.Close()
	written := make(chan error, 1)
	last := api.NewBatch()
	last.SetInternal([]byte("closed"), nil)
	last.SetPersistedCallback(func(err error) { written <- err })
	err := x.store.Batch(last)
	if err == nil {
		select {
		case err = <-written:
		case <-time.After(patience):
			err = errors.New("lexical: not written in time; what is missing is added at the next start")
		}
	}
	return errors.Join(err, x.store.Close())
}

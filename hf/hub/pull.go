package hub

import (
	"context"
	"os"
	"path/filepath"

	"searchd/models"
)

// Progress is how far a pull has come.
type Progress struct {
	File             string // that is being fetched
	Done, Size       int64  // bytes of it
	TotalDone, Total int64  // bytes of all files, those included that were here before
}

// Pulled is a model that is here now.
type Pulled struct {
	Snapshot
	Files   int
	Bytes   int64 // of all files
	Fetched int64 // of these, what came over the network
}

// Watch follows a pull. The zero value lets it go.
type Watch struct {
	Report func(Progress)         // called as bytes come, from one goroutine at a time
	Check  func(dir string) error // called when the small files are in dir; an error ends the pull before the weights come
}

// Pull brings the files that a model needs. What is here already is not fetched again. It fails with a models.Error that
// says what to do: NotFound where there is no such model, Unavailable where it cannot be had.
func (h *Hub) Pull(ctx context.Context, n Name, w Watch) (Pulled, error) {
	if h.Offline {
		return h.offline(n)
	}
	r, err := h.describe(ctx, n)
	if err != nil {
		return Pulled{}, err
	}
	p := puller{hub: h, name: n, commit: r.Commit, watch: w}
	names, err := Select(r.names())
	if err != nil {
		return Pulled{}, err
	}
	if err := p.plan(ctx, names); err != nil {
		return Pulled{}, err
	}
	return p.pull(ctx)
}

// offline answers what is here.
func (h *Hub) offline(n Name) (Pulled, error) {
	s, err := h.Cache.Find(n)
	if err != nil {
		return Pulled{}, models.Errorf(models.Unavailable, "model", "%s is not here, and HF_HUB_OFFLINE is set; unset it, or copy the model into %s", n, h.Cache)
	}
	return Pulled{Snapshot: s}, nil
}

// puller is one pull.
type puller struct {
	hub    *Hub
	name   Name
	commit string
	files  []file
	watch  Watch
	Progress
	fetched int64
}

// plan asks for the size of each file, and refuses what is too large before anything is fetched.
func (p *puller) plan(ctx context.Context, names []string) error {
	for _, name := range names {
		f, err := p.hub.stat(ctx, p.name, p.commit, name)
		if err != nil {
			return err
		}
		if p.Total += f.size; f.size > p.hub.MaxBytes || p.Total > p.hub.MaxBytes {
			return models.Errorf(models.TooLarge, "model", "%s is larger than %.1f GB, the most that is pulled; raise the limit with --max-gb", p.name, float64(p.hub.MaxBytes)/1e9)
		}
		p.files = append(p.files, f)
	}
	return nil
}

func (p *puller) pull(ctx context.Context) (Pulled, error) {
	cache := p.hub.Cache
	if err := cache.tag(); err != nil {
		return Pulled{}, keepFailed(cache, err)
	}
	dir := cache.snapshot(p.name, p.commit)
	for _, f := range p.files {
		if p.watch.Check != nil && isWeights(f.name) {
			if err := p.watch.Check(dir); err != nil {
				return Pulled{}, err
			}
			p.watch.Check = nil // once is enough
		}
		if err := p.bring(ctx, f); err != nil {
			return Pulled{}, err
		}
	}
	if err := cache.point(p.name, p.commit); err != nil {
		return Pulled{}, keepFailed(cache, err)
	}
	s := Snapshot{Name: p.name, Commit: p.commit, Dir: dir}
	return Pulled{Snapshot: s, Files: len(p.files), Bytes: p.Total, Fetched: p.fetched}, nil
}

// bring makes sure that a file is in the snapshot.
func (p *puller) bring(ctx context.Context, f file) error {
	p.File, p.Done, p.Size = f.name, 0, f.size
	if p.has(f) {
		p.grow(f.size)
		return nil
	}
	received, err := p.hub.place(ctx, p.name, p.commit, f, p.grow)
	p.fetched += received
	return err
}

// has tells whether the snapshot has a file. One whose name stands for nothing, or for too little, is brought again.
func (p *puller) has(f file) bool {
	path := filepath.Join(p.hub.Cache.snapshot(p.name, p.commit), filepath.FromSlash(f.name))
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular() && info.Size() == f.size
}

func (p *puller) grow(n int64) {
	p.Done += n
	p.TotalDone += n
	if p.watch.Report != nil {
		p.watch.Report(p.Progress)
	}
}

package search

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"

	"searchd/hf"
	"searchd/index"
	"searchd/index/lexical"
	"searchd/internal/prose"
	"searchd/internal/simd"
	"searchd/models"
	"searchd/models/db"
)

const (
	sampled = 256 // chunks that a collection is measured on
	fewest  = 64  // chunks that say something about a collection
)

// profile is what a collection's own texts say about how vectors and words find in it.
type profile struct {
	chunks int         // there were when it was measured
	ids    []uint64    // of chunks that stand for all
	sample [][]float32 // their vectors
	rho    float64     // how well words find, compared with vectors
}

// profiled is a collection's profile, measured again whenever the collection has changed much.
type profiled struct {
	recalled  sync.Once // what was measured before the last start
	latest    atomic.Pointer[profile]
	measuring atomic.Bool
}

// fusionOf is how the legs are weighed in a collection, for a question. Until its profile is there, in the background, both count
// alike, and chance is what it is for the model; after that it is found out with the question (measured).
func (s *Service) fusionOf(c models.Collection, p plan) fusion {
	f := fusion{null: p.null, rho: 1, settled: c.Chunks < fewest}
	if f.settled {
		return f
	}
	found, _ := s.profiles.LoadOrStore(c.ID, &profiled{})
	slot := found.(*profiled)
	slot.recalled.Do(func() { s.recallProfile(c, slot) })
	now := slot.latest.Load()
	if (now == nil || 5*max(c.Chunks-now.chunks, now.chunks-c.Chunks) > now.chunks) && slot.measuring.CompareAndSwap(false, true) {
		s.work.Go(func() {
			defer slot.measuring.Store(false)
			measured, err := s.measure(s.stopped, c)
			if err != nil && s.stopped.Err() != nil {
				return
			}
			if err != nil {
				s.log.Warn("collection not measured; words and vectors count alike", "collection", c.Name, "error", err)
				return
			}
			s.log.Info("collection measured", "collection", c.Name, "chunks", measured.chunks, "rho", measured.rho)
			slot.latest.Store(&measured)
			kept := models.Profile{CollectionID: c.ID, Chunks: measured.chunks, Rho: measured.rho, Sample: db.EncodeIDs(measured.ids)}
			if err := s.db.KeepProfile(s.stopped, kept); err != nil && s.stopped.Err() == nil {
				s.log.Warn("what was measured of a collection is not stored; it will be measured again after a restart", "collection", c.Name, "error", err)
			}
		})
	}
	if now != nil {
		f.settled, f.rho = true, now.rho
		if len(now.sample) >= fewest {
			f.sample = now.sample
		}
	}
	return f
}

// recallProfile takes up what was measured before the last start. What it cannot read, or what has lost too much of its sample, is measured again.
func (s *Service) recallProfile(c models.Collection, slot *profiled) {
	kept, err := s.db.Profile(s.stopped, c.ID)
	if err != nil || kept == nil || !(kept.Rho > 0) || math.IsInf(kept.Rho, 0) {
		return
	}
	p := profile{chunks: kept.Chunks, rho: kept.Rho, ids: db.DecodeIDs(kept.Sample)}
	if len(p.ids) > sampled || p.read(s.stopped, s.db, c) != nil || 2*len(p.sample) < len(p.ids) {
		return
	}
	slot.latest.Store(&p)
}

// read reads the vectors of the sample that are still there.
func (p *profile) read(ctx context.Context, store *db.DB, c models.Collection) error {
	return store.VectorsOf(ctx, c.ID, p.ids, func(_ uint64, v []float32) error {
		p.sample = append(p.sample, v)
		return nil
	})
}

// nullOf is how a question's cosines with texts of the collection are spread, whatever they are about.
func nullOf(sample [][]float32, question []float32) hf.Null {
	sum, squares := 0.0, 0.0
	for _, v := range sample {
		x := float64(simd.Dot(v, question))
		sum += x
		squares += x * x
	}
	n := float64(len(sample))
	mean := sum / n
	return hf.Null{Mean: mean, StdDev: math.Sqrt(max(squares/n-mean*mean, 0))}
}

// measure takes a sentence out of each chunk of a sample and finds the document again, by vectors and by words.
func (s *Service) measure(ctx context.Context, c models.Collection) (profile, error) {
	p := profile{chunks: c.Chunks, rho: 1}
	m, err := hf.ModelOf(s.models, c)
	if err != nil {
		return p, err
	}
	if p.ids, err = s.draw(ctx, c); err != nil {
		return p, err
	}
	var sentences []string
	var sources []uint64
	err = s.db.Texts(ctx, p.ids, func(id uint64, _, text string) error {
		if line := middleSentence(text); line != "" {
			sentences, sources = append(sentences, line), append(sources, models.DocumentSeq(id))
		}
		return nil
	})
	if err != nil {
		return p, fmt.Errorf("read texts: %w", err)
	}
	if err = p.read(ctx, s.db, c); err != nil || len(p.sample) < fewest || len(sentences) < fewest {
		return p, err
	}
	p.rho, err = s.compare(ctx, m, c, sentences, sources)
	return p, err
}

// draw answers chunks of a collection, the same ones for the same chunks.
func (s *Service) draw(ctx context.Context, c models.Collection) ([]uint64, error) {
	all, err := s.db.VectorIDs(ctx, c.ID)
	if err != nil {
		return nil, fmt.Errorf("draw a sample: %w", err)
	}
	ids := all.ToArray()
	random := rand.New(rand.NewPCG(c.ID, uint64(len(ids))))
	n := min(sampled, len(ids))
	for i := range n {
		k := i + random.IntN(len(ids)-i)
		ids[i], ids[k] = ids[k], ids[i]
	}
	slices.Sort(ids[:n])
	return ids[:n], nil
}

// middleSentence is a text's sentence in the middle that is no heading.
func middleSentence(text string) string {
	const least = 30 // bytes
	list := slices.DeleteFunc(prose.Sentences(text), func(s prose.Span) bool { return s.End-s.Start < least })
	if len(list) == 0 {
		return ""
	}
	at := list[len(list)/2]
	return text[at.Start:at.End]
}

// compare is ρ, from the ratio of the nDCG@10 with which words and vectors find the sources of sentences, each a hundredth more so
// that no leg is given up wholly. It is a guard against a leg that does not know the language: as a fine weight it is too noisy.
func (s *Service) compare(ctx context.Context, m hf.Model, c models.Collection, sentences []string, sources []uint64) (float64, error) {
	vectors, err := s.index.Get(ctx, c)
	if err != nil {
		return 0, err
	}
	words, err := s.words.Get(ctx, c)
	if err != nil {
		return 0, err
	}
	const some = 16 // sentences at once: searches go in between
	byVectors, byWords := 0.0, 0.0
	for from := 0; from < len(sentences); from += some {
		part := sentences[from:min(from+some, len(sentences))]
		e, err := m.Embed(ctx, hf.Query, part)
		if err != nil {
			return 0, fmt.Errorf("embed sentences: %w", err)
		}
		for i, sentence := range part {
			near, err := vectors.Search(ctx, index.Query{Vector: e[i].Vector, K: perTen})
			if err != nil {
				return 0, err
			}
			found, err := words.Search(ctx, sentence, nil)
			if err != nil {
				return 0, err
			}
			top := found.Top(perTen)
			found.Close()
			byVectors += sourceGain(near, func(h index.Hit) uint64 { return h.ID }, sources[from+i])
			byWords += sourceGain(top, func(h lexical.Hit) uint64 { return h.ID }, sources[from+i])
		}
	}
	n := float64(len(sentences))
	return guard((byWords/n + 0.01) / (byVectors/n + 0.01)), nil
}

// guard leaves both legs their weight where they find about as well. To find a whole sentence is easier than to answer a question
// and hides some of the difference, so that one that is plain counts squared.
func guard(ratio float64) float64 {
	const alike = 1.5
	switch {
	case ratio > alike:
		return ratio * ratio
	case ratio < 1/alike:
		return ratio
	}
	return 1
}

// perTen is in how many chunks ten documents are looked for.
const perTen = 40

// sourceGain is the nDCG@10 of hits among which one document is looked for.
func sourceGain[H any](hits []H, id func(H) uint64, document uint64) float64 {
	seen := map[uint64]bool{}
	for _, h := range hits {
		seq := models.DocumentSeq(id(h))
		seen[seq] = true
		if len(seen) > 10 {
			return 0
		}
		if seq == document {
			return 1 / math.Log2(float64(len(seen)+1))
		}
	}
	return 0
}

package ingest

import (
	"context"
	"crypto/sha256"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/samber/lo"

	"searchd/hf"
	"searchd/models"
)

// Preview is what an intake would do.
type Preview struct {
	Items      []PreviewItem // the first MaxPreviewItems; the sums below are of all
	Total      int
	Counts     map[models.ItemStatus]int
	Duplicates int
	Chunks     int // of all documents that would be there
	Tokens     int
	NewChunks  int // of these, what the model would have to read
	NewTokens  int

	TokensPerSecond float64       // that the model reads, measured with texts of this very intake; 0 where nothing has to be read
	Duration        time.Duration // of reading them
}

// PreviewItem is what would become of one document.
type PreviewItem struct {
	models.JobItem
	DuplicateOf string // id of another document, stored or in the same request, with the same text
}

// MaxPreviewItems bounds what is told of single documents.
const MaxPreviewItems = 1000

// Rehearse starts an intake that goes through everything and writes nothing: it ends with Preview.
func (s *Service) Rehearse(c models.Collection) (*Intake, error) {
	m, err := hf.ModelOf(s.models, c)
	if err != nil {
		return nil, err
	}
	in := s.Begin(c)
	in.rehearsal = &rehearsal{service: s, collection: c, model: m, seen: map[[sha256.Size]byte]string{}, counted: map[string]bool{}, result: Preview{Counts: map[models.ItemStatus]int{}}}
	return in, nil
}

// Preview ends a rehearsal. Like Commit it fails where not one document is good.
func (in *Intake) Preview(ctx context.Context) (Preview, error) {
	if err := in.look(ctx); err != nil {
		return Preview{}, err
	}
	if err := in.anyGood(ctx); err != nil {
		return Preview{}, err
	}
	if err := in.flush(ctx, true); err != nil {
		return Preview{}, err
	}
	return in.rehearsal.end(ctx)
}

// rehearsal is an intake that writes nothing.
type rehearsal struct {
	service    *Service
	collection models.Collection
	model      hf.Model
	seen       map[[sha256.Size]byte]string // the first id by text
	counted    map[string]bool              // hashes of the texts that would be embedded
	sample     []string                     // of these texts
	result     Preview
}

func (r *rehearsal) take(ctx context.Context, items []models.JobItem) error {
	stored, err := r.service.stored(ctx, r.collection, items)
	if err != nil {
		return err
	}
	list := make([]PreviewItem, len(items))
	texts := map[int]string{} // of documents that have something new to say, by their places in list
	all := embedBatch{model: r.model}
	for i, item := range items {
		list[i].JobItem = item
		if item.Status == models.ItemPending {
			var doc *models.Document
			if list[i].JobItem, doc = r.one(item, stored, &all); doc != nil {
				texts[i] = doc.Text
			}
		}
		list[i].Payload = nil
	}
	if err := r.findDuplicates(ctx, list, texts); err != nil {
		return err
	}
	r.result.add(list)
	return r.count(ctx, all)
}

// count adds up what the model would have to read of a batch: neither what is stored nor what was counted before.
func (r *rehearsal) count(ctx context.Context, b embedBatch) error {
	if err := b.recall(ctx, r.service.db, nil); err != nil {
		return err
	}
	texts, places := b.unknown()
	for n, i := range places {
		if hash := string(b.hashes[i]); !r.counted[hash] {
			r.counted[hash] = true
			r.result.NewChunks++
			r.result.NewTokens += b.cost(i).tokens
			if len(r.sample) < sampleTexts {
				r.sample = append(r.sample, texts[n])
			}
		}
	}
	return nil
}

func (p *Preview) add(list []PreviewItem) {
	for _, item := range list {
		p.Total++
		p.Counts[item.Status]++
		p.Chunks += item.Chunks
		p.Tokens += item.Tokens
		if item.DuplicateOf != "" {
			p.Duplicates++
		}
	}
	p.Items = append(p.Items, list[:min(len(list), MaxPreviewItems-len(p.Items))]...)
}

// one goes with a document as far as the model, and puts what that would read into all. It answers the document where that
// has a text that is new to its id.
func (r *rehearsal) one(item models.JobItem, stored map[string]models.Document, all *embedBatch) (models.JobItem, *models.Document) {
	batch := embedBatch{model: r.model}
	result := r.service.prepareOne(r.collection, item, stored, &batch)
	shown := result.Item
	if shown.Status != models.ItemPending {
		return shown, nil
	}
	shown.Status = models.ItemCreated
	if _, there := stored[item.DocumentID]; there {
		shown.Status = models.ItemUpdated
	}
	if result.Keep {
		return shown, nil
	}
	for i, text := range batch.texts {
		all.put(text, batch.hashes[i], batch.sizes[i])
	}
	for _, chunk := range result.Chunks {
		if chunk.Hash != nil {
			cost := batch.cost(batch.place[string(chunk.Hash)])
			shown.Tokens += cost.tokens
			shown.Truncated = shown.Truncated || cost.truncated
		}
	}
	return shown, result.Document
}

// findDuplicates says which documents have the text of another one.
func (r *rehearsal) findDuplicates(ctx context.Context, list []PreviewItem, texts map[int]string) error {
	stored, err := r.service.db.SameTexts(ctx, r.collection.ID, slices.Collect(maps.Values(texts)))
	if err != nil {
		return err
	}
	for i := range list {
		text, ok := texts[i]
		if !ok {
			continue
		}
		others := lo.Without(stored[text], list[i].DocumentID)
		hash := sha256.Sum256([]byte(text))
		if first, twice := r.seen[hash]; twice {
			others = append([]string{first}, others...)
		} else {
			r.seen[hash] = list[i].DocumentID
		}
		if len(others) > 0 {
			list[i].DuplicateOf = others[0]
		}
	}
	return nil
}

// A sample of texts that is large enough to keep the model busy for a moment, and no longer.
const (
	sampleTexts = 64
	sampleBytes = 16 << 10
	sampleTime  = 20 * time.Second
	speedLife   = time.Minute
)

func (r *rehearsal) end(ctx context.Context) (Preview, error) {
	p := r.result
	if p.NewTokens == 0 {
		return p, nil
	}
	speed, err := r.service.speed(ctx, r.model, r.sample)
	if err != nil {
		return p, fmt.Errorf("measure the model: %w", err)
	}
	p.TokensPerSecond = speed
	p.Duration = time.Duration(float64(p.NewTokens) / speed * float64(time.Second))
	return p, nil
}

// measured is how fast a model was.
type measured struct {
	speed float64
	at    time.Time
}

// speed is how many tokens a second the model of a collection reads now, with whatever else it has to do.
func (s *Service) speed(ctx context.Context, m hf.Model, texts []string) (float64, error) {
	key := m.Card().ID + m.Card().Revision
	if known, ok := s.speeds.Load(key); ok && time.Since(known.(measured).at) < speedLife {
		return known.(measured).speed, nil
	}
	ctx, cancel := context.WithTimeout(ctx, sampleTime)
	defer cancel()
	sample := sampleOf(texts)
	if _, err := embed(ctx, m, sample[:1]); err != nil { // before the clock starts: a model is opened when it is first used
		return 0, err
	}
	start := time.Now()
	read, err := embed(ctx, m, sample)
	if err != nil {
		return 0, err
	}
	tokens := lo.SumBy(read, func(e hf.Embedding) int { return e.Tokens })
	speed := float64(tokens) / max(time.Since(start), time.Microsecond).Seconds()
	s.speeds.Store(key, measured{speed, time.Now()})
	return speed, nil
}

// sampleOf repeats texts until they are enough to be measured.
func sampleOf(texts []string) []string {
	var sample []string
	for bytes := 0; bytes < sampleBytes && len(sample) < sampleTexts; {
		text := texts[len(sample)%len(texts)]
		sample = append(sample, text)
		bytes += len(text)
	}
	return sample
}

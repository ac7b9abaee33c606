package search

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"slices"
	"time"
	"unsafe"

	"github.com/RoaringBitmap/roaring/v2/roaring64"

	"searchd/hf"
	"searchd/models"
)

// A walk by cursor shows each hit that there was at its first page, and that is still there, once, in the order of one
// ranking. The first page costs nothing: its cursor says what was shown. The second ranks everything once more and
// keeps what was not shown; the pages after it read from that.

// maxBegun is how many rows a cursor may name; a page that goes beyond them has its walk kept at once.
const maxBegun = 2000

const (
	maxKept  = 128 << 20 // bytes of all walks
	keptIdle = 15 * time.Minute
)

// kept is the rest of a walk. It does not change.
type kept struct {
	rows           []row
	documents      *roaring64.Bitmap // of all hits, shown ones too, as first chunks
	total          int
	mode           Mode
	queryTokens    int
	queryTruncated bool
	loose          bool
}

func (k *kept) size() int {
	return len(k.rows)*int(unsafe.Sizeof(row{})) + int(k.documents.GetSizeInBytes())
}

// begin is the cursor after the first page of a walk.
func (s *Service) begin(ctx context.Context, c models.Collection, p plan, r Request, l listing, newest uint64, answer *Response) error {
	shown := r.Offset + r.Limit
	if shown >= l.total {
		return nil
	}
	next := cursor{question: questionOf(c, r), newest: newest, loose: p.loose, total: l.total}
	next.seen = namesOf(l.rows[:min(shown, len(l.rows))], r.Group)
	if shown <= maxBegun {
		answer.NextCursor = next.String()
		return nil
	}
	_, _ = rand.Read(next.key[:]) // never fails
	k, err := s.freeze(ctx, c, p, r, next, answer)
	if err == nil && len(k.rows) > 0 {
		answer.NextCursor = next.String()
	}
	return err
}

// freeze ranks everything that is no newer than the walk, and keeps what was not shown.
func (s *Service) freeze(ctx context.Context, c models.Collection, p plan, r Request, from cursor, answer *Response) (*kept, error) {
	p.newest = from.newest
	l, err := s.list(ctx, c, p, r, max(c.Chunks, 1))
	if err != nil {
		return nil, err
	}
	k := &kept{documents: roaring64.New(), total: from.total, mode: l.ranked.mode, queryTokens: answer.QueryTokens, queryTruncated: answer.QueryTruncated, loose: from.loose}
	for _, row := range l.rows {
		k.documents.Add(firstChunk(row.ID))
		for _, d := range row.duplicates {
			k.documents.Add(firstChunk(d))
		}
		if _, shown := slices.BinarySearch(from.seen, name(row.ID, r.Group)); !shown {
			k.rows = append(k.rows, row)
		}
	}
	k.rows = slices.Clip(k.rows)
	if !s.walks.Put(from.key, k, k.size()) {
		return nil, models.Errorf(models.Invalid, "cursor", "there are %d hits, more than can be kept; ask for fewer with a filter or min_relevance", l.total)
	}
	return k, nil
}

// firstChunk stands for a document in a set of chunks.
func firstChunk(id uint64) uint64 { return models.ChunkID(models.DocumentSeq(id), 0) }

// proceed answers a page after the first.
func (s *Service) proceed(ctx context.Context, m hf.Model, c models.Collection, r Request) (Response, error) {
	answer := Response{Model: c.Model}
	at, err := parseCursor(r.Cursor)
	if err != nil {
		return answer, err
	}
	if at.question != questionOf(c, r) {
		return answer, models.Errorf(models.Invalid, "cursor", "belongs to another search or collection; send it with what its first page was asked with, or leave it out")
	}
	k, err := s.kept(ctx, m, c, r, &at, &answer)
	if err != nil {
		return answer, err
	}
	answer.Mode, answer.Total, answer.QueryTokens, answer.QueryTruncated, answer.PhrasesMissing = k.mode, k.total, k.queryTokens, k.queryTruncated, k.loose
	if err := s.count(ctx, c, r.Facets, k.documents, &answer); err != nil {
		return answer, err
	}
	if err := s.fill(ctx, r, k, at, &answer); err != nil || !r.Highlight {
		return answer, err
	}
	p, err := s.plan(ctx, m, c, r, loosely, &answer) // for its vector alone
	if err != nil {
		return answer, err
	}
	return answer, s.highlight(ctx, m, r, p.vector, &answer)
}

// kept is the rest of the walk that a cursor is in.
func (s *Service) kept(ctx context.Context, m hf.Model, c models.Collection, r Request, at *cursor, answer *Response) (*kept, error) {
	begun := !at.kept()
	if begun { // asked once more, it goes on from what was kept the first time
		sum := sha256.Sum256([]byte(r.Cursor))
		at.key = [16]byte(sum[:16])
	}
	if k, ok := s.walks.Get(at.key); ok && at.at <= len(k.rows) {
		return k, nil
	}
	if !begun {
		return nil, models.Errorf(models.Invalid, "cursor", "has expired; leave it out to search from the first page")
	}
	insist := strictly
	if at.loose {
		insist = loosely
	}
	p, err := s.plan(ctx, m, c, r, insist, answer)
	if err != nil {
		return nil, err
	}
	return s.freeze(ctx, c, p, r, *at, answer)
}

// fill reads rows until the page is full. Rows whose documents are gone are passed over, and so are those that stand next:
// a cursor is given only where there is another hit.
func (s *Service) fill(ctx context.Context, r Request, k *kept, at cursor, answer *Response) error {
	for len(answer.Hits) < r.Limit && at.at < len(k.rows) {
		n := min(r.Limit-len(answer.Hits), len(k.rows)-at.at)
		if err := s.describe(ctx, k.rows[at.at:at.at+n], r, answer); err != nil {
			return err
		}
		at.at += n
	}
	for ; at.at < len(k.rows); at.at++ {
		next, err := s.db.Passages(ctx, []uint64{k.rows[at.at].ID})
		if err != nil {
			return err
		}
		if len(next) > 0 {
			answer.NextCursor = at.String()
			return nil
		}
	}
	return nil
}

package api

import (
	"context"
	"io"

	"github.com/gofiber/fiber/v2"
	"github.com/samber/lo"

	"searchd/api/wire"
	"searchd/ingest"
	"searchd/models"
)

// previewDocuments answers what adding documents would do, and does none of it. model is that of a collection that is not
// there; nil says that it must be.
func (s *Server) previewDocuments(c *fiber.Ctx, kind string, how terms, model *string) error {
	name, err := collectionName(c)
	if err != nil {
		return err
	}
	if _, err := idempotencyKey(c); err != nil { // there is nothing to repeat, but the request itself would be refused
		return err
	}
	ctx := context.Background() // as that of an upload
	collection, err := s.Ingest.Planned(ctx, name, model)
	if err != nil {
		return err
	}
	in, err := s.Ingest.Rehearse(collection)
	if err != nil {
		return err
	}
	in.OnConflict, in.Chunking = how.onConflict, how.chunking
	if err := readDocuments(ctx, c, kind, in, io.Discard); err != nil {
		return err
	}
	preview, err := in.Preview(ctx)
	if err != nil {
		return err
	}
	return send(c, wire.PreviewAnswer{Preview: wirePreview(collection, preview)})
}

func wirePreview(c models.Collection, p ingest.Preview) wire.Preview {
	return wire.Preview{
		Collection: c.Name, Model: c.Model, Total: p.Total, Counts: *wireCounts(p.Counts), Duplicates: p.Duplicates,
		Chunks: p.Chunks, Tokens: p.Tokens, NewChunks: p.NewChunks, NewTokens: p.NewTokens,
		TokensPerSecond: p.TokensPerSecond, EstimatedMS: milliseconds(p.Duration),
		EstimatedCostUSD: 0, // models of collections run in this process
		Results: lo.Map(p.Items, func(item ingest.PreviewItem, _ int) wire.PreviewResult {
			r := wireResult(item.JobItem)
			return wire.PreviewResult{ID: r.ID, Status: r.Status, Chunks: r.Chunks, Tokens: r.Tokens, DuplicateOf: item.DuplicateOf, Error: r.Error}
		}),
	}
}

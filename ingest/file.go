package ingest

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"maps"
	"path"

	"searchd/ingest/extract"
	"searchd/models"
)

// readers bounds how many files are read at a time: each may take the memory that a large one needs.
const readers = 2

// AddFile takes the documents of a file in, under ids that begin with name. shared is metadata that all of them get. A
// file that cannot be read, alone or in an archive, fails alone: the reason is kept for its result. AddFile itself fails
// only when the store does, or when ctx ends.
func (in *Intake) AddFile(ctx context.Context, at, name string, f extract.File, shared map[string]json.RawMessage) error {
	before := in.next
	var lost error
	err := in.service.extract(ctx, f, func(d extract.Document) error {
		draft, err := fileDraft(name, d, shared)
		lost = in.Add(ctx, at, draft, models.Within(at, err))
		return lost
	})
	if lost = cmp.Or(lost, ctx.Err()); lost != nil {
		return lost
	}
	if err == nil && in.next == before {
		err = errors.New(name + ": has no documents in it")
	}
	return in.FailFile(ctx, at, name, extract.Failures(err)...)
}

// FailFile keeps why a file, or some of the files of an archive, could not be read.
func (in *Intake) FailFile(ctx context.Context, at, name string, reasons ...error) error {
	for _, reason := range reasons {
		code := models.Invalid
		if errors.Is(reason, extract.ErrUnknown) {
			code = models.UnsupportedMedia
		}
		if err := in.Add(ctx, at, models.Draft{ID: name}, models.Errorf(code, at, "%s", reason)); err != nil {
			return err
		}
	}
	return nil
}

func (s *Service) extract(ctx context.Context, f extract.File, add func(extract.Document) error) error {
	select {
	case s.reading <- struct{}{}:
		defer func() { <-s.reading }()
		return s.files.Extract(ctx, f, add)
	case <-ctx.Done():
		return ctx.Err()
	}
}

// fileDraft is a document of a file as it would have been sent. Its id is that which the file gives it, or its place.
func fileDraft(name string, d extract.Document, shared map[string]json.RawMessage) (models.Draft, error) {
	draft := models.Draft{ID: cmp.Or(d.ID, path.Join(name, d.Part)), Title: d.Title, URL: d.URL, Text: d.Text}
	for _, s := range d.Sections {
		draft.Sections = append(draft.Sections, models.Section(s))
	}
	metadata := maps.Clone(d.Metadata)
	for key, value := range shared {
		metadata[key] = value
	}
	raw, err := json.Marshal(metadata)
	if err != nil {
		return draft, models.Errorf(models.Invalid, "metadata", "cannot be written as JSON: %v", err)
	}
	draft.Metadata, err = models.ParseMetadata(raw)
	return draft, models.Within("metadata", err)
}

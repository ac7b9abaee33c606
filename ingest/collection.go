package ingest

import (
	"context"
	"slices"
	"strings"

	"github.com/samber/lo"

	"searchd/hf"
	"searchd/models"
)

// CollectionSpec is a collection as it is asked for. Empty fields take their defaults.
type CollectionSpec struct {
	Name        string
	Model       string
	Engine      string
	Dimensions  int // 0, or what the model gives
	Description string
}

// CreateCollection makes an empty collection.
func (s *Service) CreateCollection(ctx context.Context, spec CollectionSpec) (models.Collection, error) {
	c, err := s.PlanCollection(spec)
	if err != nil {
		return c, err
	}
	return c, s.db.CreateCollection(ctx, &c)
}

// PlanCollection is the collection that CreateCollection would make.
func (s *Service) PlanCollection(spec CollectionSpec) (models.Collection, error) {
	if err := models.CheckName("name", spec.Name); err != nil {
		return models.Collection{}, err
	}
	if err := models.CheckDescription("description", spec.Description); err != nil {
		return models.Collection{}, err
	}
	if spec.Engine == "" {
		spec.Engine = models.Engines[0]
	}
	if !slices.Contains(models.Engines, spec.Engine) {
		return models.Collection{}, models.Errorf(models.Invalid, "engine", "%.64q is not an engine; use one of %s", spec.Engine, strings.Join(models.Engines, ", "))
	}
	model, err := s.models.Model(spec.Model)
	if models.CodeOf(err) == models.NotFound {
		return models.Collection{}, models.Errorf(models.Invalid, "model", "%.128q is not here; GET /models lists what is, and searchd model pull brings more", spec.Model)
	}
	if err != nil {
		return models.Collection{}, err
	}
	card := model.Card()
	if spec.Dimensions != 0 && spec.Dimensions != card.Dimensions {
		return models.Collection{}, models.Errorf(models.Invalid, "dimensions", "%d does not fit: %s gives %d", spec.Dimensions, card.ID, card.Dimensions)
	}
	return models.Collection{
		Name: spec.Name, Description: spec.Description, Engine: spec.Engine,
		Model: card.ID, Revision: card.Revision, Dimensions: card.Dimensions, Pooling: card.Pooling,
		QueryPrompt: card.Prompts[hf.Query], DocPrompt: card.Prompts[hf.Document],
	}, nil
}

// Planned is the collection of a name, or the one that would be made of it: as the default collection is when it is first
// asked for, others with the model that is given, where one is.
func (s *Service) Planned(ctx context.Context, name string, model *string) (models.Collection, error) {
	c, err := s.db.Collection(ctx, name)
	if models.CodeOf(err) == models.NotFound && (name == models.DefaultCollection || model != nil) {
		return s.PlanCollection(CollectionSpec{Name: name, Model: lo.FromPtr(model)})
	}
	if err == nil && model != nil && *model != "" && !strings.HasSuffix("/"+c.Model, "/"+*model) {
		return c, models.Errorf(models.Invalid, "model", "is %.128q; collection %q has %s: leave it out, name another collection, or have it embedded again with POST /collections/{name}/reembed", *model, name, c.Model)
	}
	return c, err
}

// Collection is the collection of a name. The default collection is made when it is first asked for.
func (s *Service) Collection(ctx context.Context, name string) (models.Collection, error) {
	c, err := s.db.Collection(ctx, name)
	if name != models.DefaultCollection || models.CodeOf(err) != models.NotFound {
		return c, err
	}
	c, err = s.CreateCollection(ctx, CollectionSpec{Name: name})
	if models.CodeOf(err) == models.Conflict { // somebody else made it meanwhile
		return s.db.Collection(ctx, name)
	}
	return c, err
}

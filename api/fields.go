package api

import (
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/samber/lo"

	"searchd/api/wire"
	"searchd/models"
	"searchd/models/db"
)

// listFields lists the metadata keys of a collection, which filters and facets are made of.
func (s *Server) listFields(c *fiber.Ctx) error {
	p := query(c, "limit", "cursor")
	page := p.page()
	if p.err != nil {
		return p.err
	}
	collection, err := s.collection(c)
	if err != nil {
		return err
	}
	all, err := s.DB.Fields(c.UserContext(), collection.ID)
	if err != nil {
		return err
	}
	rest := lo.DropWhile(all, func(f db.Field) bool { return f.Key <= page.After })
	rows, next := shown(rest[:min(page.Limit, len(rest))], page, func(f db.Field) string { return f.Key })
	return send(c, wire.FieldList{
		Fields: lo.Map(rows, func(f db.Field, _ int) wire.Field { return wireField(f) }), Total: len(all), NextCursor: next,
	})
}

func wireField(f db.Field) wire.Field {
	return wire.Field{Key: f.Key, Types: lo.Map(f.Kinds, func(k db.FieldKind, _ int) wire.FieldType {
		return wire.FieldType{Type: typeName(k.Kind), Values: k.Values, Min: bound(k.Kind, k.Min), Max: bound(k.Kind, k.Max)}
	})}
}

// typeName is a kind as the API calls it.
func typeName(k models.Kind) string {
	if k == models.KindBool {
		return "boolean"
	}
	return string(k)
}

// bound is a number, a time as it is written, or nil.
func bound(k models.Kind, v *float64) any {
	switch {
	case v == nil:
		return nil
	case k == models.KindTime:
		return time.UnixMicro(int64(*v)).UTC().Format(time.RFC3339Nano)
	}
	return *v
}

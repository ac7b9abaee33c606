package db

import (
	"context"
	"time"

	"gorm.io/gorm"

	"searchd/models"
)

// CreateProvider stores p. An id in use is a Conflict.
func (d *DB) CreateProvider(ctx context.Context, p *models.Provider) error {
	err := d.write.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		if err := clearDefault(tx, p); err != nil {
			return err
		}
		return tx.Create(p).Error
	})
	if isDuplicate(err) {
		return models.Errorf(models.Conflict, "provider_id", "a provider %q exists already", p.ProviderID)
	}
	return err
}

// UpdateProvider stores all of p, which was read before.
func (d *DB) UpdateProvider(ctx context.Context, p *models.Provider) error {
	return d.write.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		if err := clearDefault(tx, p); err != nil {
			return err
		}
		return tx.Save(p).Error
	})
}

// clearDefault makes room for a new default: there is one at most.
func clearDefault(tx *gorm.DB, p *models.Provider) error {
	if !p.IsDefault {
		return nil
	}
	return tx.Model(&models.Provider{}).Where("is_default AND seq <> ?", p.Seq).Update("is_default", false).Error
}

// Provider is the provider of an id, or NotFound.
func (d *DB) Provider(ctx context.Context, id string) (models.Provider, error) {
	var p models.Provider
	err := d.read.WithContext(ctx).Where("provider_id = ?", id).Take(&p).Error
	return p, notFound(err, "provider", "there is no provider %q; GET /providers lists them", id)
}

// Providers lists the providers, the default first.
func (d *DB) Providers(ctx context.Context) ([]models.Provider, error) {
	var list []models.Provider
	err := d.read.WithContext(ctx).Order("is_default DESC, provider_id").Find(&list).Error
	return list, err
}

// DeleteProvider removes a provider.
func (d *DB) DeleteProvider(ctx context.Context, id string) error {
	gone := d.write.WithContext(ctx).Where("provider_id = ?", id).Delete(&models.Provider{})
	if gone.Error == nil && gone.RowsAffected == 0 {
		return models.Errorf(models.NotFound, "provider", "there is no provider %q; GET /providers lists them", id)
	}
	return gone.Error
}

// AddModelRequests appends to the log of model requests.
func (d *DB) AddModelRequests(ctx context.Context, list []models.ModelRequest) error {
	if len(list) == 0 {
		return nil
	}
	return d.write.WithContext(ctx).CreateInBatches(list, 50).Error
}

// PruneModelRequests forgets what is older.
func (d *DB) PruneModelRequests(ctx context.Context, before time.Time) error {
	return d.write.WithContext(ctx).Where("at < ?", before).Delete(&models.ModelRequest{}).Error
}

// ModelRequests lists the log, newest first, older than the row numbered before (0: from the newest).
func (d *DB) ModelRequests(ctx context.Context, before uint64, limit int) ([]models.ModelRequest, error) {
	g := d.read.WithContext(ctx)
	if before > 0 {
		g = g.Where("seq < ?", before)
	}
	var list []models.ModelRequest
	err := g.Order("seq DESC").Limit(limit).Find(&list).Error
	return list, err
}

// CharactersSince is how many characters the providers other than local have been sent and have answered, for budgets.
func (d *DB) CharactersSince(ctx context.Context, from time.Time) (int64, error) {
	var n int64
	err := d.read.WithContext(ctx).Model(&models.ModelRequest{}).
		Where("at >= ? AND provider <> 'local' AND NOT from_cache", from).
		Select("COALESCE(SUM(prompt_characters + completion_characters), 0)").Scan(&n).Error
	return n, err
}

// UsageRow is a group's sum.
type UsageRow struct {
	Group                string
	Requests             int
	Errors               int
	CacheHits            int
	PromptCharacters     int64
	CompletionCharacters int64
	PromptTokens         int64
	CompletionTokens     int64
	CostUSD              float64
	Latencies            []float64 // milliseconds, in order
}

var usageGroups = map[string]string{"model": "model", "provider": "provider", "task": "task", "day": "substr(at, 1, 10)"}

// UsageGroups are what usage can be summed by.
var UsageGroups = []string{"model", "provider", "task", "day"}

// Usage sums the log between two times by model, provider, task or day.
func (d *DB) Usage(ctx context.Context, from, to time.Time, by string) ([]UsageRow, error) {
	column, ok := usageGroups[by]
	if !ok {
		return nil, models.Errorf(models.Invalid, "group_by", "%.32q is not a group; use model, provider, task or day", by)
	}
	g := d.read.WithContext(ctx).Model(&models.ModelRequest{}).Where("at >= ? AND at < ?", from, to)
	var rows []UsageRow
	err := g.Session(&gorm.Session{}).Select(column + ` AS "group", COUNT(*) AS requests, SUM(status <> 'ok') AS errors, SUM(from_cache) AS cache_hits,
		SUM(prompt_characters) AS prompt_characters, SUM(completion_characters) AS completion_characters,
		SUM(prompt_tokens) AS prompt_tokens, SUM(completion_tokens) AS completion_tokens, SUM(cost_usd) AS cost_usd`).
		Group(column).Order(column).Scan(&rows).Error
	if err != nil {
		return nil, err
	}
	for i := range rows {
		err := g.Session(&gorm.Session{}).Where(column+" = ?", rows[i].Group).Order("latency_ms").Pluck("latency_ms", &rows[i].Latencies).Error
		if err != nil {
			return nil, err
		}
	}
	return rows, nil
}

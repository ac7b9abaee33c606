package db

import (
	"context"
	"time"

	"gorm.io/gorm"

	"searchd/models"
)

// AddModelRequests appends to the log of model requests.
func (d *DB) AddModelRequests(ctx context.Context, list []models.ModelRequest) error {
	if len(list) == 0 {
		return nil
	}
	return d.write.WithContext(ctx).CreateInBatches(list, 50).Error
}

// PruneModelRequests forgets what is older.
func (d *DB) PruneModelRequests(ctx context.Context, before time.Time) error {
	return d.write.WithContext(ctx).Where("at < ?", before.UTC()).Delete(&models.ModelRequest{}).Error
}

// RequestFilter chooses model requests; an empty field admits all.
type RequestFilter struct {
	Provider, Model, Task, Status string
}

func (f RequestFilter) where(g *gorm.DB) *gorm.DB {
	for _, c := range []struct{ column, value string }{
		{"provider", f.Provider}, {"model", f.Model}, {"task", f.Task}, {"status", f.Status},
	} {
		if c.value != "" {
			g = g.Where(c.column+" = ?", c.value)
		}
	}
	return g
}

// ModelRequests lists the log, newest first, older than the row numbered before (0: from the newest), with how many rows
// the filter admits in all.
func (d *DB) ModelRequests(ctx context.Context, f RequestFilter, before uint64, limit int) ([]models.ModelRequest, int, error) {
	g := f.where(d.read.WithContext(ctx).Model(&models.ModelRequest{}))
	var total int64
	if err := g.Session(&gorm.Session{}).Count(&total).Error; err != nil {
		return nil, 0, err
	}
	if before > 0 {
		g = g.Where("seq < ?", before)
	}
	var list []models.ModelRequest
	err := g.Order("seq DESC").Limit(limit).Find(&list).Error
	return list, int(total), err
}

// billed says which requests count against a budget: those that a provider elsewhere was really asked.
const billed = "provider <> 'local' AND attempts > 0 AND NOT from_cache"

// CharactersSince is how many characters providers of a type have been sent and have answered; of all but local ones where
// the type is empty.
func (d *DB) CharactersSince(ctx context.Context, from time.Time, providerType string) (int64, error) {
	g := d.read.WithContext(ctx).Model(&models.ModelRequest{}).Where("at >= ? AND "+billed, from.UTC())
	if providerType != "" {
		g = g.Where("provider_type = ?", providerType)
	}
	var n int64
	err := g.Select("COALESCE(SUM(prompt_characters + completion_characters), 0)").Scan(&n).Error
	return n, err
}

// UsageRow is a group's sum. The quantiles are exact, by nearest rank: P95 is the least latency that 95 % of the group's
// requests do not exceed.
type UsageRow struct {
	Group                string
	Requests             int
	Errors               int
	CacheHits            int
	PromptCharacters     int64
	CompletionCharacters int64
	PromptTokens         int64
	CompletionTokens     int64
	BilledCharacters     int64 // what CharactersSince counts
	CostUSD              float64
	P50, P95, P99        float64 // milliseconds
}

var usageGroups = map[string]string{"model": "model", "provider": "provider", "task": "task", "day": "substr(at, 1, 10)"}

// Usage sums the log between two times by model, provider, task or day.
func (d *DB) Usage(ctx context.Context, from, to time.Time, by string) ([]UsageRow, error) {
	column, ok := usageGroups[by]
	if !ok {
		return nil, models.Errorf(models.Invalid, "group_by", "%.32q is not a group; use model, provider, task or day", by)
	}
	var rows []UsageRow
	err := d.read.WithContext(ctx).Raw(`
		WITH ranked AS (
			SELECT *, `+column+` AS name, ROW_NUMBER() OVER latency AS place, COUNT(*) OVER (PARTITION BY `+column+`) AS size
			FROM model_requests WHERE at >= ? AND at < ? WINDOW latency AS (PARTITION BY `+column+` ORDER BY latency_ms)
		)
		SELECT name AS "group", COUNT(*) AS requests, SUM(status <> ?) AS errors, SUM(from_cache) AS cache_hits,
			SUM(prompt_characters) AS prompt_characters, SUM(completion_characters) AS completion_characters,
			SUM(prompt_tokens) AS prompt_tokens, SUM(completion_tokens) AS completion_tokens, SUM(cost_usd) AS cost_usd,
			SUM(CASE WHEN `+billed+` THEN prompt_characters + completion_characters ELSE 0 END) AS billed_characters,
			MIN(CASE WHEN 100 * place >= 50 * size THEN latency_ms END) AS p50,
			MIN(CASE WHEN 100 * place >= 95 * size THEN latency_ms END) AS p95,
			MIN(CASE WHEN 100 * place >= 99 * size THEN latency_ms END) AS p99
		FROM ranked GROUP BY name ORDER BY name`, from.UTC(), to.UTC(), models.RequestOK).Scan(&rows).Error
	return rows, err
}

package api

import (
	"strconv"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/samber/lo"

	"searchd/api/wire"
	"searchd/models"
	"searchd/models/db"
)

// usage sums the log of model requests.
func (s *Server) usage(c *fiber.Ctx) error {
	p := query(c, "from", "to", "group_by")
	from, to := p.time("from", time.Unix(0, 0)), p.time("to", time.Now().Add(time.Minute))
	by := p.text("group_by", "model")
	if p.values.Has("to") && !from.Before(to) {
		p.fail(models.Errorf(models.Invalid, "to", "is not later than from, so nothing can be between them"))
	}
	if p.err != nil {
		return p.err
	}
	rows, err := s.DB.Usage(c.UserContext(), from, to, by)
	if err != nil {
		return err
	}
	spent, hosted := s.Tasks.Usage.Spent()
	limit, tier := s.Tasks.Usage.MonthlyCharacters, s.Tasks.Tier
	return send(c, wire.UsageList{
		Usage: lo.Map(rows, func(r db.UsageRow, _ int) wire.UsageGroup { return wireUsage(r) }), Total: len(rows),
		MonthlyCharacters: spent, MonthlyLimit: limit, MonthlyLeft: left(limit, spent),
		Tier: tier.Name, TierCharacters: int64(tier.MonthlyCharacters), TierLeft: left(int64(tier.MonthlyCharacters), hosted),
	})
}

// left is what remains of a limit; nil where there is none.
func left(limit, spent int64) *int64 {
	if limit == 0 {
		return nil
	}
	return lo.ToPtr(max(0, limit-spent))
}

func wireUsage(r db.UsageRow) wire.UsageGroup {
	return wire.UsageGroup{
		Group: r.Group, Requests: r.Requests, Errors: r.Errors, CacheHits: r.CacheHits,
		PromptCharacters: r.PromptCharacters, CompletionCharacters: r.CompletionCharacters,
		PromptTokens: r.PromptTokens, CompletionTokens: r.CompletionTokens, EstimatedCostUSD: r.CostUSD,
		BilledCharacters: r.BilledCharacters, LatencyP50MS: r.P50, LatencyP95MS: r.P95, LatencyP99MS: r.P99,
	}
}

func (s *Server) listModelRequests(c *fiber.Ctx) error {
	p := query(c, "limit", "cursor", "provider", "model", "task", "status")
	page := p.page()
	before := p.before(page)
	if p.err != nil {
		return p.err
	}
	filter := db.RequestFilter{
		Provider: p.values.Get("provider"), Model: p.values.Get("model"), Task: p.values.Get("task"), Status: p.values.Get("status"),
	}
	list, total, err := s.DB.ModelRequests(c.UserContext(), filter, before, page.Limit)
	if err != nil {
		return err
	}
	list, next := shown(list, page, func(r models.ModelRequest) string { return strconv.FormatUint(r.Seq, 10) })
	return send(c, wire.RequestList{
		Requests:   lo.Map(list, func(r models.ModelRequest, _ int) wire.ModelRequest { return wireModelRequest(r) }),
		Total:      total,
		NextCursor: next,
	})
}

func wireModelRequest(r models.ModelRequest) wire.ModelRequest {
	return wire.ModelRequest{
		At: r.At.UTC().Format(time.RFC3339Nano), Task: r.Task, Provider: r.Provider, Model: r.Model, Status: r.Status,
		Attempts: r.Attempts, FromCache: r.FromCache, LatencyMS: r.LatencyMS, EstimatedCostUSD: r.CostUSD, Prompt: r.Prompt,
		Usage: wire.Usage{
			PromptCharacters: r.PromptCharacters, CompletionCharacters: r.CompletionCharacters,
			PromptTokens: r.PromptTokens, CompletionTokens: r.CompletionTokens,
		},
	}
}

package db_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"searchd/models"
	"searchd/models/db"
)

// morning is in a zone where the day is another than in UTC.
var morning = time.Date(2026, 3, 2, 1, 0, 0, 0, time.FixedZone("", 2*60*60)) // 23:00 of the 1st, UTC

// log fills the log with 100 requests of one model, which took 1 to 100 ms in no order, and with one of another.
func log(t *testing.T, d *db.DB) {
	t.Helper()
	var list []models.ModelRequest
	for i := range 100 {
		r := models.ModelRequest{
			At: morning.Add(time.Duration(i) * time.Minute).UTC(), Task: "text-generation", Provider: "hf", ProviderType: "huggingface", Model: "a/b",
			Status: models.RequestOK, Attempts: 1, PromptCharacters: 10, CompletionCharacters: 20, PromptTokens: 3, CompletionTokens: 4,
			LatencyMS: float64((i*37)%100 + 1), CostUSD: 0.000018,
		}
		switch {
		case i < 4:
			r.Status, r.CostUSD, r.CompletionCharacters = "rate_limit", 0, 0
		case i < 10:
			r.FromCache, r.CostUSD = true, 0
		}
		list = append(list, r)
	}
	list = append(list, models.ModelRequest{At: morning.UTC(), Task: "sentiment", Provider: "local", Model: "vader", Status: models.RequestOK, PromptCharacters: 7, LatencyMS: 5})
	if err := d.AddModelRequests(t.Context(), list); err != nil {
		t.Fatal(err)
	}
}

func TestUsage(t *testing.T) {
	d := open(t, t.TempDir())
	log(t, d)
	ab := db.UsageRow{
		Group: "a/b", Requests: 100, Errors: 4, CacheHits: 6, PromptCharacters: 1000, CompletionCharacters: 96 * 20,
		PromptTokens: 300, CompletionTokens: 400, BilledCharacters: 94*10 + 90*20, CostUSD: 90 * 0.000018, P50: 50, P95: 95, P99: 99,
	}
	vader := db.UsageRow{Group: "vader", Requests: 1, PromptCharacters: 7, P50: 5, P95: 5, P99: 5}
	named := func(r db.UsageRow, name string) db.UsageRow { r.Group = name; return r }
	whole := [2]time.Time{morning, morning.Add(24 * time.Hour)}
	for _, test := range []struct {
		by   string
		span [2]time.Time
		want []db.UsageRow
	}{
		{"model", whole, []db.UsageRow{ab, vader}},
		{"provider", whole, []db.UsageRow{named(ab, "hf"), named(vader, "local")}},
		{"task", whole, []db.UsageRow{named(vader, "sentiment"), named(ab, "text-generation")}},
		{"model", [2]time.Time{morning.Add(-time.Hour), morning}, nil},
		{"model", [2]time.Time{morning.Add(100 * time.Minute), whole[1]}, nil},
		// Of three requests, which took 85, 22 and 59 ms, the second counts for the half and the third for the rest.
		{"model", [2]time.Time{morning.Add(12 * time.Minute), morning.Add(15 * time.Minute)}, []db.UsageRow{{
			Group: "a/b", Requests: 3, PromptCharacters: 30, CompletionCharacters: 60, PromptTokens: 9, CompletionTokens: 12, BilledCharacters: 90,
			CostUSD: 3 * 0.000018, P50: 45, P95: 82, P99: 82,
		}}},
	} {
		got, err := d.Usage(t.Context(), test.span[0], test.span[1], test.by)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(test.want, got, cmpopts.EquateApprox(0, 1e-12), cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("by %s, %v (-want +got):\n%s", test.by, test.span, diff)
		}
	}
	days, err := d.Usage(t.Context(), whole[0], whole[1], "day")
	if err != nil || len(days) != 2 || days[0].Group != "2026-03-01" || days[0].Requests != 61 || days[1].Group != "2026-03-02" || days[1].Requests != 40 {
		t.Errorf("by day (UTC): %+v, %v", days, err)
	}
	if _, err := d.Usage(t.Context(), whole[0], whole[1], "mood"); models.CodeOf(err) != models.Invalid {
		t.Errorf("by mood: %v", err)
	}
}

func TestCharactersSince(t *testing.T) {
	d := open(t, t.TempDir())
	log(t, d)
	for _, test := range []struct {
		since        time.Time
		providerType string
		want         int64
	}{
		{morning, "", 4*10 + 90*30}, // neither what was in the cache nor what ran in this process
		{morning, "huggingface", 4*10 + 90*30},
		{morning, "tei", 0},
		{morning.Add(98 * time.Minute), "", 2 * 30},
	} {
		if got, err := d.CharactersSince(t.Context(), test.since, test.providerType); err != nil || got != test.want {
			t.Errorf("%q since %v: %d, %v; want %d", test.providerType, test.since, got, err, test.want)
		}
	}
}

func TestModelRequestsAreFilteredAndPaged(t *testing.T) {
	d := open(t, t.TempDir())
	log(t, d)
	for _, test := range []struct {
		filter db.RequestFilter
		want   int
	}{
		{db.RequestFilter{}, 101},
		{db.RequestFilter{Provider: "hf"}, 100},
		{db.RequestFilter{Model: "vader"}, 1},
		{db.RequestFilter{Task: "text-generation", Status: "rate_limit"}, 4},
		{db.RequestFilter{Provider: "local", Status: "rate_limit"}, 0},
	} {
		var seen []uint64
		for before := uint64(0); ; before = seen[len(seen)-1] {
			list, total, err := d.ModelRequests(t.Context(), test.filter, before, 30)
			if err != nil || total != test.want {
				t.Fatalf("%+v: total %d, %v; want %d", test.filter, total, err, test.want)
			}
			for _, r := range list {
				seen = append(seen, r.Seq)
			}
			if len(list) < 30 {
				break
			}
		}
		if !slices.IsSortedFunc(seen, func(a, b uint64) int { return int(b) - int(a) }) || len(slices.Compact(seen)) != test.want {
			t.Errorf("%+v: rows %v, want %d from new to old", test.filter, seen, test.want)
		}
	}
}

func TestPruneModelRequests(t *testing.T) {
	d := open(t, t.TempDir())
	log(t, d)
	if err := d.PruneModelRequests(t.Context(), morning.Add(90*time.Minute)); err != nil {
		t.Fatal(err)
	}
	list, total, err := d.ModelRequests(t.Context(), db.RequestFilter{}, 0, 100)
	if err != nil || total != 10 || fmt.Sprint(list[9].At.UTC()) != fmt.Sprint(morning.Add(90*time.Minute).UTC()) {
		t.Errorf("%d are left, %v", total, err)
	}
}

// TestAnOlderLogIsKept opens a store as the schema before the last one left it.
func TestAnOlderLogIsKept(t *testing.T) {
	dir := t.TempDir()
	must(t, open(t, dir).Close())
	raw(t, dir, `ALTER TABLE model_requests DROP COLUMN prompt`, `ALTER TABLE model_requests DROP COLUMN provider_type`,
		`INSERT INTO model_requests (at, task, provider, model, status, attempts, from_cache, prompt_characters, completion_characters, prompt_tokens, completion_tokens, latency_ms, cost_usd)
			VALUES ('2026-03-01 23:00:00 +0000 UTC', 'summarization', 'hf', 'a/b', 'ok', 1, 0, 10, 20, 0, 0, 5, 0)`,
		"PRAGMA user_version = 2")
	d := open(t, dir)
	log(t, d)
	list, total, err := d.ModelRequests(t.Context(), db.RequestFilter{Task: "summarization"}, 0, 10)
	if err != nil || total != 1 || list[0].PromptCharacters != 10 || list[0].Prompt != "" {
		t.Errorf("%+v, %d, %v", list, total, err)
	}
	if n, err := d.CharactersSince(t.Context(), morning, ""); err != nil || n != 30+4*10+90*30 {
		t.Errorf("%d characters, %v", n, err)
	}
}
